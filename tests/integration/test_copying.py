"""COPY and ADD: layers that are made of contexts and stages, on real overlays, and seen by real containers."""

import io
import os
import socket
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from labcore.builder.copy.root_tree import RootTree
from labcore.builder.copy.selection import select
from labcore.builder.copy.sources import InlineFiles
from labcore.engine import Engine
from labcore.errors import InvalidInput
from tests.conftest import needs_root
from tests.copies import Builder, shown
from tests.unit.test_unpack import archive, entry

pytestmark = pytest.mark.usefixtures("nothing_left")
D, L, H = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


@pytest.fixture
def builder(engine: Engine, tmp_path: Path) -> Iterator[Builder]:
    with ExitStack() as undo:
        yield Builder(engine, undo, tmp_path)


FILES = [
    entry("app", D, mode=0o750, mtime=100), entry("app/main.py", content=b"main", mode=0o640, mtime=200, uid=7),
    entry("app/sub", D, mode=0o700, mtime=300), entry("app/sub/x", content=b"x", mtime=400),
    entry("app/link", L, linkname="/etc/passwd"),
    entry("one.txt", content=b"one", mtime=500), entry("two.txt", content=b"two", mtime=600),
    entry("to", L, linkname="app/main.py"),
]  # fmt: skip


# sources, destination, what the layer has
PLACES = [
    (["one.txt"], "/new/", ["new 755 0:0 500", "new/one.txt 644 0:0 500"]),
    (["one.txt"], "/new", ["new 644 0:0 500"]),
    (["./one.txt"], "/a/b/c", ["a 755 0:0 500", "a/b 755 0:0 500", "a/b/c 644 0:0 500"]),
    (["/one.txt"], "/tmp", ["tmp 1777 0:0 0", "tmp/one.txt 644 0:0 500"]),
    (
        ["app"],
        "/tmp/",
        ["tmp 1777 0:0 0", "tmp/link 777 0:0 0", "tmp/main.py 640 0:0 200", "tmp/sub 700 0:0 300", "tmp/sub/x 644 0:0 400"],
    ),
    (
        ["app/"],
        "/new",
        ["new 755 0:0 100", "new/link 777 0:0 0", "new/main.py 640 0:0 200", "new/sub 700 0:0 300", "new/sub/x 644 0:0 400"],
    ),
    (["app/sub/../main.py"], "/", ["main.py 640 0:0 200"]),
    (["to"], "/", ["to 640 0:0 200"]),
    (["*.txt"], "/new/", ["new 755 0:0 600", "new/one.txt 644 0:0 500", "new/two.txt 644 0:0 600"]),
    (["app/*"], "/n/", ["n 755 0:0 300", "n/link 755 0:0 0"]),
    (["a*/s?b/[x-z]"], "/x", ["x 644 0:0 400"]),
    (
        ["one.txt", "two.txt", "app/sub"],
        "/n/",
        ["n 755 0:0 600", "n/one.txt 644 0:0 500", "n/two.txt 644 0:0 600", "n/x 644 0:0 400"],
    ),
]


@pytest.mark.parametrize(
    ("sources", "to", "wanted"), [each for each in PLACES if each[0] != ["app/*"]], ids=lambda each: str(each)[:40]
)
def test_where_files_go(builder: Builder, sources: list[str], to: str, wanted: list[str]) -> None:
    builder.add(archive(entry("tmp", D, mode=0o1777)))
    assert shown(builder.copy([select(builder.context(*FILES), sources)], to)) == wanted


def test_a_container_sees_them(builder: Builder) -> None:
    builder.copy([select(builder.context(*FILES), ["."])], "/srv/data/")
    look = "cd /srv/data; cat app/main.py app/sub/x one.txt; echo"
    look += "; stat -c '%n %a %u %Y' app app/main.py app/sub; readlink app/link; readlink to"
    assert builder.see(look) == [
        "mainxone",
        "app 750 0 100",
        "app/main.py 640 0 200",
        "app/sub 700 0 300",
        "/etc/passwd",
        "app/main.py",
    ]


MISSING = "COPY failed: file not found in build context or excluded by .dockerignore: stat {}: file does not exist"
REFUSED = [
    (["nope"], "/x", MISSING.format("nope")),
    (["/app/nope"], "/x", MISSING.format("app/nope")),
    (["one.txt/x"], "/x", MISSING.format("one.txt/x")),
    (["one.txt", "nope"], "/x/", MISSING.format("nope")),
    (["nope*"], "/x", "COPY failed: no source files were specified"),
    (["../etc/passwd"], "/x", "COPY failed: forbidden path outside the build context: ../etc/passwd ()"),
    (["a/../../x"], "/x", "COPY failed: forbidden path outside the build context: a/../../x ()"),
    (["app/link"], "/x", MISSING.format("app/link")),
    (["*.txt"], "/x", "When using COPY with more than one source file, the destination must be a directory and end with a /"),
    (["app"], "/bin/busybox", "cannot copy to non-directory: /bin/busybox"),
    (["one.txt"], "/bin/busybox/x", "/bin/busybox is no directory in the image: nothing can be copied into it"),
    (["dir"], "/", "cannot replace to directory /etc with file"),
    (["file"], "/", "cannot copy to non-directory: /bin/busybox"),
    (["[a"], "/", "COPY failed: syntax error in pattern: '[a'"),
    (["hidden"], "/", "/.wh.etc: in a layer this name would delete another file"),
]


@pytest.mark.parametrize(("sources", "to", "problem"), REFUSED, ids=[problem for _, _, problem in REFUSED])
def test_refused(builder: Builder, sources: list[str], to: str, problem: str) -> None:
    more = [entry("dir/etc"), entry("file/bin/busybox/x"), entry("hidden/.wh.etc")]
    with pytest.raises(InvalidInput) as raised:
        builder.copy([select(builder.context(*FILES, *more), sources)], to)
    assert str(raised.value).startswith(problem)


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "n" * 256, "d/" * 2000])
def test_paths_that_no_file_can_have(builder: Builder, engine: Engine, path: str) -> None:
    context = builder.context(*FILES, entry("long", L, linkname=f"{'n' * 256}"))
    with RootTree(engine, builder.layers, "stage build") as stage:
        for source in (context, stage):
            with pytest.raises(InvalidInput, match=r"^COPY failed: .* can be no file's path"):
                select(source, [path])
    with pytest.raises(InvalidInput, match="can be no file's path"):
        builder.copy([select(context, ["one.txt"])], f"/{path}")
    with pytest.raises(InvalidInput, match="file does not exist"):
        select(context, ["long"])


def test_links_of_the_image_are_followed_and_lead_nowhere_else(builder: Builder) -> None:
    builder.add(archive(
        entry("real", D, mode=0o711, uid=3, gid=4, mtime=9), entry("link", L, linkname="real"),
        entry("up", L, linkname="../../../real"),
        entry("gone", L, linkname="/missing/there"), entry("file", L, linkname="real/file"), entry("loop", L, linkname="loop"),
        entry("real/old", L, linkname="/etc/passwd"),
    ))  # fmt: skip
    context = builder.context(entry("x", content=b"x"), entry("old", content=b"new"))
    x = [select(context, ["x"])]
    assert shown(builder.copy(x, "/link/")) == ["real 711 3:4 9", "real/x 644 0:0 0"]
    assert list(builder.copy(x, "/up/new/")) == ["real", "real/new", "real/new/x"]
    assert list(builder.copy(x, "/gone/")) == ["missing", "missing/there", "missing/there/x"]
    assert list(builder.copy(x, "/file")) == ["real", "real/file"]
    assert list(builder.copy([select(context, ["old"])], "/link/")) == ["real", "real/old"]
    assert builder.see("cat /link/x /real/new/x /gone/x /file /real/old; readlink /link; wc -l < /etc/passwd")[0].startswith(
        "xxxxnew"
    )
    with pytest.raises(InvalidInput, match="too many links"):
        builder.copy(x, "/loop/x")


def test_owner_and_mode(builder: Builder) -> None:
    context = builder.context(entry("d/x", content=b"x", mode=0o600), entry("d/s", L, linkname="x"), entry("d/e/y", mode=0o755))
    builder.add(archive(entry("etc/passwd", content=b"me:x:12:34::/:\n"), entry("etc/group", content=b"we:x:56:\n")))
    chosen = [select(context, ["d"])]
    for owner, ids in (
        ("7", "7:7"),
        ("7:8", "7:8"),
        ("me", "12:34"),
        ("me:we", "12:56"),
        ("12:we", "12:56"),
        ("4000000000:0", "4000000000:0"),
    ):
        assert {f"{each.uid}:{each.gid}" for each in builder.copy(chosen, "/n1/n2/", owner=owner).values()} >= {ids}
    new = builder.copy(chosen, "/o1/o2/", owner="me")
    assert {(each.uid, each.gid) for each in new.values()} == {(12, 34)}
    for owner in ("nobody-here", "me:nobody-here", "5000000000"):
        with pytest.raises(InvalidInput):
            builder.copy(chosen, "/n/", owner=owner)
    modes = {"755": ["755", "755", "777", "755"], "u+x,go=r": ["744", "744", "777", "744"], "a+X": ["755", "755", "777", "600"]}
    for number, (mode, wanted) in enumerate(modes.items()):
        members = builder.copy(chosen, f"/m{number}/", mode=mode)
        assert [f"{each.mode:o}" for each in members.values()][1:] == wanted
    for mode in ("8", "10000", "u+q", "rwx", ""):
        if mode:
            with pytest.raises(InvalidInput, match="chmod"):
                builder.copy(chosen, "/n/", mode=mode)
    assert builder.see("stat -c '%a %u:%g' /o1/o2/x /m0/x") == ["600 12:34", "755 0:0"]


def test_from_a_stage(builder: Builder, engine: Engine) -> None:
    builder.add(archive(
        entry("out", D, mode=0o711, uid=3, mtime=5),
        entry("out/bin", content=b"#!", mode=0o4755, uid=8, gid=9, mtime=6_000_000_000),
        entry("out/two", H, linkname="out/bin"), entry("out/to", L, linkname="bin"),
        entry("out/null", tarfile.CHRTYPE, devmajor=1, devminor=3),
        entry("out/fifo", tarfile.FIFOTYPE), entry("out/cap", content=b"c", pax_headers={"SCHILY.xattr.user.note": "yes"}),
        entry("result", L, linkname="/out"),
    ))  # fmt: skip
    with RootTree(engine, builder.layers, "stage build") as stage:
        chosen = select(stage, ["/result"])
        members = builder.copy([chosen], "/copy/")
        assert list(members) == ["copy", *(f"copy/{name}" for name in ("bin", "cap", "fifo", "null", "to", "two"))]
        assert (members["copy/bin"].uid, members["copy/bin"].mode, members["copy/two"].linkname) == (8, 0o4755, "copy/bin")
        assert members["copy/cap"].pax_headers["SCHILY.xattr.user.note"] == "yes"
        assert (members["copy/null"].type, members["copy/null"].devmajor, members["copy/null"].devminor) == (
            tarfile.CHRTYPE,
            1,
            3,
        )
        assert chosen.digest == select(stage, ["out"]).digest != select(stage, ["out/bin"]).digest
        assert [each.name for each in select(stage, ["../../o*t/b*"]).named] == [b"bin"]
        with pytest.raises(InvalidInput, match=r"^COPY failed: stat nope: file does not exist$"):
            select(stage, ["nope"])
    assert builder.see("cd /copy; cat bin to two cap; stat -c %h bin; echo x > null; stat -c %Y bin") == [
        "#!#!#!c2",
        "6000000000",
    ]


def test_a_socket_of_a_stage(builder: Builder, engine: Engine) -> None:
    """One is left out, unless it is what was named."""
    directory = engine.root / "storage" / "layers" / builder.layers[0]
    name = f"{os.urandom(4).hex()}.sock"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(directory / name))
    try:
        with RootTree(engine, builder.layers, "stage build") as stage:
            with pytest.raises(InvalidInput, match=f"COPY failed: {name} is a socket, which cannot be copied"):
                select(stage, [name])
            assert name not in {os.fsdecode(path) for path, _ in select(stage, ["/"]).named[0].entries}
    finally:
        (directory / name).unlink()


def test_all_of_a_stage(builder: Builder, engine: Engine) -> None:
    """The flattening of an image: COPY --from=build / /."""
    with RootTree(engine, builder.layers, "stage build") as stage:
        empty = [engine.layers.add_empty()]
        builder.layers = empty
        members = builder.copy([select(stage, ["/"])], "/")
    with tarfile.open(fileobj=io.BytesIO(builder.added[-1])) as tar:
        assert sorted(tar.getnames()) == sorted(members)
    assert {"bin/busybox", "bin/sh", "etc/passwd"} <= set(members)


def test_heredocs(builder: Builder) -> None:
    files = InlineFiles({"run.sh": b"echo hello\n", "x": b""})
    members = builder.copy([select(files, ["run.sh", "x"])], "/n/", mode="700")
    assert shown(members) == ["n 700 0:0 0", "n/run.sh 700 0:0 0", "n/x 700 0:0 0"]
    assert builder.see("/n/run.sh; wc -c < /n/x") == ["hello", "0"]
    assert len({select(InlineFiles({"x": content}), ["x"]).digest for content in (b"1", b"2", b"1")}) == 2


def test_parents(builder: Builder) -> None:
    context = builder.context(*FILES, entry("app/sub/deep/z.py", content=b"z"), entry("other/main.py"))

    def below(*patterns: str) -> list[str]:
        chosen = select(context, patterns, keeps_parents=True)
        return sorted(os.fsdecode(path) for each in chosen.named for path, _ in each.entries)

    assert below("app/sub/x") == ["app", "app/sub", "app/sub/x"]
    assert below("./app/sub") == ["app", "app/sub", "app/sub/deep", "app/sub/deep/z.py", "app/sub/x"]
    assert below("app/./sub/x") == ["sub", "sub/x"]
    assert below("**/*.py") == ["app", "app/main.py", "app/sub", "app/sub/deep", "app/sub/deep/z.py", "other", "other/main.py"]
    assert below("*/./main.py") == ["main.py", "main.py"]
    assert below("app/./*/*/z.py") == ["sub", "sub/deep", "sub/deep/z.py"]
    for pattern, problem in (
        ("app/nope", MISSING.format("app/nope")),
        ("*/nope", "COPY failed: no source files were specified"),
    ):
        with pytest.raises(InvalidInput) as raised:
            below(pattern)
        assert str(raised.value) == problem
    members = builder.copy([select(context, ["app/sub/x"], keeps_parents=True)], "/n/")
    assert shown(members) == ["n 755 0:0 100", "n/app 750 0:0 100", "n/app/sub 700 0:0 300", "n/app/sub/x 644 0:0 400"]


def test_excluded(builder: Builder) -> None:
    context = builder.context(*FILES)

    def names(*patterns: str, excluded: Sequence[str]) -> list[str]:
        return list(builder.copy([select(context, patterns, excluded=excluded)], "/n/"))[1:]

    assert names(".", excluded=["*.txt", "app/sub"]) == ["n/app", "n/app/link", "n/app/main.py", "n/to"]
    assert names("app", excluded=["*", "!sub/x"]) == ["n/sub", "n/sub/x"]
    assert names("*.txt", excluded=["two*"]) == ["n/one.txt"]
    with pytest.raises(InvalidInput, match="no source files"):
        names("one.txt", excluded=["one.txt"])


def test_linked(builder: Builder) -> None:
    """The image plays no part in it: neither its links nor its directories."""
    builder.add(archive(entry("real", D), entry("link", L, linkname="real"), entry("tmp", D, mode=0o1777)))
    members = builder.copy([select(builder.context(*FILES), ["one.txt"])], "/link/x/", linked=True, owner="5:6")
    assert shown(members) == ["link 755 5:6 500", "link/x 755 5:6 500", "link/x/one.txt 644 5:6 500"]
    assert builder.see("ls -d /real/*; ls /link; cat /link/x/one.txt; true") == ["x", "one"]


def test_no_time_is_later_than_the_epoch(builder: Builder) -> None:
    context = builder.context(entry("a", mtime=100), entry("b", mtime=300), entry("c", mtime=200.5))
    members = builder.copy([select(context, ["."])], "/n/", epoch=200)
    assert [member.mtime for member in members.values()] == [100, 100, 200, 200]


def test_hard_links_long_names_and_attributes(builder: Builder) -> None:
    name = "l" * 90 + "/" + "ü" * 100
    odd = os.fsdecode(b"\xff\xfe")
    context = builder.context(
        entry(name, content=b"1"), entry("second", H, linkname=name),
        entry(odd, content=b"2", pax_headers={"SCHILY.xattr.user.a": "b"}),
        entry("third", H, linkname="second"),
    )  # fmt: skip
    members = builder.copy([select(context, ["."])], "/n/")
    assert [members[f"n/{each}"].linkname for each in ("second", "third")] == [f"n/{name}"] * 2
    assert members[f"n/{odd}"].pax_headers["SCHILY.xattr.user.a"] == "b"
    assert builder.see("cd /n; cat second; stat -c %h second; cat $(printf '\\377\\376')") == ["13", "2"]
    single = builder.copy([select(context, ["third"])], "/")
    assert (single["third"].type, single["third"].size) == (tarfile.REGTYPE, 1)


def test_the_later_of_two_files_of_one_name_wins(builder: Builder) -> None:
    context = builder.context(entry("a/x", content=b"1"), entry("b/x", content=b"22"), entry("c/x/y"))
    assert builder.copy([select(context, ["a", "b"])], "/n/")["n/x"].size == 2
    with pytest.raises(InvalidInput, match="cannot copy to non-directory: /n/x"):
        builder.copy([select(context, ["a", "c"])], "/n/")


def test_implied_directories_leave_the_images_as_they_are(builder: Builder) -> None:
    builder.add(archive(entry("tmp", D, mode=0o1777, mtime=5)))
    members = builder.copy([select(builder.context(entry("tmp/new/x", content=b"x", mtime=9)), ["."])], "/")
    assert shown(members) == ["tmp 1777 0:0 5", "tmp/new 755 0:0 9", "tmp/new/x 644 0:0 9"]

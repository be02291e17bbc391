"""ADD: archives are unpacked, URLs fetched from a server of this machine; and sources unpacked for RUN's bind mounts."""

import bz2
import gzip
import lzma
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import zstandard

from labcore.builder.copy.download import downloaded, is_git, is_url
from labcore.builder.copy.extraction import extracted
from labcore.builder.copy.selection import select
from labcore.engine import Engine
from labcore.errors import InvalidInput, StoreFull, Unavailable
from tests.conftest import needs_root, small_disk
from tests.copies import Builder, shown
from tests.unit.test_unpack import archive, entry

pytestmark = pytest.mark.usefixtures("nothing_left")
D, L, H = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
COMPRESSIONS = [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress]
CONTENT = archive(
    entry("./", D, mode=0o700), entry("./bin/", D, mode=0o711, uid=3),
    entry("./bin/x", content=b"x", uid=5, gid=6, mode=0o4755, mtime=7),
    entry("./bin/y", H, linkname="./bin/x"), entry("./to", L, linkname="/bin/x"),
    entry("./null", tarfile.CHRTYPE, devmajor=1, devminor=3),
)  # fmt: skip


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


@pytest.fixture
def builder(engine: Engine, tmp_path: Path) -> Iterator[Builder]:
    with ExitStack() as undo:
        yield Builder(engine, undo, tmp_path)


@pytest.mark.parametrize("compress", COMPRESSIONS)
def test_archives_are_unpacked(builder: Builder, compress: Callable[[bytes], bytes]) -> None:
    """Whatever they are called, and with their owners; as a part of a file's name says nothing."""
    chosen = [select(builder.context(entry("data.txt", content=compress(CONTENT), mtime=9)), ["data.txt"])]
    members = builder.copy(chosen, "/n", unpack=None)
    assert shown(members) == [
        "n 755 0:0 9", "n/bin 711 3:0 0", "n/bin/x 4755 5:6 7", "n/bin/y 4755 5:6 7", "n/null 644 0:0 0", "n/to 777 0:0 0",
    ]  # fmt: skip
    assert members["n/bin/y"].linkname == "n/bin/x"
    assert list(builder.copy(chosen, "/kept", unpack=False)) == ["kept"]
    assert {each.uid for each in builder.copy(chosen, "/mine/", unpack=None, owner="8").values()} == {8}
    assert builder.see("cat /n/bin/y; stat -c %h /n/bin/y; echo gone > /n/null; readlink /n/to") == ["x2", "/bin/x"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x" * 511,
        b"text\n" * 500,
        bytes(1024),
        gzip.compress(b"no archive"),
        gzip.compress(CONTENT)[:20],
        CONTENT[:400],
        b"BZh9",
    ],
    ids=["empty", "short", "text", "zeros", "gzip", "gzip, cut", "tar, cut", "bzip2, cut"],
)
def test_what_is_no_archive_is_copied(builder: Builder, content: bytes) -> None:
    members = builder.copy([select(builder.context(entry("a.tar.gz", content=content)), ["*"])], "/n/", unpack=None)
    assert [(name, each.size) for name, each in members.items()] == [("n", 0), ("n/a.tar.gz", len(content))]


@pytest.mark.parametrize(
    ("inner", "problem"),
    [
        (CONTENT[:1536], "the archive a.tar is no tar archive that can be read"),
        (archive(entry("x"), entry("../up")), "leads out"),
        (archive(entry("x"), entry("/../abs")), "leads out"),
        (archive(entry("a", L, linkname="/etc"), entry("a/x")), "which is no directory"),
        (archive(entry(".wh.etc")), "would delete another file"),
    ],
)
def test_archives_that_are_refused(builder: Builder, inner: bytes, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        builder.copy([select(builder.context(entry("a.tar", content=inner)), ["a.tar"])], "/n/", unpack=None)


def test_an_archive_and_what_the_image_has(builder: Builder) -> None:
    """Directories without an entry stay as they are, behind links too; what has an entry takes the place of what is there."""
    builder.add(archive(
        entry("usr/lib", D, mode=0o711, uid=2), entry("lib", L, linkname="usr/lib"), entry("tmp", D, mode=0o1777),
        entry("opt/file"), entry("opt/dir/x"), entry("opt/link", L, linkname="/tmp"),
    ))  # fmt: skip
    inner = archive(
        entry("lib/new", content=b"new"), entry("tmp/new"), entry("opt/file", D, mode=0o700),
        entry("opt/dir", content=b"now a file"),
        entry("opt/link", D),
    )  # fmt: skip
    members = builder.copy([select(builder.context(entry("a", content=inner)), ["a"])], "/", unpack=None)
    assert shown({name: members[name] for name in ("usr/lib", "usr/lib/new", "tmp")}) == [
        "usr/lib 711 2:0 0", "usr/lib/new 644 0:0 0", "tmp 1777 0:0 0",
    ]  # fmt: skip
    look = "cat /lib/new /opt/dir; ls /opt/file /opt/link; test -L /lib; stat -c %a /opt/file; ls /tmp"
    assert builder.see(look) == ["newnow a file/opt/file:", "", "/opt/link:", "700", "new"]


# --- downloads


class Handler(BaseHTTPRequestHandler):
    """Serves what the paths say."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/missing":
            self.send_error(404)
        elif path.startswith("/to/"):
            self.send_response(302)
            self.send_header(
                "Location",
                {"ftp": "ftp://127.0.0.1/x", "file": "file:///etc/passwd", "loop": "/to/loop"}.get(path[4:], "/a.txt"),
            )
            self.end_headers()
        elif path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"only this")
        else:
            content = CONTENT if path == "/a.tar" else b"x" * (2 << 20) if path == "/big" else b"content"
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Last-Modified", "odd" if path == "/odd" else "Mon, 01 Jan 2024 00:00:00 GMT")
            if path == "/":
                self.send_header("Content-Disposition", 'attachment; filename="../said"')
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = Thread(target=made.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join()


NAMES = [
    ("/a.txt", "a.txt"), ("/d/b%20c?q=1#f", "b c"), ("/dir/", "dir"), ("/", "said"), ("/x%2f..", "__unnamed__"), ("/to/a", "a"),
    ("/odd", "odd"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "name"), NAMES)
def test_a_download_is_a_file(server: str, tmp_path: Path, path: str, name: str) -> None:
    counts: list[int] = []
    with downloaded(server + path, tmp_path, received=counts.append) as source:
        ((found, item),) = source.below(b"")
        assert (found, item.mode, item.size, item.digest) == (os.fsencode(name), 0o600, 7, sha256(b"content").digest())
        assert item.mtime == (0 if path == "/odd" else 1704067200 * 10**9)
        assert counts[-1] == 7
    assert list(tmp_path.iterdir()) == []


def test_add_of_a_download(builder: Builder, server: str, tmp_path: Path) -> None:
    """Its archives are unpacked only if that is asked for."""
    with downloaded(f"{server}/a.tar", tmp_path) as source:
        chosen = [select(source, ["*"], command="ADD")]
        assert shown(builder.copy(chosen, "/n/", unpack=None))[1:] == ["n/a.tar 600 0:0 1704067200"]
        assert "m/bin/x" in builder.copy(chosen, "/m/", unpack=True)
    with downloaded(f"{server}/x%2f..", tmp_path) as source:
        chosen = [select(source, ["*"], command="ADD")]
        assert list(builder.copy(chosen, "/f")) == ["f"]
        with pytest.raises(InvalidInput, match="cannot determine filename for source http"):
            builder.copy(chosen, "/d/")


def test_a_digest_that_is_asked_for(server: str, tmp_path: Path) -> None:
    right = sha256(b"content").hexdigest()
    with downloaded(f"{server}/a.txt", tmp_path, checksum=f"sha256:{right}"):
        pass
    for checksum, problem in (
        (f"sha256:{'0' * 64}", f"digest mismatch: it has sha256:{right}"),
        ("md5:0", "--checksum: 'md5:0'"),
    ):
        with pytest.raises(InvalidInput, match=problem), downloaded(f"{server}/a.txt", tmp_path, checksum=checksum):
            pass


UNAVAILABLE = [
    ("/missing", "failed to GET http.*/missing with status 404 Not Found"),
    ("/to/ftp", "unknown url type|not allowed"),
    ("/to/file", "302"),
    ("/to/loop", "redirect"),
    ("/short", "breaks off"),
]


@pytest.mark.parametrize(("path", "problem"), UNAVAILABLE)
def test_what_a_server_does_not_give(server: str, tmp_path: Path, path: str, problem: str) -> None:
    with pytest.raises(Unavailable, match=f"(?s)^ADD failed: .*({problem})"), downloaded(server + path, tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_no_server_and_no_room(server: str, tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:1/x", "http://127.0.0.1:99999/x", "http:///x", "http://[/x"):
        with pytest.raises(Unavailable, match="ADD failed: http:"), downloaded(url, tmp_path):
            pass
    with (
        small_disk(tmp_path / "disk", "1m") as disk,
        pytest.raises(StoreFull, match="no room for http"),
        downloaded(f"{server}/big", disk),
    ):
        pass


def test_it_can_be_ended(server: str, tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), downloaded(f"{server}/big", tmp_path, received=stop):
        pass


@pytest.mark.parametrize(
    "git",
    ["git://h/x", "ssh://git@h/x", "git@github.com:a/b.git", "https://h/a.git", "https://h/a.git#main:dir", "HTTP://h/a.git"],
)
def test_git_is_refused(builder: Builder, tmp_path: Path, git: str) -> None:
    assert (is_git(git), is_url(git)) == (True, False)
    with pytest.raises(InvalidInput, match="git repository is not fetched"), downloaded(git, tmp_path):
        pass
    with pytest.raises(InvalidInput, match="COPY failed: source can't be a git ref for COPY"):
        select(builder.context(), [git])


def test_copy_takes_no_url(builder: Builder) -> None:
    with pytest.raises(InvalidInput, match="COPY failed: source can't be a URL for COPY"):
        select(builder.context(), ["https://h/a.txt"])
    assert [is_git(each) or is_url(each) for each in ("github.com/a/b", "a.git", "http:/x", "ftp://h/x")] == [False] * 4


# --- bind mounts of a context


def test_files_of_a_context_in_a_directory(builder: Builder, tmp_path: Path) -> None:
    context = builder.context(
        entry("d/x", content=b"x", mode=0o751, mtime=5),
        entry("d/to", L, linkname="/etc"),
        entry("d/e/y", H, linkname="d/x"),
        entry("z", content=b"z"),
    )
    place = tmp_path / "place"
    with extracted(context, "d", place) as directory:
        assert sorted(each.name for each in directory.iterdir()) == ["e", "to", "x"]
        assert ((directory / "x").stat().st_mode & 0o7777, (directory / "x").stat().st_nlink) == (0o751, 2)
        assert os.readlink(directory / "to") == "/etc"
    with extracted(context, "/z", place) as file:
        assert file.read_bytes() == b"z"
    with pytest.raises(InvalidInput, match="file not found in build context"), extracted(context, "no", place):
        pass
    assert list(place.iterdir()) == []
    big = builder.context(entry("big", content=bytes(2 << 20)))
    with small_disk(tmp_path / "disk", "1m") as disk:
        with pytest.raises(StoreFull), extracted(big, ".", disk):
            pass
        assert list(disk.iterdir()) == []

"""Build contexts: archives that clients send, friendly and not, indexed without being unpacked."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
import zstandard

from labcore.builder.copy.context import ContextArchive
from labcore.builder.copy.selection import select
from labcore.builder.copy.sources import resolve
from labcore.errors import InvalidInput, NotFound, StoreFull
from labcore.options.dockerignore import Patterns
from tests.conftest import needs_root, small_disk
from tests.unit.test_unpack import archive, entry

D, L, H = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


@contextmanager
def spooled(tmp_path: Path, *entries: tuple[tarfile.TarInfo, bytes], ignored: str = "") -> Iterator[ContextArchive]:
    data = archive(*entries)
    with ContextArchive.spooled(io.BytesIO(data), tmp_path, ignored=Patterns.parse(ignored) if ignored else None) as context:
        yield context
    assert list(tmp_path.iterdir()) == []


def digest(tmp_path: Path, *entries: tuple[tarfile.TarInfo, bytes], patterns: tuple[str, ...] = (".",)) -> str:
    with spooled(tmp_path, *entries) as context:
        return select(context, patterns).digest


def names_below(context: ContextArchive, directory: bytes = b"") -> list[bytes]:
    return [path for path, _ in context.below(directory)]


def test_what_is_in_it(tmp_path: Path) -> None:
    files = [
        entry("./", D, mode=0o700), entry("./a-b", content=b"1"), entry("a/", D, mode=0o750),
        entry("a/x", content=b"22", mode=0o4711),
        entry("a0", L, linkname="a/x"), entry("a/deep/er/y", content=b"333", uid=5, gid=6), entry(".hidden"),
    ]  # fmt: skip
    with spooled(tmp_path, *files) as context:
        assert names_below(context) == [b".hidden", b"a", b"a-b", b"a/deep", b"a/deep/er", b"a/deep/er/y", b"a/x", b"a0"]
        assert names_below(context, b"a") == [b"a/deep", b"a/deep/er", b"a/deep/er/y", b"a/x"]
        assert (context.names(b""), context.names(b"a"), context.names(b"no")) == (
            [b".hidden", b"a", b"a-b", b"a0"],
            [b"deep", b"x"],
            [],
        )
        item = context.find(b"a/x")
        assert item is not None
        assert (item.mode, item.owner, item.size, item.digest) == (0o4711, (0, 0), 2, sha256(b"22").digest())
        assert b"".join(context.content(b"a/x", item)) == b"22"
        assert context.read("a0", 2) == b"22"
        for path, error in (("a0", InvalidInput), ("a", InvalidInput), ("no", NotFound), ("a/x/y", NotFound)):
            with pytest.raises(error):
                context.read(path, 1)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_compressed(tmp_path: Path, compress: "object") -> None:
    data = compress(archive(entry("Dockerfile", content=b"FROM busybox\n")))  # type: ignore[operator]
    with ContextArchive.spooled(io.BytesIO(data), tmp_path) as context:
        assert context.read("Dockerfile", 100) == b"FROM busybox\n"


def test_gnu_tars_own_archives(tmp_path: Path) -> None:
    """Long names, links of several names, holes; in each of its formats."""
    top = tmp_path / "top"
    long = "d" * 120 + "/" + "f" * 130
    (top / ("d" * 120)).mkdir(parents=True)
    (top / long).write_bytes(b"long")
    (top / "again").hardlink_to(top / long)
    name = os.fsdecode(b"\xff\xfe")
    (top / name).write_bytes(b"x")
    with (top / "sparse").open("wb") as file:
        file.truncate(3 << 20)
        file.seek(1 << 20)
        file.write(b"middle")
    whole = (top / "sparse").read_bytes()
    (tmp_path / "spool").mkdir()
    for options in (
        ["--format=gnu", "-S"],
        ["--format=pax", "-S"],
        ["--format=pax", "-S", "--sparse-version=0.1"],
        ["--format=pax"],
    ):
        data = subprocess.run(["tar", "-C", top, *options, "-cf", "-", "."], capture_output=True, check=True).stdout
        with ContextArchive.spooled(io.BytesIO(data), tmp_path / "spool") as context:
            sparse = context.find(b"sparse")
            assert sparse is not None
            assert sparse.digest == sha256(whole).digest()
            assert b"".join(context.content(b"sparse", sparse)) == whole
            assert context.read(name, 9) == b"x"
            assert context.read(long, 9) == context.read("again", 9) == b"long"
            again, first = context.find(b"again"), context.find(os.fsencode(long))
            assert again is not None
            assert first is not None
            assert again.identity == first.identity is not None


HOSTILE = [
    ([entry("../x")], "leads out"),
    ([entry("a/../../x")], "leads out"),
    ([entry("a/../x")], "leads out"),
    ([entry("/../etc/passwd")], "leads out"),
    ([entry("x", H, linkname="/etc/passwd")], "no file in it"),
    ([entry("x", H, linkname="../../etc/passwd")], "leads out"),
    ([entry("x", H, linkname="y")], "no file in it"),
    ([entry("d", D), entry("x", H, linkname="d")], "no file in it"),
    ([entry("null", tarfile.CHRTYPE, devmajor=1, devminor=3)], "null in the build context is a device"),
    ([entry("sda", tarfile.BLKTYPE, devmajor=8)], "is a device"),
    ([entry("odd", b"Z")], "odd in the build context is of a kind"),
    ([entry("a", L, linkname="/etc"), entry("a/x")], "below 'a', which is no directory"),
    ([entry("a"), entry("a/b/x")], "below 'a', which is no directory"),
    ([entry("n" * 256)], "too long"),
    ([entry("d/" * 2000 + "x")], "too long"),
    ([entry(".", L, linkname="/")], "top directory"),
]


@pytest.mark.parametrize(("entries", "problem"), HOSTILE, ids=[problem for _, problem in HOSTILE])
def test_hostile_archives(tmp_path: Path, entries: list[tuple[tarfile.TarInfo, bytes]], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem), spooled(tmp_path, *entries):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "data", [b"FROM busybox\n", b"\x1f\x8bnot", os.urandom(2048), archive(entry("x", content=b"1" * 2000))[:1500]]
)
def test_no_archive(tmp_path: Path, data: bytes) -> None:
    with (
        pytest.raises(InvalidInput, match="the build context is no tar archive"),
        ContextArchive.spooled(io.BytesIO(data), tmp_path),
    ):
        pass


def test_nothing_at_all(tmp_path: Path) -> None:
    for data in (b"", bytes(1024)):
        with ContextArchive.spooled(io.BytesIO(data), tmp_path) as context:
            assert names_below(context) == []


def test_a_name_that_comes_twice(tmp_path: Path) -> None:
    files = [
        entry("a/x", content=b"old"),
        entry("b", content=b"b"),
        entry("a", content=b"file"),
        entry("b/y"),
        entry("c"),
        entry("c", D),
    ]
    with pytest.raises(InvalidInput, match="below 'b'"), spooled(tmp_path, *files):
        pass
    with spooled(tmp_path, *files[:3], files[4], files[5], entry("c/z")) as context:
        assert names_below(context) == [b"a", b"b", b"c", b"c/z"]
        assert context.read("a", 9) == b"file"


def test_links_end_inside(tmp_path: Path) -> None:
    files = [
        entry("etc/passwd", content=b"ours"), entry("abs", L, linkname="/etc"), entry("up", L, linkname="../../../etc/passwd"),
        entry("loop", L, linkname="pool"), entry("pool", L, linkname="loop"), entry("gone", L, linkname="nowhere"),
    ]  # fmt: skip
    with spooled(tmp_path, *files) as context:
        assert context.read("abs/passwd", 9) == context.read("up", 9) == context.read("abs/../etc/passwd", 9) == b"ours"
        assert resolve(context, b"gone") is None
        with pytest.raises(InvalidInput, match="too many links"):
            context.read("loop", 9)


def test_what_is_ignored(tmp_path: Path) -> None:
    files = [entry(name) for name in ("a/x", "a/keep/y", "a/keep/z", "b.log", "c/d.log", "c/d.txt")]
    with spooled(tmp_path, *files, ignored="a\n!a/keep/y\n**/*.log") as context:
        assert names_below(context) == [b"a", b"a/keep", b"a/keep/y", b"c", b"c/d.txt"]
    with spooled(tmp_path, *files, ignored="*\n!a/none") as context:
        assert names_below(context) == []


def test_a_digest_is_of_content_and_not_of_time(tmp_path: Path) -> None:
    same = {
        digest(tmp_path, entry("a", D, mtime=time), entry("a/x", content=b"1", mtime=time, uid=time, uname=str(time)))
        for time in (1, 2)
    }
    assert len(same) == 1
    others = [
        [entry("a/x", content=b"2")], [entry("a/x", content=b"1", mode=0o600)], [entry("a/y", content=b"1")],
        [entry("a/x", L, linkname="1")],
        [entry("a/x", L, linkname="2")], [entry("a/x", D)], [entry("a/x", content=b"1"), entry("b")],
        [entry("a/x", content=b"1", pax_headers={"SCHILY.xattr.user.a": "b"})],
    ]  # fmt: skip
    assert len(same | {digest(tmp_path, *files) for files in others}) == len(others) + 1
    named = {
        digest(tmp_path, entry("a"), entry("b"), patterns=patterns)
        for patterns in (("a",), ("b",), ("a", "b"), ("b", "a"), (".",))
    }
    assert len(named) == 5


def test_a_full_disk(tmp_path: Path) -> None:
    needs_root()
    with small_disk(tmp_path / "disk", "1m") as disk:
        data = archive(entry("big", content=bytes(2 << 20)))
        with pytest.raises(StoreFull, match="no room for the build context in"), ContextArchive.spooled(io.BytesIO(data), disk):
            pass
        assert os.statvfs(disk).f_bfree == os.statvfs(disk).f_blocks


def test_a_sparse_file_larger_than_the_disk(tmp_path: Path) -> None:
    huge = entry("huge", content=b"x" * 512, pax_headers={"GNU.sparse.map": "0,512", "GNU.sparse.size": str(1 << 60)})
    with (
        pytest.raises(StoreFull, match="huge of the build context, a sparse file of 1152921504606846976 bytes"),
        spooled(tmp_path, huge),
    ):
        pass


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labcore.builder.copy.context_index.ENTRIES_MAX", 1000)
    with pytest.raises(InvalidInput, match="more than 1000 files"), spooled(tmp_path, *(entry(str(n)) for n in range(1001))):
        pass
    monkeypatch.setattr("labcore.builder.copy.context_index.NAMES_MAX", 10_000)
    with pytest.raises(InvalidInput, match="names"), spooled(tmp_path, entry("a/" * 200 + "x")):
        pass

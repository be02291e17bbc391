"""Archives that are made here, read by Python's tarfile and by the reader of layers."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from labcore.storage.packing import Packer
from labcore.storage.tree import Entry, Tree, sorted_names, tree_at
from labcore.tar import reading as tar
from labcore.tar.writing import header

NAMES = ["short", "x" * 100, "x" * 101, "d/" + "y" * 250, "ü", "\udcff\udcfe", "with\nnewline", "a=b", "d/" * 60 + "deep"]


def pack(top: Path) -> bytes:
    packer = Packer()
    with tree_at(top) as tree:
        pieces = [piece for entry in tree.walk() for piece in packer.add(entry, entry.path)]
    return b"".join([*pieces, packer.finish()])


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name(tmp_path: Path, name: str) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + os.fsencode(name)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"content")
    (tmp_path / "to").symlink_to(name)
    data = pack(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(data)) as theirs:
        member = theirs.getmember(name)
        assert (member.size, theirs.getmember("to").linkname) == (7, name)
    ours = {entry.name: entry for entry in tar.Archive(iter([data]))}
    assert ours[os.fsencode(name)].size == 7
    assert ours[b"to"].link == os.fsencode(name)


def status(**changes: int) -> os.stat_result:
    fields = {"st_mode": 0o106755, "st_uid": 0, "st_gid": 0, "st_mtime_ns": 0, "st_nlink": 1} | changes
    plain = (fields["st_mode"], 0, 0, fields["st_nlink"], fields["st_uid"], fields["st_gid"], 0, 0, 0, 0)
    return os.stat_result(plain, {"st_mtime_ns": fields["st_mtime_ns"], "st_rdev": 0})


NUMBERS = [
    {"st_uid": 0o7777777, "st_gid": 0o7777777}, {"st_uid": 0o10000000, "st_gid": 4_000_000_000}, {"st_mtime_ns": 10**9 - 1},
    {"st_mtime_ns": -1}, {"st_mtime_ns": -1_500_000_000}, {"st_mtime_ns": 0o77777777777 * 10**9},
    {"st_mtime_ns": 2**33 * 10**9}, {"st_mtime_ns": 981_158_400_123_456_789},
]  # fmt: skip


@pytest.mark.parametrize("changes", NUMBERS, ids=str)
def test_any_number(tmp_path: Path, changes: dict[str, int]) -> None:
    wanted = status(**changes, st_mode=0o040755)
    with tree_at(tmp_path):
        fd = os.open(tmp_path, os.O_RDONLY)
    packer = Packer()
    data = b"".join([*packer.add(Entry("d", ".", wanted, fd), "d"), packer.finish()])
    os.close(fd)
    (entry,) = tar.Archive(iter([data]))
    assert (entry.uid, entry.gid, entry.mtime) == (wanted.st_uid, wanted.st_gid, wanted.st_mtime_ns)
    with tarfile.open(fileobj=io.BytesIO(data)) as theirs:
        (member,) = theirs
        assert (member.uid, member.gid) == (wanted.st_uid, wanted.st_gid)
        assert abs(member.mtime - wanted.st_mtime_ns / 1e9) < 1e-6 * max(1.0, abs(member.mtime))


def test_more_than_the_old_header_can_count(tmp_path: Path) -> None:
    """8 GiB and more: a file of nothing but a hole, of which the archive's first pieces are looked at."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(9 << 30)
    packer = Packer()
    with tree_at(tmp_path) as tree:
        for entry in tree.walk():
            pieces = packer.add(entry, "large")
            head = next(pieces) + next(pieces) + next(pieces)
            pieces.close()
    with tarfile.open(fileobj=io.BytesIO(head), ignore_zeros=True) as theirs:
        assert theirs.next().size == 9 << 30  # type: ignore[union-attr]


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    """The header has said how long it is."""
    for change in (b"", b"longer than it was"):
        (tmp_path / "f").write_bytes(b"12345678")
        packer = Packer()
        with tree_at(tmp_path) as tree:
            for entry in tree.walk():
                pieces = packer.add(entry, "f")
                head = next(pieces)
                (tmp_path / "f").write_bytes(change)
                data = b"".join([head, *pieces, packer.finish()])
        with tarfile.open(fileobj=io.BytesIO(data)) as theirs:
            assert theirs.getmember("f").size == 8
            assert theirs.getnames() == ["f"]


def test_what_becomes_something_else_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t/f").write_text("x")
    (tmp_path / "secret").write_text("secret")
    packer = Packer()
    with tree_at(tmp_path / "t") as tree:
        for entry in tree.walk():
            (tmp_path / "t/f").unlink()
            (tmp_path / "t/f").symlink_to(tmp_path / "secret")
            assert list(packer.add(entry, "f")) == []
            (tmp_path / "t/f").unlink()
            os.mkfifo(tmp_path / "t/f")
            assert list(packer.add(entry, "f")) == []


def test_a_directory_that_becomes_a_link_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "t/d").mkdir(parents=True)
    (tmp_path / "t/d/in").touch()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").touch()
    with tree_at(tmp_path / "t") as tree:
        found = []
        for entry in tree.walk():
            found.append(entry.path)
            (tmp_path / "t/d").rename(tmp_path / "t/gone")
            (tmp_path / "t/d").symlink_to(tmp_path / "outside")
    assert found == ["d"]


def test_names_come_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    for name in ("b", "a", "ü", "Z"):
        (tmp_path / name).touch()
    fd = os.open(tmp_path, os.O_RDONLY)
    assert sorted_names(fd) == ["Z", "a", "b", "ü"]
    assert [entry.path for entry in Tree(fd).walk()] == ["Z", "a", "b", "ü"]
    os.close(fd)


def test_more_than_eight_gigabytes() -> None:
    size = (8 << 30) + 1
    block = header(b"huge", tar.FILE, 0o644, (0, 0), 0, size=size)
    with tarfile.open(fileobj=io.BytesIO(block)) as theirs:
        member = theirs.next()
    assert member is not None
    assert (member.name, member.size) == ("huge", size)

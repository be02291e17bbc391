"""The log of a shim: read block by block, from either end, and over to rotated files."""

import os
from pathlib import Path

import pytest

from labcore.runtime.shim.log import BLOCK_SIZE, HEADER, TRAILER, LogReader, LogRecord


def record(data: bytes, stream: int = 1, *, time: int = 0, offset: int = 0) -> bytes:
    head = HEADER.pack(time, offset, len(data), stream)
    return head + data + TRAILER.pack(len(head) + len(data) + TRAILER.size)


def left(reader: LogReader) -> list[LogRecord]:
    found = [record for block in reader.available() for record in block]
    reader.close()
    return found


def test_more_than_a_block(tmp_path: Path) -> None:
    pieces = [os.urandom(size) for size in (1, 65536, 65536, 65536, 65536, 3, 65536)]
    assert sum(map(len, pieces)) > BLOCK_SIZE
    (tmp_path / "log").write_bytes(b"".join(map(record, pieces)))
    assert [each.data for each in left(LogReader(str(tmp_path)))] == pieces


def test_what_is_not_whole_is_read_when_it_is(tmp_path: Path) -> None:
    whole = record(b"first") + record(b"second")
    reader = LogReader(str(tmp_path))
    assert list(reader.available()) == [], "there is no log yet"
    seen = []
    for size in range(1, len(whole) + 1):
        (tmp_path / "log").write_bytes(whole[:size]) if size == 1 else os.truncate(tmp_path / "log", 0)
        with (tmp_path / "log").open("r+b") as file:
            file.write(whole[:size])
        seen += [each.data for block in reader.available() for each in block]
    assert seen == [b"first", b"second"]
    reader.close()


@pytest.mark.parametrize("rest", [b"", record(b"half of one")[:-7], b"\x01" * 20])
def test_the_end(tmp_path: Path, rest: bytes) -> None:
    (tmp_path / "log").write_bytes(record(b"before\n") + record(b"it\n") + rest)
    reader = LogReader(str(tmp_path))
    reader.seek_to_end()
    assert list(reader.available()) == []
    reader.close()


@pytest.mark.parametrize("count", [0, 1, 2, 5, 19, 20, 21])
def test_the_tail_over_rotated_files(tmp_path: Path, count: int) -> None:
    for name, numbers in (("log.1", range(10)), ("log", range(10, 20))):
        (tmp_path / name).write_bytes(b"".join(record(b"%d\n" % number) for number in numbers))
    reader = LogReader(str(tmp_path))
    skipped = reader.seek_to_tail(count)
    lines = [each.data for each in left(reader)][skipped:]
    assert lines == [b"%d\n" % number for number in range(20)][20 - count if count < 20 else 0 :]


def test_what_came_into_a_file_just_before_it_was_rotated(tmp_path: Path) -> None:
    class Rotating(LogReader):
        """One that finds a rotation after it has read all there was: more had come before that."""

        def _rotated(self) -> bool:
            if not (tmp_path / "log.1").exists():
                with (tmp_path / "log").open("ab") as file:
                    file.write(record(b"second"))
                (tmp_path / "log").rename(tmp_path / "log.1")
                (tmp_path / "log").write_bytes(record(b"third"))
            return super()._rotated()

    (tmp_path / "log").write_bytes(record(b"first"))
    assert [each.data for each in left(Rotating(str(tmp_path)))] == [b"first", b"second", b"third"]


def test_a_file_that_gets_its_next_name_while_files_are_opened_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("log.2", "log.1", "log"):
        (tmp_path / name).write_bytes(record(name.encode()))
    opened = os.open

    def rotating(path: Path, flags: int) -> int:
        fd = opened(path, flags)
        if path == tmp_path / "log.1":  # the first half of a rotation
            path.rename(tmp_path / "log.2")
        return fd

    monkeypatch.setattr(os, "open", rotating)
    assert [each.data for each in left(LogReader(str(tmp_path)))] == [b"log.1", b"log"]


@pytest.mark.parametrize("names", [["log.2", "log"], ["log.2", "log.1"]])
def test_a_rotation_that_was_broken_off(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_bytes(record(name.encode()))
    assert [each.data for each in left(LogReader(str(tmp_path)))] == [name.encode() for name in names]


def test_lost_output_is_counted(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(record(b"abc") + record(b"x", offset=10) + record(b"new", offset=0))
    assert [each.lost for each in left(LogReader(str(tmp_path)))] == [0, 7, 0]

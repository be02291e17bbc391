"""Atomic writes: killed in the middle, a full disk, a link in the place, two writers at once."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from labcore.atomic import INCOMING, PendingFile, atomic_write, remove_if_abandoned

WRITE_AND_WAIT = """
import sys, time
from labcore.atomic import PendingFile
with PendingFile(sys.argv[1]) as pending:
    pending.file.write(b"half")
    pending.file.flush()
    print(flush=True)
    time.sleep(100)
"""


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    for content in (b"one", b"", b"three" * 100_000):
        atomic_write(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content
        assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_name_alone_is_one_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    atomic_write("file", b"here", durable=False)
    assert (tmp_path / "file").read_bytes() == b"here"


@pytest.mark.parametrize("durable", [True, False])
def test_what_is_durable_is_synced_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    done = []
    monkeypatch.setattr(os, "fsync", lambda fd, real=os.fsync: (done.append("fsync"), real(fd)))
    monkeypatch.setattr(os, "rename", lambda one, two, real=os.rename: (done.append("rename"), real(one, two)))
    atomic_write(tmp_path / "file", b"content", durable=durable)
    assert done == (["fsync", "rename", "fsync"] if durable else ["rename"])


def test_a_writer_that_is_killed_leaves_the_old_file_and_a_temporary_one_that_can_be_swept(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with subprocess.Popen([sys.executable, "-c", WRITE_AND_WAIT, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        writer.stdout.readline()
        (left,) = tmp_path.glob(f"{INCOMING}*")
        assert remove_if_abandoned(left) == 0  # its writer lives
        assert left.exists()
        writer.send_signal(signal.SIGKILL)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert remove_if_abandoned(left) == len(b"half")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert remove_if_abandoned(left) == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)], capture_output=True).returncode:
        pytest.skip("no tmpfs may be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_on_a_full_disk_the_old_file_stays_and_nothing_else(small_disk: Path) -> None:
    atomic_write(small_disk / "file", b"old")
    with pytest.raises(OSError, match="No space left") as failed:
        atomic_write(small_disk / "file", bytes(1 << 20))
    assert failed.value.errno == errno.ENOSPC
    assert (small_disk / "file").read_bytes() == b"old"
    assert [path.name for path in small_disk.iterdir()] == ["file"]


def test_a_link_in_the_place_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"another's")
    (tmp_path / "file").symlink_to("target")
    atomic_write(tmp_path / "file", b"ours")
    assert (tmp_path / "target").read_bytes() == b"another's"
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"ours"


def test_a_directory_in_the_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        atomic_write(tmp_path / "file", b"content")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_the_mode_is_there_from_the_beginning(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        atomic_write(tmp_path / "plain", b"")
        with PendingFile(tmp_path, mode=0o600) as pending:
            assert stat.S_IMODE(os.stat(pending.path).st_mode) == 0o600
            pending.commit("secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "plain").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_an_error_or_no_commit_leaves_nothing(tmp_path: Path) -> None:
    with suppress(ZeroDivisionError), PendingFile(tmp_path) as pending:
        pending.file.write(b"half")
        raise ZeroDivisionError
    with PendingFile(tmp_path) as pending:
        pending.file.write(b"not wanted")
    assert list(tmp_path.iterdir()) == []


def test_two_writers_at_once_leave_what_one_of_them_wrote(tmp_path: Path) -> None:
    contents = [bytes([number]) * 100_000 for number in range(4)]

    def write(content: bytes) -> None:
        for _ in range(20):
            atomic_write(tmp_path / "file", content, durable=False)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        if (tmp_path / "file").exists():
            seen.add((tmp_path / "file").read_bytes())
    assert seen <= set(contents)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_it_needs_no_large_modules() -> None:
    """A container's `start` and `kill` import it, and take as long as their imports."""
    program = "import sys; import labcore.atomic; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-S", "-E", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {program}"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert not {"pathlib", "tempfile", "typing", "re", "enum", "contextlib", "functools"} & set(done.stdout.split())


ROOT = Path(__file__).parent.parent.parent

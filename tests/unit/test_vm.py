"""Virtual machines' parts that need none: the archive writer, the command line, what is refused, the time-line."""

import itertools
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from labcore.errors import InvalidInput, Unavailable
from labcore.images import ImageStore
from labcore.images.builtin import find_busybox, seed_busybox
from labcore.vm import cpio, guests, qemu
from labcore.vm.console import Console
from labcore.vm.cpio import Member
from labcore.vm.guests import clock_parameters
from labcore.vm.initramfs import made_of, small_root
from labcore.vm.kernel import found_kernel
from labcore.vm.qemu import Disk, Hardware
from labcore.vm.timeline import phases

LOG = """\
[    0.000000] Linux version 6.1
[    0.100000] Memory: 200000K/260000K available
[    0.500000] smp: Brought up 1 node, 1 CPU
[    1.000000] Run /init as init process
[    1.200000] labcore: ready
"""


def unpack(archive: bytes, place: Path) -> str:
    """Have busybox's cpio unpack an archive; return what it lists."""
    place.mkdir()
    done = subprocess.run([find_busybox(), "cpio", "-idmv"], input=archive, cwd=place, capture_output=True, check=True)
    return done.stderr.decode()


def test_cpio_reads_what_is_written(tmp_path: Path) -> None:
    members = [
        cpio.file("etc/greeting", b"hello\n", 0o640),
        Member("etc/link", stat.S_IFLNK | 0o777, b"greeting"),
        Member("one", stat.S_IFREG | 0o755, b"same" * 1000, inode=7),
        Member("two", stat.S_IFREG | 0o755, inode=7),
        cpio.file("empty", b""),
        cpio.directory("deep/er", 0o700),
    ]
    unpack(cpio.archive(cpio.with_parents(members)), tmp_path / "out")
    out = tmp_path / "out"
    assert (out / "etc/greeting").read_bytes() == b"hello\n"
    assert stat.S_IMODE((out / "etc/greeting").stat().st_mode) == 0o640
    assert os.readlink(out / "etc/link") == "greeting"
    assert (out / "two").read_bytes() == b"same" * 1000
    assert (out / "one").stat().st_ino == (out / "two").stat().st_ino
    assert (out / "empty").read_bytes() == b""
    assert stat.S_IMODE((out / "deep/er").stat().st_mode) == 0o700


def test_cpio_lists_devices_with_their_numbers(tmp_path: Path) -> None:
    archive = cpio.archive([cpio.character_device("console", 5, 1)])
    listed = subprocess.run([find_busybox(), "cpio", "-tv"], input=archive, capture_output=True, check=True).stdout.decode()
    assert listed.startswith("crw-------")
    assert listed.split()[-1] == "console"


def test_the_small_root_is_the_image_and_a_first_process(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    archive = small_root(store)  # makes the image
    done = subprocess.run([find_busybox(), "cpio", "-t"], input=archive, capture_output=True, check=True)
    listed = done.stdout.decode().split()  # without hard links, which it makes at the end
    assert {"init", "bin/busybox", "dev/console", "dev/kmsg", "bin/labcore-probe", "etc/passwd"} <= set(listed)
    assert len(listed) == len(set(listed))
    before = made_of(store)
    seed_busybox(store)
    assert made_of(store) == before


def test_hardware_that_cannot_be_is_refused() -> None:
    kind = qemu.default_machine()
    with pytest.raises(InvalidInput, match="no 'pdp11' here, but"):
        Hardware("pdp11", "tcg")
    with pytest.raises(InvalidInput, match="with 16 MB cannot start: give it 128"):
        Hardware(kind, "tcg", memory_mb=16)
    if os.uname().machine == "x86_64":
        with pytest.raises(InvalidInput, match="take q35"):
            Hardware("microvm", "tcg", disk=Disk(Path("/disk")))


def test_the_command_line_holds_what_was_asked_for() -> None:
    hardware = Hardware(qemu.default_machine(), "tcg", 512, disk=Disk(Path("/with,comma")))
    words = qemu.command("/usr/bin/qemu", hardware, Path("/k"), Path("/i"), "labcore_token=x")
    assert words[0] == "/usr/bin/qemu"
    assert "file=/with,,comma,format=raw,if=virtio,snapshot=on" in words
    assert words[words.index("-m") + 1] == "512"
    assert words[-1].endswith("labcore_token=x")


def test_a_microvm_that_is_emulated_is_told_its_clock() -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("needs x86-64: other architectures have no microvm")
    assert clock_parameters(Hardware("microvm", "tcg"), 2600000) == "tsc_early_khz=2600000"
    assert clock_parameters(Hardware("microvm", "kvm"), 2600000) == clock_parameters(Hardware("q35", "tcg"), 2600000) == ""
    assert clock_parameters(Hardware("microvm", "tcg"), 0) == ""


def test_what_is_lacking_is_said_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match="labcore vm setup"):
        found_kernel(tmp_path)
    with pytest.raises(Unavailable, match="labcore vm setup"):
        guests.start(root=tmp_path)
    (tmp_path / "vm").mkdir()
    (tmp_path / "vm/kernel").write_bytes(b"cut o")
    (tmp_path / "vm/kernel.json").write_text('{"format": "1", "package": "x", "version": "1", "size": 9}')
    with pytest.raises(Unavailable, match="labcore vm setup"):
        found_kernel(tmp_path)
    with pytest.raises(Unavailable, match="this machine has"):
        qemu.require_memory(1 << 30)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"no qemu-system-\w+ on this machine: apt-get install"):
        qemu.find_qemu()


def test_phases_follow_one_another_up_to_the_first_process() -> None:
    found = phases(100.0, (100.05, 100.1), 102.0, LOG)
    assert [phase.name for phase in found] == [
        "qemu", "firmware", "kernel: decompressed", "kernel: memory", "kernel: processors and interrupts",
        "kernel: drivers", "first process",
    ]  # fmt: skip
    assert [round(phase.end_ms) for phase in found] == [50, 100, 800, 900, 1300, 1800, 2000]
    assert all(abs(a.end_ms - b.start_ms) < 0.1 for a, b in itertools.pairwise(found))


def test_phases_without_firmware_or_log_are_fewer() -> None:
    assert [(p.name, p.duration_ms) for p in phases(1.0, None, 2.0)] == [("kernel and first process", 1000.0)]
    assert phases(1.0, None, 3.0, LOG)[0].name == "qemu, firmware, kernel decompressed"


def test_a_console_stamps_lines_as_they_come() -> None:
    script = "import sys, time; print('one', flush=True); time.sleep(0.2); print('two'); print('loud', file=sys.stderr)"
    console = Console([sys.executable, "-c", script])
    assert console.wait_for(lambda: console.ended_at is not None, 20)
    one, two = console.lines
    assert (one.text, two.text, console.errors, console.status) == (b"one", b"two", b"loud\n", 0)
    assert two.at - one.at > 0.1
    assert console.started_at < one.at


def test_a_console_of_a_program_that_is_not_there_says_so() -> None:
    with pytest.raises(FileNotFoundError):
        Console(["/nowhere/qemu"])

"""A real virtual machine, emulated: started, spoken to, ended; and what happens when something is wrong."""

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.errors import InvalidInput
from labcore.vm import guests
from labcore.vm.guests import small_initrd, start
from labcore.vm.initramfs import PROBE
from labcore.vm.kernel import found_kernel
from labcore.vm.machine import MachineFailed, machine
from labcore.vm.qemu import Hardware, default_machine
from tests.conftest import needs
from tests.threads import Started, together

pytestmark = pytest.mark.usefixtures("no_qemu_left")
BUSY_SECONDS = 300  # for what an emulated processor does where ten others want the real one


def qemus() -> set[int]:
    """Return the qemu processes that come of this one."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"LABCORE_VM_TEST={os.getpid()}".encode() in path.read_bytes():
                name = (path.parent / "comm").read_text()
                found |= {int(path.parent.name)} if name.startswith("qemu") else set()
        except OSError:
            continue
    return found


@pytest.fixture
def no_qemu_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LABCORE_VM_TEST", str(os.getpid()))
    threads = threading.active_count()
    descriptors = len(os.listdir("/proc/self/fd"))
    yield
    deadline = time.monotonic() + 20
    while qemus() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not qemus()
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == descriptors


@pytest.mark.parametrize("kind", ["q35", "microvm"] if platform.machine() == "x86_64" else ["virt"])
def test_a_guest_starts_answers_measures_and_ends(vm_root: Path, kind: str) -> None:
    with start(root=vm_root, machine_type=kind, accel="tcg", timeout=BUSY_SECONDS) as guest:
        assert qemus() == {guest.pid}
        assert 0.1 < guest.ready_after < BUSY_SECONDS
        assert guest.run("uname -r").strip() == found_kernel(vm_root).version.partition("-")[0] or "cloud" in guest.run(
            "uname -r"
        )
        assert guest.run("printf 'no newline'") == "no newline"
        assert guest.run("echo one; echo; echo two >&2") == "one\n\ntwo\n"
        assert guest.run("true") == ""
        assert guest.run("head -c 50000 /dev/zero | tr '\\0' x") == "x" * 50000
        with pytest.raises(MachineFailed, match="status 3 in the guest: oh no"):
            guest.run("echo oh no; exit 3")
        assert guest.run("cat /proc/1/comm") == "init\n"
        measured = dict(line.split() for line in guest.run(f"/{PROBE}").splitlines())  # by the program that measures outside
        assert set(measured) == {"cpu", "getpid", "stat", "create", "pipe", "fork"}
        times = [float(value) for value in measured.values()]  # an emulated clock may stand still in a short one
        assert min(times) >= 0 < max(times)
        names = [phase.name for phase in guest.timeline]
        assert names[-1] == "first process"
        assert "kernel: drivers" in names
        assert abs(guest.timeline[-1].end_ms / 1e3 - guest.ready_after) < 0.01
        assert guest.stop(BUSY_SECONDS) < BUSY_SECONDS  # nobody had to kill it
        assert not guest.running
        with pytest.raises(MachineFailed):
            guest.run("true")


def test_a_guest_of_any_thread_is_given_up_with_a_command_that_never_ends(vm_root: Path) -> None:
    said: list[str] = []

    def work() -> None:
        with start(root=vm_root, accel="tcg", timeout=BUSY_SECONDS) as guest:
            said.append(guest.run("echo from a thread"))
            with pytest.raises(InvalidInput, match="2048 bytes"):
                guest.run("x" * 3000)
            with pytest.raises(TimeoutError, match="the guest said nothing for 1 s"):
                guest.run("sleep 1000", timeout=1)
            guest.stop(grace=0.2)
            assert not guest.running

    together(work, seconds=2 * BUSY_SECONDS)
    assert said == ["from a thread\n"]


def test_a_guest_that_panics_is_told_from_one_that_is_slow(vm_root: Path, tmp_path: Path) -> None:
    hardware = Hardware(default_machine(), "tcg")
    empty = tmp_path / "empty.cpio"
    empty.write_bytes(b"")
    kernel = found_kernel(vm_root).path
    with pytest.raises(MachineFailed, match=r"the guest panicked: .*\n  cure: "), machine(hardware, kernel, empty):
        pass
    with (
        pytest.raises(MachineFailed, match=r"not there after 0 s \(tcg\)"),
        machine(hardware, kernel, small_initrd(vm_root), timeout=0.2),
    ):
        pass


def test_a_file_that_is_no_kernel_is_refused_in_a_line(vm_root: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "kernel"
    wrong.write_bytes(b"no kernel at all")
    with (
        pytest.raises(MachineFailed, match="qemu ended with status"),
        machine(Hardware(default_machine(), "tcg"), wrong, small_initrd(vm_root), timeout=20),
    ):
        pass


def test_a_kvm_that_does_not_run_guests_is_not_taken(vm_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the trial says is kept, and asked again after the next start of this machine."""
    before = guests.accelerator(vm_root)
    assert before in ("kvm", "tcg")
    monkeypatch.setattr(guests, "_try", lambda *_: pytest.fail("tried again"))
    assert guests.accelerator(vm_root) == before
    monkeypatch.setattr(guests, "read_boot_id", lambda: "another start")
    monkeypatch.setattr(guests, "_try", lambda root, accel, timeout: None)
    assert guests.accelerator(vm_root) == "tcg"


OWNER = """
import sys
from pathlib import Path
from labcore.vm import start
with start(root=Path(sys.argv[1]), accel="tcg", timeout=300) as guest:
    print(guest.pid, flush=True)
    guest.run("sleep 100", timeout=100)
"""


def test_a_guest_dies_with_its_owner(vm_root: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(vm_root)]
    with Started(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert qemus() == {pid}
        owner.kill()
        owner.wait(20)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_start_leaves_nothing(vm_root: Path, how: int) -> None:
    command = [sys.executable, "-c", OWNER, str(vm_root)]
    with Started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        deadline = time.monotonic() + 60
        while not qemus() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert qemus()
        owner.send_signal(how)
        out, errors = owner.communicate(timeout=20)
    assert out == "", "it had not started yet"
    assert ("KeyboardInterrupt" in errors) == (how == signal.SIGINT)


@pytest.mark.usefixtures("mirrors")
def test_a_whole_debian_starts_and_switches_itself_off(vm_root: Path) -> None:
    needs("mmdebstrap", "mke2fs")
    guests.setup(vm_root, full=True)
    with start("debian", root=vm_root, timeout=3 * BUSY_SECONDS) as guest:
        assert "Multi-User System" in guest.console
        assert guest.hardware.disk is not None
        assert [phase.name for phase in guest.timeline][-2:] == ["first root: finds the disk", "systemd and its services"]
        with pytest.raises(InvalidInput, match="only the small guest"):
            guest.run("true")
        guest.stop(BUSY_SECONDS)
        assert "Power down" in guest.console or "poweroff.target" in guest.console


def test_the_command_runs_a_guest_and_says_what_is_there(vm_root: Path) -> None:
    command = [sys.executable, "-m", "labcore", "--root", str(vm_root), "vm"]
    done = subprocess.run([*command, "run", "echo", "hello", "from inside"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "hello from inside\n"), done.stderr
    listed = subprocess.run([*command, "list"], capture_output=True, text=True, timeout=60)
    assert f"kernel {found_kernel(vm_root).version}" in listed.stdout
    failed = subprocess.run([*command, "run", "--memory", "16", "true"], capture_output=True, text=True, timeout=60)
    assert failed.returncode == 125
    assert failed.stderr == "labcore: memory_mb: a guest with 16 MB cannot start: give it 128 or more\n"
    nothing = [*command[:4], str(vm_root / "nothing"), "vm", "run", "true"]
    failed = subprocess.run(nothing, capture_output=True, text=True, timeout=60)
    assert (failed.returncode, failed.stderr.count("\n")) == (125, 1)
    assert "labcore vm setup" in failed.stderr

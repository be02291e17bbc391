"""Each system call, made for real, in a process of its own."""

import errno
import gc
import os
import select
import signal
import socket
import threading
import traceback
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from labcore import native
from labcore.errors import SystemCallError, Unavailable
from labcore.native import Capability, CloneFlag, CloseFlag, MountAttribute, MountFlag, Prctl, Resolve, TreeFlag
from labcore.native.own_thread import in_own_thread
from tests.conftest import needs_root
from tests.threads import running

pytestmark = [pytest.mark.usefixtures("nothing_left"), pytest.mark.one_thread]
ISOLATED = CloneFlag.NEWNS | CloneFlag.NEWUTS | CloneFlag.NEWPID | CloneFlag.NEWIPC | CloneFlag.NEWNET


def inside(check: Callable[[], object], flags: CloneFlag = ISOLATED) -> None:
    """Run a check in a new process with namespaces of its own; its assertion fails the test."""
    needs_root()
    reader, writer = os.pipe()

    def body() -> int:
        os.close(reader)
        try:
            if flags & CloneFlag.NEWNS:
                native.mount(None, "/", flags=MountFlag.REC | MountFlag.PRIVATE)
            check()
        except BaseException:
            os.write(writer, traceback.format_exc()[-4000:].encode())
            return 1
        return 0

    with native.clone(body, flags=flags) as process:
        os.close(writer)
        with os.fdopen(reader) as pipe:
            said = pipe.read()
        assert process.wait(20) == 0, said


def test_clone_runs_a_function_and_returns_its_exit_code() -> None:
    with native.clone(lambda: 7) as process:
        assert process.wait(10) == 7
        assert process.returncode == 7
        assert process.poll() == 7


def test_clone_with_namespaces() -> None:
    inside(lambda: _equal(os.getpid(), 1))


def _equal(found: object, expected: object) -> None:
    assert found == expected


def test_a_function_that_raises_is_reported(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise ValueError("as expected")

    with native.clone(fail) as process:
        assert process.wait(10) == 1
    assert "ValueError: as expected" in capfd.readouterr().err


@pytest.mark.parametrize("result", ["oops", 1.5, [], object()])
def test_a_function_that_returns_nonsense_ends_its_copy_of_us(result: object, capfd: pytest.CaptureFixture[str]) -> None:
    with native.clone(lambda: result) as process:  # type: ignore[arg-type, return-value]
        assert process.wait(10) in (0, 1)


def test_output_is_written_once(capfd: pytest.CaptureFixture[str]) -> None:
    print("before", end="")
    with native.clone(lambda: print("inside", end="")) as process:  # type: ignore[func-returns-value]
        process.wait(10)
    assert capfd.readouterr().out == "beforeinside"


def test_clone_refuses_in_a_process_with_threads() -> None:
    release = threading.Event()
    with (
        running(release.wait, stop=release.set),
        pytest.raises(Unavailable, match=r"2 threads.*labcore.spawn\(plan\)"),
    ):
        native.clone(lambda: 0)


def test_the_childs_own_fork_works_after_clone() -> None:
    def body() -> int:
        pid = os.fork()
        if pid == 0:
            os._exit(3)
        signal.raise_signal(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    with native.clone(body) as process:
        assert process.wait(10) == 3


def test_kill_poll_and_timeouts() -> None:
    with native.clone(lambda: signal.pause()) as process:  # type: ignore[func-returns-value]
        assert process.poll() is None
        with pytest.raises(TimeoutError):
            process.wait(0.05)
        process.kill()
        assert process.wait(10) == -signal.SIGKILL
        process.kill()  # an ended one is left in peace


def test_sethostname_and_setdomainname() -> None:
    before = os.uname().nodename

    def check() -> None:
        native.sethostname("box")
        native.setdomainname("example")
        assert os.uname().nodename == "box"
        assert Path("/proc/sys/kernel/domainname").read_text() == "example\n"

    inside(check)
    assert os.uname().nodename == before


def test_unshare_and_setns() -> None:
    def check() -> None:
        first = os.open("/proc/self/ns/uts", os.O_RDONLY)
        native.unshare(CloneFlag.NEWUTS)
        assert os.readlink("/proc/self/ns/uts") != os.readlink(f"/proc/self/fd/{first}")
        native.setns(first, CloneFlag.NEWUTS)
        assert os.readlink("/proc/self/ns/uts") == os.readlink(f"/proc/self/fd/{first}")

    inside(check)


def test_mount_pivot_root_and_umount2(tmp_path: Path) -> None:
    def check() -> None:
        native.mount("tmpfs", str(tmp_path), "tmpfs", data="size=1m")
        (tmp_path / "mark").touch()
        os.chdir(tmp_path)
        native.pivot_root(".", ".")
        native.umount2(".", native.UnmountFlag.DETACH)
        os.chdir("/")
        assert os.listdir("/") == ["mark"]

    inside(check)
    assert list(tmp_path.iterdir()) == []


def test_the_newer_mount_calls(tmp_path: Path) -> None:
    def check() -> None:
        context = native.fsopen("tmpfs")
        native.fsconfig(context, native.ConfigCommand.SET_STRING, "size", "1m")
        native.fsconfig(context, native.ConfigCommand.CREATE)
        mount = native.fsmount(context, MountAttribute.NOEXEC)
        native.move_mount(mount, "", native.AT_FDCWD, str(tmp_path), native.MoveFlag.F_EMPTY_PATH)
        (tmp_path / "mark").touch()
        copy = native.open_tree(native.AT_FDCWD, str(tmp_path), TreeFlag.CLONE)
        native.mount_setattr(copy, "", TreeFlag.EMPTY_PATH, set=MountAttribute.RDONLY)
        other = tmp_path / "other"
        other.mkdir()
        native.move_mount(copy, "", native.AT_FDCWD, str(other), native.MoveFlag.F_EMPTY_PATH)
        assert (other / "mark").exists()
        with pytest.raises(OSError, match="Read-only"):
            (other / "new").touch()

    inside(check)


def test_capabilities() -> None:
    def check() -> None:
        native.prctl(Prctl.CAPBSET_DROP, Capability.SYS_TIME)
        assert native.prctl(Prctl.CAPBSET_READ, Capability.SYS_TIME) == 0
        keep = [Capability.CHOWN, Capability.CHECKPOINT_RESTORE]
        native.capset(effective=keep, permitted=keep, inheritable=[])
        assert native.capget()["effective"] == frozenset(keep)
        assert native.capget()["inheritable"] == frozenset()
        with pytest.raises(SystemCallError) as caught:
            native.sethostname("x")
        assert caught.value.errno == errno.EPERM

    inside(check)


def test_capability_numbers_are_the_kernels() -> None:
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    assert last >= Capability.CHECKPOINT_RESTORE == 40
    assert (Capability.CHOWN, Capability.SYS_ADMIN, Capability.SETFCAP) == (0, 21, 31)


def test_seccomp() -> None:
    import struct

    # load the call's number; is it getppid? then EPERM; else allow
    number = {"x86_64": 110, "aarch64": 173}[os.uname().machine]
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | errno.EPERM), (0x06, 0, 0, 0x7FFF0000)]
    program = b"".join(struct.pack("=HBBI", *step) for step in steps)

    def check() -> None:
        native.prctl(Prctl.SET_NO_NEW_PRIVS, 1)
        native.seccomp(native.SeccompMode.FILTER, 0, program)
        with pytest.raises(SystemCallError) as caught:
            native.perform(native.Step("getppid", number, ()))
        assert caught.value.errno == errno.EPERM

    inside(check)


def test_pidfds() -> None:
    with native.clone(lambda: signal.pause()) as process:  # type: ignore[func-returns-value]
        pidfd = native.pidfd_open(process.pid)
        assert not select.select([pidfd], [], [], 0)[0]
        native.pidfd_send_signal(pidfd, signal.SIGTERM)
        assert select.select([pidfd], [], [], 10)[0]
        os.close(pidfd)
        assert process.wait(10) == -signal.SIGTERM


def test_close_range() -> None:
    def check() -> None:
        a, b = socket.socketpair()
        native.close_range(a.fileno(), b.fileno(), CloseFlag(0))
        for end in (a, b):
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(end.detach())

    inside(check)


def test_openat2_stays_inside(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/etc/passwd")
    root = os.open(tmp_path, os.O_PATH)
    try:
        with pytest.raises(SystemCallError) as caught:
            native.openat2(root, "out", os.O_RDONLY, resolve=Resolve.IN_ROOT)
        assert caught.value.errno == errno.ENOENT
        with pytest.raises(SystemCallError) as caught:
            native.openat2(root, "../..", os.O_PATH, resolve=Resolve.BENEATH)
        assert caught.value.errno == errno.EXDEV
    finally:
        os.close(root)


def test_errors_carry_call_and_arguments() -> None:
    with pytest.raises(SystemCallError) as caught:
        native.mount("nothing", "/nowhere", "tmpfs", MountFlag.RDONLY | MountFlag.NODEV)
    error = caught.value
    assert isinstance(error, OSError)
    assert error.errno in (errno.ENOENT, errno.EPERM)
    assert error.call == "mount"
    assert error.arguments == "'nothing', '/nowhere', 'tmpfs', RDONLY|NODEV, 0"
    assert str(error).startswith("mount('nothing', '/nowhere', 'tmpfs', RDONLY|NODEV, 0): E")


def test_every_call_names_its_man_page() -> None:
    calls = [value for value in vars(native).values() if isinstance(value, native.SystemCall)]
    assert len(calls) >= 20
    for call in calls:
        assert call.__doc__ is not None
        assert "(2)" in call.__doc__, call


def test_flags_are_the_compilers() -> None:
    assert CloneFlag.NEWNS == 0x00020000
    assert CloneFlag.INTO_CGROUP == 0x200000000
    assert MountFlag.REC | MountFlag.PRIVATE == 0x44000


def test_what_a_thread_of_its_own_raises_does_not_wait_for_the_collector() -> None:
    """A traceback holds open files, and drivers with their sockets."""

    class Held:
        pass

    seen: list[weakref.ref[Held]] = []

    def work() -> None:
        held = Held()
        seen.append(weakref.ref(held))
        raise ValueError("it fails")

    gc.disable()
    try:
        with pytest.raises(ValueError, match="it fails"):
            in_own_thread(work)
        assert seen[0]() is None
    finally:
        gc.enable()

"""Plans carried out, by both carriers."""

import ctypes
import errno
import itertools
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.errors import StepFailed
from labcore.native import DEVNULL, PIPE, Capability, CloneFlag, MountFlag, Process, Step
from labcore.native.monitor import MonitorLost
from labcore.runtime import Carrier, Plan, make_plan, ops, spawn
from labcore.spec import ContainerSpec, OverlayRoot
from tests.conftest import needs, needs_root
from tests.threads import together

CARRIERS: tuple[Carrier, ...] = ("extension", "monitor")
BOTH = pytest.mark.parametrize("carrier", CARRIERS)
pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


def shell(script: str, *before: ops.Op, flags: CloneFlag = CloneFlag(0)) -> Plan:
    return Plan(
        [ops.Clone(flags), *before, ops.CloseDescriptors(), ops.Execve(("/bin/sh", "-c", script), ("PATH=/usr/bin:/bin",))]
    )


@BOTH
def test_output_exit_code_and_pids(carrier: Carrier) -> None:
    plan = shell("echo out; echo err >&2; cat; echo $$; exit 3", flags=CloneFlag.NEWPID)
    with spawn(plan, stdin=PIPE, stdout=PIPE, stderr=PIPE, carrier=carrier) as process:
        assert process.pid_inside == 1
        assert process.pid > 1
        assert process.communicate(b"in\n", timeout=10) == (b"out\nin\n1\n", b"err\n")
    assert process.returncode == 3


@BOTH
def test_streams_may_be_files_descriptors_devnull_or_inherited(
    carrier: Carrier, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").write_text("from a file\n")
    with (tmp_path / "in").open() as source, (tmp_path / "out").open("wb") as target:
        with spawn(shell("cat"), stdin=source, stdout=target, carrier=carrier) as process:
            assert process.wait(10) == 0
        with spawn(shell("cat; echo fd >&2"), stdin=DEVNULL, stderr=target.fileno(), carrier=carrier) as process:
            assert process.wait(10) == 0
    assert (tmp_path / "out").read_text() == "from a file\nfd\n"
    with spawn(shell("echo inherited"), carrier=carrier) as process:
        process.wait(10)
    assert capfd.readouterr().out == "inherited\n"


@BOTH
def test_a_signal_is_a_negative_code(carrier: Carrier) -> None:
    with spawn(shell("kill -TERM $$"), carrier=carrier) as process:
        assert process.wait(10) == -signal.SIGTERM


@BOTH
def test_kill_and_poll(carrier: Carrier) -> None:
    with spawn(shell("exec sleep 100"), carrier=carrier) as process:
        assert process.poll() is None
        with pytest.raises(TimeoutError):
            process.wait(0.05)
        process.kill()
        assert process.wait(10) == -signal.SIGKILL


@BOTH
def test_leaving_the_with_kills_what_still_runs(carrier: Carrier) -> None:
    with spawn(shell("exec sleep 100"), carrier=carrier) as process:
        pid = process.pid
    assert process.returncode == -signal.SIGKILL
    assert not Path(f"/proc/{pid}").exists()


@BOTH
def test_no_descriptor_reaches_the_program(carrier: Carrier) -> None:
    leak = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(leak, True)
    try:
        with spawn(shell("ls /proc/self/fd"), stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, carrier=carrier) as process:
            out, _ = process.communicate(timeout=10)
    finally:
        os.close(leak)
    assert out.split() == [b"0", b"1", b"2", b"3"]  # 3 is ls's own, on the directory


@BOTH
def test_handlers_and_masks_are_as_new(carrier: Carrier) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        plan = shell("grep -E '^Sig(Blk|Ign)' /proc/self/status")
        with spawn(plan, stdout=PIPE, carrier=carrier) as process:
            out, _ = process.communicate(timeout=10)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    assert {line.split()[1] for line in out.splitlines()} == {b"0" * 16}  # Python itself ignores SIGPIPE


@BOTH
def test_the_parent_is_as_before(carrier: Carrier, engine) -> None:  # type: ignore[no-untyped-def]
    def state() -> tuple[object, ...]:
        libc = ctypes.CDLL(None)
        status = Path("/proc/thread-self/status").read_text()
        kept = [
            line
            for line in status.splitlines()
            if line.startswith(("SigP", "SigB", "SigI", "SigC", "Shd", "Cap", "Umask", "NoNewPrivs", "Seccomp"))
        ]
        spaces = sorted(os.readlink(path) for path in Path("/proc/thread-self/ns").iterdir())
        return libc.prctl(3), Path("/proc/self/oom_score_adj").read_text(), kept, spaces, os.getcwd(), os.uname().nodename

    plan = make_plan(engine.spec("busybox", ["true"], hostname="other"))  # may unpack, in threads
    before = state()
    with spawn(plan, carrier=carrier) as process:
        assert process.wait(10) == 0
    with pytest.raises(StepFailed):
        spawn(make_plan(engine.spec("busybox", ["nope"])), carrier=carrier)
    assert state() == before


@BOTH
def test_a_failing_op_is_named_and_reaped(carrier: Carrier) -> None:
    private = ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
    plan = Plan([ops.Clone(CloneFlag.NEWNS), private, ops.Mount("tmpfs", "/nowhere", "tmpfs"), ops.Umask(0)])
    with pytest.raises(StepFailed) as caught:
        spawn(plan, carrier=carrier)
    error = caught.value
    assert (error.index, error.call, error.errno) == (2, "mount", errno.ENOENT)
    assert error.step == "op 2, mount tmpfs on /nowhere"
    assert "/nowhere does not exist" in error.cause
    assert error.cure


@BOTH
def test_every_op_is_time_stamped(carrier: Carrier, engine) -> None:  # type: ignore[no-untyped-def]
    plan = make_plan(engine.spec("busybox", ["true"]))
    with spawn(plan, carrier=carrier) as process:
        process.wait(10)
    timeline = process.timeline
    assert [moment.index for moment in timeline] == list(range(len(plan)))
    assert [moment.name for moment in timeline] == [op.name for op in plan]
    starts = [moment.start_us for moment in timeline]
    assert starts == sorted(starts)
    assert starts[0] == 0
    assert all(moment.duration_us >= 0 for moment in timeline)
    for one, following in itertools.pairwise(timeline):
        assert one.start_us + one.duration_us == pytest.approx(following.start_us)


STARTED = """
import sys
from labcore import Engine
from labcore.runtime import make_plan, spawn
plan = make_plan(Engine(sys.argv[1]).spec("busybox", ["true"]))
with spawn(plan, carrier="monitor") as process:
    process.wait(10)
print(*{step.call for _, step in plan.steps})
print(len(plan.steps), sum(moment.calls for moment in process.timeline[1:]))
"""


def test_the_calls_of_its_ops_are_those_that_strace_sees(engine: Engine, tmp_path: Path) -> None:
    """Those that were left out are not counted, and the one by which the child enters its cgroup is no op's."""
    needs("strace")
    traced = ["strace", "-ff", "-qq", "-o", str(tmp_path / "calls")]
    ran = subprocess.run([*traced, sys.executable, "-c", STARTED, str(engine.root)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    names, counts = ran.stdout.splitlines()
    steps, told = map(int, counts.split())
    (child,) = [text for text in (path.read_text() for path in tmp_path.glob("calls.*")) if "pivot_root(" in text]
    lines = child[: child.index("\n", child.rindex("\nexecve(") + 1)].splitlines()
    seen = [line for line in lines if line.partition("(")[0] in names.split()]
    assert told == len([line for line in seen if not re.match(r'write\(\d+, "0", 1\)', line)])
    assert told < steps


@BOTH
def test_a_plan_that_ends_without_a_program(carrier: Carrier) -> None:
    with spawn(Plan([ops.Clone(CloneFlag.NEWUTS), ops.SetHostname("box")]), carrier=carrier) as process:
        assert process.wait(10) == 0


@BOTH
def test_killed_before_its_program(carrier: Carrier) -> None:
    getpid = {"x86_64": 39, "aarch64": 172}[os.uname().machine]
    kill = {"x86_64": 62, "aarch64": 129}[os.uname().machine]
    suicide = ops.Call(Step("kill", kill, (0, signal.SIGKILL)))  # its whole process group: itself, after setsid
    plan = Plan([ops.Clone(), ops.NewSession(), suicide, ops.Call(Step("getpid", getpid, ())), ops.Execve(("/bin/true",))])
    with pytest.raises(StepFailed, match="killed by SIGKILL before it became its program"):
        spawn(plan, carrier=carrier)


def test_a_user_namespace_with_its_map_written_by_the_parent() -> None:
    def map_users(process: Process) -> None:
        Path(f"/proc/{process.pid}/setgroups").write_text("deny")
        Path(f"/proc/{process.pid}/uid_map").write_text("0 0 1\n")
        Path(f"/proc/{process.pid}/gid_map").write_text("0 0 1\n")

    plan = shell("cat /proc/self/uid_map; id -u", ops.Sync("write the id maps", map_users), flags=CloneFlag.NEWUSER)
    assert plan.carrier == "monitor"
    assert "parent: write the id maps" in str(plan)
    with spawn(plan, stdout=PIPE) as process:
        out, _ = process.communicate(timeout=10)
    assert out.split() == [b"0", b"0", b"1", b"0"]


def test_a_parent_that_fails_at_sync_leaves_no_process() -> None:
    def fail(process: Process) -> None:
        raise RuntimeError("could not move the link")

    with pytest.raises(RuntimeError, match="could not move"):
        spawn(shell("true", ops.Sync("move a link", fail)))


def test_an_op_that_fails_before_its_sync() -> None:
    plan = shell("true", ops.Chdir("/nowhere"), ops.Sync("never reached", lambda process: None))
    with pytest.raises(StepFailed) as caught:
        spawn(plan)
    assert caught.value.index == 1


def test_the_monitor_shares_neither_session_nor_streams() -> None:
    with spawn(shell("exec sleep 100"), stdout=PIPE, carrier="monitor") as process:
        monitor = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1])
        assert os.getsid(monitor) == monitor
        assert {os.readlink(f"/proc/{monitor}/fd/{fd}") for fd in (0, 1, 2)} == {"/dev/null"}
        process.kill()
        assert process.communicate(timeout=10) == (b"", b"")  # the end of the pipe is seen: nobody else holds it


def test_a_killed_monitor_is_reported() -> None:
    """Nobody can say any more how the process ends, so it is ended; nothing of it stays, and `close` works."""
    with spawn(shell("exec sleep 100"), stdout=PIPE, carrier="monitor") as process:
        pid = process.pid
        monitor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(monitor, signal.SIGKILL)
        with pytest.raises(MonitorLost, match="the monitor was killed"):
            process.wait(10)
    assert process.returncode == -signal.SIGKILL
    assert not Path(f"/proc/{monitor}").exists()
    for _ in range(2000):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.02)
    pytest.fail("it runs on")


def test_a_monitor_killed_at_sync() -> None:
    def kill_the_monitor(process: Process) -> None:
        os.kill(int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)

    with pytest.raises(MonitorLost):
        spawn(shell("true", ops.Sync("kill the monitor", kill_the_monitor)))


def test_the_exit_of_a_start_that_was_given_up() -> None:
    seen: list[Process] = []

    def fail(process: Process) -> None:
        seen.append(process)
        raise RuntimeError("given up")

    with pytest.raises(RuntimeError, match="given up"):
        spawn(shell("true", ops.Sync("fail", fail)))
    assert seen[0].returncode in (-signal.SIGKILL, 127)  # killed, or it read the end of the handshake first


def test_a_cgroup_that_is_none() -> None:
    for carrier in CARRIERS:
        with pytest.raises(OSError, match="Bad file descriptor"):
            spawn(Plan([ops.Clone(cgroup=999)]), carrier=carrier)


@BOTH
@pytest.mark.one_thread  # one of pytest-xdist's reads its tests from a descriptor that is moved here
def test_no_path_leads_through_the_starters_descriptors(carrier: Carrier, engine, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A working directory or a program named /proc/self/fd/N would be outside, if N were still open."""
    (tmp_path / "secret").write_text("of the host")
    (tmp_path / "program").write_bytes(Path("/bin/true").read_bytes())
    (tmp_path / "program").chmod(0o755)
    for number in (3, 7, 50):
        fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
        if fd != number:
            saved = os.dup(number) if os.path.exists(f"/proc/self/fd/{number}") else None
            os.dup2(fd, number, inheritable=False)
        try:
            for spec in (
                engine.spec("busybox", ["cat", "secret"], workdir=f"/proc/self/fd/{number}"),
                engine.spec("busybox", [f"/proc/self/fd/{number}/program"]),
            ):
                with pytest.raises(StepFailed) as caught:
                    spawn(make_plan(spec), stdout=DEVNULL, stderr=DEVNULL, carrier=carrier)
                assert caught.value.errno in (errno.ENOENT, errno.ENOTDIR, errno.EACCES)
        finally:
            if fd != number:
                os.close(fd)
                if saved is None:
                    os.close(number)
                else:
                    os.dup2(saved, number)
                    os.close(saved)
            else:
                os.close(fd)


def test_a_container_dies_with_the_thread_that_runs_it() -> None:
    script = (
        "import labcore, os, sys\n"
        "from labcore.runtime import *\n"
        "from labcore.runtime import ops\n"
        "p = spawn(Plan([ops.Clone(), ops.DieWithParent(), ops.Execve(('/bin/sleep', '100'))]))\n"
        "print(p.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    pid = int(done.stdout)
    for _ in range(100):
        try:
            if "zombie" in Path(f"/proc/{pid}/status").read_text():
                return
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail("it runs on")


@BOTH
def test_from_many_threads_at_once(carrier: Carrier, engine) -> None:  # type: ignore[no-untyped-def]
    plan = make_plan(engine.spec("busybox", ["sh", "-c", "hostname; exit 4"], hostname="many"))
    results: list[object] = []

    def work() -> None:
        for _ in range(5):
            with spawn(plan, stdin=DEVNULL, stdout=PIPE, carrier=carrier) as process:
                results.append((process.communicate(timeout=30)[0], process.returncode))

    together(*[work] * 8)
    assert results == [(b"many\n", 4)] * 40


def test_starting_in_a_cgroup(tmp_path: Path) -> None:
    unified = next((Path(p) for p in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup") if Path(p, "cgroup.procs").exists()), None)
    if unified is None:
        pytest.skip("needs a cgroup v2 tree")
    group = unified / f"labcore-test-{os.getpid()}"
    group.mkdir()
    fd = os.open(group, os.O_RDONLY)
    try:
        for carrier in CARRIERS:
            clone = ops.Clone(cgroup=fd)
            plan = Plan([clone, ops.Execve(("/bin/grep", "^0:", "/proc/self/cgroup"))])
            with spawn(plan, stdout=PIPE, carrier=carrier) as process:
                out, _ = process.communicate(timeout=10)
            assert out.decode().strip().endswith(group.name)
    finally:
        os.close(fd)
        group.rmdir()


def test_the_root_is_put_together_from_layers(tmp_path: Path) -> None:
    state = tmp_path
    for name in ("layers/low/bin", "layers/top", "scratch"):
        (state / name).mkdir(parents=True)
    busybox = subprocess.run(["which", "busybox"], capture_output=True, text=True).stdout.strip()
    (state / "layers/low/bin/cat").write_bytes(Path(busybox).read_bytes())
    (state / "layers/low/bin/cat").chmod(0o755)
    (state / "layers/low/which").write_text("low")
    (state / "layers/top/which").write_text("top")
    spec = ContainerSpec(OverlayRoot(str(state), ("layers/top", "layers/low"), "scratch"), ("/bin/cat", "/which"))
    with spawn(make_plan(spec), stdout=PIPE) as process:
        assert process.communicate(timeout=10)[0] == b"top"
    assert list((state / "scratch").iterdir()) == []


def test_a_directory_that_is_closed_to_root_is_entered_as_the_user(tmp_path: Path) -> None:
    """As with a network's file system: root without its overriding rights, and a directory of the user's own."""
    for path in (tmp_path, *tmp_path.parents):
        path.chmod(path.stat().st_mode | 0o055)
    own, foreign = tmp_path / "own", tmp_path / "foreign"
    for path, owner in ((own, 1000), (foreign, 1001)):
        path.mkdir(0o700)
        os.chown(path, owner, owner)
    rights = (Capability.SETUID, Capability.SETGID)

    def entering(path: Path) -> Plan:
        *others, program = shell("pwd").ops
        first = [ops.SetCapabilities(rights, rights), ops.TryChdir(str(path)), ops.SetUser(1000, 1000)]
        return Plan([*others, *first, ops.Chdir(str(path), otherwise=True), program])

    with spawn(entering(own), stdout=PIPE) as process:
        assert process.communicate(timeout=10)[0] == f"{own}\n".encode()
    with pytest.raises(StepFailed, match="is closed to this user") as caught:
        spawn(entering(foreign))
    assert caught.value.errno == errno.EACCES


@BOTH
def test_what_is_closed_here_is_dev_null_there(carrier: Carrier) -> None:
    """Else one of the carrier's own pipes would be what the program reads from or writes to."""
    script = (
        "import os, sys; from labcore.runtime import Plan, ops, spawn\n"
        "for fd in map(int, sys.argv[2:]): os.close(fd)\n"
        "look = 'for f in 0 1 2; do all=\"$all $(readlink /proc/$$/fd/$f)\"; done; echo $all > ' + sys.argv[1]\n"
        "plan = Plan([ops.Clone(), ops.CloseDescriptors(), ops.Execve(('/bin/sh', '-c', look + '; exit 5'), ('PATH=/bin',))])\n"
        f"with spawn(plan, carrier={carrier!r}) as process: os._exit(process.wait(10))"
    )
    for closed in ((0,), (1,), (2,), (0, 1, 2)):
        with tempfile.NamedTemporaryFile() as seen, open(os.devnull, "r+b") as null:
            command = [sys.executable, "-c", script, seen.name, *map(str, closed)]
            done = subprocess.run(command, stdin=null, capture_output=True, timeout=20)
            assert done.returncode == 5, done.stderr
            found = Path(seen.name).read_text().split()
        assert [found[fd] for fd in closed] == ["/dev/null"] * len(closed)

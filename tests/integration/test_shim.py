"""Containers that outlive their starter: found again, their output and their end on record, whoever is killed and when."""

import fcntl
import os
import random
import signal
import subprocess
import sys
import termios
import time
from array import array
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.errors import InvalidInput, NotRunning
from labcore.native.monitor import MonitorExit, MonitorLost
from labcore.runtime import Plan, make_plan, spawn
from labcore.runtime.shim import Shim
from labcore.runtime.terminal import resize
from labcore.spec import ContainerSpec, LogPolicy, User
from tests.conftest import PROJECT, needs_root, small_disk

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


def container(engine: Engine, script: str, **changes: object) -> ContainerSpec:
    return engine.spec("busybox", ["sh", "-c", script]).replace(**changes)


def output_of(shim: Shim, stream: str = "stdout") -> bytes:
    return b"".join(record.data for record in shim.output() if record.stream == stream)


def test_output_and_end_are_on_record(engine: Engine, tmp_path: Path) -> None:
    shim = Shim(str(tmp_path))
    before = time.time_ns()
    with spawn(make_plan(container(engine, "echo out; echo err >&2; exit 7")), shim=shim) as process:
        assert process.wait(10) == 7
    ended = shim.exit()
    assert ended is not None
    assert (ended.returncode, ended.output, ended.failed) == (7, 8, -1)
    assert before < ended.time < time.time_ns()
    assert [(r.stream, r.data, r.lost) for r in shim.output()] == [("stdout", b"out\n", 0), ("stderr", b"err\n", 0)]
    assert not shim.is_lost()
    with pytest.raises(NotRunning):
        shim.attach()


def test_it_runs_on_and_is_found_again(engine: Engine, tmp_path: Path) -> None:
    shim = Shim(str(tmp_path), input="once")
    let_go(make_plan(container(engine, "read line; echo got $line; read line || exit 5")), shim)
    assert shim.exit() is None
    found = shim.attach()
    assert found.pid == int((tmp_path / "pid").read_text())
    assert found.stdin is not None
    found.stdin.write(b"hello\n")
    found.stdin.close()
    assert found.wait(10) == 5, "its input has come to an end"
    assert output_of(shim) == b"got hello\n"
    reap()


def test_input_that_stays_open_is_not_ended_by_a_visitor(engine: Engine, tmp_path: Path) -> None:
    shim = Shim(str(tmp_path), input="open")
    let_go(make_plan(container(engine, "read a; read b; echo $a$b")), shim)
    for word in (b"one\n", b"two\n"):
        visitor = shim.attach()
        assert visitor.stdin is not None
        visitor.stdin.write(word)
        visitor.release()
    assert [record.data for record in shim.follow()] == [b"onetwo\n"]
    reap()


def test_a_signal_by_a_visitor(engine: Engine, tmp_path: Path) -> None:
    shim = Shim(str(tmp_path))
    let_go(make_plan(container(engine, "trap 'exit 9' TERM; echo ready; while :; do sleep .05; done")), shim)
    assert next(iter(shim.follow())).data == b"ready\n"
    with shim.attach() as found:
        found.kill(signal.SIGTERM)
        assert found.wait(10) == 9
    assert shim.exit() is not None
    reap()


def test_a_terminal(engine: Engine, tmp_path: Path) -> None:
    shim = Shim(str(tmp_path), input="open")
    spec = container(engine, "tty; read line; stty size; echo $line; exec <&- >&- 2>&-; sleep .3", terminal=True)
    let_go(make_plan(spec), shim)
    visitor = shim.attach()
    assert visitor.stdin is not None
    resize(visitor.stdin.fileno(), 33, 77)
    wait_for(lambda: b"pts" in output_of(shim))
    visitor.stdin.write(b"typed\n")
    assert visitor.wait(10) == 0
    visitor.stdin.close()
    assert output_of(shim) == b"/dev/pts/0\r\ntyped\r\n33 77\r\ntyped\r\n"
    reap()


def test_a_failed_start_leaves_nothing(engine: Engine, tmp_path: Path) -> None:
    shim = Shim(str(tmp_path))
    with pytest.raises(OSError, match="no-such-program"):
        spawn(make_plan(engine.spec("busybox", ["no-such-program"])), shim=shim)
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_started_again_in_its_place(engine: Engine, tmp_path: Path) -> None:
    shim = Shim(str(tmp_path))
    for code in (3, 4):
        with spawn(make_plan(container(engine, f"echo {code}; exit {code}")), shim=shim) as process:
            assert process.wait(10) == code
        ended = shim.exit()
        assert ended is not None
        assert ended.returncode == code
    assert [(r.data, r.lost) for r in shim.output()] == [(b"3\n", 0), (b"4\n", 0)]


STARTER = """
import sys
from pathlib import Path
from labcore.engine import Engine
from labcore.runtime import make_plan, ops, spawn
from labcore.runtime.shim import Shim
root, place, sync = sys.argv[1:]
spec = Engine(Path(root)).spec("busybox", ["sh", "-c", "echo begun; sleep .2; exit 6"])
plan = make_plan(spec)
if sync == "sync":
    plan = type(plan)([*plan.ops[:1], ops.Sync("look", lambda process: None), *plan.ops[1:]])
print("starting", flush=True)
spawn(plan, shim=Shim(place)).release()
print("started", flush=True)
"""


@pytest.mark.parametrize("sync", ["sync", "plain"])
def test_the_starter_is_killed_at_any_moment(engine: Engine, tmp_path: Path, sync: str) -> None:
    draw, ran, never, takes = random.Random(4), 0, 0, 0.0
    for number in range(12):
        place = tmp_path / str(number)
        place.mkdir()
        command = [sys.executable, "-c", STARTER, str(engine.root), str(place), sync]
        starter = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT)
        assert starter.stdout is not None
        starter.stdout.readline()
        begun = time.monotonic()
        if number == 0:  # this one is let go on: how long does it take?
            starter.stdout.readline()
            takes = time.monotonic() - begun
        else:
            time.sleep(draw.uniform(0, 1.3 * takes))
        starter.kill()
        starter.communicate()
        shim = Shim(str(place))
        list(shim.follow())  # to its end
        ended = shim.exit()
        if ended is None:  # killed before there was a monitor
            assert shim.is_lost()
            assert not (place / "pid").exists()
            never += 1
        elif ended.failed >= 0:  # killed before it had answered the plan's `sync`
            assert sync == "sync"
            assert output_of(shim) == b""
            never += 1
        else:
            assert (ended.returncode, output_of(shim)) == (6, b"begun\n")
            ran += 1
    assert ran, f"none of {never} was ever started"


@pytest.mark.parametrize("user", [0, 1000])
def test_a_container_dies_with_its_monitor(engine: Engine, tmp_path: Path, user: int) -> None:
    shim = Shim(str(tmp_path))
    with spawn(make_plan(container(engine, "echo up; sleep 100", user=User(uid=user, gid=user))), shim=shim) as process:
        assert next(iter(shim.follow())).data == b"up\n"
        monitor = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1])
        visitor = shim.attach()
        os.kill(monitor, signal.SIGKILL)
        with pytest.raises(MonitorLost):
            visitor.wait(10)
        with pytest.raises(MonitorLost):
            process.wait(10)
        wait_for(lambda: not alive(process.pid))
    assert shim.is_lost()
    assert shim.exit() is None
    assert output_of(shim) == b"up\n"


def test_records_of_a_machine_that_was_restarted(tmp_path: Path) -> None:
    """Its pid is another's by now; the socket is a file that nobody listens at; the log breaks off in a record."""
    import socket

    stale = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stale.bind(str(tmp_path / "attach.sock"))
    stale.close()
    (tmp_path / "pid").write_text(f"{os.getpid()}\n")
    (tmp_path / "log").write_bytes(bytes(8) + bytes(8) + b"\x05\0\0\0\x01\0\0\0first" + b"\x01" * 20)
    shim = Shim(str(tmp_path))
    assert shim.is_lost()
    with pytest.raises(NotRunning):
        shim.attach()
    assert output_of(shim) == b"first"


def test_a_log_is_turned_over(engine: Engine, tmp_path: Path) -> None:
    shim = Shim(str(tmp_path), log=LogPolicy(max_size=20_000, max_files=3))
    lines = 12_000
    with spawn(make_plan(container(engine, f"seq {lines} | while read n; do echo $n; done")), shim=shim) as process:
        seen = list(shim.follow())
        assert process.wait(60) == 0
    assert sorted(path.name for path in tmp_path.glob("log*")) == ["log", "log.1", "log.2"]
    assert all(path.stat().st_size <= 20_000 for path in tmp_path.glob("log*"))
    everything = "".join(f"{n}\n" for n in range(1, lines + 1)).encode()
    assert everything.endswith(output_of(shim))
    lost = sum(record.lost for record in seen)
    assert lost + sum(len(record.data) for record in seen) == len(everything), "what a follower missed it is told of"


def test_a_full_disk_is_not_the_containers_trouble(engine: Engine, tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)], check=True)
    try:
        shim = Shim(str(tmp_path))
        script = (
            "dd if=/dev/zero bs=1k count=900 2>/dev/null; echo end; while [ ! -e /dev/shm/go ]; do sleep .02; done; echo late"
        )
        with spawn(make_plan(container(engine, script)), shim=shim) as process:
            wait_for(lambda: (tmp_path / "log").stat().st_size > 100_000)
            time.sleep(0.3)
            os.truncate(tmp_path / "log", 0)
            Path(f"/proc/{process.pid}/root/dev/shm/go").touch()
            assert process.wait(60) == 0
        (last,) = shim.output()
        assert last.data == b"late\n"
        ended = shim.exit()
        assert ended is not None
        assert ended.output == 900 * 1024 + 9
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_an_exit_is_written_on_a_full_disk(engine: Engine, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "256k") as place:
        shim = Shim(str(place))
        script = "while [ ! -e /dev/shm/go ]; do sleep .02; done; exit 3"
        with spawn(make_plan(container(engine, script)), shim=shim) as process:
            with suppress(OSError):
                (place / "filler").write_bytes(bytes(1 << 20))
            Path(f"/proc/{process.pid}/root/dev/shm/go").touch()
            assert process.wait(10) == 3
        ended = shim.exit()
        assert ended is not None
        assert ended.returncode == 3


@pytest.mark.parametrize("left", [b"", bytes(160), b" " * 160, b"1 3 17"])
def test_an_exit_that_a_crash_of_the_machine_has_cut_short_is_none(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "exit").write_bytes(left)
    assert Shim(str(tmp_path)).exit() is None
    assert Shim(str(tmp_path)).is_lost()


@pytest.mark.parametrize("mode", ["blocking", "non-blocking"])
def test_a_slow_reader(engine: Engine, tmp_path: Path, mode: str) -> None:
    """The log is a FIFO here, whose reader is as slow as we like: a disk cannot be made so."""
    os.mkfifo(tmp_path / "log")
    reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    shim = Shim(str(tmp_path), log=LogPolicy(mode=mode, buffer=1 << 16))  # type: ignore[arg-type]
    script = "i=0; while [ $i -lt 300 ]; do dd if=/dev/zero bs=1k count=1 2>/dev/null; i=$((i+1)); done"
    with spawn(make_plan(container(engine, script)), shim=shim) as process:
        if mode == "blocking":
            with pytest.raises(TimeoutError):
                process.wait(1.5)  # it waits for the reader
            os.close(reader)  # who now has gone
            assert process.wait(20) == 0
        else:
            wait_for(lambda: shim.exit() is not None)  # it did not wait
            received = drain(reader)
            assert len(received) < 300 * 1024, "some was lost"
            ended = shim.exit()
            assert ended is not None
            assert ended.output == 300 * 1024, "and is accounted for"
            os.close(reader)
            process.wait(10)


def test_output_in_small_pieces_is_gathered(engine: Engine, tmp_path: Path) -> None:
    """To wake for each piece would take more time than the container takes to write it."""
    shim = Shim(str(tmp_path))
    with spawn(make_plan(container(engine, "dd if=/dev/zero bs=64 count=100000 2>/dev/null")), shim=shim) as process:
        assert process.wait(60) == 0
    pieces = list(shim.output())
    assert sum(len(piece.data) for piece in pieces) == 6_400_000
    assert len(pieces) < 3000


def test_a_pipe_that_is_full_gets_larger(engine: Engine, tmp_path: Path) -> None:
    shim = Shim(str(tmp_path))
    script = "until [ -e /dev/shm/go ]; do sleep .02; done; head -c 300000 /dev/zero; sleep 100"
    with spawn(make_plan(container(engine, script)), shim=shim) as process:
        output = os.open(f"/proc/{process.pid}/fd/1", os.O_RDONLY | os.O_NONBLOCK)
        monitor = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1])
        assert fcntl.fcntl(output, fcntl.F_GETPIPE_SZ) == 1 << 16
        os.kill(monitor, signal.SIGSTOP)
        Path(f"/proc/{process.pid}/root/dev/shm/go").touch()
        wait_for(lambda: waiting(output) == 1 << 16)
        os.kill(monitor, signal.SIGCONT)
        wait_for(lambda: len(output_of(shim)) == 300_000)
        assert fcntl.fcntl(output, fcntl.F_GETPIPE_SZ) == 1 << 20
        os.close(output)


def waiting(pipe: int) -> int:
    """Return how many bytes lie in a pipe."""
    count = array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


def test_a_reader_that_is_gone_makes_nobody_wait(engine: Engine, tmp_path: Path) -> None:
    shim = Shim(str(tmp_path))
    let_go(make_plan(container(engine, "seq 20000; echo done")), shim)
    for _ in range(100):  # more than the monitor has room for at once
        try:
            shim.attach().release()
        except NotRunning:
            break
    list(shim.follow())
    assert output_of(shim).endswith(b"19999\n20000\ndone\n")
    reap()


def test_memory_of_a_monitor(engine: Engine, tmp_path: Path) -> None:
    """At most half a megabyte each, its fair share of what it shares with others counted."""
    sizes = []
    plan = make_plan(container(engine, "sleep 100"))
    started = []
    try:
        for number in range(30):
            (tmp_path / str(number)).mkdir()
            started.append(spawn(plan, shim=Shim(str(tmp_path / str(number)))))
        for process in started:
            monitor = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1]
            rollup = Path(f"/proc/{monitor}/smaps_rollup").read_text()
            sizes.append(int(rollup.split("Pss:")[1].split()[0]))
    finally:
        for process in started:
            process.close()
    assert sum(sizes) / len(sizes) < 500, f"{sizes} KiB"


def test_policies_that_make_no_sense() -> None:
    for wrong in ({"mode": "sometimes"}, {"max_files": 0}, {"max_size": -1}, {"buffer": 0}):
        with pytest.raises(InvalidInput):
            LogPolicy(**wrong)  # type: ignore[arg-type]


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def drain(reader: int) -> bytes:
    received = b""
    while True:
        try:
            piece = os.read(reader, 1 << 16)
        except BlockingIOError:
            time.sleep(0.05)
            continue
        if not piece:
            return received
        received += piece


MONITORS: list[int] = []


def let_go(plan: Plan, shim: Shim) -> None:
    """Start a container and leave it to its monitor, which stays this process's child."""
    process = spawn(plan, shim=shim)
    assert isinstance(process.source, MonitorExit)
    MONITORS.append(process.source.monitor.pid)
    process.release()


def reap() -> None:
    """Wait for the monitors that were let go of."""
    while MONITORS:
        os.waitpid(MONITORS.pop(), 0)

"""Containers that stay: what each verb does in each state, whoever is killed meanwhile, and what is said of them."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from labcore import procfs
from labcore.cli import main
from labcore.engine import Engine, create_options
from labcore.engine import containers as verbs
from labcore.engine.container.attach import run_to_end
from labcore.engine.container.create import create
from labcore.engine.container.exec import ExecOptions, execute
from labcore.engine.container.listing import span, status_line
from labcore.engine.container.logs import lines, logs
from labcore.engine.container.start import start
from labcore.engine.container.state import get, shim_of
from labcore.engine.image.remove import remove_image
from labcore.engine.prune import prune_containers
from labcore.engine.records.records import Container, State
from labcore.engine.volume.objects import prune_volumes, remove_volume
from labcore.errors import ImageNotFound, InUse, InvalidInput, NotFound, NotRunning, StepFailed
from labcore.native import PIPE
from labcore.native.monitor import MonitorExit, MonitorLost
from labcore.runtime.cgroups.hierarchy import hierarchies, v2_controllers
from labcore.runtime.shim import LogRecord
from labcore.spec import Healthcheck, RestartPolicy
from tests.conftest import needs_root
from tests.containers import names, run_script, shell_container
from tests.serving import stays
from tests.threads import Started

pytestmark = pytest.mark.usefixtures("served", "nothing_left")
LABCORE = [sys.executable, "-P", "-m", "labcore"]


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    """A name that no container has; what gets it is removed afterwards."""
    chosen = f"test-{os.urandom(4).hex()}"
    yield chosen
    if chosen in names(engine):
        verbs.remove(engine, chosen, force=True, volumes=True)


def made(
    engine: Engine, name: str, script: str = "trap 'exit 9' TERM; echo up; while :; do sleep .05; done", **more: object
) -> Container:
    return create(engine, create_options("busybox", ["sh", "-c", script], name=name, **more))


def cli(engine: Engine, *words: str, input: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*LABCORE, "--root", str(engine.root), *words], input=input, capture_output=True, timeout=120, check=False
    )


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


# --- each verb in each state


STATES = ("created", "running", "exited")
# verb -> what becomes of a container in each of these states: the state afterwards, or an error
TABLE: dict[str, tuple[str | type[Exception], ...]] = {
    "start": ("running", "running", "running"),
    "stop": ("created", "exited", "exited"),
    "kill": (NotRunning, "exited", NotRunning),
    "remove": ("gone", InUse, "gone"),
    "remove, force": ("gone", "gone", "gone"),
    "rename": ("created", "running", "exited"),
    "exec": (NotRunning, "running", NotRunning),
    "wait": ("created", "exited", "exited"),
    "prune": ("gone", "running", "gone"),
}


def act(engine: Engine, verb: str, name: str) -> None:
    if verb == "start":
        engine.test_processes.append(start(engine, name))  # type: ignore[attr-defined]
    elif verb == "stop":
        verbs.stop(engine, name, seconds=5)
    elif verb == "kill":
        verbs.kill(engine, name)
        verbs.wait(engine, name)
    elif verb.startswith("remove"):
        verbs.remove(engine, name, force=verb.endswith("force"))
    elif verb == "rename":
        verbs.rename(engine, verbs.rename(engine, name, f"{name}-2").name, name)
    elif verb == "exec":
        with execute(engine, name, ExecOptions(("true",))) as process:
            assert process.wait(20) == 0
    elif verb == "wait":
        if get(engine, name).state.status == "running":
            verbs.kill(engine, name, signal.SIGTERM)
            assert verbs.wait(engine, name) == 9
        assert verbs.wait(engine, name) == get(engine, name).state.exit_code
    else:
        prune_containers(engine)


@pytest.fixture
def started(engine: Engine) -> Iterator[Engine]:
    """An engine with a list of the processes that a test has started, which are reaped afterwards."""
    engine.test_processes = []  # type: ignore[attr-defined]
    yield engine
    for process in engine.test_processes:  # type: ignore[attr-defined]
        process.close()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", TABLE)
def test_each_verb_in_each_state(started: Engine, name: str, verb: str, state: str) -> None:
    engine, wanted = started, TABLE[verb][STATES.index(state)]
    container = made(engine, name)
    if state != "created":
        act(engine, "start", name)
        wait_for(lambda: any(shim_of(engine, container).output()))
    if state == "exited":
        act(engine, "stop", name)
    assert get(engine, name).state.status == state
    if isinstance(wanted, str):
        act(engine, verb, name)
    else:
        with pytest.raises(wanted, match=f"{name}|{container.id}"):
            act(engine, verb, name)
        wanted = state
    found = get(engine, name).state.status if name in names(engine) else "gone"
    assert found == wanted


def test_a_container_from_its_beginning_to_its_end(engine: Engine, name: str) -> None:
    container = made(engine, name, "read word; echo got $word; echo bad >&2; exit 3", open_stdin=True, stdin_once=True)
    assert (container.state.status, len(container.id)) == ("created", 64)
    done = run_to_end(engine, container.id[:12], input=b"it\n")
    assert (done.exit_code, done.stdout, done.stderr) == (3, b"got it\n", b"bad\n")
    state = get(engine, name).state
    assert (state.status, state.exit_code, state.pid) == ("exited", 3, 0)
    assert container.created < state.started < state.finished < datetime.now(UTC).isoformat()
    assert run_to_end(engine, name, input=b"more\n").stdout == b"got more\n", "what an earlier start said is not said again"
    assert [(each.stream, each.data) for each in logs(engine, name)] == [
        ("stdout", b"got it\n"), ("stderr", b"bad\n"), ("stdout", b"got more\n"), ("stderr", b"bad\n"),
    ]  # fmt: skip


def test_a_program_that_there_is_not(engine: Engine, name: str) -> None:
    """The container stays, as it was, and says why."""
    create(engine, create_options("busybox", ["no-such-program"], name=name))
    for _ in range(2):
        with pytest.raises(StepFailed, match="no-such-program"):
            start(engine, name)
    state = get(engine, name).state
    assert (state.status, state.exit_code) == ("created", 127)
    assert "no-such-program" in state.error


def test_what_cannot_be_made_leaves_nothing(engine: Engine, name: str) -> None:
    made(engine, name)
    before = sorted(
        path for top in ("containers", "storage/upper", "storage/volumes") for path in (engine.root / top).glob("*")
    )
    for wrong, options in (
        (InUse, create_options("busybox", name=name, volumes=["/data"])),
        (InvalidInput, create_options("busybox", name="a/b", volumes=["/data"])),
        (ImageNotFound, create_options("no-such-image")),
        (InvalidInput, create_options("busybox", volumes=["/a", "/a"])),
    ):
        with pytest.raises(wrong):
            create(engine, options)
    after = sorted(path for top in ("containers", "storage/upper", "storage/volumes") for path in (engine.root / top).glob("*"))
    assert after == before


def test_one_start_of_many_is_the_one(engine: Engine, name: str) -> None:
    """Several processes start a container at once: it runs once, and all of them find it running."""
    made(engine, name, "echo begun; sleep 60")
    script = (
        "import sys\nfrom pathlib import Path\nfrom labcore.engine import Engine\n"
        "from labcore.engine.container.start import start\n"
        "process = start(Engine(Path(sys.argv[1])), sys.argv[2])\nprint(process.pid)\nprocess.release()\n"
    )
    command = [sys.executable, "-c", script, str(engine.root), name]
    others = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(5)]
    answers = [each.communicate(timeout=60) for each in others]
    assert {answer for _, answer in answers} == {b""}
    assert {int(pid) for pid, _ in answers} == {get(engine, name).state.pid}
    assert [each.data for each in logs(engine, name)] == [b"begun\n"]


# --- whoever is killed


LIFE = """
import sys
from pathlib import Path
from labcore.engine import Engine, create_options
from labcore.engine.container.create import create
from labcore.engine.container.start import start
from labcore.engine.containers import remove
engine, name = Engine(Path(sys.argv[1])), sys.argv[2]
print("begun", flush=True)
create(engine, create_options("busybox", ["sh", "-c", "echo up; sleep 60"], name=name, volumes=["/data"]))
start(engine, name).release()
remove(engine, name, force=True, volumes=True)
print("done", flush=True)
"""


def anonymous_volumes(engine: Engine) -> set[str]:
    """Return the names of the anonymous volumes; other tests may have left some in the state root that all share."""
    return {volume.name for volume in engine.volumes.readable() if volume.anonymous}


def test_killed_at_any_moment_of_a_life(engine: Engine, name: str) -> None:
    """Whatever it was doing, the next who looks finds the container whole, in a state that is true, or no trace of it."""
    volumes = anonymous_volumes(engine)
    draw, takes = random.Random(7), 0.0
    others = {each.id for each in engine.records.all()}
    for number in range(10):
        life = subprocess.Popen([sys.executable, "-c", LIFE, str(engine.root), name], stdout=subprocess.PIPE)
        assert life.stdout is not None
        life.stdout.readline()
        begun = time.monotonic()
        if number == 0:  # this one is let go on: how long does it take?
            life.stdout.readline()
            takes = time.monotonic() - begun
        else:
            time.sleep(draw.uniform(0, takes))
        life.kill()
        life.communicate()
        list(verbs.every(engine))
        if name in names(engine):
            state = get(engine, name).state
            assert state.status in ("created", "running", "exited")
            if state.status == "running":
                try:
                    assert execute_output(engine, name, "echo inside") == b"inside\n"
                except NotRunning:  # whoever was killed had told it to end just before
                    deadline = time.monotonic() + 60
                    while get(engine, name).state.status != "exited" and time.monotonic() < deadline:
                        time.sleep(0.01)
                    assert get(engine, name).state.status == "exited"
            assert run_if_stopped(engine, name)
            verbs.remove(engine, name, force=True, volumes=True)
            list(verbs.every(engine))  # a child that the killed one has left held its volume
        left = {path.name for path in (engine.root / "containers").iterdir()} - others
        assert left - {"records.db-wal", "records.db-shm"} == {"records.db"}, "which a daemon has open"
        assert {path.name for path in (engine.root / "storage/upper").iterdir()} <= others
        assert anonymous_volumes(engine) <= volumes


def execute_output(engine: Engine, name: str, script: str, **options: object) -> bytes:
    wanted = ExecOptions(("sh", "-c", script), **options)  # type: ignore[arg-type]
    with execute(engine, name, wanted, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        return out


def run_if_stopped(engine: Engine, name: str) -> bool:
    if get(engine, name).state.status != "running":
        with start(engine, name) as process:
            process.kill()
            process.wait(20)
    return True


def test_a_killed_shim(engine: Engine, name: str) -> None:
    made(engine, name, "echo up; sleep 60")
    with start(engine, name) as process:
        assert isinstance(process.source, MonitorExit)
        os.kill(process.source.monitor.pid, signal.SIGKILL)
        with pytest.raises(MonitorLost):
            process.wait(10)
    wait_for(lambda: get(engine, name).state.status == "exited")
    assert get(engine, name).state.exit_code == 137


def test_a_machine_that_was_restarted(engine: Engine, name: str) -> None:
    """Its boot ID is another, its processes' numbers are others' by now, and no shim answers."""
    container = made(engine, name)
    (engine.container_dirs.path(container.id) / "pid").write_text(f"{os.getpid()}\n")
    engine.records.set_state(container, State("running", os.getpid(), 5, "2026-01-01T00:00:00Z", boot="another"))
    state = get(engine, name).state
    assert (state.status, state.exit_code) == ("exited", 255)
    assert get(engine, name).state.finished == state.finished, "when that was seen is noted once"


def test_memory_that_was_not_there(engine: Engine, name: str) -> None:
    done = run_to_end(engine, made(engine, name, "dd if=/dev/zero of=/dev/null bs=200M count=1", memory="16m").id)
    if done.exit_code == 0:
        pytest.skip("this machine limits no memory")
    state = get(engine, name).state
    assert (state.exit_code, state.oom_killed) == (137, True)


# --- output


def test_logs(engine: Engine, name: str) -> None:
    made(engine, name, "i=0; while [ $i -lt 5 ]; do i=$((i+1)); echo line $i; done; printf end >&2")
    run_to_end(engine, name)
    whole = cli(engine, "logs", name)
    assert (whole.stdout, whole.stderr) == (b"".join(b"line %d\n" % n for n in range(1, 6)), b"end")
    assert cli(engine, "logs", "--tail", "2", name).stdout + cli(engine, "logs", "-n", "1", name).stderr == b"line 5\nend"
    assert cli(engine, "logs", "--tail=0", name).stdout == b""
    stamped = cli(engine, "logs", "-t", name).stdout.splitlines()
    assert all(datetime.fromisoformat(line.decode().partition(" ")[0][:26]) for line in stamped)
    times = [record.time for record in logs(engine, name)]
    assert [each.time for each in logs(engine, name, since=times[-1])] == times[-1:]
    assert cli(engine, "logs", "--since", "2100-01-01", name).stdout == b""
    assert cli(engine, "logs", "--until", "1h", name).stdout == b""
    refused = cli(engine, "logs", "--since", "yesterday", name)
    assert refused.returncode == 1
    assert b'failed to parse value as time or duration: "yesterday"' in refused.stderr


def test_logs_that_are_followed(engine: Engine, name: str) -> None:
    made(engine, name, "echo one; echo two; while [ ! -e /go ]; do sleep .05; done; echo three")
    with start(engine, name):
        wait_for(lambda: b"two\n" in cli(engine, "logs", name).stdout)
        command = [*LABCORE, "--root", str(engine.root), "logs", "-f", "--tail", "1", name]
        with Started(command, stdout=subprocess.PIPE) as follower:
            assert follower.stdout is not None
            assert follower.stdout.readline() == b"two\n"
            execute_output(engine, name, "touch /go")
            assert follower.communicate(timeout=60)[0] == b"three\n"


def test_lines_are_put_together() -> None:
    pieces = [LogRecord("stdout", 1, b"a"), LogRecord("stderr", 2, b"x\ny"), LogRecord("stdout", 3, b"b\r\nc")]
    assert [(line.time, line.data) for line in lines(pieces)] == [(2, b"x\n"), (1, b"ab\r\n"), (2, b"y"), (3, b"c")]


# --- the command line


def test_run_in_the_foreground(engine: Engine, name: str) -> None:
    done = cli(engine, "run", "-i", "--name", name, "busybox", "sh", "-c", "cat; echo bad >&2; exit 4", input=b"given")
    assert (done.returncode, done.stdout, done.stderr) == (4, b"given", b"bad\n")
    again = cli(engine, "start", "-ai", name, input=b"more")
    assert (again.returncode, again.stdout) == (4, b"more")
    clash = cli(engine, "run", "--name", name, "busybox", "true")
    assert (clash.returncode, b"The container name" in clash.stderr) == (125, True)
    assert cli(engine, "run", "--rm", "--name", "short", "busybox", "echo", "x").stdout == b"x\n"
    assert "short" not in names(engine)
    lost = cli(engine, "run", "--rm", "--name", "short", "busybox", "no-such-program")
    assert (lost.returncode, "short" in names(engine)) == (127, False)


def test_run_in_the_background(engine: Engine, name: str) -> None:
    done = cli(engine, "run", "-d", "--name", name, "busybox", "sh", "-c", "trap 'exit 5' TERM; while :; do sleep .05; done")
    id = done.stdout.decode().strip()
    assert get(engine, name).id == id
    assert cli(engine, "ps", "-q", "--no-trunc", "-f", f"name={name}").stdout.decode() == f"{id}\n"
    assert cli(engine, "exec", name, "sh", "-c", "exit 7").returncode == 7
    assert cli(engine, "exec", name, "no-such-program").returncode == 127
    assert cli(engine, "exec", "-i", name, "cat", input=b"in").stdout == b"in"
    assert cli(engine, "exec", "-t", name, "tty").stdout == b"/dev/pts/0\r\n"
    assert (
        cli(engine, "exec", "-u", "5:6", "-e", "A=b", "-w", "/etc", name, "sh", "-c", "id -u; echo $A; pwd").stdout
        == b"5\nb\n/etc\n"
    )
    refused = cli(engine, "rm", name)
    assert (refused.returncode, b"is running" in refused.stderr) == (1, True)
    assert cli(engine, "stop", name).stdout.decode() == f"{name}\n"
    assert get(engine, name).state.exit_code == 5
    assert cli(engine, "start", name).returncode == 0
    assert cli(engine, "kill", "-s", "TERM", name).returncode == 0
    assert cli(engine, "wait", name).stdout == b"5\n"
    assert cli(engine, "rename", name, f"{name}-2").returncode == 0
    assert cli(engine, "rm", f"{name}-2").stdout.decode() == f"{name}-2\n"


def test_one_that_goes_when_it_ends(engine: Engine, name: str) -> None:
    """Nobody waits for it but the daemon."""
    volumes = anonymous_volumes(engine)
    assert cli(engine, "run", "-d", "--rm", "--name", name, "-v", "/data", "busybox", "true").returncode == 0
    wait_for(lambda: name.encode() not in cli(engine, "ps", "-a").stdout)
    assert name not in names(engine)
    assert anonymous_volumes(engine) <= volumes


def test_signals_are_passed_on(engine: Engine, name: str) -> None:
    script = "trap 'echo caught; exit 6' INT; echo up; while :; do sleep .05; done"
    command = [*LABCORE, "--root", str(engine.root), "run", "--name", name, "busybox", "sh", "-c", script]
    with Started(command, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"up\n"
        run.send_signal(signal.SIGINT)
        assert run.communicate(timeout=60)[0] == b"caught\n"
        assert run.returncode == 6


def test_a_killed_client_leaves_its_container_running(engine: Engine, name: str) -> None:
    command = [*LABCORE, "--root", str(engine.root), "run", "--name", name, "busybox", "sh", "-c", "echo up; sleep 60"]
    with Started(command, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.readline()
        run.kill()
    assert get(engine, name).state.status == "running"


def test_ps(engine: Engine, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--root", str(engine.root)]
    made(engine, name, "true", labels={"kind": "test"})
    assert main([*root, "ps"]) == 0
    assert name not in capsys.readouterr().out, "it does not run"
    for words in (
        ["-a"],
        ["-l"],
        ["-n", "1"],
        ["-f", "status=created"],
        ["-a", "-f", f"name=^/?{name}$", "-f", "label=kind=test"],
    ):
        assert main([*root, "ps", *words]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].split("  ")[0] == "CONTAINER ID"
        assert any(line.endswith(name) and '"sh -c true"' in line and "Created" in line for line in lines[1:])
    assert main([*root, "ps", "-a", "-f", f"name={name}", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["Names"], found["State"], found["Image"], found["Labels"]) == (name, "created", "busybox", "kind=test")
    for wrong in ("colour=red", "status=odd", "exited=x"):
        assert main([*root, "ps", "-f", wrong]) == 1
        assert "filter" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="125"):
        main([*root, "ps", "-f", "name"])


def test_how_long_ago_is_said_as_docker_says_it() -> None:
    said = {
        0.5: "Less than a second",
        1: "1 second",
        59: "59 seconds",
        60: "About a minute",
        150: "2 minutes",
        3600: "About an hour",
    }
    said |= {2 * 3600: "2 hours", 47 * 3600: "47 hours", 3 * 86400: "3 days", 15 * 86400: "2 weeks", 90 * 86400: "3 months"}
    assert {seconds: span(seconds) for seconds in said} == said
    now = datetime.now(UTC)
    started = (now - timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    model = Container("0" * 64, "xx", started, create_options("x"), None)  # type: ignore[arg-type]
    assert status_line(model.replace(state=State("running", started=started)), now) == "Up 5 minutes"
    assert status_line(model.replace(state=State("exited", finished=started, exit_code=3)), now) == "Exited (3) 5 minutes ago"


def test_inspect(engine: Engine, name: str) -> None:
    made(engine, name, "exit 3", env={"A": "b"}, memory="64m", user="nobody")
    run_to_end(engine, name)
    (found,) = json.loads(cli(engine, "inspect", name).stdout)
    container = get(engine, name)
    assert (found["Id"], found["Name"], found["Image"]) == (container.id, f"/{name}", container.image_id)
    assert (found["Path"], found["Args"]) == ("sh", ["-c", "exit 3"])
    assert (found["State"]["Status"], found["State"]["ExitCode"], found["State"]["Running"]) == ("exited", 3, False)
    assert "A=b" in found["Config"]["Env"]
    assert (found["Config"]["User"], found["HostConfig"]["Memory"]) == ("nobody", 64 << 20)
    nothing = cli(engine, "container", "inspect", "no-such")
    assert (nothing.returncode, json.loads(nothing.stdout)) == (1, [])


# --- what containers need stays


def test_an_image_in_use_names_its_containers(name: str, tmp_path: Path) -> None:
    """It has one name, in an engine of its own: where there are more, removing takes a name away and nothing else."""
    engine = Engine(tmp_path)
    engine.seed("hello-world")
    made = create(engine, create_options("hello-world", name=name))
    with pytest.raises(InUse, match=rf"container {made.id[:12]} is using its referenced image"):
        remove_image(engine, "hello-world")
    verbs.remove(engine, name)
    assert remove_image(engine, "hello-world").untagged == ("hello-world:latest",)


def test_volumes_of_containers_stay(engine: Engine, name: str) -> None:
    made(engine, name, "echo kept > /data/x; echo mine > /own/x", volumes=[f"{name}:/data", "/own"])
    run_to_end(engine, name)
    with pytest.raises(InUse, match=rf"remove {name}: volume is in use - \[{get(engine, name).id}\]"):
        remove_volume(engine, name)
    anonymous = [mount.source for mount in get(engine, name).mounts if mount.target == "/own"]
    assert not set(anonymous) & {each.name for each in prune_volumes(engine, named=True)[0]}
    assert (engine.volumes.data(engine.volumes.get(anonymous[0])) / "x").read_text() == "mine\n"
    verbs.remove(engine, name)
    assert anonymous[0] in engine.volumes.names(), "without volumes=True they stay"
    assert {name, *anonymous} <= {each.name for each in prune_volumes(engine, named=True)[0]}


def test_volumes_go_with_their_container_unless_another_has_them(engine: Engine, name: str) -> None:
    """One that does not run has them too."""
    first = made(engine, f"{name}-1", volumes=["/own", "/shared"])
    own, shared = (mount.source for mount in sorted(first.mounts, key=lambda each: each.target))
    made(engine, f"{name}-2", volumes=[f"{shared}:/there"])
    verbs.remove(engine, f"{name}-1", volumes=True)
    assert {own, shared} & set(engine.volumes.names()) == {shared}
    verbs.remove(engine, f"{name}-2", volumes=True)
    assert shared in engine.volumes.names(), "its name was given, not drawn: docker keeps it"
    remove_volume(engine, shared)


def test_a_volume_that_is_in_use_when_its_container_is_removed_goes_later(engine: Engine, name: str) -> None:
    """Nobody waits for it: whoever looks next, and finds it free, removes it; unless another container has it by then."""
    container = made(engine, name, volumes=["/own", "/taken", "/free"])
    free, own, taken = (mount.source for mount in sorted(container.mounts, key=lambda each: each.target))
    with ExitStack() as used:
        for each in (own, taken):
            used.enter_context(engine.volumes.use(engine.volumes.get(each)))
        verbs.remove(engine, name, volumes=True)
        assert {own, free, taken} & set(engine.volumes.names()) == {own, taken}
        assert name not in names(engine)
        assert [each.name for each in engine.container_dirs.path(container.id).iterdir()] == ["unfinished"]
        made(engine, name, volumes=[f"{taken}:/taken"])
    list(verbs.every(engine))
    assert {own, taken} & set(engine.volumes.names()) == {taken}
    assert not engine.container_dirs.path(container.id).exists()
    verbs.remove(engine, name)
    remove_volume(engine, taken)


KILLED_WHILE_REMOVING = """
import itertools, os, sys
from pathlib import Path
from labcore.engine import Engine, create_options
from labcore.engine.container.create import create
from labcore.engine.containers import every, remove
engine, name = Engine(Path(sys.argv[1])), sys.argv[2]

def dies_at(step):
    steps = itertools.count(1)
    for call in ("unlink", "rmdir", "rename", "replace"):
        def replaced(*a, real=getattr(os, call), **k):
            next(steps) == step and os._exit(9)
            return real(*a, **k)
        setattr(os, call, replaced)

def files():
    return sorted(p for top in ("containers", "storage/upper", "storage/volumes") for p in (engine.root / top).glob("*"))

before, status = files(), 9
for step in itertools.count(1):
    create(engine, create_options("busybox", ["true"], name=name, volumes=["/data"]))
    if not (pid := os.fork()):
        dies_at(step)
        remove(engine, name, volumes=True)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if [each for each in every(engine) if each.name == name]:
        remove(engine, name, volumes=True)
    list(every(engine))
    assert files() == before, (step, set(files()) ^ set(before))
    if status != 9:
        break
print(step, status)
"""


def test_killed_at_each_step_of_a_removal(engine: Engine, name: str) -> None:
    """Whichever file or directory was the last to go, the next who looks removes the rest."""
    command = [sys.executable, "-c", KILLED_WHILE_REMOVING, str(engine.root), name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout.split()[1:]) == ("", ["0"])
    assert int(done.stdout.split()[0]) > 10


def test_an_upper_directory_without_a_record_is_nobodys(engine: Engine, name: str) -> None:
    """Where the database was moved away, what containers have written stays: only what was never finished is swept."""
    run_script(engine, name, "echo dear > /dear")
    aside = engine.root / "records.aside"
    engine.records.path.rename(aside)
    try:
        assert list(verbs.every(engine)) == []
        with pytest.raises(NotFound):
            get(engine, name)
    finally:
        aside.rename(engine.records.path)
    assert run_script(engine, name, "cat /dear").stdout == b"dear\n"


def test_directories_of_those_who_were_killed_are_swept(engine: Engine, name: str) -> None:
    container = shell_container(engine, name)
    unfinished, complete = "1" * 64, container.id
    for each in (unfinished, complete):
        place = engine.container_dirs.path(each)
        place.mkdir(exist_ok=True)
        (place / "unfinished").write_text("[]")
    (engine.root / "containers/.incoming-1-x").mkdir()
    list(verbs.every(engine))
    assert not Path(engine.root / "containers" / unfinished).exists()
    assert not Path(engine.root / "containers/.incoming-1-x").exists()
    assert not (engine.container_dirs.path(complete) / "unfinished").exists()
    assert run_script(engine, name, "echo whole").stdout == b"whole\n"


def test_a_container_is_paused_and_goes_on(engine: Engine, name: str) -> None:
    container = made(engine, name, "while :; do echo tick; sleep .01; done")
    with start(engine, name):
        shim = shim_of(engine, container)
        wait_for(lambda: any(shim.output()))
        assert cli(engine, "pause", name).stdout == f"{name}\n".encode()
        assert b"(Paused)" in cli(engine, "ps").stdout
        wait_for(lambda: stays(lambda: len(list(shim.output()))))  # the shim has written what came before
        before = len(list(shim.output()))
        assert b"is already paused" in cli(engine, "pause", name).stderr
        assert cli(engine, "unpause", name).returncode == 0
        wait_for(lambda: len(list(shim.output())) > before)
        assert b"is not paused" in cli(engine, "unpause", name).stderr
        pid = get(engine, name).state.pid
        shims = [Path(f"/proc/{number}/cgroup").read_text() for number in (procfs.parent(pid), pid)]
        cli(engine, "pause", name)
        assert shims[1] == Path(f"/proc/{pid}/cgroup").read_text()
        verbs.remove(engine, name, force=True)
    assert name not in names(engine)


def test_a_container_is_born_in_its_cgroup_of_version_2_which_its_shim_never_enters(engine: Engine, name: str) -> None:
    """Whoever moves there halts all forks of the machine for a while."""
    container = made(engine, name, "sleep 60")
    with start(engine, name) as process:
        of_container, of_shim = (_of_version_2(pid) for pid in (process.pid, procfs.parent(process.pid)))
        inside = execute(engine, name, ExecOptions(("sleep", "60")), stdout=PIPE)
        with inside:
            of_exec, of_monitor = (_of_version_2(pid) for pid in (inside.pid, procfs.parent(inside.pid)))
    where = hierarchies()
    has_controllers = bool(where.v2 and v2_controllers(where.v2))
    assert of_container.endswith(container.id) == of_exec.endswith(container.id) == has_controllers
    assert of_shim == of_monitor == _of_version_2(os.getpid())


def _of_version_2(pid: int) -> str:
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "")


def test_limits_and_a_policy_are_changed_by_the_command(engine: Engine, name: str) -> None:
    made(engine, name, memory="32m")
    assert cli(engine, "update", "-m", "48m", "--memory-swap", "64m", "--restart", "on-failure:3", name).returncode == 0
    options = get(engine, name).options
    assert (options.resources.memory, options.resources.swap) == (48 << 20, 64 << 20)
    assert options.restart == RestartPolicy("on-failure", 3)
    assert b"you must provide one or more options" in cli(engine, "update", name).stderr
    assert b"Cannot update container" in cli(engine, "update", "-m", "128m", name).stderr


def test_a_policy_and_a_check_are_kept_for_a_daemon(engine: Engine, name: str) -> None:
    words = ["--restart", "unless-stopped", "--health-cmd", "true", "--health-interval", "1m30s", "--health-retries", "5"]
    done = cli(engine, "create", "--name", name, *words, "busybox")
    assert (done.returncode, done.stderr) == (0, b"")
    options = get(engine, name).options
    assert options.restart == RestartPolicy("unless-stopped")
    assert options.healthcheck == Healthcheck(("CMD-SHELL", "true"), interval=90 * 10**9, retries=5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--restart", "nope"], b"unknown policy 'nope'"),
        (["--restart", "on-failure:x"], b"maximum retry count must be an integer"),
        (["--restart", "always", "--rm"], b"can't create 'AutoRemove' container with restart policy"),
        (["--health-interval", "5"], b"a time from 1ms on is wanted"),
        (["--health-cmd", "x", "--no-healthcheck"], b"go with a check"),
        (["--health-retries", "-1"], b"a whole number is wanted"),
    ],
)
def test_policies_and_checks_that_cannot_be(engine: Engine, words: list[str], message: bytes) -> None:
    refused = cli(engine, "create", *words, "busybox")
    assert (refused.returncode, message in refused.stderr) == (125, True), refused.stderr

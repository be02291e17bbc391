"""`labcore.run`: what a container sees, and what bad input leads to."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import labcore
from labcore.engine import Engine, exit_code
from labcore.errors import ImageNotFound, InvalidInput, StepFailed
from labcore.native import CloneFlag, MountFlag
from labcore.runtime import Plan, ops, spawn
from labcore.spec import OverlayRoot
from tests.conftest import changes, needs_root, traces, within_reach
from tests.threads import running, together

OWN_MOUNTS = (ops.Clone(CloneFlag.NEWNS), ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE))

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


def output(engine: Engine, script: str, **options: object) -> str:
    done = labcore.run("busybox", ["sh", "-c", script], root=engine.root, **options)  # type: ignore[arg-type]
    assert done.exit_code == 0, done.stderr
    return done.stdout.decode().strip()


def test_a_state_root_may_be_named_by_its_path_in_words(engine: Engine) -> None:
    assert labcore.run("busybox", ["echo", "hi"], root=str(engine.root)).stdout == b"hi\n"


OPENED = """
import sys, labcore
labcore.run("busybox", ["true"], root=sys.argv[1])
opened = []
sys.addaudithook(lambda event, values: opened.append(values[0]) if event == "open" else None)
labcore.run("busybox", ["true"], root=sys.argv[1])
print(*(path for path in opened if not isinstance(path, int)), sep="\\n")
"""


def test_a_start_reads_what_may_have_changed_and_nothing_else(engine: Engine) -> None:
    done = subprocess.run([sys.executable, "-c", OPENED, str(engine.root)], capture_output=True, text=True, check=True)
    opened = [path.removeprefix(str(engine.root)) for path in done.stdout.split() if "cgroup" not in path]
    assert opened == [
        "/storage/format", "/storage", "/proc/self/uid_map", "/etc/resolv.conf",
        "/runtime/etc/0", *(f"/runtime/etc/0/{name}" for name in ("hosts", "hostname", "resolv.conf")), "/dev/null",
    ]  # fmt: skip


def test_hello_world(engine: Engine) -> None:
    done = labcore.run("hello-world", root=engine.root)
    assert done.exit_code == 0
    assert b"Hello from labcore!" in done.stdout
    assert b"process 1 of the host" in done.stdout
    assert done.pid_inside == 1
    assert done.timeline[0].name == "clone"


def test_host_name_environment_directory_input_and_exit_code(engine: Engine) -> None:
    done = labcore.run(
        "busybox",
        ["sh", "-c", "hostname; echo $A; pwd; cat; exit 5"],
        hostname="box",
        env={"A": "b c"},
        workdir="/made/for/this",
        input=b"typed",
        root=engine.root,
    )
    assert (done.exit_code, done.stdout) == (5, b"box\nb c\n/made/for/this\ntyped")


def test_a_signal_gives_128_and_its_number(engine: Engine) -> None:
    assert labcore.run("busybox", ["sh", "-c", "sh -c 'kill -9 $$; true'; exit $?"], root=engine.root).exit_code == 137
    with labcore.spawn(labcore.plan("busybox", ["sleep", "100"], root=engine.root)) as process:
        process.kill()
        assert exit_code(process) == 137


def test_the_world_inside(engine: Engine) -> None:
    assert output(engine, "echo $$") == "1"
    assert output(engine, "echo /proc/[0-9]*") == "/proc/1"
    assert output(engine, "ls /sys/class/net") == "lo"
    assert output(engine, "ip link show lo | grep -o UP | head -1") == "UP"
    assert "UP" in output(engine, "ip link")
    assert set(output(engine, "ls /dev").split()) == {
        "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero",
    }  # fmt: skip
    assert output(engine, "awk '$2 == \"/\" {print $3}' /proc/mounts") == "overlay"
    assert output(engine, "echo x > /tmp/new && cat /tmp/new") == "x"
    assert output(engine, "ls /tmp") == ""


def test_what_is_taken_away(engine: Engine) -> None:
    refused = [
        "mount -t tmpfs none /tmp",
        "hostname other",
        "echo 1 > /proc/sys/kernel/sysrq",
        ": > /proc/sysrq-trigger",
        "mknod /tmp/disk b 254 0",
        "ip link set lo down",
        "date -s 2000-01-01 2>&1 | grep -v 'Operation not permitted'; date | grep 2000",
        "chroot / mount -o remount,rw /proc/sys",
    ]
    for command in refused:
        assert labcore.run("busybox", ["sh", "-c", command], root=engine.root).exit_code != 0, command
    assert output(engine, "wc -c < /proc/keys; ls /sys/firmware | wc -l").split() == ["0", "0"]
    effective = int(output(engine, "grep CapEff /proc/self/status").split()[1], 16)
    bounding = int(output(engine, "grep CapBnd /proc/self/status").split()[1], 16)
    assert effective == bounding == 0xA00425FB | 0x0  # Docker's, without MKNOD


def test_the_terminal_is_out_of_reach(engine: Engine) -> None:
    """A container in its starter's session could push characters into its keyboard (TIOCSTI)."""
    assert output(engine, "awk '{print $6}' /proc/self/stat") == "1"  # awk's session is the one that process 1 began
    assert labcore.run("busybox", ["sh", "-c", ": < /dev/tty"], root=engine.root).exit_code != 0


def test_nothing_inside_survives(engine: Engine) -> None:
    output(engine, "echo gone > /root/file; sleep 4712 & sleep 4712 & exit 0")
    assert output(engine, "ls /root") == ""
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if b"4712" in path.read_bytes()]


def test_devices_of_a_directory_do_not_work(engine: Engine, tmp_path: Path) -> None:
    root = engine.spec("busybox", ["true"]).root
    assert isinstance(root, OverlayRoot)
    subprocess.run(["cp", "-a", str(Path(root.directory, root.layers[0])), str(tmp_path / "root")], check=True)
    os.mknod(tmp_path / "root/urandom", 0o20666, os.makedev(1, 9))
    done = labcore.run(rootfs=str(tmp_path / "root"), argv=["head", "-c1", "/urandom"])
    assert done.exit_code == 1
    assert b"Permission denied" in done.stderr


def test_a_plan_can_be_carried_out_often(engine: Engine) -> None:
    plan = labcore.plan("busybox", ["true"], root=engine.root)
    for _ in range(3):
        with labcore.spawn(plan) as process:
            assert process.wait(10) == 0


def test_a_stage_of_ones_own(engine: Engine) -> None:
    stages = {"hostname": lambda spec: [ops.SetHostname(spec.hostname[::-1])]}
    assert output(engine, "hostname", hostname="abc", stages=stages) == "cba"


def test_a_directory_as_root(engine: Engine, tmp_path: Path) -> None:
    root = engine.spec("busybox", ["true"]).root
    assert isinstance(root, OverlayRoot)
    layer = Path(root.directory, root.layers[0])
    subprocess.run(["cp", "-a", str(layer), str(tmp_path / "root")], check=True)
    done = labcore.run(rootfs=str(tmp_path / "root"), argv=["sh", "-c", "echo kept > /file; echo $$"])
    assert done.stdout == b"1\n"
    assert (tmp_path / "root/file").read_text() == "kept\n"


def test_state_lies_where_it_is_told(engine: Engine, tmp_path: Path) -> None:
    script = "import labcore; print(labcore.Engine().root)"
    environment = os.environ | {"LABCORE_ROOT": str(tmp_path / "here")}
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment).stdout
    assert said.strip() == str(tmp_path / "here")
    user = (
        "import os; from labcore.engine import default_root; os.environ.pop('LABCORE_ROOT', None); os.setuid(65534); "
        "os.environ['XDG_DATA_HOME'] = '/x'; print(default_root())"
    )
    command = within_reach(sys.executable, "-c", user)
    assert subprocess.run(command, cwd="/", capture_output=True, text=True).stdout.strip() == "/x/labcore"


# --- bad input: one clear error, and nothing left


def test_bad_input(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    cases: list[tuple[type[Exception], str, dict[str, object]]] = [
        (ImageNotFound, "no image nope:latest", {"image": "nope"}),
        (InvalidInput, "is no image name", {"image": "No Such"}),
        (InvalidInput, "name an image, or a directory as rootfs", {}),
        (InvalidInput, "argv is empty", {"image": "busybox", "argv": [""]}),
        (InvalidInput, "argv is a list", {"image": "busybox", "argv": "echo hi"}),
        (InvalidInput, "not NAME=value", {"image": "busybox", "env": ["LONELY"]}),
        (InvalidInput, "1 to 64", {"image": "busybox", "hostname": "x" * 65}),
        (InvalidInput, "is a file", {"rootfs": str(file), "argv": ["true"]}),
        (InvalidInput, "does not exist", {"rootfs": "/nowhere", "argv": ["true"]}),
        (InvalidInput, "no such stage", {"image": "busybox", "stages": {"bogus": None}}),
        (StepFailed, "there is no nope", {"image": "busybox", "argv": ["nope"]}),
        (StepFailed, "not executable", {"image": "busybox", "argv": ["/etc/passwd"]}),
        (StepFailed, "is a directory", {"image": "busybox", "argv": ["/etc"]}),
        (StepFailed, "is a file", {"image": "busybox", "workdir": "/etc/passwd"}),
    ]
    for kind, message, options in cases:
        with pytest.raises(kind, match=message):
            labcore.run(**({"root": engine.root} | options))  # type: ignore[arg-type]


def test_a_timeout_kills_the_container(engine: Engine) -> None:
    with pytest.raises(TimeoutError, match="still runs"):
        labcore.run("busybox", ["sleep", "100"], root=engine.root, timeout=0.2)


def test_a_reader_that_closes_the_pipe(engine: Engine) -> None:
    plan = labcore.plan("busybox", ["yes"], root=engine.root)
    with labcore.spawn(plan, stdin=labcore.DEVNULL, stdout=labcore.PIPE, stderr=labcore.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b"y\n"
        process.stdout.close()
        process.stdout = None
        assert process.wait(10) in (1, -13)  # process 1 has no default actions: SIGPIPE may reach it as EPIPE


def test_a_program_that_does_not_read_its_input(engine: Engine) -> None:
    done = labcore.run("busybox", ["true"], root=engine.root, input=b"x" * 1_000_000)
    assert done.exit_code == 0


def test_megabytes_in_and_out(engine: Engine) -> None:
    data = os.urandom(1 << 20) * 4
    assert labcore.run("busybox", ["cat"], root=engine.root, input=data).stdout == data


def test_a_full_disk(tmp_path: Path) -> None:
    """A store on a disk of one megabyte: the error is clear, and what is there stays whole."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from labcore import native\n"
        "from labcore.engine import Engine\n"
        "native.unshare(native.CloneFlag.NEWNS)\n"
        "native.mount('none', '/', flags=native.MountFlag.REC | native.MountFlag.PRIVATE)\n"
        "native.mount('small', sys.argv[1], 'tmpfs', data='size=1m')\n"
        "engine = Engine(Path(sys.argv[1], 'state'))\n"
        "engine.seed('hello-world')\n"
        "try: engine.seed('busybox')\n"
        "except OSError as error: print(error)\n"
        "print(engine.images.names(), [p.name for p in (engine.root / 'images').rglob('.incoming*')])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True)
    said, left = done.stdout.splitlines()
    assert said.startswith("no room for a blob in ")
    assert left == "['hello-world:latest'] []", done.stderr


def test_a_full_disk_while_a_layer_is_unpacked(tmp_path: Path) -> None:
    source = Engine(tmp_path / "source")
    source.seed("busybox")
    (tmp_path / "small").mkdir()
    script = (
        "import shutil, sys\n"
        "from pathlib import Path\n"
        "import labcore\n"
        "from labcore import native\n"
        "native.unshare(native.CloneFlag.NEWNS)\n"
        "native.mount('none', '/', flags=native.MountFlag.REC | native.MountFlag.PRIVATE)\n"
        "native.mount('small', sys.argv[1], 'tmpfs', data='size=2m')\n"
        "root = Path(sys.argv[1], 'state')\n"
        "shutil.copytree(sys.argv[2] + '/images', root / 'images')\n"
        "try: labcore.run('busybox', ['true'], root=root)\n"
        "except OSError as error: print(error)\n"
        "print(list((root / 'storage/layers').iterdir()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "small"), str(source.root)], capture_output=True, text=True
    )
    said, left = done.stdout.splitlines()
    assert said.startswith("no room for layer sha256:")
    assert left == "[]", done.stderr


def test_a_thousand_starts_leave_nothing(engine: Engine) -> None:
    """Failures among them, by both carriers, from a process with threads, with others starting at the same time."""
    stop = threading.Event()
    with running(*[stop.wait] * 4, stop=stop.set):
        _start_a_thousand_times(engine)


def _start_a_thousand_times(engine: Engine) -> None:
    before = traces()
    scratch = list((engine.root / "storage").glob("scratch/*"))
    good = labcore.plan("busybox", ["true"], root=engine.root)
    failing = [
        labcore.plan("busybox", ["nope"], root=engine.root),
        Plan([*OWN_MOUNTS, ops.Mount("tmpfs", "/nowhere", "tmpfs")]),
        Plan([*OWN_MOUNTS, ops.PivotRoot("/", "/")]),
    ]
    failures: list[str] = []

    def work(carrier: str | None) -> None:
        for number in range(500):
            plan = failing[number // 10 % 3] if number % 10 == 0 else good
            try:
                with spawn(plan, stdin=labcore.DEVNULL, stdout=labcore.PIPE, carrier=carrier) as process:  # type: ignore[arg-type]
                    assert process.communicate(timeout=30) == (b"", b"")
                    assert process.returncode == 0
            except StepFailed:
                failures.append(plan.ops[-1].name)

    together(lambda: work(None), lambda: work("monitor"), seconds=300)
    assert len(failures) == 100
    assert not changes(before)
    assert list((engine.root / "storage").glob("scratch/*")) == scratch == []

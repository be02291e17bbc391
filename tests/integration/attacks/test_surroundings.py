"""What surrounds a container: the host's environment, mounts and terminal are not seen, its memory is not used up."""

import os
import pty
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from labcore.native import DEVNULL, PIPE
from labcore.runtime import make_plan, spawn
from labcore.runtime.cgroups import Cgroup
from labcore.runtime.stages import STAGES
from tests.integration.attacks.conftest import Box, start
from tests.integration.test_oci import Bundle

pytestmark = pytest.mark.usefixtures("nothing_left")


def test_the_starters_environment_is_not_seen(box: Box, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords of the host lie in its variables: neither the program nor /proc/1/environ has them, nor a joining process."""
    monkeypatch.setenv("HOST_SECRET", "s3cret")
    look = "env; cat /proc/*/environ"
    assert "s3cret" not in box.sh(look)
    assert "s3cret" not in bundle.run("sh", "-c", look)
    start(bundle, "sleep", "60")
    assert "s3cret" not in bundle("exec", bundle.name, "sh", "-c", look)


@pytest.mark.parametrize("carrier", ["extension", "monitor"])
def test_the_hosts_mounts_and_descriptors_are_not_seen(box: Box, carrier: str) -> None:
    """After the pivot the host's tree is unmounted: not a mount of it is left, and no descriptor but the three streams."""
    plan = make_plan(
        box.spec("sh", "-c", "cut -d' ' -f5 /proc/self/mountinfo; ls /proc/1/fd; readlink /proc/1/root /proc/1/cwd")
    )
    with spawn(plan, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, carrier=carrier) as process:  # type: ignore[arg-type]
        seen = process.communicate(timeout=10)[0].decode().split()
    allowed = ("/", "/proc", "/sys", "/dev", "0", "1", "2")
    assert [word for word in seen if word not in allowed and not word.startswith(("/proc/", "/sys/", "/dev/"))] == []


def test_the_old_root_does_not_stay(box: Box, tmp_path: Path) -> None:
    """Left where pivot_root puts it, on top of the new one, the host's root lies behind `/..`."""
    (tmp_path / "file").write_text("the host's")
    keep = {"rootfs": lambda spec: [op for op in STAGES["rootfs"](spec) if op.name != "umount2"]}
    assert "No such file" in box("cat", f"/..{tmp_path}/file")
    assert box("cat", f"/..{tmp_path}/file", stages=keep) == "the host's"


def on_a_terminal(command: list[str]) -> str:
    """Run a command on a terminal of its own, and return what is read from its keyboard's side."""
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    shown = b""
    with suppress(OSError):
        while select.select([master], [], [], 10)[0] and (chunk := os.read(master, 4096)):
            shown += chunk
    os.waitpid(pid, 0)
    os.close(master)
    return shown.decode()


TYPE = """
import sys, labcore
from labcore.runtime import make_plan, spawn
from labcore.engine import Engine
from pathlib import Path
spec = Engine(Path(sys.argv[1])).spec(rootfs=sys.argv[2], argv=["attack", "type", "id"])
plan = make_plan(spec)
if sys.argv[3] == "same session":
    plan = plan.without(next(i for i, op in enumerate(plan) if op.name == "setsid"))
with spawn(plan) as process:
    process.wait()
"""


def test_nothing_is_typed_into_the_starters_terminal(box: Box) -> None:
    """TIOCSTI pushes a command into the keyboard of whoever started the container; it must be one's controlling terminal."""
    command = [sys.executable, "-c", TYPE, str(box.engine.root), str(box.root)]
    assert on_a_terminal([*command, "own session"]) == "EPERM\r\n"
    if Path("/proc/sys/dev/tty/legacy_tiocsti").exists() and "1" in Path("/proc/sys/dev/tty/legacy_tiocsti").read_text():
        assert "typed" in on_a_terminal([*command, "same session"])


BOMB = "bomb() { bomb | bomb & }; bomb; sleep 1; echo survived"


def test_a_fork_bomb_is_held(bundle: Bundle) -> None:
    """The cgroup's pids.max: forks fail in the container, and nowhere else."""
    bundle.config["linux"]["resources"]["pids"] = {"limit": 40}
    start(bundle, "sh", "-c", BOMB)
    most = 0
    for _ in range(30):
        most = max(most, len(Cgroup.near_own(bundle.name).processes()))
        subprocess.run(["true"], check=True)
        time.sleep(0.03)
    assert most <= 40
    assert "can't fork" in bundle.output()
    bundle("delete", "--force", bundle.name)


def test_memory_is_held(bundle: Bundle) -> None:
    """The cgroup's limit of memory: what takes more is killed, and not a process of the host."""
    bundle.config["linux"]["resources"]["memory"] = {"limit": 32 << 20, "swap": 32 << 20}
    assert "allocated" not in bundle.run("attack", "allocate", "64", status=137)
    assert bundle.run("attack", "allocate", "8") == "allocated\n"


def test_a_joining_process_is_held_too(bundle: Bundle) -> None:
    """exec enters the container's cgroups before the process exists: its memory and its forks are the container's."""
    bundle.config["linux"]["resources"] |= {"memory": {"limit": 32 << 20, "swap": 32 << 20}, "pids": {"limit": 20}}
    start(bundle, "sleep", "60")
    assert "allocated" not in bundle("exec", bundle.name, "attack", "allocate", "64", status=137)
    said = bundle("exec", bundle.name, "sh", "-c", "for i in $(seq 40); do sleep 2 & done; echo", status=None)
    assert "can't fork" in said

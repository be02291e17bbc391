"""The daemon that a command talks to: found, started where there is none, shown, ended."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labcore import connect
from labcore.client.daemon import DaemonProcess
from labcore.errors import Unavailable
from tests.conftest import needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")
LABCORE = str(Path(sys.executable).with_name("labcore"))
STARTED = "labcore: a daemon has been started; it ends after 10 idle minutes, or by: labcore --root {root} daemon stop\n"


def labcore(root: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "LABCORE_"))}
    command = [LABCORE, "--root", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=kept | environment, check=False)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    needs_root()
    yield tmp_path / "root"
    labcore(tmp_path / "root", "daemon", "stop")


def process_of(root: Path) -> DaemonProcess:
    with connect(f"unix://{root}/labcore.sock") as client:
        return client.daemon.inspect()


def test_the_first_command_starts_a_daemon_and_the_others_find_it(root: Path) -> None:
    first, second = labcore(root, "volume", "create", "data"), labcore(root, "volume", "create", "data")
    assert (first.stdout, first.stderr) == ("data\n", STARTED.format(root=root))
    assert (second.stdout, second.stderr) == ("data\n", "")
    daemon = process_of(root)
    assert (daemon.root, daemon.hosts, daemon.idle_exit_seconds) == (str(root), (f"unix://{root}/labcore.sock",), 600)
    assert os.getsid(daemon.pid) == daemon.pid  # Ctrl-C at the terminal of the first command is not for it


def test_commands_at_once_start_one_daemon(root: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda number: labcore(root, "volume", "create", f"v{number}"), range(4)))
    assert [each.returncode for each in done] == [0] * 4
    assert sorted(each.stderr for each in done) == ["", "", "", STARTED.format(root=root)]


def test_a_command_may_have_no_streams_and_the_daemon_that_it_starts_has_its_own(root: Path, tmp_path: Path) -> None:
    """Nothing else takes the place of a stream that is closed, and what the container does is as ever."""
    assert labcore(root, "seed", "busybox").returncode == 0
    (tmp_path / "own").mkdir()
    look = 'for f in 0 1 2; do all="$all $(readlink /proc/$$/fd/$f)"; done; echo $all end > /own/seen; echo said; exit 5'
    run = [LABCORE, "--root", str(root), "run", "--rm", "-i", "--network", "none", "-v", f"{tmp_path}/own:/own", "busybox"]
    for closed in ((0, 1, 2), (0,), (1,), (2,)):
        shut = " ".join(f"{fd}<&-" for fd in closed)
        words = ["sh", "-c", f'exec "$@" {shut}', "sh", *run, "sh", "-c", look]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stdout) == (5, "" if 1 in closed else "said\n"), done.stderr
        *streams, end = (tmp_path / "own" / "seen").read_text().split()
        assert (len(streams), end) == (3, "end")
        assert all(name.startswith(("pipe:", "/dev/null")) for name in streams)


def test_a_daemon_that_was_killed_is_started_again(root: Path) -> None:
    labcore(root, "volume", "create", "data")
    killed = process_of(root).pid
    fd = os.pidfd_open(killed)
    os.kill(killed, signal.SIGKILL)
    select.select([fd], [], [])
    os.close(fd)
    done = labcore(root, "volume", "create", "data")
    assert (done.returncode, done.stderr) == (0, STARTED.format(root=root))
    assert process_of(root).pid != killed


def test_status_says_which_it_is_and_starts_none(root: Path) -> None:
    assert labcore(root, "daemon", "status").returncode == 3
    labcore(root, "volume", "create", "data")
    done = labcore(root, "daemon", "status")
    assert done.returncode == 0
    shown = dict(line.split(maxsplit=1) for line in done.stdout.replace("answers at", "answers").splitlines())
    assert shown["answers"] == f"unix://{root}/labcore.sock"
    assert f"process {process_of(root).pid}, started" in shown["daemon"]
    assert shown["containers"] == "0 running, 0 in all"
    assert shown["ends"] == "after 600 idle seconds"


def test_stop_ends_it_and_a_second_time_does_nothing(root: Path) -> None:
    labcore(root, "volume", "create", "data")
    pid = process_of(root).pid
    done = labcore(root, "daemon", "stop")
    assert (done.returncode, done.stdout) == (0, f"the daemon at unix://{root}/labcore.sock, process {pid}, has ended\n")
    with pytest.raises(Unavailable, match="no such socket"):
        process_of(root)
    again = labcore(root, "daemon", "stop")
    assert (again.returncode, again.stdout) == (0, f"no daemon listens at unix://{root}/labcore.sock\n")


def test_a_daemon_that_is_named_is_not_started(root: Path, tmp_path: Path) -> None:
    away = f"unix://{tmp_path}/away.sock"
    for done in (
        labcore(root, "volume", "create", "data", DOCKER_HOST=away),
        labcore(Path("x"), "-H", away, "volume", "create", "data"),
        labcore(root, "--context", "away", "volume", "create", "data", DOCKER_CONFIG=str(tmp_path)),
    ):
        assert done.returncode == 1
        assert "away" in done.stderr
    assert not root.exists()


def test_one_that_does_not_come_up_says_why(root: Path) -> None:
    root.mkdir()
    (root / "daemon.json").write_text('{"format": 7, "id": "x"}')
    done = labcore(root, "volume", "create", "data")
    assert done.returncode == 1
    assert done.stderr == (
        f"labcore: the daemon does not come up: the state root {root} has format 7, and this labcore knows 1 only\n"
        "  cure: use the labcore that made it, or another state root: --root, LABCORE_ROOT\n"
    )

"""The box in which tests run: it sees no neighbour, and nothing of it stays, however it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import box
from tests.conftest import needs_root, traces
from tests.threads import Started

pytestmark = pytest.mark.usefixtures("nothing_left")
LEAVES = """
sleep 1000 &
touch /tmp/labcore-left /run/labcore-left
mkdir /tmp/labcore-mount && mount -t tmpfs tmpfs /tmp/labcore-mount
for place in /sys/fs/cgroup/*/cgroup.procs; do mkdir ${place%/*}/labcore-left; done
"""
WAITS = "echo begun; read line"


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


def boxed(script: str) -> list[str]:
    return box.words("sh", "-c", script)


def boxes() -> Iterator[Path]:
    yield from Path("/tmp").glob(f"{box.PREFIX}*")
    for place in box.CGROUPS, *box.CGROUPS.iterdir():
        yield from place.glob(f"{box.PREFIX}*")


def test_what_is_made_in_a_box_goes_with_it() -> None:
    before = traces()
    with Started(boxed(LEAVES + WAITS), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "begun\n"
        assert not Path("/tmp/labcore-left").exists()
        assert not Path("/run/labcore-left").exists()
        assert not Path("/tmp/labcore-mount").exists()
        process.stdin.close()
        assert process.wait(30) == 1  # read(1)'s, at the end of its input
    assert list(boxes()) == []
    assert traces() == before


def test_two_side_by_side_see_nothing_of_one_another() -> None:
    with Started(boxed(LEAVES + WAITS), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as neighbour:
        assert neighbour.stdout is not None
        assert neighbour.stdout.readline() == "begun\n"
        look = (
            "ls /tmp; grep labcore-mount /proc/self/mountinfo; ls -d /sys/fs/cgroup/*/labcore*; "
            "grep -l sleep /proc/*/comm; true"
        )
        done = subprocess.run(boxed(look), stdout=subprocess.PIPE, text=True, check=True)
        assert done.stdout == "shared\n"
        neighbour.communicate()


def test_of_a_killed_box_nothing_runs_on_and_the_next_removes_the_rest() -> None:
    with Started(boxed(LEAVES + WAITS), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.kill()
        assert process.stdout.read() == ""  # whoever held it has ended
    (place,) = Path("/tmp").glob(f"{box.PREFIX}*")
    subprocess.run(boxed("true"), check=True)
    assert place.exists()  # it may be one that begins
    os.utime(place, (0, 0))
    subprocess.run(boxed("true"), check=True)
    assert list(boxes()) == []


def test_its_status_is_that_of_the_command_which_hears_of_signals() -> None:
    assert subprocess.run(boxed("exit 7")).returncode == 7
    assert subprocess.run(boxed("kill -9 $$")).returncode == 137
    waits = "import signal; signal.signal(signal.SIGALRM, lambda *_: exit(5)); print('begun', flush=True); signal.pause()"
    with Started(box.words(sys.executable, "-c", waits), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGALRM)
        assert process.wait(30) == 5


def test_the_tests_are_in_one_and_share_what_is_made_once() -> None:
    shared = Path(os.environ[box.SHARED])
    inside = subprocess.run(boxed(f"stat -c %i {shared}"), stdout=subprocess.PIPE, text=True, check=True)
    assert int(inside.stdout) == shared.stat().st_ino


def test_a_directory_that_is_there_already_is_not_the_runs() -> None:
    """The first box has one of its own, and the machine's network in it, whatever lies at that path on the machine."""
    alone = {name: value for name, value in os.environ.items() if name != box.SHARED}
    look = "ls /tmp/shared; stat -f -c %T /tmp/shared/network"
    assert Path("/tmp/shared").is_dir()
    done = subprocess.run(boxed(look), env=alone, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "network\nnsfs\n"

"""What a lab makes for a while is its own, whatever numbers its processes have, and goes when it was killed."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from labcore.lab.cgroups import cgroup, for_a_check, prepared, remove_all
from labcore.lab.checks.scenario import a_place
from labcore.lab.locked_directories import locked_directory, new_name, sweep
from labcore.lab.session import what_is_missing
from labcore.lab.solutions import source_of
from labcore.lab.stores import own_tray
from labcore.lab.workspace import Workspace
from labcore.procfs import children
from tests.conftest import needs_root
from tests.threads import Started

pytestmark = pytest.mark.usefixtures("nothing_left")

PLACE = "from labcore.lab.checks.scenario import a_place as held"
HOME = "from labcore.lab.cgroups import for_a_check as held, prepared"
TRAY = "from labcore.lab.stores import own_tray; held = lambda: own_tray('try')"
CHECKS = """
import sys
from pathlib import Path
from labcore.lab.checks import examine
from labcore.lab.session import what_is_missing
for _ in range(2):
    for lesson, step in ((1, "rootfs"), (2, "limits")):
        verdict = examine(step, Path(sys.argv[1]), lesson=lesson)
        print(verdict.state, *what_is_missing(("overlay",)))
        if verdict.state != "passed":
            print(verdict, file=sys.stderr)
"""
SWEEPS = """
import sys
from pathlib import Path
from labcore.lab.cgroups import HOMES, _remove_left
from labcore.lab.locked_directories import sweep
print("ready", flush=True)
while True:
    sweep(Path(sys.argv[1]).glob(f"{HOMES}*"), lambda left: _remove_left(left.name))
"""
SAYS = "open('/proc/self/cgroup').read().splitlines()[-1] if place is None else place"


@pytest.fixture(autouse=True)
def _own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_root()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@contextmanager
def another_lab(what: str, say: str = SAYS) -> Iterator[str]:
    """Hold something in a PID namespace of its own, as in another container; yield what it says. It is killed at the end."""
    source = f"{what}\nwith held() as place:\n    print({say}, flush=True)\n    input()"
    command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable, "-c", source]
    with Started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None
        try:
            yield lab.stdout.readline().strip()
        finally:
            for pid in children(lab.pid):
                os.kill(pid, signal.SIGKILL)
            lab.wait(10)


def test_a_check_leaves_the_roots_of_another_pid_namespace_alone(tmp_path: Path) -> None:
    with a_place() as ours, another_lab(PLACE) as theirs:
        with a_place() as second:
            assert set(tmp_path.iterdir()) == {ours, second, Path(theirs)}
        with another_lab(PLACE):
            assert {ours, Path(theirs)} < set(tmp_path.iterdir())


def test_checks_of_two_pid_namespaces_that_share_all_directories_do_not_disturb_one_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of two labs, in a container each: the processes of one have numbers that the other has, too."""
    if missing := what_is_missing(("limits", "overlay")):
        pytest.skip(missing[0])
    remove_all()  # what it was tried with
    workspace = Workspace(tmp_path / "work")
    for lesson, step in ((1, "rootfs"), (2, "limits")):
        workspace.save(step, source_of(step, lesson))
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path / "state"))
    command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable, "-c", CHECKS, workspace.file]
    with ExitStack() as undo:
        labs = [undo.enter_context(Started(command, stdout=subprocess.PIPE, text=True)) for _ in range(2)]
        said = [lab.communicate(timeout=300)[0].split() for lab in labs]
    assert said == [["passed"] * 4] * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state", "work"]


def test_a_tray_of_another_pid_namespace_stays_and_that_of_the_killed_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path))
    with another_lab(TRAY) as theirs:
        with own_tray("try") as ours:
            assert ours != Path(theirs)
        assert Path(theirs, "upper").is_dir()
    assert Path(theirs).exists()
    with own_tray("try"):
        assert not Path(theirs).exists()


def test_the_root_of_a_check_that_was_killed_goes(tmp_path: Path) -> None:
    with another_lab(PLACE) as theirs:
        Path(theirs, "file").touch()
    assert Path(theirs).exists()
    with a_place() as ours:
        assert list(tmp_path.iterdir()) == [ours]
    assert list(tmp_path.iterdir()) == []


def test_what_is_swept_away_before_it_is_held_is_made_anew(tmp_path: Path) -> None:
    made = []

    def make() -> Path:
        directory = tmp_path / new_name("x-")
        directory.mkdir()
        if not made:
            sweep([directory], Path.rmdir)
        made.append(directory)
        return directory

    with locked_directory(make) as directory:
        assert directory == made[1]
        assert directory.is_dir()


def test_cgroups_of_another_pid_namespace_stay_and_those_of_the_killed_go() -> None:
    if missing := what_is_missing(("limits",)):
        pytest.skip(missing[0])
    remove_all()
    with another_lab(HOME, "*prepared()") as theirs:
        directories = [Path(word) for word in theirs.split()]
        assert directories
        cgroup("box")
        assert all(directory.is_dir() for directory in directories)
        remove_all()
    cgroup("box")
    assert not any(directory.exists() for directory in directories)
    remove_all()


def test_cgroups_are_made_while_another_lab_sweeps() -> None:
    """All of them: those of a home that is being made belong to nobody until it is locked."""
    if missing := what_is_missing(("limits",)):
        pytest.skip(missing[0])
    remove_all()
    with for_a_check():
        near = Path(prepared()[0]).parent
    with Started([sys.executable, "-c", SWEEPS, near], stdout=subprocess.PIPE) as lab:
        assert lab.stdout is not None
        assert lab.stdout.readline()
        for _ in range(30):
            with for_a_check():
                assert all(Path(directory).is_dir() for directory in prepared())
        lab.kill()

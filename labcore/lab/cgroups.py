"""Lesson cgroups: `lab.cgroup("box")` below a cgroup of the notebook's own, which has limits too.

    labcore-lab-home-NUMBER/    the notebook's, with limits of its own: a slip in a lesson stays small
        box/                    what `cgroup("box")` makes: a container's

They are removed when the lesson is reset or the notebook's process ends; those of a process that was killed, by the next one.
"""

import atexit
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from labcore.errors import LabcoreError
from labcore.lab.locked_directories import locked_directory, new_name, sweep
from labcore.record import Record
from labcore.runtime.cgroups import Cgroup, hierarchies, removal
from labcore.spec import Resources

VARIABLE: Final = "LABCORE_CGROUP"  # where a check, or a daemon that runs your stages, has them made, and removes them itself
PREFIX: Final = "labcore-lab-"
HOMES: Final = f"{PREFIX}home-"
AT_MOST: Final = Resources(memory=1 << 30, pids=256)
_MADE: list[tuple[Cgroup, ExitStack]] = []


class LessonCgroup(Record):
    """A container's cgroup. `group["pids"]` is the directory in which that controller's files are."""

    path: str

    def __getitem__(self, controller: str) -> str:
        there = Cgroup(self.path).directories
        if controller not in there and "" not in there:
            raise LabcoreError(f"cgroups: this machine has no controller {controller}")
        return there.get(controller) or there[""]

    def __repr__(self) -> str:
        return f"<cgroup {self.path}>"

    @property
    def killed(self) -> int:
        """How many of its processes the kernel's OOM killer has killed."""
        for name in ("memory.events", "memory.oom_control"):  # version 2, version 1
            with suppress(OSError):
                found = re.search(r"^oom_kill (\d+)", Path(self["memory"], name).read_text(encoding="utf-8"), re.MULTILINE)
                return int(found[1]) if found else 0
        return 0

    def cpu(self, quota: int, period: int) -> None:
        """Let it use the processor for `quota` of each `period`, both in microseconds."""
        Cgroup(self.path).apply(Resources(cpu_quota=quota, cpu_period=period))

    def freeze(self) -> None:
        """Freeze all of its processes."""
        Cgroup(self.path).freeze()

    def thaw(self) -> None:
        """Thaw them."""
        Cgroup(self.path).thaw()


def memory_max() -> str:
    """Return the name of the file that limits memory: it changed with version 2."""
    return "memory.limit_in_bytes" if "memory" in dict(hierarchies().v1) else "memory.max"


def freezer() -> tuple[str, str, str]:
    """Return the name of the file that freezes a cgroup, and the words for it to be frozen and thawed: as above."""
    if "freezer" in dict(hierarchies().v1):
        return "freezer.state", "FROZEN", "THAWED"
    return "cgroup.freeze", "1", "0"


def cgroup(name: str) -> LessonCgroup:
    """Make a container's cgroup, without any limit yet; what is left of an earlier one of this name is removed if it is empty.

    It may not swap: what is to fit into memory could else go to the disk. In a daemon that runs your stages it stays as long as
    its container runs, also when that daemon has ended.
    """
    group = Cgroup(f"{home()}/{name}")
    for directory in group.entrances():
        with suppress(OSError):
            Path(directory).rmdir()
    group.make()
    made = LessonCgroup(group.path)
    for file, value in (("memory.swap.max", "0"), ("memory.swappiness", "0")):
        with suppress(OSError):
            if (path := Path(made["memory"], file)).exists():
                path.write_text(value, encoding="utf-8")
    return made


def group(name: str) -> LessonCgroup:
    """Return a cgroup that a step has made."""
    return LessonCgroup(f"{home()}/{name}")


def cgroup_of(pid: int | str) -> LessonCgroup:
    """Return the cgroup that a process is in: a container's, by its first process. Raises OSError if it has ended."""
    lines = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines()
    paths = {name: path for _, names, path in (line.split(":", 2) for line in lines) for name in names.split(",")}
    return LessonCgroup(paths.get("freezer", paths.get("", "/")))


def home() -> str:
    """Return the path of the parent of this notebook's cgroups, made when it is first needed."""
    if given := os.environ.get(VARIABLE):
        return given
    if not _MADE:
        with ExitStack() as undo:
            home = undo.enter_context(_new_home())
            _MADE.append((home, undo.pop_all()))
        atexit.register(remove_all)
    return _MADE[0][0].path


@contextmanager
def _new_home() -> Iterator[Cgroup]:
    """Make that parent, to be removed with its children at the end; remove those of notebooks that were killed."""
    if not (entrances := _beside_own(HOMES).entrances()):
        raise LabcoreError("cgroups: none are mounted here")
    near = Path(entrances[0]).parent
    sweep(near.glob(f"{HOMES}*"), lambda left: _remove_left(left.name))

    def make() -> Path:
        """Make it in one hierarchy only: until it is locked, another's sweep may take it away."""
        directory = near / new_name(HOMES)
        directory.mkdir(parents=True)
        return directory

    with locked_directory(make) as directory:
        home = _beside_own(directory.name)
        try:
            home.make()
            _set_up(home)
            yield home
        finally:
            home.remove()


def _remove_left(name: str) -> None:
    with suppress(OSError, LabcoreError):
        _beside_own(name).remove()


def _set_up(home: Cgroup) -> None:
    Cgroup(f"{home.path}/try").make()  # hands the controllers down to what is made in here
    Cgroup(f"{home.path}/try").remove()
    home.apply(AT_MOST)


def _beside_own(name: str) -> Cgroup:
    """Return the cgroup of this name near this process's own; not in one of ours, which exists in one hierarchy only."""
    parts = Cgroup.near_own(name).path.strip("/").split("/")
    return Cgroup("/" + "/".join([*(part for part in parts[:-1] if not part.startswith(PREFIX)), name]))


def thaw_all() -> None:
    """Thaw all cgroups in the one that the environment names: processes that are frozen could not be killed."""
    if given := os.environ.get(VARIABLE):
        for directory in map(Path, Cgroup(given).entrances()):
            removal.thaw(str(each) for each in (directory, *filter(Path.is_dir, directory.glob("*"))))


def remove_all() -> None:
    """Remove this notebook's cgroups, and kill their processes."""
    while _MADE:
        _MADE.pop()[1].close()


@contextmanager
def for_a_check() -> Iterator[None]:
    """Make a parent for a check's cgroups, outside of its sandbox, in which everything else is read-only."""
    with _new_home() as home:
        os.environ[VARIABLE] = home.path
        try:
            yield
        finally:
            del os.environ[VARIABLE]


@contextmanager
def for_a_check_where_possible() -> Iterator[None]:
    """The same, where cgroups can be made; elsewhere nothing."""
    with ExitStack() as undo:
        with suppress(OSError, LabcoreError):
            undo.enter_context(for_a_check())
        yield


def prepared() -> tuple[str, ...]:
    """Return the directories in which a check may make cgroups."""
    return Cgroup(os.environ.get(VARIABLE, "")).entrances()


def limits_work() -> None:
    """Try to limit memory and processes. Raises LabcoreError or OSError where that cannot be done."""
    group = cgroup("try")
    Path(group["memory"], memory_max()).write_text(str(1 << 26), encoding="utf-8")
    Path(group["pids"], "pids.max").write_text("16", encoding="utf-8")
    Cgroup(group.path).remove()

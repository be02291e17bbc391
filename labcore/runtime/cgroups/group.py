"""A container's cgroup, in all hierarchies: made, limited, frozen, emptied, removed."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from functools import cached_property

from labcore.errors import InvalidInput
from labcore.files import read_text, write_text
from labcore.record import Record
from labcore.runtime.cgroups import removal
from labcore.runtime.cgroups.hierarchy import hierarchies, main_hierarchy, own_path, v2_controllers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from labcore.runtime.cgroups.hierarchy import Hierarchies
    from labcore.runtime.cgroups.settings import Setting
    from labcore.runtime.cgroups.statistics import Statistics
    from labcore.spec.resources import Resources

MAY_NOT_BE_MADE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT)  # somebody else's, read only, out of sight
V1_ONLY = ("net_cls", "net_prio")  # version 2 has nothing like them
V1_NAMES = {"io": "blkio"}  # of version 2's controllers that were called otherwise
INHERITED = ("cpuset.cpus", "cpuset.mems")  # of a version 1 cpuset: empty at first, and then nobody can enter


class Cgroup(Record):
    """A cgroup: the same path in every hierarchy. `path` begins with `/`; an empty one stands for none at all.

    One that limits nothing, and only tells what belongs together, is in one hierarchy alone: version 2's if that is there.
    `alone` is then that hierarchy, as in `directories`, and its directory. The machine's hierarchies are looked up once for
    each value: the kernel takes long to list the mounts.
    """

    path: str
    alone: tuple[str, str] | None = None

    @classmethod
    def at(cls, path: str) -> Cgroup:
        """Return the cgroup of a path, whatever detours that takes."""
        return cls(_normalized(path))

    @classmethod
    def near_own(cls, name: str) -> Cgroup:
        """Return the cgroup of this name below the one that this process is in; in version 2 beside that one.

        There, one that has processes, as ours has, can hand no controllers down: admin-guide/cgroup-v2, no internal processes.
        """
        where = hierarchies()
        own = own_path("pids" if where.directory("pids") and where.v1 else "")
        return cls.at(f"{own}/{name}" if where.v1 else f"{own}/../{name}")

    @classmethod
    def alone_near_own(cls, name: str) -> Cgroup:
        """Return the cgroup of this name in one hierarchy, near the one that this process is in: as above. It may be none."""
        where = main_hierarchy()
        if where is None:
            return cls("")
        own = own_path(where.controller)
        path = _normalized(f"{own}/{name}" if where.has_v1 else f"{own}/../{name}")
        return cls(path, (where.controller, where.point + path))

    # --- where it is

    @cached_property
    def directories(self) -> Mapping[str, str]:
        """Its directory in each hierarchy: by controller for version 1, and `` for version 2."""
        if not self.path:
            return {}
        if self.alone:
            return {self.alone[0]: self.alone[1]}
        where = self.hierarchies
        found = {name: point + self.path for name, point in where.v1}
        if where.v2 and (not where.v1 or v2_controllers(where.v2)):
            found[""] = where.v2 + self.path
        return found

    @cached_property
    def hierarchies(self) -> Hierarchies:
        """The machine's, as they were when first asked for."""
        return hierarchies()

    def entrances(self) -> tuple[str, ...]:
        """Return the directories that a process must enter, each once."""
        if self.alone:
            return (self.alone[1],)
        return tuple(dict.fromkeys(self.directories.values()))

    def _main(self) -> str:
        """Return a directory whose list of processes is the container's."""
        found = self.directories
        return found.get("pids") or found.get("") or next(iter(found.values()))

    # --- its life

    def make_alone(self) -> bool:
        """Make one that is in one hierarchy alone; return whether that can be done here.

        Nobody has its name, and it lies near this process's own, which is not frozen: it need not be looked at.
        """
        assert self.alone
        try:
            os.mkdir(self.alone[1])
        except OSError as error:
            if error.errno not in MAY_NOT_BE_MADE:
                raise
            return False
        return True

    def birthplace(self) -> str:
        """Return the directory that a process can be born in, and need not join: version 2's, or the only one; or none."""
        return self.alone[1] if self.alone else self.directories.get("", "")

    def check_free(self) -> list[str]:
        """Return those of its directories that are there.

        Raises InvalidInput if there are processes in it already, or it is frozen, and with it whoever would come in.
        """
        there = [directory for directory in self.entrances() if os.path.isdir(directory)]
        if inside := removal.processes(there):
            raise InvalidInput(
                f"cgroup {self.path}: processes of others are in it ({', '.join(map(str, inside[:3]))}): name another cgroup"
            )
        if removal.frozen(there):
            raise InvalidInput(f"cgroup {self.path}: it is frozen: thaw it, or name another cgroup")
        return there

    def make(self) -> list[str]:
        """Make it where it is not there yet; return the directories that were made."""
        made = []
        for controller, directory in self.directories.items():
            with suppress(FileExistsError):
                _make_directory(directory)
                made.append(directory)
            if controller == "cpuset":
                _inherit_cpuset(directory)
            if controller == "":
                _enable_controllers(directory, self.hierarchies)
        return made

    def apply(self, limits: Resources) -> None:
        """Set the limits. Raises InvalidInput for what this machine cannot limit, or does not accept."""
        from labcore.runtime.cgroups.settings import Setting, v1_settings, v2_settings

        there = self.directories
        v1 = [s for s in v1_settings(limits) if s.controller in there or "" not in there or s.controller in V1_ONLY]
        v2 = list(v2_settings(limits)) if "" in there else []
        for setting in _possible_order(v1, there):
            _write(there.get(setting.controller), setting)
        for setting in v2:
            if V1_NAMES.get(setting.controller, setting.controller) not in there:
                _write(there[""], setting)
        for file, value in limits.unified:  # version 2's own files, which no other version stands in for
            _write(there.get(""), Setting(file.partition(".")[0], file, value))

    def allow_devices(self, limits: Resources) -> None:
        """Let it use only what the rules allow, and what every container may."""
        from labcore.runtime.cgroups import devices
        from labcore.runtime.cgroups.settings import Setting

        rules = (*limits.devices, *devices.ALWAYS)
        there = self.directories
        if "devices" in there:
            for rule in rules:
                for line in devices.v1_lines(rule):
                    _write(there["devices"], Setting("devices", "devices.allow" if rule.allow else "devices.deny", line))
        elif "" in there:
            devices.attach(there[""], rules)

    def processes(self) -> list[int]:
        """Return the processes in it and below it."""
        return removal.processes([self._main()]) if self.path else []

    def statistics(self) -> Statistics:
        """Return what it has used."""
        from pathlib import Path

        from labcore.runtime.cgroups.statistics import statistics

        return statistics({name: Path(directory) for name, directory in self.directories.items()})

    def remove(self) -> None:
        """Kill what is in it, and take it away from all hierarchies; one that is gone is fine."""
        removal.remove(self.entrances())

    # --- freezing

    def freeze(self) -> None:
        """Stop all of its processes where they are. Raises InvalidInput if there is no cgroup, or none that can do that."""
        if not removal.freeze(self.entrances()):
            raise InvalidInput("a container without a cgroup of its own, with a freezer, cannot be paused")

    def thaw(self) -> None:
        """Let them go on."""
        removal.thaw(self.entrances())


@contextmanager
def opened(birthplace: str) -> Iterator[int]:
    """Yield a descriptor of what a process is born in: `labcore.native.block.born_in`; -1 if it is none.

    In version 2 a process that moves there halts all forks of the machine, for a grace period of the kernel.
    """
    if not birthplace:
        yield -1
        return
    from labcore.native.handover import LAID_OUT  # what only looks at a cgroup starts nothing
    from labcore.native.spawn import aside

    tasks = f"{birthplace}/tasks"
    path, flags = (tasks, os.O_WRONLY) if os.path.exists(tasks) else (birthplace, os.O_PATH | os.O_DIRECTORY)
    fd = aside(os.open(path, flags | os.O_CLOEXEC), LAID_OUT)
    try:
        yield fd
    finally:
        os.close(fd)


def _make_directory(path: str) -> None:
    """Make a directory, and those on the way to it. Raises FileExistsError."""
    try:
        os.mkdir(path)
    except FileNotFoundError:
        os.makedirs(path)


def _normalized(path: str) -> str:
    return os.path.normpath("/" + path.lstrip("/"))


def _possible_order(settings: list[Setting], there: Mapping[str, str]) -> Iterator[Setting]:
    """Yield settings so that none is refused for what another one still is on the way from the old limits to the new."""
    pairs = {
        **dict.fromkeys(MEMORY, _memory_in_order([each for each in settings if each.file in MEMORY], there)),
        **dict.fromkeys(QUOTA, _quota_in_order([each for each in settings if each.file in QUOTA], there)),
    }
    seen: set[str] = set()
    for setting in settings:
        if setting.file not in seen:
            together = pairs.get(setting.file, [setting])
            seen.update(each.file for each in together)
            yield from together


MEMORY = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
QUOTA = ("cpu.cfs_period_us", "cpu.cfs_quota_us")


def _memory_in_order(pair: list[Setting], there: Mapping[str, str]) -> list[Setting]:
    """Memory never exceeds memory and swap together.

    Memory without a limit (-1) takes that of both together away, too, where nothing is said of it.
    """
    both = f"{there.get('memory', '')}/{MEMORY[1]}"
    if [(each.file, each.value) for each in pair] == [(MEMORY[0], "-1")] and os.path.exists(both):
        pair = [*pair, pair[0].replace(file=MEMORY[1])]
    if len(pair) == 2:
        with suppress(OSError, ValueError):
            if pair[0].value == "-1" or int(pair[0].value) > int(read_text(both)):
                return pair[::-1]
    return pair


def _quota_in_order(pair: list[Setting], there: Mapping[str, str]) -> list[Setting]:
    """Quota by period, a share of the processors, never exceeds the old one and the new: a cgroup above may limit it."""
    if len(pair) == 2:
        with suppress(OSError, ValueError):
            if int(pair[1].value) < int(read_text(f"{there.get('cpu', '')}/{QUOTA[1]}")):  # -1: none, whatever the period
                return pair[::-1]
    return pair


def _write(directory: str | None, setting: Setting) -> None:
    try:
        if directory is not None:
            return write_text(f"{directory}/{setting.file}", setting.value)
    except OSError as error:
        if os.path.exists(f"{directory}/{setting.file}"):
            raise InvalidInput(f"resources: {setting.file} = {setting.value}: {error.strerror}, says the kernel") from None
    raise InvalidInput(
        f"resources: {setting.file} = {setting.value}: this machine's cgroups have no {setting.file}: "
        f"the {setting.controller} controller is not there, or does not do that"
    )


def _inherit_cpuset(directory: str) -> None:
    """Give a version 1 cpuset, and those above it that have none, the processors and memory of the one above."""
    parent = os.path.dirname(directory)
    if not os.path.exists(f"{parent}/{INHERITED[0]}"):
        return
    for name in INHERITED:
        if not read_text(f"{directory}/{name}").strip():
            above = read_text(f"{parent}/{name}").strip()
            if not above:
                _inherit_cpuset(parent)
                above = read_text(f"{parent}/{name}").strip()
            write_text(f"{directory}/{name}", above)


def _enable_controllers(directory: str, where: Hierarchies) -> None:
    """Hand the controllers down from version 2's root to the cgroup: each on the way must do so."""
    parent = where.v2 or "/"
    for part in os.path.relpath(directory, parent).split("/"):
        wanted = set(_words(f"{parent}/cgroup.controllers")) - set(_words(f"{parent}/cgroup.subtree_control"))
        for controller in sorted(wanted):
            with suppress(OSError):  # one that cannot be had there is missed by name when a limit asks for it
                write_text(f"{parent}/cgroup.subtree_control", f"+{controller}")
        parent = f"{parent}/{part}"


def _words(path: str) -> list[str]:
    try:
        return read_text(path).split()
    except OSError:
        return []

"""Session: the first cell of a lesson checks its requirements, makes its images, and shows where in the ten lessons it is."""

import os
from collections.abc import Callable
from pathlib import Path

from labcore.engine import SEED_NAMES, Engine
from labcore.errors import ImageNotFound, LabcoreError
from labcore.images.builtin import find_busybox
from labcore.lab.cgroups import limits_work
from labcore.lab.ip_route import Ip
from labcore.lab.lessons import LESSONS, enter, lesson
from labcore.lab.messages import say
from labcore.lab.notebook import offer
from labcore.lab.restore import remember
from labcore.lab.roots import proc_in_sight
from labcore.lab.steps import load
from labcore.lab.stores import own_tray
from labcore.lab.workspace import default_workspace
from labcore.native import PIPE, CloneFlag, MountFlag
from labcore.runtime import Plan, ops, spawn
from labcore.spec import Reference


class LessonStopped(LabcoreError):
    """The lesson's requirements are not met: a card names them, with their cures."""

    def __init__(self, number: int, missing: list[str]) -> None:
        super().__init__(say("Lesson {number} needs what this machine lacks.", number=number))
        self.missing = missing

    def __str__(self) -> str:
        return "\n".join([str(self.args[0]), *(f"  ✗ {line}" for line in self.missing)])

    def _render_traceback_(self) -> list[str]:  # what IPython shows: one card, no traceback
        return [str(self)]


def begin(number: int) -> None:
    """Begin a lesson: make its images, take the machine's snapshot, and show where in the ten lessons it is.

    Raises LessonStopped, with one card, if something is missing that the lesson needs.
    """
    wanted = lesson(number)
    if missing := what_is_missing(wanted.requires) or _make_images():
        raise LessonStopped(number, missing)
    proc_in_sight()
    enter(number)
    runtime = load(default_workspace())  # what earlier lessons have written can be imported from `my_runtime`
    offer(
        {name: runtime.__dict__[name] for each in LESSONS if each.number <= number for name in (*each.steps, *each.challenges)}
    )
    remember()
    from IPython.display import display  # these cost 0.3 s each, and commands do without

    from labcore.lab.pictures import strip

    display(strip(number, done=_done(number)))


def what_is_missing(requires: tuple[str, ...]) -> list[str]:
    """Try each requirement; return a sentence for each that is not met."""
    return [sentence for need in requires if (sentence := NEEDS[need]())]


def _root() -> str:
    if os.geteuid() == 0:
        return ""
    return say("root: containers are made by root here. Start the lab with `make lab`, which asks for the right to.")


def _namespaces() -> str:
    flags = CloneFlag.NEWNS | CloneFlag.NEWPID | CloneFlag.NEWUTS | CloneFlag.NEWIPC
    try:
        with spawn(Plan([ops.Clone(flags)])) as process:
            process.wait(10)
    except (LabcoreError, TimeoutError) as error:
        return say("namespaces: {error}", error=error)
    return ""


def _overlay() -> str:
    """Try an overlay with its upper directory on the lesson's file system."""
    try:
        with own_tray("try") as directory:
            options = f"lowerdir={directory}/view,upperdir={directory}/upper,workdir={directory}/work"
            private = ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
            mount = ops.Mount("overlay", f"{directory}/view", "overlay", data=options)
            with spawn(Plan([ops.Clone(CloneFlag.NEWNS), private, mount])) as process:
                process.wait(10)
    except (LabcoreError, OSError) as error:
        return say("overlays: {error}", error=error)
    return ""


def _cgroups() -> str:
    if any(Path("/sys/fs/cgroup").glob("**/cgroup.procs")):
        return ""
    return say("cgroups: none is mounted below /sys/fs/cgroup: sudo mount -t cgroup2 none /sys/fs/cgroup")


def _network() -> str:
    """Try a bridge with a veth pair on it, in a network namespace that ends with its process."""
    try:
        with spawn(
            Plan([ops.Clone(CloneFlag.NEWNET), ops.Execve(("cat",), (), (str(find_busybox()),))]), stdin=PIPE
        ) as process:
            network = Ip(process.pid)
            network.add_bridge("lab0")
            network.add_veth("veth2", "peer2")
            network.set_master("veth2", "lab0")
            process.kill()
    except (LabcoreError, OSError) as error:
        return say("networks: {error}: sudo modprobe -a bridge veth", error=error)
    return ""


def _limits() -> str:
    """Try a cgroup that limits memory and processes."""
    try:
        limits_work()
    except (LabcoreError, OSError) as error:
        return say("cgroups: no limits can be set here, for {error}. Start the lab as root of the machine.", error=error)
    return ""


NEEDS: dict[str, Callable[[], str]] = {
    "root": _root,
    "namespaces": _namespaces,
    "overlay": _overlay,
    "cgroups": _cgroups,
    "limits": _limits,
    "network": _network,
}


def _make_images() -> list[str]:
    """Make the images that are missing; return the reason if that fails."""
    engine = Engine()
    for name in SEED_NAMES:
        try:
            engine.images.get(Reference.parse(name))
        except ImageNotFound:
            try:
                engine.seed(name)
            except LabcoreError as error:
                return [f"{name}: {error}"]
    return []


def _done(number: int) -> tuple[int, ...]:
    passed = default_workspace().passed
    return tuple(each.number for each in LESSONS if each.number != number and passed(each.number).issuperset(each.steps))

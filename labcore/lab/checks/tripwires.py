"""Tripwires: labcore's functions that would do a step's work raise if the step, or a process that it starts, calls them.

Targets are the objects themselves and not their names, so that a rename breaks an import, and with it every check of a lesson.
In this process a function's code object is replaced, and so all its names and copies spring. For processes that the step
starts, the file that defines it is covered by a bind mount.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

from labcore import native
from labcore.lab.messages import say
from labcore.native import MountFlag, UnmountFlag
from labcore.record import Record

Target = Callable[..., Any] | ModuleType  # of a class its methods, of a module its functions
SPRUNG: Final = "sprung"  # in the root that was drawn: a process has come upon a covered file
PLACE: Final = "__init__.py"
_TELL: list[Callable[[], None]] = []
_COVERED: list[str] = []


def text() -> str:
    """Return the message of a tripwire."""
    return say("labcore's version was called: the step is to be your own")


def arm(targets: Iterable[Target], tell: Callable[[], None] | None = None) -> None:
    """Arm a tripwire in each target; `tell` is called when one springs, by default that of the last call."""
    if tell:
        _TELL[:] = [tell]
    for function in (each for target in targets for each in functions_of(target)):
        free = function.__code__.co_freevars
        function.__code__ = _spring.__code__.replace(co_freevars=free)


def spring() -> None:
    """Report to the check, and raise RuntimeError."""
    for tell in _TELL:
        tell()
    raise RuntimeError(text())


def _spring(*arguments: Any, **options: Any) -> None:  # noqa: ARG001  stands in for any function
    from labcore.lab.checks import tripwires  # this code is put into functions of other modules, and has their globals

    tripwires.spring()


def functions_of(target: Target) -> Iterator[FunctionType]:
    """Yield the functions in Python that a way consists of. Raises TypeError for one that has none: it would guard nothing."""
    if isinstance(target, ModuleType):
        members = [each for each in vars(target).values() if getattr(each, "__module__", "") == target.__name__]
        found = [_plain(each) for each in members if not inspect.isclass(each)]
    elif inspect.isclass(target):
        common = (*vars(Record).values(), vars(target).get("__del__"))  # of all records
        found = [_plain(each) for each in vars(target).values() if each not in common]
    else:
        found = [_plain(target)]
    functions = [each for each in found if each is not None]
    if not functions:
        raise TypeError(f"{target!r} has no function in Python for a tripwire")
    yield from functions


def _plain(member: Any) -> FunctionType | None:
    """Return the function beneath decorators and descriptors."""
    if isinstance(member, property):
        member = member.fget
    elif isinstance(member, cached_property):
        member = member.func
    member = inspect.unwrap(getattr(member, "__func__", member)) if callable(member) or hasattr(member, "__func__") else None
    return member if isinstance(member, FunctionType) else None


def cover(targets: Iterable[Target], directory: str, root: Path) -> None:
    """Cover a directory, and the sources of these, in this mount namespace: an import in another process springs.

    `root` is the one that was drawn, where the check finds a mark then.
    """
    native.mount("none", directory, "tmpfs")
    cover_file = Path(directory, PLACE)
    cover_file.write_text(f"open({str(root / SPRUNG)!r}, 'w').close()\nraise RuntimeError({text()!r})\n", encoding="utf-8")
    for source in sorted({_source(target) for target in targets}):
        if Path(directory) not in Path(source).parents:
            native.mount(str(cover_file), source, flags=MountFlag.BIND)
            _COVERED.append(source)
    native.mount("none", directory, flags=MountFlag.BIND | MountFlag.REMOUNT | MountFlag.RDONLY)
    _COVERED.append(directory)


def _source(target: Target) -> str:
    """Return the file that defines a target. It is its module's: the code of a tripwire that is armed stands in this file."""
    return inspect.getsourcefile(target if isinstance(target, ModuleType) else sys.modules[target.__module__]) or ""


def uncover() -> None:
    """Take the covers away again: processes that are started now find labcore whole."""
    while _COVERED:
        native.umount2(_COVERED.pop(), UnmountFlag.DETACH)

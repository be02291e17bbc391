"""Tripwires: what of labcore's does a step's work springs when the step calls it, or a process that the step has started.

They hold the objects themselves, so that whoever renames one finds out: an import fails, and with it every check of the lesson.
In this process a function's code is replaced, and so it springs under each of its names, and in each copy. For processes that
the step starts, the file that it stands in is covered.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

from labcore import native
from labcore.lab.messages import say
from labcore.native import MountFlag, UnmountFlag

Way = Callable[..., Any] | ModuleType  # of a class its methods, of a module its functions
SPRUNG: Final = "sprung"  # in the root that was drawn: a process has come upon a covered file
PLACE: Final = "__init__.py"
_TELL: list[Callable[[], None]] = []
_COVERED: list[str] = []


def text() -> str:
    """Return what is said to whoever springs one."""
    return say("labcore's version was called: the step is to be your own")


def arm(ways: Iterable[Way], tell: Callable[[], None] | None = None) -> None:
    """Put a tripwire into each of these; `tell` is called when one springs, and stays the same if it is not given."""
    if tell:
        _TELL[:] = [tell]
    for function in (each for way in ways for each in functions_of(way)):
        free = function.__code__.co_freevars
        function.__code__ = _spring.__code__.replace(co_freevars=free)


def spring() -> None:
    """Tell the check, and raise RuntimeError."""
    for tell in _TELL:
        tell()
    raise RuntimeError(text())


def _spring(*arguments: Any, **options: Any) -> None:  # noqa: ARG001  stands in for any function
    from labcore.lab.checks import tripwires

    tripwires.spring()


def functions_of(way: Way) -> Iterator[FunctionType]:
    """Yield the functions in Python that a way consists of. Raises TypeError for one that has none: it would guard nothing."""
    if isinstance(way, ModuleType):
        members = [each for each in vars(way).values() if getattr(each, "__module__", "") == way.__name__]
        found = [_plain(each) for each in members if not inspect.isclass(each)]
    elif inspect.isclass(way):
        found = [_plain(each) for name, each in vars(way).items() if name != "__del__"]
    else:
        found = [_plain(way)]
    functions = [each for each in found if each is not None]
    if not functions:
        raise TypeError(f"{way!r} has no function in Python for a tripwire")
    yield from functions


def _plain(member: Any) -> FunctionType | None:
    """Return the function behind what decorators have made of it."""
    if isinstance(member, property):
        member = member.fget
    elif isinstance(member, cached_property):
        member = member.func
    member = inspect.unwrap(getattr(member, "__func__", member)) if callable(member) or hasattr(member, "__func__") else None
    return member if isinstance(member, FunctionType) else None


def cover(ways: Iterable[Way], directory: str, root: Path) -> None:
    """Cover a directory, and the sources of these, in this mount namespace: an import in another process springs.

    `root` is the one that was drawn, where the check finds a mark then.
    """
    native.mount("none", directory, "tmpfs")
    cover_file = Path(directory, PLACE)
    cover_file.write_text(f"open({str(root / SPRUNG)!r}, 'w').close()\nraise RuntimeError({text()!r})\n")
    for source in sorted({_source(way) for way in ways}):
        if Path(directory) not in Path(source).parents:
            native.mount(str(cover_file), source, flags=MountFlag.BIND)
            _COVERED.append(source)
    native.mount("none", directory, flags=MountFlag.BIND | MountFlag.REMOUNT | MountFlag.RDONLY)
    _COVERED.append(directory)


def _source(way: Way) -> str:
    return inspect.getsourcefile(way if isinstance(way, ModuleType) else next(functions_of(way))) or ""


def uncover() -> None:
    """Take the covers away again: processes that are started now find labcore whole."""
    while _COVERED:
        native.umount2(_COVERED.pop(), UnmountFlag.DETACH)

"""Types of ops' fields: a value that does not belong where it stands is refused, with what to write in its place.

A number in quotes would reach the kernel as a pointer, a `None` come back from far below as a TypeError.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from labcore import native, spec
from labcore.enumeration import IntEnum, IntFlag
from labcore.errors import InvalidInput
from labcore.language import Catalogue
from labcore.native import MountFlag
from labcore.record import field_types
from labcore.runtime.ops.base import Op
from labcore.runtime.ops.mounts import Mount

say = Catalogue("runtime")
# What mount(2) does with one of these takes no type of file system.
TAKES_NO_FSTYPE = (
    MountFlag.BIND | MountFlag.MOVE | MountFlag.REMOUNT
    | MountFlag.SHARED | MountFlag.PRIVATE | MountFlag.SLAVE | MountFlag.UNBINDABLE
)  # fmt: skip
Fits = Callable[[Any], bool]


def check_fields(ops: Sequence[object]) -> None:
    """Raise InvalidInput for an item that is no op, and for an op with a field that does not hold what its annotation says.

    A mount that makes a file system and does not name its type is refused too.
    """
    for index, op in enumerate(ops):
        if not isinstance(op, Op):
            raise InvalidInput(_no_op(index, op))
        kind: Any = type(op)  # mypy takes an Op's own hash for its class's
        for name, fits, wanted in _fields(kind):
            value = op.__dict__[name]
            if not fits(value):
                raise InvalidInput(f"op {index}, {type(op).__name__}: {_misfit(name, value, wanted)}")
        if isinstance(op, Mount) and op.fstype is None and not op.flags & TAKES_NO_FSTYPE:  # the kernel would say EFAULT
            text = say(
                "op {index}, {op}: of which type? Mount(source, target, fstype), or flags such as MountFlag.BIND",
                index=index,
                op=op,
            )
            raise InvalidInput(text)


@cache
def _fields(kind: Any) -> tuple[tuple[str, Fits, Any], ...]:
    """Return an op's fields, each with its check and its annotation; those that take anything are left out."""
    annotations = field_types(kind, native, spec)
    checks = ((name, _check(annotations[name]), annotations[name]) for name in kind._fields)
    return tuple((name, fits, wanted) for name, fits, wanted in checks if fits is not None)


def _check(wanted: Any) -> Fits | None:
    """Return a check for an annotation, None for one that has no simple one."""
    if isinstance(wanted, type) and get_origin(wanted) is None:
        classes = (wanted, int) if issubclass(wanted, int) else (wanted,)  # a flag or a capability may be a plain number
        return lambda value: isinstance(value, classes)
    if isinstance(wanted, UnionType):
        checks = [_check(each) for each in get_args(wanted)]
        return None if None in checks else lambda value: any(fits(value) for fits in checks if fits)
    if get_origin(wanted) is tuple:
        return _check_items(get_args(wanted))
    return None


def _check_items(items: tuple[Any, ...]) -> Fits:
    if items[1:] == (...,):
        fits = _check(items[0]) or (lambda _: True)
        return lambda value: isinstance(value, tuple | list) and all(map(fits, value))
    checks = [_check(item) or (lambda _: True) for item in items]
    return lambda value: (
        isinstance(value, tuple | list)
        and len(value) == len(checks)
        and all(fits(item) for fits, item in zip(checks, value, strict=True))
    )


def _misfit(name: str, value: Any, wanted: Any) -> str:
    if isinstance(value, tuple | list) and get_args(wanted)[1:] == (...,):  # one of many: which?
        wanted = get_args(wanted)[0]
        fits = _check(wanted) or bool
        value = next(item for item in value if not fits(item))
    kinds = [each for each in get_args(wanted) if each is not NoneType] if isinstance(wanted, UnionType) else [wanted]
    kind = get_origin(kinds[0]) or kinds[0]
    if value is None:
        return say("`{field}` is None: nothing was given, or a function has returned nothing", field=name)
    if issubclass(kind, IntEnum | IntFlag) and isinstance(value, str):
        cure = f"{kind.__name__}.{value.upper().removeprefix('CAP_')}"
        return say("`{field}` has {value}, a name: write {cure}", field=name, value=repr(value), cure=cure)
    belongs = {str: say("a text"), int: say("a number"), bytes: say("bytes"), tuple: say("a tuple, (one, two),")}
    return say(
        "`{field}` is {value}, where {kind} belongs", field=name, value=_shown(value), kind=belongs.get(kind, kind.__name__)
    )


def ops_of(stage: Callable[[Any], Any], argument: Any, name: str = "") -> list[Op]:
    """Return the ops that a stage makes of a spec. Raises InvalidInput for what beginners return in place of a list."""
    made = stage(argument)
    name = name or getattr(stage, "__name__", "the stage")
    if made is None:
        raise InvalidInput(say("{name} returned nothing: is `return` missing?", name=name))
    if isinstance(made, Op | str | bytes) or not isinstance(made, Iterable):
        text = say("{name} returned {what}: a stage returns a list of ops, in brackets", name=name, what=_shown(made))
        raise InvalidInput(text)
    return list(made)


def _no_op(index: int, value: object) -> str:
    if value is None:
        return say("op {index} is None: a stage has returned nothing; is `return` missing?", index=index)
    if isinstance(value, list | tuple):
        return say(
            "op {index} is a list, {value}: with a star before it, *stage(spec), its ops take its place",
            index=index,
            value=_shown(value),
        )
    if callable(value):
        return say(
            "op {index} is {value}, which was not called: its arguments are missing, in brackets",
            index=index,
            value=_shown(value),
        )
    return say(
        "op {index} is {value}, which is no op: an op is a value such as SetHostname('box')", index=index, value=_shown(value)
    )


def _shown(value: object) -> str:
    text = value.__name__ if isinstance(value, type) else repr(value)
    return text if len(text) < 60 else f"{text[:59]}…"

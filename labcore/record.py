"""Record: frozen value classes that import faster than `dataclasses`.

A command starts anew each time, and `dataclasses` takes 20 ms of that: it imports the compiler's tools and compiles methods
for each class. These forty lines do what the lab needs of it, by looking at the annotations when a value is made.
"""

from __future__ import annotations

from labcore.enumeration import IntEnum, IntFlag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType
    from typing import Any, ClassVar, Self, dataclass_transform
else:

    def dataclass_transform(**_):
        """Tell type checkers; nobody else needs to know."""
        return lambda cls: cls


_REQUIRED = object()
WRITTEN_OUT_AFTER = 50  # values of a class: a daemon makes many of each, a command few


class _SignatureOfFields:
    """A record class's signature, for `help()` and a notebook's `?`: worked out when it is asked for."""

    def __get__(self, instance: object, cls: type[Record]) -> Any:
        from inspect import Parameter, Signature  # which no command needs

        fields = [(name, Parameter.empty if value is _REQUIRED else value) for name, value in cls._fields.items()]
        return Signature([Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=value) for name, value in fields])


def own_annotations(cls: type) -> dict[str, Any]:
    """Return a class's own annotations: an attribute that until Python 3.13 may be a base class's."""
    annotations: dict[str, Any] = cls.__annotations__
    inherited = (getattr(base, "__annotations__", None) for base in cls.__mro__[1:])
    return {} if any(annotations is other for other in inherited) else annotations


class _Names(dict):  # type: ignore[type-arg]
    """Names, and those of rooms, each loaded when it is first looked up: the rooms load theirs so."""

    def __init__(self, rooms: Sequence[ModuleType], **names: Any) -> None:
        super().__init__(names)
        self._rooms = rooms

    def __missing__(self, name: str) -> Any:
        found = next((getattr(room, name) for room in self._rooms if name in room.__all__), _REQUIRED)
        if found is _REQUIRED:
            raise KeyError(name)
        return self.setdefault(name, found)


_types_of: dict[tuple[object, ...], dict[str, Any]] = {}


def field_types(kind: type[Record], *rooms: ModuleType) -> dict[str, Any]:
    """Return the types of a record's fields, by name: its annotations evaluated, once.

    Modules import what they only annotate for type checkers alone: names are looked up in `typing` and in the rooms too.
    """
    if (kind, *rooms) not in _types_of:
        import typing
        from collections import abc

        found = typing.get_type_hints(
            kind, localns=_Names((abc, *rooms), Any=typing.Any, ClassVar=typing.ClassVar, Literal=typing.Literal)
        )
        _types_of[kind, *rooms] = {name: found[name] for name in kind._fields}
    return _types_of[kind, *rooms]


WRITTEN_OUT = "__init__ of a record"


def _written_out(cls: type[Record]) -> Any:
    """Return a class's constructor as one would write it by hand: it takes a quarter of the time, and 0.1 ms to compile."""
    arguments = (name if default is _REQUIRED else f"{name}=__fields[{name!r}]" for name, default in cls._fields.items())
    lines = [f"__own[{name!r}] = {name}" for name in cls._fields]
    if cls.__post_init__ is not Record.__post_init__:
        lines.append("self.__post_init__()")
    source = "\n ".join([f"def made(self, {', '.join(arguments)}):", "__own = self.__dict__", *lines])
    found: dict[str, Any] = {"__fields": cls._fields}
    exec(source, found)
    constructor = found["made"]
    constructor.__name__, constructor.__qualname__ = WRITTEN_OUT, cls.__name__  # which errors say
    return constructor


@dataclass_transform(frozen_default=True)
class Record:
    """A value that never changes: a subclass's annotations are its fields, in order, and its constructor's arguments.

    Two records of one class with equal fields are equal. `__post_init__` may refuse what cannot be.
    """

    _fields: ClassVar[dict[str, Any]] = {}
    __signature__: ClassVar[Any] = _SignatureOfFields()
    _required: ClassVar[tuple[str, ...]] = ()
    _made: ClassVar[int] = 0

    def __init_subclass__(cls) -> None:
        own = own_annotations(cls)
        names = [name for name, kind in own.items() if "ClassVar" not in str(kind)]
        cls._fields = cls._fields | {name: vars(cls).get(name, _REQUIRED) for name in names}
        cls._required = tuple(name for name, default in cls._fields.items() if default is _REQUIRED)
        cls._made = 0
        if cls.__init__.__name__ == WRITTEN_OUT:  # a base's, for its fields
            cls.__init__ = Record.__init__  # type: ignore[method-assign]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        fields = self._fields
        given = dict(zip(fields, args, strict=False)) if args else {}
        given.update(kwargs)
        values = fields | given
        if len(given) < len(args) + len(kwargs) or len(values) > len(fields):
            raise TypeError(f"{type(self).__name__} takes each of these once: {', '.join(fields)}; not {args!r} and {kwargs!r}")
        for name in self._required:
            if name not in given:
                raise TypeError(f"{type(self).__name__} misses {name}")
        self.__dict__.update(values)
        self.__post_init__()
        cls = type(self)
        cls._made += 1
        if cls._made == WRITTEN_OUT_AFTER and cls.__init__ is Record.__init__:
            for derived in cls.__subclasses__():
                derived.__init__ = derived.__init__  # type: ignore[method-assign]  # that of all records, for its own fields
            cls.__init__ = _written_out(cls)  # type: ignore[method-assign]

    def __post_init__(self) -> None:
        """Check the fields; does nothing unless a subclass says so."""

    def replace(self, **changes: Any) -> Self:
        """Return the same value with some fields changed."""
        values = self.as_dict() | changes
        if len(values) > len(self._fields):
            raise TypeError(f"{type(self).__name__} has {', '.join(self._fields)}; not {', '.join(changes)}")
        made = object.__new__(type(self))
        made.__dict__.update(values)
        made.__post_init__()
        return made

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name, in order."""
        own = self.__dict__
        return {name: own[name] for name in self._fields}

    def values(self) -> tuple[Any, ...]:
        """Return the fields' values, in order."""
        return tuple(map(self.__dict__.__getitem__, self._fields))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set: use replace({name}=…)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Record) and type(self) is type(other) and self.values() == other.values())

    def __hash__(self) -> int:
        known: int | None = self.__dict__.get("_hash")
        if known is None:
            known = self.__dict__["_hash"] = hash((type(self), *self.values()))
        return known

    def __getstate__(self) -> dict[str, Any]:
        return self.as_dict()  # another process hashes otherwise

    def __repr__(self) -> str:
        shown = (
            f"{name}={_show(self.__dict__[name])}"
            for name, default in self._fields.items()
            if default is _REQUIRED or self.__dict__[name] != default
        )
        return f"{type(self).__name__}({', '.join(shown)})"


def _show(value: Any) -> str:
    """Write a flag word as its names, `MountFlag.REC|PRIVATE`, and anything else as Python does."""
    return f"{type(value).__name__}.{value.name or int(value)}" if isinstance(value, IntEnum | IntFlag) else repr(value)

"""Records as JSON and back, by their annotations: what is kept of containers and networks.

A field that is as it is by default is left out, so that a newer labcore may add fields with defaults and read what an older one
wrote. Nothing is taken for what it is not: a value of another type than the annotation says is refused.
"""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Literal, TypeVar, Union, get_args, get_origin

from labcore import spec
from labcore.record import Record, field_types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

R = TypeVar("R", bound=Record)


def to_json(value: Any) -> Any:
    """Return a record as objects, and its tuples as lists, of what `json` knows."""
    if isinstance(value, Record):
        defaults = type(value)._fields
        return {name: to_json(item) for name, item in value.as_dict().items() if item != defaults[name]}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    return value


def from_json(kind: type[R], value: Any) -> R:
    """Read a record. Raises ValueError for what is none of that kind."""
    if not isinstance(value, dict):
        raise ValueError(f"{kind.__name__}: {value!r:.80} is no object")
    kinds = field_types(kind, spec)
    if unknown := value.keys() - kind._fields.keys():
        raise ValueError(f"{kind.__name__} has no field {', '.join(sorted(unknown))[:80]}")
    if missing := [name for name in kind._required if name not in value]:
        raise ValueError(f"{kind.__name__} misses {', '.join(missing)}")
    return kind(**{name: _read(kinds[name], item) for name, item in value.items()})


def _read(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _read_one_of(get_args(kind), value)
    if origin is tuple:
        return _read_tuple(get_args(kind), value)
    if origin is Literal:
        fits = value in get_args(kind)
    elif isinstance(kind, type) and issubclass(kind, Record):
        return from_json(kind, value)
    else:
        fits = type(value) is kind
    if not fits:
        raise ValueError(f"{value!r:.80} is no {kind}")
    return value


def _read_one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    if value is None and NoneType in kinds:
        return None
    refused: ValueError | None = None
    for kind in kinds:
        try:
            return _read(kind, value)
        except ValueError as error:
            refused = refused or error
    raise refused or ValueError(f"{value!r:.80}")


def _read_tuple(kinds: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r:.80} is no list")
    if kinds[-1] is Ellipsis:
        return tuple(_read(kinds[0], item) for item in value)
    if len(value) != len(kinds):
        raise ValueError(f"{value!r:.80} has not {len(kinds)} parts")
    return tuple(_read(kind, item) for kind, item in zip(kinds, value, strict=True))

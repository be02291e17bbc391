"""Values of templates: what JSON has, and Structs. How Go prints them (fmt, verb %v), takes them for true, and writes JSON."""

from __future__ import annotations

from _json import encode_basestring, make_encoder

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final

EXPONENT_FROM, EXPONENT_BELOW = 21, -4  # where Go writes 1e+21 for 1000…
ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"'}
QUOTED: Final = {"'": "'"} | {letter: f"\\{escape}" for escape, letter in ESCAPES.items() if escape != "'"}
HTML: Final = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
LINES: Final = {0x2028: "\\u2028", 0x2029: "\\u2029"}  # JavaScript's line ends, which Go always escapes


class Struct(dict[str, "Any"]):
    """An object whose names are known: a field that it has not is an error. A value that is callable is a method."""

    def plain(self) -> dict[str, Any]:
        """Return what is written as JSON: fields, and what methods without arguments return."""
        return {name: value() if callable(value) else value for name, value in self.items()}

    def shown(self) -> Iterable[Any]:
        """Return what is printed."""
        return self.plain().values()


class Row(Struct):
    """A line of a list: its JSON is by name, with what is of use to HTML escaped, and without methods that take arguments."""

    takes_arguments = ("Label",)

    def plain(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {name: self[name]() for name in sorted(self) if name not in self.takes_arguments}


class NilList(list["Any"]):
    """A list that is null: it prints as an empty one."""


class NilMap(dict[str, "Any"]):
    """A map that is null: it prints as an empty one."""


class NoValue:
    """The value of a key that a map has not."""

    def __bool__(self) -> bool:
        return False


NO_VALUE: Final = NoValue()


def kind_of(value: object) -> str:
    """Return what Go calls a value's kind."""
    for kind, name in KINDS:
        if isinstance(value, kind):
            return name
    return "nil"


KINDS: Final[tuple[tuple[type, str], ...]] = (
    (bool, "bool"), (int, "int"), (float, "float64"), (str, "string"), (list, "list"), (Struct, "struct"), (dict, "map"),
)  # fmt: skip


def is_true(value: object) -> bool:
    """Return what `if` makes of a value: zero, nil and what is empty are false; an object of fields is true."""
    return isinstance(value, Struct) or bool(value)


def printed(value: Any, nested: bool = False) -> str:
    """Return what Go prints: `[a b]`, `map[a:b]`, `{a b}` for an object's fields, `<nil>`, `<no value>`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return printed_float(value)
    if value is None or value is NO_VALUE:
        return "<nil>" if nested or value is None else "<no value>"
    if isinstance(value, list):
        return f"[{' '.join(printed(each, True) for each in value)}]"
    if isinstance(value, Struct):
        return f"{{{' '.join(printed(each, True) for each in value.shown())}}}"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{printed(value[name], True)}' for name in sorted(value))}]"
    return str(value)


def printed_float(number: float) -> str:
    """Return the shortest form that means this number, as Go writes it: `1.5`, `3`, `1e+21`, `+Inf`."""
    if number != number or number in (float("inf"), -float("inf")):
        return "NaN" if number != number else f"{number:+}".replace("inf", "Inf")
    mantissa, _, power = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = f"{whole}{fraction}".lstrip("0")
    point = len(digits) - len(fraction) + int(power or 0)  # how many digits stand before it
    digits = digits.rstrip("0") or "0"
    sign = "-" if repr(number)[0] == "-" else ""
    if not number:
        return f"{sign}0"
    if not EXPONENT_BELOW <= point - 1 < EXPONENT_FROM:
        return f"{sign}{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{point - 1:+03}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    behind = digits[point:]
    return f"{sign}{digits[:point].ljust(point, '0')}{'.' if behind else ''}{behind}"


def quoted(text: str) -> str:
    """Return a string as Go writes it in source (strconv.Quote)."""
    return '"' + "".join(QUOTED.get(each) or (each if each.isprintable() else _code(each)) for each in text) + '"'


def _code(letter: str) -> str:
    number = ord(letter)
    return f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def json_text(value: Any) -> str:
    """Return JSON as Go's encoder writes it: no spaces, maps by their keys, objects by their fields."""
    try:
        return "".join(_encode(_ordered(value), 0)).translate(LINES)
    except (ValueError, TypeError):
        raise InvalidInput("json: this is no value of JSON") from None


def html_safe(json: str) -> str:
    """Return JSON whose `<`, `>` and `&` are escaped, as Go has it by default."""
    return json.translate(HTML)


def _ordered(value: Any) -> Any:
    if value is NO_VALUE or isinstance(value, NilList | NilMap):
        return None
    if isinstance(value, Struct):
        return {name: _ordered(each) for name, each in value.plain().items()}
    if isinstance(value, dict):
        return {name: _ordered(value[name]) for name in sorted(value)}
    return [_ordered(each) for each in value] if isinstance(value, list) else value


def _refuse(value: object) -> Mapping[str, object]:
    raise TypeError(type(value).__name__)


_encode = make_encoder(None, _refuse, encode_basestring, None, ":", ",", False, False, False)

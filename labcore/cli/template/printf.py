"""`printf`: Go's formats (pkg.go.dev/fmt), with flags, width and precision."""

from __future__ import annotations

from labcore.cli.template.values import kind_of, printed, printed_float, quoted
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

FLAGS: Final = "+-# 0"
WIDTH_MAX: Final = 10_000  # characters
BASES: Final = {"b": "b", "o": "o", "d": "d", "x": "x", "X": "X"}


class Directive:
    """A directive: `%-8.3f` has the flag `-`, the width 8, the precision 3 and the verb `f`."""

    __slots__ = ("end", "flags", "precision", "verb", "width")

    def __init__(self, text: str, place: int) -> None:
        """Read it from behind its `%`."""
        here = place
        while text[here : here + 1] in (*FLAGS,):
            here += 1
        self.flags = text[place:here]
        self.width, here = _digits(text, here)
        self.precision: int | None = None
        if text[here : here + 1] == ".":
            precision, here = _digits(text, here + 1)
            self.precision = precision or 0
        self.verb = text[here : here + 1]
        self.end = here + 1

    def padded(self, text: str, *, zeros: bool = False) -> str:
        """Return a text as wide as it is to be."""
        width = self.width or 0
        if "-" in self.flags:
            return text.ljust(width)
        if zeros and "0" in self.flags:
            sign = text[:1] if text[:1] in ("+", "-") else ""
            return sign + text[len(sign) :].rjust(width - len(sign), "0")
        return text.rjust(width)


def _digits(text: str, place: int) -> tuple[int | None, int]:
    here = place
    while "0" <= text[here : here + 1] <= "9":
        here += 1
    if here - place > len(str(WIDTH_MAX)) or int(text[place:here] or 0) > WIDTH_MAX:
        raise InvalidInput(f"printf: {text[place:here]:.20} is wider than {WIDTH_MAX}")
    return (int(text[place:here]) if here > place else None), here


def printf(text: str, *values: Any) -> str:
    """Return a text in which directives stand for values; what does not fit is said in it, as Go does."""
    parts, place, used = list[str](), 0, 0
    while (start := text.find("%", place)) >= 0:
        directive = Directive(text, start + 1)
        parts.append(text[place:start])
        place = directive.end
        if directive.verb in ("", "%"):
            parts.append("%" if directive.verb else "%!(NOVERB)")
        elif used == len(values):
            parts.append(f"%!{directive.verb}(MISSING)")
        else:
            parts.append(_formatted(directive, values[used]))
            used += 1
    parts.append(text[place:])
    return "".join(parts) + _extra(values[used:])


def _extra(values: Sequence[Any]) -> str:
    shown = ", ".join("<nil>" if value is None else f"{_type(value)}={printed(value)}" for value in values)
    return f"%!(EXTRA {shown})" if shown else ""


def _formatted(directive: Directive, value: Any) -> str:
    verb, kind = directive.verb, kind_of(value)
    if verb == "T":
        return directive.padded("<nil>" if value is None else _type(value))
    if verb == "v" and kind not in ("int", "float64"):
        return directive.padded(printed(value, nested=True))
    if kind == "list" and verb in "sqdxXfge":
        return f"[{' '.join(_formatted(directive, each) for each in value)}]"
    form = FORMS.get(kind)
    text: str | None = form(directive, value) if form else None
    if text is None:
        shown = "<nil>" if value is None else f"{_type(value)}={printed(value)}"
        return f"%!{verb}({shown})"
    return text


def _type(value: Any) -> str:
    return {"list": "[]interface {}", "map": "map[string]interface {}"}.get(kind_of(value), kind_of(value))


def _text(directive: Directive, value: str) -> str | None:
    cut = value if directive.precision is None else value[: directive.precision]
    if directive.verb == "s":
        return directive.padded(cut)
    if directive.verb == "q":
        return directive.padded(quoted(cut))
    if directive.verb in "xX":
        shown = cut.encode().hex()
        return directive.padded(shown.upper() if directive.verb == "X" else shown)
    return None


def _whole(directive: Directive, value: int) -> str | None:
    verb = "d" if directive.verb == "v" else directive.verb
    sign = "+" if "+" in directive.flags else " " if " " in directive.flags else ""
    if verb in BASES:
        alternate = "#" if "#" in directive.flags and verb in "xXbo" else ""
        return directive.padded(f"{value:{sign}{alternate}{BASES[verb]}}", zeros=True)
    if verb in "cqU" and 0 <= value < 0x110000:
        return directive.padded({"c": chr(value), "q": f"'{chr(value)}'", "U": f"U+{value:04X}"}[verb])
    return None


def _number(directive: Directive, value: float) -> str | None:
    sign = "+" if "+" in directive.flags else " " if " " in directive.flags else ""
    if directive.verb in "vgG" and directive.precision is None:
        return directive.padded((sign if value >= 0 else "") + printed_float(value), zeros=True)
    if directive.verb in "eEfFgG":
        precision = 6 if directive.precision is None else directive.precision
        return directive.padded(f"{value:{sign}.{precision}{directive.verb}}", zeros=True)
    return None


def _truth(directive: Directive, value: bool) -> str | None:
    return directive.padded(printed(value)) if directive.verb == "t" else None


FORMS: Final[dict[str, Any]] = {"string": _text, "int": _whole, "float64": _number, "bool": _truth}

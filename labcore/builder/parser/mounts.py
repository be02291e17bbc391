"""RUN --mount=type=KIND,KEY=VALUE,…: each key checked, those with variables when their values are known."""

from __future__ import annotations

import re

from labcore.builder.parser.errors import Problem, suggestion
from labcore.builder.parser.instructions import RunMount
from labcore.builder.parser.words import expand
from labcore.errors import InvalidInput
from labcore.options.values import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

QUOTES: Final = frozenset("'\"\\")
KINDS: Final = ("bind", "cache", "tmpfs", "secret", "ssh")
SHARING: Final = ("shared", "private", "locked")
FIELD: Final = re.compile(r'(?:"((?:[^"]|"")*+)"|([^",]*+))(,|\Z)')
ALIASES: Final = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly", "rw": "readwrite"}
KEYS: Final = (
    "type", "from", "source", "target", "readonly", "readwrite", "id", "sharing", "required", "size", "mode", "uid", "gid",
    "env",
)  # fmt: skip
TRUE: Final = ("1", "t", "T", "TRUE", "true", "True")
FALSE: Final = ("0", "f", "F", "FALSE", "false", "False")
OF_KINDS: Final = {  # which mounts a key is for
    "size": ("tmpfs",), "required": ("secret", "ssh"), "sharing": ("cache",), "env": ("secret",),
    "mode": ("cache", "secret", "ssh"), "uid": ("cache", "secret", "ssh"), "gid": ("cache", "secret", "ssh"),
}  # fmt: skip


def mount_of(text: str, expanded: Callable[[str], str] | None = None) -> RunMount:
    """Read the value of `--mount`. Raises Problem, and what `expanded` does.

    `expanded` gives a value with its variables replaced. Without it, a value with `$` is left as it is, and unchecked:
    `RunMount.text` keeps the option, to be read again when the instruction is carried out.
    """
    found: dict[str, str | None] = {}
    for field in _fields(text):
        name, equals, value = field.partition("=")
        key = ALIASES.get(name.lower(), name.lower())
        if key not in KEYS:
            raise Problem(f"unexpected key '{name}' in '{field}'", field, cure=suggestion(key, [*KEYS, *ALIASES]))
        if not equals and key not in ("readonly", "readwrite", "required"):
            raise Problem(f"invalid field '{field}' must be a key=value pair", field)
        if key == "from" and re.search(r"\$.", value):
            cure = "name a stage for it: FROM $NAME AS files, and from=files"
            raise Problem("'from' doesn't support variable expansion, define alias stage instead", field, cure=cure)
        found[key] = (expanded or _unquoted)(value) if equals else None
    is_open = not expanded and any("$" in value for value in found.values() if value)
    return _checked(found, text, is_open=is_open)


def _unquoted(value: str) -> str:
    """Return a value without its quotes; one with variables as it is."""
    if "$" in value or not QUOTES & set(value):
        return value
    try:
        return expand(value, {})
    except InvalidInput as error:
        raise Problem(str(error), value) from None


def _fields(text: str) -> list[str]:
    found, end, comma = [], 0, ","
    while comma:
        match = FIELD.match(text, end)
        if not match or not text:
            cure = "a field with a quote in it is quoted whole"
            raise Problem(f"--mount={text}: no list of KEY=VALUE with commas", text or "--mount", cure=cure)
        found.append(match[2] if match[1] is None else match[1].replace('""', '"'))
        end, comma = match.end(), match[3]
    return found


def _checked(found: dict[str, str | None], text: str, *, is_open: bool) -> RunMount:
    kind = (found.pop("type", None) or "bind").lower()
    if kind not in KINDS and not is_open:
        raise Problem(f'unsupported mount type "{kind}"', kind, cure=suggestion(kind, KINDS) or f"one of {', '.join(KINDS)}")
    for key in found:
        if kind in KINDS and kind not in OF_KINDS.get(key, KINDS):
            cure = f"{key} is for {', '.join(OF_KINDS[key])}"
            raise Problem(f"unexpected key '{key}' for mount type '{kind}'", key, cure=cure)
    if kind == "secret":
        _check_secret(found)
    values = {_FIELDS[key]: _value(key, value, is_open=is_open) for key, value in found.items() if key in _FIELDS}
    writable = _value("readwrite", found["readwrite"], is_open=is_open) if "readwrite" in found else kind in ("cache", "tmpfs")
    return RunMount(
        kind, text=text, **{"read_only": not writable} | {key: value for key, value in values.items() if value is not None}
    )


_FIELDS: Final = {
    "from": "origin", "source": "source", "target": "target", "readonly": "read_only", "id": "id", "sharing": "sharing",
    "required": "required", "size": "size", "mode": "mode", "uid": "uid", "gid": "gid", "env": "variable",
}  # fmt: skip


def _check_secret(found: dict[str, str | None]) -> None:
    if "from" in found:
        raise Problem("secret mount should not have a from", "from")
    if not (found.get("source") or found.get("target") or found.get("id")):
        raise Problem(
            "invalid secret mount. one of source, target required", "secret", cure="id=NAME, as in --secret id=NAME,src=FILE"
        )
    if found.get("source") and found.get("id"):
        raise Problem("both source and id can't be set", "source")


def _value(key: str, value: str | None, *, is_open: bool) -> Any:
    """Return a key's value as its field has it; None for one that is not known yet."""
    if value is None:
        return True
    reader = _READERS.get(key)
    if reader is None:
        return value
    if is_open and "$" in value:
        return None
    found = reader(value)
    if found is None:
        raise Problem(f"invalid value for {key}: {value}", value, cure=_WANTED[key])
    return found


def _truth(value: str) -> bool | None:
    return value in TRUE if value in TRUE + FALSE else None


def _number(base: int) -> Callable[[str], int | None]:
    digits = re.compile(f"[0-{base - 1}]{{1,12}}")

    def read(value: str) -> int | None:
        return int(value, base) if digits.fullmatch(value) and int(value, base) < 1 << 32 else None

    return read


def _size(value: str) -> int | None:
    try:
        return size("size", value)
    except InvalidInput:
        return None


def _sharing(value: str) -> str | None:
    return value.lower() if value.lower() in SHARING else None


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "readonly": _truth, "readwrite": _truth, "required": _truth, "sharing": _sharing, "size": _size,
    "mode": _number(8), "uid": _number(10), "gid": _number(10),
}  # fmt: skip
_WANTED: Final = {
    "readonly": "true or false", "readwrite": "true or false", "required": "true or false",
    "sharing": f"one of {', '.join(SHARING)}", "size": "a number of bytes, or one with k, m or g behind it",
    "mode": "an octal number such as 0400", "uid": "a number", "gid": "a number",
}  # fmt: skip

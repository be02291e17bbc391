"""--filter: NAME=VALUE, several times, as the API takes filters."""

from __future__ import annotations

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_filters(texts: Sequence[str]) -> dict[str, list[str]]:
    """Return each name's values: all values of `label` are wanted, of others any. Raises InvalidInput."""
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidInput(f"--filter {text}: invalid argument: NAME=VALUE is wanted")
        found.setdefault(name.strip().lower(), []).append(value.strip())
    return found

"""Detach keys: a sequence of keys that ends an attachment to a terminal and leaves the process alone (`ctrl-p,ctrl-q`)."""

from __future__ import annotations

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

DEFAULT_KEYS: Final = b"\x10\x11"  # ctrl-p, ctrl-q
CONTROLS: Final = {"@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "_": 31}


def detach_keys(text: str) -> bytes:
    """Return the bytes of a sequence: single characters and `ctrl-X`, with commas between them. Raises InvalidInput."""
    if not text:
        return DEFAULT_KEYS
    keys = [_key(word) for word in text.split(",")]
    if None in keys:
        raise InvalidInput(f"Invalid detach keys ({text}) provided: they are characters and ctrl-X, with commas between them")
    return bytes(key for key in keys if key is not None)


def _key(word: str) -> int | None:
    if len(word) == 1 and word.isascii():
        return ord(word)
    letter = word.lower().removeprefix("ctrl-")
    if len(word) == len("ctrl-X") and len(letter) == 1:  # and not a word of that length
        if "a" <= letter <= "z":
            return ord(letter) - ord("a") + 1
        if letter in CONTROLS:
            return CONTROLS[letter]
    return None


class KeyFilter:
    """Takes the detach keys out of what is typed: what could be their beginning is held back until more has come."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._held = b""

    def passed(self, data: bytes) -> tuple[bytes, bool]:
        """Return what goes on to the terminal, and whether the keys have come."""
        data = self._held + data
        before, found, _ = data.partition(self._keys)
        if found:
            return before, True
        begun = next(size for size in range(min(len(self._keys) - 1, len(data)), -1, -1) if data.endswith(self._keys[:size]))
        self._held = data[len(data) - begun :]
        return data[: len(data) - begun], False

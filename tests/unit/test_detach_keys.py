"""Detach keys: what their names mean, and how they are found in what is typed."""

import pytest

from labcore.detach_keys import DEFAULT_KEYS, KeyFilter, detach_keys
from labcore.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "keys"),
    [("", DEFAULT_KEYS), ("ctrl-p,ctrl-q", b"\x10\x11"), ("a", b"a"), ("ctrl-@,ctrl-[", b"\0\x1b"), ("ctrl-a,x", b"\x01x")],
)  # fmt: skip
def test_names(text: str, keys: bytes) -> None:
    assert detach_keys(text) == keys


@pytest.mark.parametrize("text", ["ab", "ctrl-", "ctrl-1", "a,,b", "ctrl-é", "é", "ctrl-ab"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(InvalidInput, match="Invalid detach keys"):
        detach_keys(text)


@pytest.mark.parametrize(
    ("typed", "passed", "leaves"),
    [
        ([b"hello"], b"hello", False),
        ([b"a\x10", b"\x11b"], b"a", True),
        ([b"a\x10", b"b"], b"a\x10b", False),
        ([b"\x10\x10\x11"], b"\x10", True),
        ([b"\x10", b"\x10", b"\x11"], b"\x10", True),
        ([b"x\x10\x11after"], b"x", True),
    ],
)
def test_what_goes_on(typed: list[bytes], passed: bytes, leaves: bool) -> None:
    keys, seen, left = KeyFilter(DEFAULT_KEYS), b"", False
    for piece in typed:
        part, left = keys.passed(piece)
        seen += part
    assert (seen, left) == (passed, leaves)

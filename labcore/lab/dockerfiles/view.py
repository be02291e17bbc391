"""View of a Dockerfile beside what becomes of it: whoever points at one side sees what belongs to it on the other.

It is HTML with a style of its own and no program: it works where a notebook is only shown, too, and printed it can be read.
"""

import hashlib
import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from labcore.lab.colours import MUTED, RULE
from labcore.lab.dockerfiles.tokens import Kind, Token
from labcore.record import Record

_TEXT: Final = "var(--jp-content-font-color0, #000)"
STYLES: Final[Mapping[Kind, str]] = {
    "name": f"font-weight:bold;color:color-mix(in srgb, #0072b2 75%, {_TEXT})",
    "flag": f"color:color-mix(in srgb, #c58a00 70%, {_TEXT})",
    "word": f"color:color-mix(in srgb, #00a383 70%, {_TEXT})",
    "text": "",
    "mark": f"color:{MUTED}",
    "comment": f"color:{MUTED};font-style:italic",
    "plain": f"color:{MUTED}",
}
PALE, STRONG = "color-mix(in srgb, #0072b2 14%, transparent)", "color-mix(in srgb, #d55e00 36%, transparent)"
MONO: Final = "font-family:var(--jp-code-font-family, monospace);font-size:12px;line-height:1.55;white-space:pre-wrap"


class Row(Record):
    """A line of one side: its tokens, the instruction that the whole of it belongs to, and the colour of its edge.

    What does not fit goes on below, `hang` letters further in.
    """

    tokens: tuple[Token, ...]
    instruction: int | None = None
    edge: str = "transparent"
    hang: int = 4

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(token.text for token in self.tokens)


class View(Record):
    """Both sides, and a sentence below them."""

    left: tuple[Row, ...]
    right: tuple[Row, ...]
    caption: str = ""

    def __repr__(self) -> str:
        return "\n".join([*(row.text for row in self.right), *filter(None, [self.caption])])

    def _repr_html_(self) -> str:
        name = "df-" + hashlib.sha256(repr((self.left, self.right)).encode()).hexdigest()[:8]
        number = len(str(len(self.left)))
        left = "".join(_row(row, f"{place:{number}}  ") for place, row in enumerate(self.left, 1))
        right = "".join(_row(row, "") for row in self.right)
        below = (
            f"<div style='color:{MUTED};font-size:12px;margin-top:6px'>{html.escape(self.caption)}</div>"
            if self.caption
            else ""
        )
        sides = f"<div style='{MONO};flex:0 1 auto'>{left}</div><div style='{MONO};flex:1 1 320px'>{right}</div>"
        style = "".join(_rules(name, [*self.left, *self.right]))
        return (
            f"<div class='{name}'><style>{style}</style>"
            f"<div style='display:flex;flex-wrap:wrap;gap:8px 28px;border-left:1px solid {RULE};padding-left:6px'>{sides}</div>"
            f"{below}</div>"
        )


def _rules(name: str, rows: Sequence[Row]) -> Iterator[str]:
    """Yield the style by which what one points at is seen on both sides."""
    tokens = [token for row in rows for token in row.tokens]
    numbers = {row.instruction for row in rows} | {token.instruction for token in tokens}
    for number in sorted(each for each in numbers if each is not None):
        yield f".{name}:has(.n{number}:hover) .n{number}{{background:{PALE}}}"
    words = {(token.instruction, token.word) for token in tokens if token.word is not None}
    for number, word in sorted((number, word) for number, word in words if number is not None and word is not None):
        yield f".{name}:has(.n{number}w{word}:hover) .n{number}w{word}{{background:{STRONG}}}"


def _row(row: Row, head: str) -> str:
    tokens = "".join(map(_token, row.tokens)) or " "
    before = f"<span style='color:{MUTED}'>{head}</span>" if head else ""
    of = f" class='n{row.instruction}'" if row.instruction is not None else ""
    style = f"border-left:4px solid {row.edge};padding-left:calc(6px + {row.hang}ch);text-indent:-{row.hang}ch"
    return f"<div{of} style='{style}'>{before}{tokens}</div>"


def _token(token: Token) -> str:
    of = f" class='n{token.instruction}w{token.word}'" if None not in (token.instruction, token.word) else ""
    return f"<span{of} style='{STYLES[token.kind]}'>{html.escape(token.text)}</span>"

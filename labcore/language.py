"""Languages: message catalogues; English texts stand in the code, and their Chinese in the room's `messages`.

    say = Catalogue("doctor")                      # labcore/doctor/messages.py holds CHINESE = {"on": "已打开", …}
    say("{name} is a directory", name="/bin")      # filled in after it is translated

`LABCORE_LANG` chooses: `en` (the default) or `zh`. Tests hold every text that is said to its entry, and its {names}.
"""

import os
import unicodedata
from importlib import import_module
from typing import Any, Final, Literal, NamedTuple

Language = Literal["en", "zh"]
VARIABLE: Final = "LABCORE_LANG"


def language() -> Language:
    """Return the language to speak: `zh` if LABCORE_LANG begins so, else `en`."""
    return "zh" if os.environ.get(VARIABLE, "").startswith("zh") else "en"


def cells(text: str) -> int:
    """Return a text's width in terminal cells: a Chinese letter takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def padded(text: str, width: int) -> str:
    """Return a text with so many blanks behind it that it takes `width` cells of a terminal."""
    return text + " " * (width - cells(text))


class Bilingual(NamedTuple):
    """A text in both languages, for catalogues that hold whole texts: hints, questions. `str()` is the reader's."""

    en: str
    zh: str

    def __str__(self) -> str:
        return self.zh if language() == "zh" else self.en


class Catalogue:
    """A room's message catalogue. Calling it with an English text returns that text in the reader's language."""

    def __init__(self, room: str) -> None:
        self.room = room

    def __call__(self, english: str, **values: Any) -> str:
        """Return the text, its {names} filled in with `values`."""
        template = english if language() == "en" else self.chinese().get(english, english)
        return template.format(**values) if values else template

    def chinese(self) -> dict[str, str]:
        """Return the room's Chinese texts by their English ones."""
        texts: dict[str, str] = import_module(f"labcore.{self.room}.messages").CHINESE
        return texts

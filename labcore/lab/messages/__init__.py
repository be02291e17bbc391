"""Message catalogue of the lab: its English texts and their Chinese translations; `say` chooses by LABCORE_LANG.

The Chinese stands in one file for each lesson, and in four for what several of them say; none is imported in English.
"""

from importlib import import_module
from typing import Any, Final

from labcore.language import Catalogue, language

say = Catalogue("lab")
PARTS: Final = ("toolkit", "checks", "pictures", "examination", *(f"lesson_{number:02}" for number in range(2, 11)))


def labelled(name: str, words: str) -> str:
    """Return words behind the name of what they are about, and a colon."""
    return f"{name}：{words}" if language() == "zh" else f"{name}: {words}"


def followed(words: str, sentence: str) -> str:
    """Return words that end with a full stop, and a sentence behind them."""
    return f"{words}。{sentence}" if language() == "zh" else f"{words}. {sentence}"


def __getattr__(name: str) -> Any:
    """Return `CHINESE`, the texts of all parts, which are put together when they are first asked for (PEP 562)."""
    if name != "CHINESE":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    parts = [import_module(f"{__name__}.{part}").CHINESE for part in PARTS]
    globals()[name] = found = {english: chinese for part in parts for english, chinese in part.items()}
    return found

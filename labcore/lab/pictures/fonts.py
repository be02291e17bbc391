"""Fonts: DejaVu for Latin, an installed one for Chinese; matplotlib's own settings stay as they are."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Final

from matplotlib import font_manager, rc_context

# The first of these that is installed draws what DejaVu has no glyphs for.
CHINESE_FONTS: Final = (
    "WenQuanYi Zen Hei",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "Noto Sans CJK JP",  # older matplotlibs know a collection of fonts by its first one only
    "Droid Sans Fallback",
)
_DRAWING: Final = RLock()  # matplotlib's settings are one set for all threads, and a picture may be drawn by a live one's
CHINESE_FILES: Final = ("wqy-", "NotoSansCJK", "NotoSansSC", "SourceHanSans", "DroidSansFallback")


@contextmanager
def house_style() -> Iterator[None]:
    """Have matplotlib make and draw text in our fonts, for as long as this is open, one thread at a time; also a decorator."""
    with _DRAWING, rc_context({"font.family": fonts(), "text.parse_math": False}), _any_weight():
        yield


def fonts(*, mono: bool = False) -> list[str]:
    """Return font families, the first for Latin: matplotlib takes each glyph from the first of them that has it."""
    return ["DejaVu Sans Mono" if mono else "DejaVu Sans", *_chinese_fonts()]


@cache  # the search takes part of a second; a font that is installed later is seen by the next kernel
def _chinese_fonts() -> list[str]:
    """Return the Chinese family that is installed, or none: matplotlib warns of each that it cannot find."""
    if not (found := _known()):
        for path in font_manager.findSystemFonts():  # matplotlib's own list may be older than the font
            if Path(path).name.startswith(CHINESE_FILES):
                font_manager.fontManager.addfont(path)
        found = _known()
    return found[:1]


def _known() -> list[str]:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in CHINESE_FONTS if name in installed]


@contextmanager
def _any_weight() -> Iterator[None]:
    """Keep matplotlib from reporting that a Chinese font has but one weight, which is neither its normal nor its bold."""
    logger = logging.getLogger("matplotlib.font_manager")

    def keep(record: logging.LogRecord) -> bool:
        return "Failed to find font weight" not in record.msg

    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)

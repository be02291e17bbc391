"""Colours of what the lab shows as HTML: apart for colour-blind eyes, and legible on a light ground and on a dark one.

JupyterLab names its themes' colours in CSS variables; each colour is mixed with that of the text, black or white.
"""

from typing import Final

_TEXT: Final = "var(--jp-content-font-color0, #000)"
GOOD: Final = f"color-mix(in srgb, #00a383 70%, {_TEXT})"
BAD: Final = f"color-mix(in srgb, #ff6500 70%, {_TEXT})"
CAUTION: Final = f"color-mix(in srgb, #c58a00 70%, {_TEXT})"
MUTED: Final = "var(--jp-content-font-color2, #5f5f5f)"
RULE: Final = "#8a8a8a"  # a line, a border
BAD_GROUND: Final = "color-mix(in srgb, #ff6500 18%, transparent)"

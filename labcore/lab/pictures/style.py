"""Style of all pictures: one width, one palette, readable in print, by colour-blind readers, and aloud.

A canvas is measured in inches from its upper left corner, so that boxes and the text in them keep their sizes.
"""

import base64
import html
import io
from collections.abc import Iterable
from typing import Any, Final, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import FancyBboxPatch
from matplotlib.patheffects import withStroke
from PIL import Image

from labcore.lab.messages import say
from labcore.lab.pictures.fonts import fonts, house_style
from labcore.language import cells, language
from labcore.record import Record

DPI: Final = 110
TONES: Final = 128  # of a picture: few colours, and their shades at the edges of letters
WIDTH: Final = 9.0  # inches: 990 pixels, what a notebook shows without shrinking
HEIGHT: Final = 8.0  # inches: 880 pixels, what a window shows at once; what is measured may have any number of rows
SMALL, NORMAL, TITLE = 8, 9, 11  # points

# Okabe and Ito's colours, which stay apart for colour-blind eyes, by what they mean here.
SHARED, SHARED_TOO = "#0072B2", "#56B4E9"  # dark and light: apart in grey, too
OWN = "#D55E00"
NEW, GONE = "#009E73", "#D55E00"
HERE = "#0072B2"
INK, MUTED, LINE, PANEL = "#222222", "#5f5f5f", "#a8a8a8", "#f3f3f3"

MONO_ADVANCE: Final = 0.602  # DejaVu Sans Mono: a letter's width for each point of size
MIDDLE: Final = "center_baseline"
Side = Literal["left", "center", "right"]


class Picture(Record):
    """A figure that a notebook shows as the last value of a cell.

    `alt` says what it shows, computed from the same data; `caption` is Markdown that stands below it.
    """

    figure: Figure
    alt: str
    caption: str = ""

    def _ipython_display_(self) -> None:
        from IPython.display import display  # which costs 0.3 s, and is in notebooks only

        shown, notes = self._repr_mimebundle_()
        display(shown, metadata=notes, raw=True)
        if self.caption:
            display({"text/markdown": self.caption, "text/plain": self.caption}, raw=True)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the picture with its alt text: as HTML, for JupyterLab shows a bare PNG without one; and for other readers."""
        png = base64.b64encode(self._repr_png_()).decode()
        image = f'<img alt="{html.escape(self.alt)}" style="max-width: 100%; height: auto" src="data:image/png;base64,{png}">'
        return {"image/png": png, "text/html": image, "text/plain": self.alt}, {"image/png": {"alt": self.alt}}

    def _repr_png_(self) -> bytes:
        packed = io.BytesIO()
        with house_style():
            drawn = FigureCanvasAgg(self.figure)
            drawn.draw()
        image = Image.frombuffer("RGBA", drawn.get_width_height(), drawn.buffer_rgba(), "raw", "RGBA", 0, 1)
        image = image.convert("RGB").quantize(TONES, Image.Quantize.MAXCOVERAGE)  # keeps what is small and colourful
        image.save(packed, format="png", optimize=True)  # a third of the bytes
        return packed.getvalue()

    def __repr__(self) -> str:
        return self.alt


def listed(words: Iterable[str]) -> str:
    """Return words as a list in a sentence, in the reader's language."""
    return ("、" if language() == "zh" else ", ").join(words)


def clauses(parts: Iterable[str]) -> str:
    """Return parts of a sentence one behind the other, in the reader's language."""
    return ("；" if language() == "zh" else "; ").join(parts)


def sentence(words: str) -> str:
    """Return words as a sentence, in the reader's language."""
    return f"{words}{'。' if language() == 'zh' else '.'}"


def sentences(parts: Iterable[str]) -> str:
    """Return sentences one behind the other: Chinese puts no blank between them."""
    return ("" if language() == "zh" else " ").join(filter(None, parts))


def duration(ms: float) -> str:
    """Return a time with as many digits as one reads."""
    if ms >= 1000:
        return say("{time} s", time=f"{ms / 1000:.2f}" if ms < 10_000 else f"{ms / 1000:.0f}")
    return say("{time} ms", time=f"{ms:.2f}" if ms < 1 else f"{ms:.1f}" if ms < 100 else f"{ms:.0f}")


def rows_in(height: float, row: float) -> int:
    """Return how many rows of a picture have room in a window, where all else takes `height`; in inches."""
    return int((HEIGHT - height) / row + 1e-6)


def sheet(width: float, height: float) -> Figure:
    """Return a sheet that gives plots and their labels their places, with a margin: on a dark page its edge is seen."""
    return Figure(figsize=(width, height), dpi=_dpi(height), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))


def _dpi(height: float) -> float:
    """Return a resolution at which a window shows all of a picture: one that is too tall is shown smaller."""
    return DPI * min(1, HEIGHT / height)


def figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a plot with a time or number axis below and no frame; sizes in inches."""
    made = sheet(width, height)
    axes = made.add_subplot()
    axes.grid(axis="x", color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return made, axes


def canvas(height: float) -> tuple[Figure, Axes]:
    """Return a sheet to draw on: x goes right and y goes down, both in inches."""
    made = Figure(figsize=(WIDTH, height), dpi=_dpi(height))
    axes = made.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(height, 0), xticks=(), yticks=())
    axes.axis("off")
    return made, axes


def write(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    *,
    size: float = NORMAL,
    colour: str = INK,
    bold: bool = False,
    mono: bool = False,
    side: Side = "left",
    ground: str | None = None,
) -> None:
    """Write a line, its middle at the height of `y`, `side` at `x`; a `ground` colour hides what it crosses."""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)  # a name may hold anything
    more = emphasis(text, size, colour) if bold else {}
    behind = {"fc": ground, "ec": "none", "pad": 1.5} if ground else None
    axes.text(x, y, text, size=size, color=colour, ha=side, va=MIDDLE, family=fonts(mono=mono), bbox=behind, **more)


def emphasis(text: str, size: float, colour: str = INK) -> dict[str, Any]:
    """Return what makes a text bold. Chinese fonts seldom come with a bold one: there, a line is drawn around the glyphs."""
    if is_wide(text):
        return {"path_effects": [withStroke(linewidth=size / 18, foreground=colour)]}
    return {"weight": "bold"}


def box(axes: Axes, x: float, y: float, width: float, height: float, *, face: str, edge: str, **more: Any) -> None:
    """Draw a box with round corners, (x, y) being the upper left one."""
    shape = FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0,rounding_size=0.05", fc=face, ec=edge, **more)
    axes.add_patch(shape)


def is_wide(text: str) -> bool:
    """Whether some of it is Chinese."""
    return cells(text) > len(text)


def breadth(text: str, size: float) -> float:
    """Return how many inches a monospaced text takes."""
    return cells(text) * size * MONO_ADVANCE / 72


def shorten(text: str, width: int) -> str:
    """Return a text that takes at most `width` cells: its middle is left out, for both its ends tell more."""
    if cells(text) <= width:
        return text
    head = tail = ""
    for first, last in zip(text, reversed(text), strict=True):
        if cells(head + first + last + tail) >= width:
            break
        head, tail = head + first, last + tail
    return f"{head}…{tail}"

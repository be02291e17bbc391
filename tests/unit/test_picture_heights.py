"""Heights of the pictures: a window shows all of one, however much was measured."""

import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib, which is not installed")

from matplotlib.text import Text

from labcore.lab.pictures import Picture, waterfall
from labcore.lab.pictures.folding import folded
from labcore.lab.pictures.sequence import ROWS_MAX, messages, sequence
from labcore.lab.pictures.style import DPI, HEIGHT, canvas, figure
from labcore.lab.pictures.trace_waterfall import trace_waterfall
from labcore.spec import Moment
from labcore.trace import Span

US = 1000
WINDOW = 900  # pixels


def op(number: int, begin: int, lasts: int) -> Span:
    return Span("op", f"op {number}: mkdir {number}", begin, begin + lasts)


def traced_call(number: int, parts: int) -> Span:
    """Return a call whose daemon turns to storage and runtime in turn; each time the runtime does ops between two waits."""
    begin = number * 100_000 * US
    below = []
    for each in range(parts):
        start = begin + 200 * US * each
        kind = ("storage", "runtime")[each % 2]
        ops = tuple(op(n, start + n * US, US) for n in range(5)) if kind == "runtime" else ()
        below.append(Span("part", f"{kind}: thing {each}", start, start + 150 * US + each, children=ops))
    job = Span("job", "POST /start", begin, begin + 90_000 * US, children=tuple(below))
    return Span(
        "call", f"POST /v1.51/call/{number}", begin, begin + 90_000 * US + number, children=(job,), answer="204 No Content"
    )


def trace(calls: int, parts: int) -> Span:
    below = tuple(traced_call(number, parts) for number in range(calls))
    return Span("command", "docker run x", 0, calls * 100_000 * US, children=below)


def height(picture: Picture) -> float:
    """Return how high a picture is, in pixels, where it is shown in its full width."""
    drawn = picture.figure
    return float(drawn.get_figheight() * drawn.dpi)


def texts(picture: Picture) -> list[str]:
    return [text.get_text() for text in picture.figure.findobj(Text) if text.get_text()]


def left_out(said: list[str]) -> int:
    """Return how many messages a picture says it leaves out, which is what it says between its rows, taken together."""
    counts = [int(text) for text in said if text.startswith("+") and text[1:].isdigit()]
    totals = [int(text.split()[-1]) for text in said if text.startswith("+ ")]
    assert totals == ([sum(counts)] if counts else [])
    return sum(counts)


@pytest.mark.parametrize(("calls", "parts"), [(1, 0), (5, 2), (7, 30), (16, 40), (60, 3), (300, 10)])
@pytest.mark.parametrize("draw", [sequence, trace_waterfall])
def test_a_window_shows_all_of_a_trace(draw: "type[Picture]", calls: int, parts: int) -> None:
    picture = draw(trace(calls, parts))
    assert height(picture) < WINDOW
    assert picture.figure.dpi == DPI  # by fewer rows, not by smaller letters


def test_a_trace_with_many_messages_keeps_what_the_client_asks_and_hears() -> None:
    root = trace(7, 30)
    said = texts(sequence(root))
    for number in range(7):
        assert f"POST /call/{number}" in said
    assert said.count("204 No Content") == 7
    assert "thing 29  (0.15 ms)" in said  # the longest of the parts
    assert left_out(said) == len(messages(root)) - ROWS_MAX


def test_the_shortest_of_a_trace_are_left_out_first() -> None:
    root = trace(1, 24)
    said = texts(sequence(root))
    assert 0 < left_out(said) < 12
    assert sum("ops" in text for text in said) == 12 - left_out(said)  # these last 5 µs each, the parts 150
    assert sum("thing" in text for text in said) == 24


def test_what_fits_is_shown_in_full() -> None:
    root = trace(2, 6)
    assert len(messages(root)) <= ROWS_MAX
    assert left_out(texts(sequence(root))) == 0


def test_rows_that_are_left_out_are_counted_where_they_were() -> None:
    assert folded("faebdc", 3, ord) == (["f", "e", "d"], [0, 1, 1, 1])
    assert folded("abc", 2, ord) == (["b", "c"], [1, 0, 0])
    assert folded("abc", 3, ord) == (["a", "b", "c"], [0, 0, 0, 0])
    assert folded("", 3, ord) == ([], [0])


def test_a_command_shows_its_calls_before_longer_parts() -> None:
    parts = tuple(Span("part", f"part {number}", 0, 100 * US) for number in range(90))
    calls = (Span("call", "HEAD /_ping", 0, US), Span("call", "POST /x", 0, 100 * US, children=parts))
    said = texts(trace_waterfall(Span("command", "docker ps", 0, 100 * US, children=calls)))
    assert any("HEAD /_ping" in text for text in said)
    assert any("the 44 longest of 93 parts" in text for text in said)


def test_a_window_shows_all_of_a_long_start() -> None:
    timeline = [Moment(number, "mount", f"tmpfs on /{number}", number * 10, number) for number in range(1, 120)]
    picture = waterfall(timeline)
    assert height(picture) < WINDOW
    assert picture.figure.dpi == DPI
    assert any("the 44 longest of 119 ops" in text for text in texts(picture))


@pytest.mark.parametrize("inches", [1.0, HEIGHT, 9.5, 30.0])
def test_what_is_taller_than_a_window_is_drawn_smaller(inches: float) -> None:
    for drawn in (canvas(inches)[0], figure(9, inches)[0]):
        assert drawn.get_figheight() * drawn.dpi <= HEIGHT * DPI + 1e-6 < WINDOW

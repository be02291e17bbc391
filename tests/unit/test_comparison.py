"""A comparison as a value: what is written is read again, what is something else is refused; its report and its pictures."""

import html
import io
import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.text import Text
from PIL import Image

from labcore.bench.comparison import SUBJECTS, TOPICS, WORK, Comparison, Series, Step, read_comparison, report
from labcore.errors import InvalidInput
from labcore.lab.pictures import comparison as pictures
from labcore.lab.pictures.comparison_waterfall import grouped
from labcore.lab.pictures.fonts import house_style
from labcore.lab.pictures.style import Picture

WHERE = {
    "machine": "m, 2 CPUs",
    "kernel": "Linux 6",
    "file_system": "tmpfs",
    "peers": "Debian",
    "versions": {"accelerator": "tcg"},
}
OPS = tuple(Step(name, name, *when) for name, when in {
    "clone": (0, 1), "mount": (1, 0.01), "mkdir": (1.01, 0.01), "execve": (1.02, 1),
}.items())  # fmt: skip
PHASES = (Step("qemu", "qemu", 0, 50), Step("firmware", "firmware", 50, 100), Step("kernel: drivers", "kernel", 150, 900))


def made() -> Comparison:
    series = [
        Series("start", "q35", "ms", (2000.0, 1800.0, 2500.0)),
        Series("start", "labcore", "ms", (3.0, 2.0, 4.0)),
        Series("memory", "labcore", "MiB", (1.5,), "alone"),
        Series("memory", "q35", "MiB", (200.0, 210.0)),
    ]
    for kind in WORK:
        series += [
            Series(kind, subject, "ns", (base,)) for subject, base in (("process", 10.0), ("labcore", 12.0), ("q35", 90.0))
        ]
    return Comparison(WHERE, tuple(series), {"labcore": OPS, "q35": PHASES}, ("docker: not installed",))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    made().write(tmp_path / "c.json")
    assert read_comparison(tmp_path / "c.json") == made()
    content = json.loads((tmp_path / "c.json").read_text())
    assert set(content) == {"environment", "rows", "format", "series", "timelines", "notes"}
    assert content["rows"][0] == {
        "bench": "start", "subject": "q35", "n": 3, "median_ms": 2000.0, "p05_ms": 1820.0, "p95_ms": 2450.0, "ratio": None,
    }  # fmt: skip
    assert {row["bench"] for row in content["rows"]} == {"start"}  # the one format has times only


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("series"),
        lambda content: content["series"][0].update(samples=[]),
        lambda content: content["series"][0].update(subject="pdp11"),
        lambda content: content["series"][0].update(samples=["soon"]),
        lambda content: content.update(format=99),
        lambda content: content["timelines"].update(labcore=[{"name": "x"}]),
    ],
)
def test_what_is_no_comparison_is_refused(tmp_path: Path, change: Callable[[object], object]) -> None:
    path = tmp_path / "c.json"
    made().write(path)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InvalidInput, match=r"c\.json"):
        read_comparison(path)
    path.write_text("[1, 2")
    with pytest.raises(InvalidInput, match="is no comparison"):
        read_comparison(path)
    with pytest.raises(InvalidInput, match="there is no such file"):
        read_comparison(tmp_path / "nothing.json")


def test_the_report_has_a_table_for_each_topic() -> None:
    lines = list(report(made()))
    assert TOPICS["start"][0] in lines
    assert TOPICS["density"][0] not in lines
    row = next(line for line in lines if SUBJECTS["q35"] in line)
    assert row.split()[-5:] == ["3", "2,000", "1,820", "2,450", "667x"]
    assert lines[-1] == "docker: not installed"
    ours = next(number for number, line in enumerate(lines) if SUBJECTS["labcore"] in line)
    assert ours < lines.index(row)


@pytest.mark.parametrize("tongue", ["en", "zh"])
@pytest.mark.parametrize("name", pictures.DRAWINGS)
def test_pictures_are_drawn_in_both_languages(
    name: str, tongue: str, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setenv("LABCORE_LANG", tongue)
    picture: Picture = pictures.DRAWINGS[name](made())
    with Image.open(io.BytesIO(picture._repr_png_())) as image:
        assert image.width > 900
    assert not [str(warning.message) for warning in recwarn if "missing from" in str(warning.message)]


def test_what_is_measured_alone_lies_beside_the_name_of_its_work() -> None:
    found = wild()
    alone = found.replace(series=tuple(each for each in found.series if each.subject != "q35"))
    (axes,) = pictures.work(alone).figure.axes
    rows = {float(y) for line in axes.lines[1:] for y in line.get_ydata()}  # the first one is the line at 1
    assert rows == set(axes.get_yticks())


def wild() -> Comparison:
    """A comparison that was measured on a busy machine."""
    samples = {"cpu": ((10.0, 10.2), (9.8, 10.1)), "create": ((10.0, 11.0), (27.0, 29.0)), "pipe": ((30.0, 100.0), (6.0, 7.0))}
    starts = {
        "process": (0.6, 3.5),
        "labcore": (3.0, 40.0),
        "mine": (8.0, 9.0),
        "q35": (2200.0, 2600.0),
        "debian": (20e3, 90e3),
    }
    series = [Series("start", subject, "ms", found) for subject, found in starts.items()]
    for kind, (outside, inside) in samples.items():
        series += [Series(kind, "process", "ns", outside), Series(kind, "labcore", "ns", inside)]
        series += [Series(kind, "q35", "ns", (60.0, 600.0))]
    return made().replace(series=tuple(series))


@pytest.mark.parametrize("tongue", ["en", "zh"])
@pytest.mark.parametrize("draw", [pictures.starts, pictures.work])
def test_nothing_leaves_an_axis_or_lies_on_something_else(
    draw: Callable[[Comparison], Picture], tongue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABCORE_LANG", tongue)
    picture = draw(wild())
    picture._repr_png_()  # which lays it out
    drawn = picture.figure
    (axes,) = drawn.axes
    low, high = axes.get_xlim()
    assert all(low <= x <= high for line in axes.lines for x in line.get_xdata())
    with house_style():
        shown = [text for text in drawn.findobj(Text) if text.get_text() and text.get_visible()]
        shown = [text for text in shown if text not in axes.get_xticklabels() or low <= text.get_position()[0] <= high]
        places = [(text.get_text(), text.get_window_extent().frozen()) for text in shown]
    for (text, place), (other, where) in combinations(places, 2):
        assert not place.padded(-2).overlaps(where.padded(-2)), (text, other)


def test_a_caption_claims_what_was_measured_and_no_more() -> None:
    claims, _, explained = pictures.work(wild()).caption.partition("\n\n")
    assert "took longer: a file made and removed 2.67×." in claims
    assert "cannot be told apart by these samples: arithmetic 0.99×." in claims
    assert "lie far apart, the slowest so many times the fastest: a byte there and back (pipe) (3×)." in claims
    assert explained.count("\n- **") + 1 == 3
    claims, _, explained = pictures.starts(wild()).caption.partition("\n\n")
    assert "The quickest container here: 8.5 ms. The quickest virtual machine: 2.40 s, 282 times as long." in claims
    assert "a process (6×), container: labcore, from Python (13×), VM: PC, Debian with systemd (4×)" in claims
    assert explained.count("- **") == 5
    steady = pictures.starts(made()).caption
    assert "far apart" not in steady


@pytest.mark.parametrize("name", pictures.DRAWINGS)
def test_each_picture_is_in_words_too(name: str) -> None:
    picture = pictures.DRAWINGS[name](made())
    shown, notes = picture._repr_mimebundle_()
    assert notes["image/png"]["alt"] == shown["text/plain"] == picture.alt
    assert f'alt="{html.escape(picture.alt)}"' in shown["text/html"]
    assert len(picture.alt) > 40


def test_pictures_that_lack_their_figures_are_left_out(tmp_path: Path) -> None:
    only_memory = Comparison(WHERE, tuple(series for series in made().series if series.topic == "memory"), {})
    assert [path.name for path in pictures.draw_all(only_memory, tmp_path / "new")] == ["memory.png"]
    with pytest.raises(InvalidInput, match="measure it first"):
        pictures.starts(only_memory)


def test_short_ops_that_follow_one_another_are_one_row() -> None:
    assert [step.name for step in grouped(OPS)] == ["clone", "mount, mkdir", "execve"]

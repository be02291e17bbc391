"""The lessons as they are committed: made from their sources, in both languages, and fit to be read."""

import ast
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labcore.lab.lessons import LESSONS
from labcore.language import Catalogue
from tests.conftest import PROJECT, needs

sys.path.insert(0, str(PROJECT / "tools"))
import notebooks

SOURCES = sorted(notebooks.SOURCES.glob("[0-9]*.py"))
BOTH = [(source, lang) for source in SOURCES for lang in notebooks.LANGUAGES]
NAMES = [f"{source.stem}-{lang}" for source, lang in BOTH]
SCREEN = 45  # lines


def committed(source: Path, lang: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(notebooks.target(source, lang).read_text())
    return found


def inputs(notebook: dict[str, Any]) -> list[tuple[str, str, str, list[str]]]:
    """Return what a notebook's cells hold before they are run."""
    cells = notebook["cells"]
    return [(c["id"], c["cell_type"], "".join(c["source"]), c["metadata"].get("tags", [])) for c in cells]


def test_each_lesson_has_its_source() -> None:
    assert [source.name for source in SOURCES] == [Path(lesson.file).with_suffix(".py").name for lesson in LESSONS]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_languages_belong_together(source: Path) -> None:
    assert list(notebooks.problems(notebooks.read_source(source))) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text.replace("You have run virtual", "You have never run virtual", 1), "read it again"),
        (
            lambda text: re.sub(r'# %% \[markdown\] lang="zh".*?(?=\n# %%)', "", text, count=1, flags=re.DOTALL),
            "has no Chinese",
        ),
        (lambda text: text.replace('id="first"', 'id="title"', 1), "an id of its own"),
        (lambda text: text.replace('lang="en" id="title"', 'lang="zh" of="1"', 1), "without its English"),
    ],
)
def test_a_broken_pair_is_found(change: Any, problem: str, tmp_path: Path) -> None:
    path = tmp_path / SOURCES[0].name
    path.write_text(change(SOURCES[0].read_text()))
    assert problem in "\n".join(notebooks.problems(notebooks.read_source(path)))
    with pytest.raises(notebooks.Stale):
        notebooks.build(path, "en")


@pytest.mark.parametrize(("source", "lang"), BOTH, ids=NAMES)
def test_what_is_committed_is_what_the_source_makes(source: Path, lang: Any) -> None:
    made, there = notebooks.build(source, lang), committed(source, lang)
    assert inputs(json.loads(notebooks.nbformat.writes(made))) == inputs(there), "run `make notebooks` and commit what it makes"
    assert there["metadata"]["labcore"] == made.metadata["labcore"]


@pytest.mark.parametrize(("source", "lang"), BOTH, ids=NAMES)
def test_it_is_fit_to_be_read(source: Path, lang: Any) -> None:
    path = notebooks.target(source, lang)
    cells = committed(source, lang)["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    in_a_row = 0
    for cell in cells:
        text = "".join(cell["source"])
        in_a_row = in_a_row + 1 if cell["cell_type"] == "code" else 0
        assert in_a_row <= 3
        if cell["cell_type"] == "code":
            assert len(text.splitlines()) <= 20
            assert max(map(len, text.splitlines())) <= 90, text
            assert not re.search(r"labcore\.[\w.]*\b_\w|import _", text)
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr"
            shown = "".join(output.get("text", output.get("data", {}).get("text/plain", [])))
            assert len(shown.splitlines()) <= SCREEN
            assert "sandboxing" not in shown
            assert "/tmp/" not in json.dumps(output), "a path of the machine that made it"
            if "image/png" in output.get("data", {}):
                assert len(output["metadata"]["image/png"]["alt"]) > 30
                assert "text/html" not in output["data"]
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
    assert path.stat().st_size < 1 << 20


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_its_rhythm(source: Path) -> None:
    """A container at once, a first blank within eleven cells, at most 40 new lines to be written for the core."""
    cells = notebooks.build(source, "en").cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert len(code[0].source.splitlines()) <= 3
    tags = [cell.metadata.get("tags", []) for cell in cells]
    assert next(i for i, t in enumerate(tags) if "exercise" in t) < 11
    lesson = notebooks.lesson(int(source.name[:2]))
    exercises = [
        re.findall(r"^def (\w+)", cell.source, re.MULTILINE)[0] for cell in code if "exercise" in cell.metadata.get("tags", [])
    ]
    assert exercises == [*lesson.steps, *lesson.challenges]
    assert sum(new_lines(step, lesson.number) for step in lesson.steps) <= 40


def new_lines(step: str, number: int) -> int:
    """Return how many lines of a solution are to be written that did not stand in an earlier lesson's."""
    earlier = [lesson.number for lesson in LESSONS if lesson.number < number and step in lesson.steps]
    known = notebooks.source_of(step, earlier[-1]).splitlines() if earlier else []
    return sum(line not in known for line in notebooks.source_of(step, number).splitlines()[2:])


def test_what_is_guessed_is_seen_beside_the_outcome_and_questions_end_a_lesson() -> None:
    for source in SOURCES:
        text = source.read_text()
        guessed = re.findall(r'lab\.guess\("([^"]+)"\)', text)
        assert len(guessed) >= 4
        assert sorted(re.findall(r'lab\.outcome\("([^"]+)"', text)) == sorted(guessed)
        assert all(text.index(f'lab.guess("{name}"') < text.index(f'lab.outcome("{name}"') for name in guessed)
        assert text.count("lab.quiz()") == 1


def test_a_lesson_ends_with_the_link_to_the_next() -> None:
    for source, lang in BOTH:
        number = int(source.name[:2])
        last = notebooks.build(source, lang).cells[-1]
        later = [lesson for lesson in LESSONS if lesson.number == number + 1]
        assert [lesson.file for lesson in later] == re.findall(r"\]\((\d\d_\w+\.ipynb)\)", last.source)


def test_a_line_break_beside_chinese_is_no_space_on_the_page() -> None:
    assert (
        notebooks.joined("两个编号：\n**主设备号**指明\n驱动，\n`minor` 指明\nnull")
        == "两个编号：**主设备号**指明驱动，`minor` 指明\nnull"
    )
    assert notebooks.joined("- 一，\n  二：\n  `c`，\n  10 份") == "- 一，二：`c`，10 份"
    assert notebooks.joined("- 一，\n- 二；\n\n1. 三。\n2. 四") == "- 一，\n- 二；\n\n1. 三。\n2. 四"


def chinese_in_italics(markdown: str) -> list[str]:
    plain = re.sub(r"`[^`]*`|\*\*", "", markdown)
    return [text for text in re.findall(r"\*([^*\n]+)\*", plain) if re.search(r"[\u4e00-\u9fff]", text)]


def test_no_chinese_is_in_italics() -> None:
    """Its characters have no slanted form: a machine skews them."""
    assert chinese_in_italics("每次*先猜*，") == ["先猜"]
    assert not chinese_in_italics("**先猜** *moby* 现在 *runc* `lib*的*`")
    for source in SOURCES:
        for cell in notebooks.build(source, "zh").cells:
            if cell.cell_type == "markdown":
                assert not chinese_in_italics(cell.source)
    for room in ("lab", "doctor"):
        assert not [text for text in Catalogue(room).chinese().values() if chinese_in_italics(text)]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_blank_and_its_solution_speak_chinese_in_the_chinese_edition(source: Path) -> None:
    cells = {cell.id: cell for cell in notebooks.build(source, "zh").cells}
    for blank in cells.values():
        if "exercise" in blank.metadata.get("tags", []):
            (step,) = re.findall(r"^def (\w+)", blank.source, re.MULTILINE)
            (told,) = re.findall(r'"""(.*)"""', blank.source)
            (told_again,) = re.findall(r'"""(.*)"""', cells[f"solution-{step}"].source)
            assert re.search(r"[\u4e00-\u9fff]", told)
            assert told_again == re.sub("（[^（]*行）", "", told)


def test_a_docstring_whose_english_has_changed_is_found(tmp_path: Path) -> None:
    path = tmp_path / SOURCES[0].name
    path.write_text(SOURCES[0].read_text().replace("Return the ops that name the box", "Return the ops that call the box"))
    assert "needs it in Chinese" in "\n".join(notebooks.problems(notebooks.read_source(path)))
    notebooks.stamp(path)
    assert list(notebooks.problems(notebooks.read_source(path))) == []


def test_no_link_is_dead() -> None:
    for source, lang in BOTH:
        folder = notebooks.target(source, lang).parent
        text = "\n".join("".join(cell["source"]) for cell in committed(source, lang)["cells"])
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            assert not link.startswith("http"), "a lesson needs no network"
            assert (folder / link).exists(), link


def test_every_paragraph_of_the_article_is_answered() -> None:
    sections = tomllib.loads((PROJECT / "notebooks/coverage.toml").read_text())["section"]
    for section in sections:
        source = notebooks.SOURCES / f"{section['lesson']}.py"
        cells = {cell.metadata.get("id") for cell in notebooks.read_source(source)}
        numbers = [entry["number"] for entry in section["paragraph"]]
        assert numbers == list(range(1, section["paragraphs"] + 1))
        for entry in section["paragraph"]:
            assert set(entry["cells"]) <= cells, entry
            assert entry["cells"], entry
            assert entry["about"], entry
    assert [section["section"] for section in sections] == [lesson.number for lesson in LESSONS]


DEBIANS_CLIENT = Path("/usr/bin/docker")  # of the package docker.io: what `labcore lesson setup` brings where there is none


def docker_lines(source: Path) -> Iterator[str]:
    """Yield the lines that a lesson gives to the docker command; what is computed in them is `x`."""
    cells = [text for _, kind, text, _ in inputs(notebooks.build(source, "en")) if kind == "code" and not text.startswith("%%")]
    for call in (node for cell in cells for node in ast.walk(ast.parse(cell)) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name | ast.Attribute) and ast.unparse(call.func).rpartition(".")[2] == "docker":
            for line in (each for each in call.args[:1] if isinstance(each, ast.Constant | ast.JoinedStr)):
                parts = line.values if isinstance(line, ast.JoinedStr) else [line]
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)


def test_debians_docker_command_knows_each_option_of_the_lessons() -> None:
    """Debian 12's is four years old. Its daemon is nowhere: what it finds fault with before it asks is the line."""
    needs(str(DEBIANS_CLIENT))
    environment = {"DOCKER_HOST": "unix:///nowhere", "HOME": "/nowhere", "DOCKER_BUILDKIT": "0"}
    lines = {line for source in SOURCES for line in docker_lines(source)}
    assert len(lines) > 80
    for line in lines:
        command = [DEBIANS_CLIENT, *shlex.split(line)]
        asked = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert not re.search(r"unknown (shorthand )?flag|is not a docker command", asked.stderr), (line, asked.stderr)

"""Make the lessons' notebooks, in both languages, from their one source; run them, and keep their outputs.

    python tools/notebooks.py [--stamp] [NAME...]

`notebooks/src/NN_name.py` is in jupytext's percent format. Its Markdown cells come in pairs, English then Chinese; the Chinese
one says in `of` of which English text it is (a hash). When the English changes the hash no longer fits, and nothing is made
until somebody has read the Chinese again; `--stamp` then writes the new hashes. An exercise's docstring has its Chinese in the
cell's own line, `zh`, with such an `of`.
"""

import argparse
import ast
import base64
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

from labcore import native
from labcore.lab.copies import REFERENCE
from labcore.lab.lessons import LESSONS, Lesson, lesson
from labcore.lab.references import MODULES as REFERENCES
from labcore.lab.references import write_references
from labcore.lab.solutions import source_of
from labcore.language import Language
from labcore.native import CloneFlag, MountFlag, UnmountFlag
from labcore.paths import default_root
from labcore.runtime import Plan, ops, spawn

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = PROJECT / "notebooks"
SOURCES = NOTEBOOKS / "src"
LANGUAGES: tuple[Language, ...] = ("en", "zh")
STATE = Path("/var/lib/labcore/lessons")  # seen in outputs: the name of a temporary directory would be another each time
PICTURES = NOTEBOOKS / "images"  # of cells that are tagged `picture-NAME`: README shows them
FOLD = {"en": "A solution", "zh": "参考答案"}
NEXT = {"en": "Next lesson: ", "zh": "下一课："}
LINE = {
    "en": "**English** · [中文](zh/{file}) · reference: {references}",
    "zh": "[English](../{file}) · **中文** · 速查：{references}",
}
SECONDS = 300  # a comparison on a busy machine

Cell = Any  # nbformat's NotebookNode
Notebook = Any


class Stale(Exception):
    """A pair of cells that do not belong together."""


def digest(english: str) -> str:
    """Return the hash by which a Chinese cell names its English one."""
    return hashlib.sha256(english.encode()).hexdigest()[:8]


def read_source(path: Path) -> list[Cell]:
    """Return the cells of a source file."""
    cells: list[Cell] = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent").cells
    return cells


def problems(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield what is wrong with the pairs: a missing partner, a missing or repeated id, a hash of another text."""
    seen: set[str] = set()
    waiting: Cell | None = None
    for cell in cells:
        if "exercise" in cell.metadata.get("tags", []) and not is_translated(cell):
            yield f"{docstring(cell.source)!r}: the exercise needs it in Chinese (zh), of this English text (of)"
        lang = cell.metadata.get("lang")
        if cell.cell_type == "markdown" and lang == "zh":
            if waiting is None:
                yield f"a Chinese cell without its English one: {cell.source[:40]!r}"
            elif cell.metadata.get("of") != digest(waiting.source):
                yield f"{waiting.metadata['id']}: the Chinese is of another English text; read it again, then --stamp"
            waiting = None
            continue
        if waiting is not None:
            yield f"{waiting.metadata.get('id')}: has no Chinese"
            waiting = None
        if cell.cell_type == "markdown":
            name = cell.metadata.get("id")
            if lang != "en" or not name or name in seen:
                yield f"a Markdown cell needs lang and an id of its own: {cell.source[:40]!r}"
            seen.add(str(name))
            waiting = cell
    if waiting is not None:
        yield f"{waiting.metadata.get('id')}: has no Chinese"


def docstring(source: str) -> str:
    """Return the docstring of a cell's one function, as it stands there."""
    (function,) = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    return ast.get_docstring(function, clean=False) or ""


def is_translated(exercise: Cell) -> bool:
    """Return whether an exercise's docstring has its Chinese, of this very English text."""
    return bool(exercise.metadata.get("zh")) and exercise.metadata.get("of") == digest(docstring(exercise.source))


def stamp(path: Path) -> None:
    """Write into each Chinese cell, and each exercise, the hash of its English."""
    hashes = [
        digest(docstring(cell.source) if cell.cell_type == "code" else cell.source)
        for cell in read_source(path)
        if cell.metadata.get("lang") == "en" or "exercise" in cell.metadata.get("tags", [])
    ]
    text = re.sub(r'(?<= of=")[^"]*(?="$)', lambda _: hashes.pop(0), path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")


def build(path: Path, lang: Language) -> Notebook:
    """Return a lesson in one language, not yet run. Raises Stale."""
    cells = read_source(path)
    if wrong := list(problems(cells)):
        raise Stale("\n".join(f"{path.name}: {line}" for line in wrong))
    found = lesson(int(path.name[:2]))
    pages = " ".join(f"[{what}]({'' if lang == 'en' else '../'}{REFERENCE}/{what}.md)" for what in REFERENCES)
    made = [_cell("markdown", LINE[lang].format(file=found.file, references=pages), "languages")]
    behind: list[Cell] = []  # the check of an exercise: hints first, the solution last
    for number, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            if cell.metadata["lang"] == "en":
                name = cell.metadata["id"]
            if cell.metadata["lang"] == lang:
                made.append(_cell("markdown", joined(cell.source), name))
            continue
        tags = list(cell.metadata.get("tags", []))
        if "exercise" not in tags:
            made.append(_cell("code", cell.source, f"code-{number}", tags))
            if "check" in tags:
                made += behind
            continue
        step = re.findall(r"^def (\w+)", cell.source, re.MULTILINE)[0]
        blank, answer = _in(lang, cell, source_of(step, found.number))
        made.append(_cell("code", blank, f"code-{number}", tags))
        behind = [
            _cell("code", f'lab.hint("{step}")', f"hint-{step}", ["hint"]),
            _cell("markdown", _folded(answer, lang), f"solution-{step}", ["solution"]),
        ]
    return _notebook([*made, *_next(found, lang)], found, lang)


def _in(lang: Language, exercise: Cell, solution: str) -> tuple[str, str]:
    """Return an exercise's cell and its solution, with their docstrings in that language."""
    if lang == "en":
        return exercise.source, solution
    chinese = exercise.metadata["zh"]
    without_lines = re.sub("（[^（）]*行[^（）]*）", "", chinese)
    return (
        exercise.source.replace(docstring(exercise.source), chinese, 1),
        solution.replace(docstring(solution), without_lines, 1),
    )


def _next(found: Lesson, lang: Language) -> list[Cell]:
    """Return the cell that leads to the next lesson, if there is one."""
    later = [each for each in LESSONS if each.number == found.number + 1]
    return [
        _cell("markdown", f"[{NEXT[lang]}{each.number}. {each.titles[lang]} →]({each.file})", "next-lesson") for each in later
    ]


def joined(text: str) -> str:
    """Join lines that break between Chinese characters, or behind a Chinese mark: Markdown would show the break as a space.

    So it does in a list, whose later lines are indented.
    """
    wide = r"[\u2018-\u201f\u3000-\u9fff\uff00-\uffef]"
    text = re.sub(rf"(?<={wide})\n *(?=(\*\*)?{wide})", "", text)
    return re.sub(r"(?<=[，。：；、？！）”])\n *(?=[A-Za-z`]|\d+(?![\d.]))", "", text)


def _cell(kind: str, source: str, name: str, tags: Sequence[str] = ()) -> Cell:
    make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
    cell = make(source, id=name)
    if tags:
        cell.metadata["tags"] = list(tags)
    return cell


def _folded(source: str, lang: Language) -> str:
    return f"<details><summary>{FOLD[lang]}</summary>\n\n```python\n{source.rstrip()}\n```\n\n</details>"


def _notebook(cells: Sequence[Cell], found: Lesson, lang: Language) -> Notebook:
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
            "labcore": {"lesson": found.number, "language": lang, "requires": list(found.requires)},
        }
    )
    return notebook


def run(notebook: Notebook, lang: Language) -> None:
    """Run all cells, in a workspace that is gone afterwards, and keep their outputs."""
    with tempfile.TemporaryDirectory() as work, a_state_root():
        environment = {**os.environ, "LABCORE_WORK": work, "LABCORE_LANG": lang, "LABCORE_ROOT": str(STATE)}
        environment["LABCORE_LEARNER"] = "reader"  # the questions that are drawn are the same each time
        client = NotebookClient(notebook, timeout=SECONDS, coalesce_streams=True, resources={"metadata": {"path": work}})
        client.execute(env=environment)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran; of no use to a reader, and new each time
        for output in cell.get("outputs", []):
            make_static(output)
    notebook.metadata.pop("widgets", None)


@contextmanager
def a_state_root() -> Iterator[None]:
    """Have an empty state root, with what was fetched for the usual one: virtual machines, docker client, packages."""
    STATE.mkdir(parents=True)  # two runs at once would share it: the second one fails here
    try:
        for name in ("vm", "lab/client", "packages"):
            if (fetched := default_root() / name).exists():
                (STATE / name).parent.mkdir(exist_ok=True)
                (STATE / name).symlink_to(fetched)
        yield
    finally:
        shutil.rmtree(STATE)


def make_static(output: Any) -> None:
    """Leave of an output what a page that runs nothing can show: no widget, and pictures as such, with their alt text."""
    data = output.get("data", {})
    data.pop("application/vnd.jupyter.widget-view+json", None)
    if "image/png" in data:
        data.pop("text/html", None)


def apart(words: Sequence[str]) -> int:
    """Run this program with more words in PID and mount namespaces of its own; return its exit code.

    Pictures show small numbers then, and the notebook in the namespaces of process 1, as a reader's is.
    """
    argv = ("/bin/sh", "-c", '"$@"; exit $?', "sh", sys.executable, *words)  # process 1 is to be the kernel's grandparent
    plan = Plan(
        [
            ops.Clone(CloneFlag.NEWNS | CloneFlag.NEWPID),
            ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
            *[ops.Unmount("/proc", UnmountFlag.DETACH)] * mounted_places().count("/proc"),
            ops.Mount("proc", "/proc", "proc"),
            ops.Execve(argv, tuple(f"{name}={text}" for name, text in os.environ.items())),
        ]
    )
    with spawn(plan) as process:
        return process.wait()


def mounted_places() -> list[str]:
    """Return where something is mounted, in the order in which that was done."""
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]


def usual_mounts_only() -> None:
    """Take away the mounts that are peculiar to this machine, and those that lie over others: pictures show them."""
    usual = r"/|/(proc|sys|dev|run|tmp)(/.*)?"
    places = mounted_places()
    while places:
        place = places.pop()
        if (place in places and place != "/") or not (re.fullmatch(usual, place) or str(PROJECT).startswith(place)):
            native.umount2(place, UnmountFlag.DETACH)


def keep_pictures(notebook: Notebook) -> None:
    """Write the pictures that README shows, as they came out here."""
    for cell in notebook.cells:
        for name in (tag.removeprefix("picture-") for tag in cell.metadata.get("tags", []) if tag.startswith("picture-")):
            (png,) = (output["data"]["image/png"] for output in cell.outputs if "image/png" in output.get("data", {}))
            (PICTURES / f"{name}.png").write_bytes(base64.b64decode(png))


def target(path: Path, lang: Language) -> Path:
    """Return where a lesson's notebook lies."""
    folder = NOTEBOOKS if lang == "en" else NOTEBOOKS / lang
    return folder / f"{path.stem}.ipynb"


def main() -> int:
    """Make them."""
    parser = argparse.ArgumentParser(allow_abbrev=False, description="make the lessons' notebooks from notebooks/src")
    parser.add_argument("--stamp", action="store_true", help="the Chinese has been read again: write the new hashes first")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", help="file names in notebooks/src (default: all)")
    args = parser.parse_args()
    if not args.here:
        return apart([*sys.argv[:1], "--here", *sys.argv[1:]])
    usual_mounts_only()
    for path in [SOURCES / name for name in args.names] or sorted(SOURCES.glob("[0-9]*.py")):
        if args.stamp:
            stamp(path)
        for lang in LANGUAGES:
            try:
                notebook = build(path, lang)
            except Stale as error:
                print(error, file=sys.stderr)
                return 1
            run(notebook, lang)
            target(path, lang).parent.mkdir(exist_ok=True)
            nbformat.write(notebook, target(path, lang))
            if lang == "en":
                keep_pictures(notebook)
            print(target(path, lang).relative_to(PROJECT))
    write_references(NOTEBOOKS)
    return 0


if __name__ == "__main__":
    sys.exit(main())

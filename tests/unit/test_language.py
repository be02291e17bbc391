"""The catalogues: every text that a room says is there in both languages, and nothing else."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from labcore.lab import messages
from labcore.language import Catalogue, language
from tests.conftest import PROJECT

ROOMS = sorted(path.parent.name for path in (PROJECT / "labcore").glob("*/messages*") if path.suffix in {"", ".py"})


def said(room: str) -> set[str]:
    """Return the literal texts that the room's code passes to `say`."""
    texts = set()
    for path in (PROJECT / "labcore" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                first = node.args[0]
                assert isinstance(first, ast.Constant), f"{path}:{node.lineno}: say() takes a literal text"
                texts.add(first.value)
    return texts


@pytest.mark.parametrize("room", ROOMS)
def test_all_that_is_said_is_in_the_catalogue(room: str) -> None:
    assert said(room) == set(Catalogue(room).chinese())


def test_no_text_stands_in_two_parts_of_the_labs_catalogue() -> None:
    parts = [import_module(f"{messages.__name__}.{part}").CHINESE for part in messages.PARTS]
    assert sum(map(len, parts)) == len(messages.CHINESE)
    assert {f"{part}.py" for part in messages.PARTS} == {
        path.name for path in Path(messages.__file__).parent.glob("*.py") if path.stem != "__init__"
    }


@pytest.mark.parametrize("room", ROOMS)
def test_both_languages_fill_in_the_same_names(room: str) -> None:
    def names(text: str) -> list[str]:
        return sorted(re.findall(r"\{(\w+)", text))

    for english, chinese in Catalogue(room).chinese().items():
        assert names(english) == names(chinese), english
        assert re.search(r"[\u4e00-\u9fff]", chinese), chinese


def test_the_language_is_chosen_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABCORE_LANG", raising=False)
    assert language() == "en"
    monkeypatch.setenv("LABCORE_LANG", "zh_CN.UTF-8")
    assert language() == "zh"

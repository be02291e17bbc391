"""Hints: three for each step, in both languages, drawn out one by one, counted, and no solution among them."""

from pathlib import Path

import pytest

from labcore import lab
from labcore.errors import InvalidInput
from labcore.lab import lessons
from labcore.lab.hints import hints
from labcore.lab.lessons import LESSONS
from labcore.lab.solutions import source_of
from labcore.lab.workspace import Workspace

STEPS = [(lesson.number, step) for lesson in LESSONS for step in (*lesson.steps, *lesson.challenges)]


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("LABCORE_WORK", str(tmp_path))
    monkeypatch.delenv("LABCORE_LANG", raising=False)
    monkeypatch.setattr(lessons, "_BEGUN", [1])
    return Workspace(tmp_path)


@pytest.mark.parametrize(("lesson", "step"), STEPS)
def test_each_step_has_three_hints_in_both_languages(lesson: int, step: str) -> None:
    found = hints(step, lesson)
    assert len(found) == 3
    assert found[0].en.endswith("?")
    assert found[0].zh.endswith("？")
    assert "`" in found[2].en
    body = "\n".join(source_of(step, lesson).splitlines()[2:])
    assert not any(body.strip() in text for hint in found for text in hint), "a shape is not the solution"


def test_hints_are_drawn_out_one_by_one_and_stay_out(workspace: Workspace) -> None:
    shown = lab.hint("rootfs")
    assert shown.next.description == "hint 1 of 3"
    assert shown.shown.value == ""
    shown.next.click()
    shown.next.click()
    assert shown.next.description == "hint 3 of 3"
    assert shown.shown.value.count("<div>") == 2
    assert workspace.progress.of("hints") == {"rootfs": 2}
    again = lab.hint("rootfs")
    again.next.click()
    assert again.next.disabled
    assert "<code>[ops.Mount(" in again.shown.value


def test_a_step_that_is_written_anew_has_hints_of_its_own(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.hint("rootfs").next.click()
    monkeypatch.setattr(lessons, "_BEGUN", [3])
    assert lab.hint("rootfs").next.description == "hint 1 of 3"


def test_in_print_each_hint_is_folded_away() -> None:
    bundle = lab.hint("run")._repr_mimebundle_()
    assert bundle["text/html"].count("<details>") == 3
    assert bundle["text/plain"] == "3 hints, one by one: labcore lesson hint run"


def test_what_is_no_step_has_no_hints() -> None:
    with pytest.raises(InvalidInput, match="nonesuch is no step"):
        lab.hint("nonesuch")


def test_progress_that_was_written_by_another_hand_is_survived(workspace: Workspace) -> None:
    workspace.history.mkdir()
    for content in ("[]", "{", '{"hints": 3}', '{"hints": {"rootfs": 99}}', '{"hints": {"rootfs": "x"}}'):
        workspace.progress.file.write_text(content)
        assert lab.hint("rootfs").next.description == "hint 1 of 3"

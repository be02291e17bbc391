"""Guesses and quizzes: asked before, kept, shown beside the outcome; drawn for each learner; readable in print."""

from importlib import import_module
from pathlib import Path

import pytest

from labcore import lab
from labcore.errors import InvalidInput
from labcore.lab.guesses import Guess, guesses
from labcore.lab.learner import learners_seed
from labcore.lab.lessons import LESSONS
from labcore.lab.questions import Question, questions
from labcore.lab.quizzes import drawn
from labcore.lab.workspace import Workspace

ALL = [(lesson.number, name) for lesson in LESSONS for name in questions(lesson.number)]


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("LABCORE_WORK", str(tmp_path))
    monkeypatch.delenv("LABCORE_LANG", raising=False)
    monkeypatch.setenv("LABCORE_LEARNER", "ada")
    return Workspace(tmp_path)


# --- guesses


def test_a_guess_is_kept_and_shown_beside_the_outcome(workspace: Workspace) -> None:
    assert "you made no guess" in repr(lab.outcome("start", "16.2 ms"))
    lab.guess("start").field.value = 1
    assert workspace.progress.of("guesses") == {"start": 1}
    shown = lab.outcome("start", "16.2 ms")
    assert shown.lines()[:2] == ["✗ you guessed: a second", "it is: 16.2 ms"]
    assert "a second" in shown._repr_html_()
    assert lab.guess("start").field.value == 1, "it is there again after a restart"


def test_no_two_lessons_have_a_guess_of_one_name() -> None:
    names = [name for each in LESSONS for name in import_module(f"labcore.lab.guesses.lesson_{each.number:02}").GUESSES]
    assert sorted(names) == sorted(guesses())


def test_a_guess_that_is_typed_is_neither_right_nor_wrong() -> None:
    lab.guess("outage").field.value = "about 20"
    assert lab.outcome("outage", "16.2 ms").lines() == ["you guessed: about 20", "it is: 16.2 ms"]


def test_where_the_answer_is_known_the_option_is_the_outcome() -> None:
    lab.guess("soup").field.value = 0
    assert lab.outcome("soup").lines()[:2] == ["✓ you guessed: the upper layer's", "it is: the upper layer's"]


def test_what_this_machine_cannot_measure_is_said_so() -> None:
    assert lab.outcome("vm").lines() == ["you made no guess", "it was not measured here"]
    assert lab.outcome("needs").lines()[1:] == [str(guesses()["needs"].why)]


def test_an_option_has_no_markup_for_a_radio_button_shows_it_as_it_stands() -> None:
    asked = [*guesses().values(), *(questions(number)[name] for number, name in ALL)]
    assert not [text for each in asked for option in each.options for text in option if "`" in text]


def test_what_was_kept_by_an_older_catalogue_is_no_guess(workspace: Workspace) -> None:
    workspace.progress.note("guesses", "start", 99)
    assert lab.guess("start").field.value is None
    assert lab.outcome("start", "x").guessed == ""


def test_an_unknown_guess_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"no guess 'nonesuch'; there are: start, "):
        lab.guess("nonesuch")


@pytest.mark.parametrize("wanted", guesses().values(), ids=list(guesses()))
def test_each_guess_stands_in_both_languages(wanted: Guess) -> None:
    texts = [wanted.question, *wanted.options, *([wanted.why] if wanted.why else [])]
    assert all(text.en and text.zh for text in texts)
    assert wanted.answer is None or 0 <= wanted.answer < len(wanted.options)


# --- quizzes


def test_an_answer_is_judged_at_once_and_the_first_one_counts(workspace: Workspace) -> None:
    quiz = lab.quiz(5, lesson=1)
    first, second = quiz.fields[:2]
    first.field.value = first.question.answer
    second.field.value = (second.question.answer + 1) % 3
    assert "right" in first.feedback.value
    assert str(second.question.why) in second.feedback.value.replace("&#x27;", "'").replace("&quot;", '"')
    assert workspace.progress.of("quiz") == {first.name: True, second.name: False}
    again = lab.quiz(5, lesson=1).fields[1]
    again.field.value = again.question.answer
    assert workspace.progress.of("quiz")[second.name] is False


def test_others_are_drawn_at_the_press_of_a_button_and_for_another_learner(monkeypatch: pytest.MonkeyPatch) -> None:
    quiz = lab.quiz(5, lesson=1)
    before = [field.name for field in quiz.fields]
    assert before == drawn(1, 5)
    quiz.others.click()
    assert not set(before) & {field.name for field in quiz.fields}
    monkeypatch.setenv("LABCORE_LEARNER", "grace")
    assert drawn(1, 5) != before


def test_a_printed_quiz_has_its_answers_folded_away() -> None:
    quiz = lab.quiz(5, lesson=2)
    bundle = quiz._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    asked, _, answers = bundle["text/plain"].partition("Answers:")
    assert asked.count("a) ") == 5
    assert answers.strip().startswith("1. ")
    assert "<details>" in bundle["text/html"]


def test_outside_of_a_lesson_one_is_told_to_begin_it() -> None:
    with pytest.raises(InvalidInput, match=r"lab\.begin"):
        lab.quiz()


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.slug)
def test_each_lesson_has_more_questions_than_are_asked(lesson: object) -> None:
    assert len(questions(lesson.number)) >= 8  # type: ignore[attr-defined]


@pytest.mark.parametrize(("lesson", "name"), ALL)
def test_each_question_stands_in_both_languages_and_has_one_answer(lesson: int, name: str) -> None:
    found: Question = questions(lesson)[name]
    assert all(text.en and text.zh for text in (found.text, found.why, *found.options))
    assert len(set(found.options)) == len(found.options) >= 3
    assert 0 <= found.answer < len(found.options)


def test_names_of_questions_are_their_own() -> None:
    assert len({name for _, name in ALL}) == len(ALL), "progress is kept by name"


def test_learners_with_one_seed_draw_differently_and_each_the_same_again() -> None:
    assert learners_seed(7, "") == 7
    assert learners_seed(7, "ada") == learners_seed(7, "ada") != learners_seed(7, "grace")
    assert learners_seed(7, "ada") != learners_seed(8, "ada")

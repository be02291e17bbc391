"""The final examination's draw: reproducible, for each learner another, from all lessons, and in both languages."""

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from labcore import lab
from labcore.errors import InvalidInput
from labcore.lab.examination import paper
from labcore.lab.examination.live import Live, Site, live_questions, same
from labcore.lab.examination.paper import COUNT, draw_paper
from labcore.lab.examination.sitting import Result, Written, answers_of, sit
from labcore.lab.examination.tasks import LETTERS, Choice, FaultTask, Marked, StepTask, Task, Value
from labcore.lab.examination.widget import Exam
from labcore.lab.lessons import LESSONS
from labcore.lab.questions import questions
from labcore.lab.workspace import Workspace

# What a person who knows the lessons says, without a machine.
KNOWN = {
    "blob": ({"text": "abc"}, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    "full name": ({"name": "fox"}, "docker.io/library/fox:latest"),
    "command": (
        {"entrypoint": '["ping", "-c1"]', "command": '["ant", "-v"]', "options": "", "given": " bee"},
        '["ping","-c1","bee"]',
    ),
    "frames": ({"frames": "01 00 00 00 00 00 00 01 61 02 00 00 00 00 00\n00 03 65 65 6c"}, "eel"),
    "instructions": ({"text": "FROM a\n# RUN b\nRUN c \\\n# d\n e\nCMD f"}, "3"),
    "form": ({"line": "cmd ['ant']"}, '["/bin/sh", "-c", "[\'ant\']"]'),
    "variables": ({"text": "FROM scratch\nENV B=ant\nENV B=bee A=$B"}, "ant"),
    "directories": ({"text": "FROM scratch\nWORKDIR /ant\nWORKDIR ../bee"}, "/bee"),
    "pair": ({"text": 'FROM scratch\nENTRYPOINT ["ant"]\nCMD bee'}, '["ant", "/bin/sh", "-c", "bee"]'),
}


@pytest.fixture(params=["a machine for all", "a machine for nothing"])
def _needs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    poor = request.param == "a machine for nothing"
    monkeypatch.setattr(paper, "_missing", lambda needs: poor and bool(needs))


@pytest.fixture
def _rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "_missing", lambda _: False)


def drawn(seed: int, learner: str = "", *, practical: bool = True) -> list[Task]:
    return draw_paper(seed, learner, Workspace(Path("/nowhere")), practical=practical)


def texts(tasks: list[Task]) -> list[str]:
    return [f"{task.text()} {getattr(task, 'seed', '')}" for task in tasks]


@pytest.mark.usefixtures("_needs")
def test_a_seed_draws_the_same_again_and_each_learner_another() -> None:
    assert texts(drawn(7, "ada")) == texts(drawn(7, "ada"))
    assert len({tuple(texts(drawn(seed, learner))) for seed in (7, 8) for learner in ("ada", "grace", "")}) == 6


@pytest.mark.usefixtures("_needs")
@pytest.mark.parametrize("practical", [True, False])
def test_each_paper_has_ten_tasks_from_all_lessons_and_none_twice(practical: bool) -> None:
    for seed in range(40):
        tasks = drawn(seed, practical=practical)
        assert len(tasks) == COUNT == len(set(texts(tasks)))
        counts = Counter(task.lesson for task in tasks)
        assert set(counts) == {each.number for each in LESSONS}
        assert max(counts.values()) <= -(-COUNT // len(LESSONS)) + 1


@pytest.mark.usefixtures("_rich")
def test_each_kind_is_in_a_paper_and_all_there_is_comes_up() -> None:
    papers = [drawn(seed) for seed in range(300)]
    for tasks in papers:
        assert Counter(type(task) for task in tasks) == {FaultTask: 1, StepTask: 1, Value: 3, Choice: 5}
        assert isinstance(tasks[-1], FaultTask), "what takes time is last"
    everything = [task for tasks in papers for task in tasks]
    there = {each.number for each in LESSONS}
    lives = {id(task.live) for task in everything if isinstance(task, Value)}
    assert len(lives) == sum(each.lesson in there for each in live_questions().values())
    assert all(task.scenario.by_docker for task in everything if isinstance(task, FaultTask))
    assert {task.lesson for task in everything if isinstance(task, StepTask)} == there


@pytest.mark.usefixtures("_rich")
def test_the_right_option_stands_anywhere() -> None:
    places = Counter(
        task.order.index(task.question.answer) for seed in range(60) for task in drawn(seed) if isinstance(task, Choice)
    )
    assert min(places[place] for place in range(3)) > 50


@pytest.mark.parametrize("name", live_questions())
def test_live_questions_are_asked_in_both_languages_with_the_same_words(name: str) -> None:
    live = live_questions()[name]
    asked = [set(re.findall(r"\{(\w+)\}", text)) for text in live.text]
    assert asked[0] == asked[1]
    words = [live.draw(random.Random(each)) for each in range(30)]
    assert all(asked[0] <= set(each) for each in words)
    assert len({str(live.text).format(**each) for each in words}) > 12, "learners get others"
    assert all(live.why)


def test_each_lesson_has_something_to_compute() -> None:
    assert {each.lesson for each in live_questions().values()} == set(range(1, 11))


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_computed_is_what_one_knows(name: str) -> None:
    live: Live = live_questions()[name]
    words, answer = KNOWN[name]
    with Site() as site:
        assert same(answer, live.seen(words, site))


def test_answers_are_compared_as_people_write_them() -> None:
    for given, seen in [
        (" Exited ", "exited"),
        ("`137`", "137"),
        ('["a","b"]', '["a", "b"]'),
        ("SHA256:ab", "sha256:ab"),
        ("post /x", "POST  /x"),
    ]:
        assert same(given, seen), given
    for given, seen in [("", "none"), ("13", "137"), ('["a b"]', '["a", "b"]'), ("a b", "ab")]:
        assert not same(given, seen), given


def test_a_letter_is_right_or_wrong_and_only_who_knew_is_told_why() -> None:
    question = questions(1)["whose kernel"]
    choice = Choice(1, question, (2, 1, 0))
    with Site() as site:
        marks = {given: choice.mark((given,), site) for given in ("a", "b", "B)", "c", "d", "", "the host's")}
    assert [given for given, mark in marks.items() if mark.right] == ["b", "B)"]
    assert marks["b"].remark == str(question.why)
    assert not any(mark.remark for mark in marks.values() if not mark.right)


class Known:
    """A task whose answer is `yes`."""

    lesson = 1
    kind = "choice"

    def text(self) -> str:
        return "yes or no?"

    def mark(self, answer: list[str], site: Site) -> Marked:
        return Marked(list(answer) == ["yes"])


def sat(answers: list[str]) -> tuple[Result, list[str]]:
    told: list[str] = []
    lines = iter(answers)

    def ask(_: str) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    with Site() as site:
        return sit([Known()] * COUNT, ask, told.append, site), told


@pytest.mark.parametrize(("right", "passed"), [(10, True), (7, True), (6, False), (0, False)])
def test_seven_of_ten_pass(right: int, passed: bool) -> None:
    result, told = sat(["yes"] * right + ["no"] * (10 - right))
    assert (result.right, result.passed) == (right, passed)
    assert result.title().startswith(f"{right} of 10: {'passed' if passed else 'not passed'}")
    assert sum("yes or no?" in each for each in told) == 10


def test_what_is_not_answered_any_more_is_wrong() -> None:
    result, _ = sat(["yes"] * 3)
    assert [mark.right for mark in result.marks] == [True] * 3 + [False] * 7


@pytest.mark.usefixtures("_rich")
def test_neither_paper_nor_report_tells_an_answer() -> None:
    tasks = [task for task in drawn(3) if isinstance(task, Choice)]
    with Site() as site:
        result = Result(tuple(tasks), ((),) * len(tasks), tuple(task.mark((), site) for task in tasks))
    for report in result.to_json()["questions"]:
        assert set(report) == {"number", "lesson", "kind", "question", "answer", "right"}
    titles = {each.number: each.title for each in LESSONS}
    wanted = [f"✗ {number:2}. lesson {task.lesson}, {titles[task.lesson]}" for number, task in enumerate(tasks, 1)]
    assert result.lines() == wanted


# --- in a notebook


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Have a learner's folder, on a machine on which no container can be made."""
    monkeypatch.setenv("LABCORE_WORK", str(tmp_path))
    monkeypatch.setenv("LABCORE_LEARNER", "ada")
    monkeypatch.setattr(paper, "_missing", bool)
    return Workspace(tmp_path)


def fill_in(exam: Exam, *, right: int) -> None:
    """Answer so many tasks right, and the others wrong."""
    with Site() as site:
        for number, field in enumerate(exam.fields):
            task, knows = field.task, number < right
            if isinstance(task, Choice):
                letter = LETTERS[task.order.index(task.question.answer)]
                field.field.value = letter if knows else next(other for _, other in field.field.options if other != letter)
            elif isinstance(task, Value):
                field.field.value = task.live.seen(task.words, site) if knows else "I do not know"


@pytest.mark.parametrize(("right", "said"), [(10, "10 of 10: passed"), (6, "6 of 10: not passed; 7 are needed")])
def test_in_a_notebook_it_is_marked_once(right: int, said: str, work: Workspace) -> None:
    exam = lab.exam(3)
    assert isinstance(exam, Exam)
    fill_in(exam, right=right)
    exam.button.click()
    assert said in exam.total.value
    assert [("✓" in field.remark.value) for field in exam.fields] == [True] * right + [False] * (10 - right)
    assert all(field.field.disabled for field in exam.fields)
    fill_in(exam, right=10)
    assert exam.mark().right == right
    assert work.progress.of("exams") == {"3 ada": right}


@pytest.mark.usefixtures("work")
def test_printed_it_is_the_paper_without_its_answers() -> None:
    exam = lab.exam(3)
    bundle = exam._repr_mimebundle_()
    assert bundle["text/plain"].count("Question ") == 10
    for field in exam.fields:
        assert field.task.text() in bundle["text/plain"]
        if isinstance(field.task, Choice):
            assert str(field.task.question.why) not in bundle["text/plain"] + bundle["text/html"]
    assert lab.exam(3).plain() == exam.plain()
    assert lab.exam(4).plain() != exam.plain()


@pytest.mark.usefixtures("work")
def test_the_docker_command_is_there_once_something_is_broken() -> None:
    with pytest.raises(InvalidInput, match="nothing is broken: press “break it” first"):
        print(lab.exam(3).docker)


def test_a_file_of_answers(tmp_path: Path) -> None:
    file = tmp_path / "answers"
    file.write_text('# mine\n1: b\n\n 3. ["a"]\n10：docker start x\n10: unpause x\n', encoding="utf-8")
    answers = answers_of(file)
    assert answers == {1: ["b"], 3: ['["a"]'], 10: ["docker start x", "unpause x"]}
    given = Written(answers, [Known()] * 3)
    assert [given("") for _ in range(3)] == ["b", "", '["a"]']
    file.write_text("1: b\nwhat\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="line 2: `NUMBER: ANSWER` is wanted"):
        answers_of(file)
    with pytest.raises(InvalidInput, match="No such file"):
        answers_of(tmp_path / "none")

"""`labcore lesson exam`, as a learner sits it: at a terminal, and with answers from a file."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.lab import fault_labs
from labcore.lab.examination import paper
from labcore.lab.examination.live import Site, live_questions
from labcore.lab.examination.paper import draw_paper
from labcore.lab.examination.tasks import LETTERS, Choice, FaultTask, StepTask, Task, Value
from labcore.lab.progress import entry
from labcore.lab.solutions import source_of
from labcore.lab.workspace import Workspace
from tests.conftest import PROJECT, as_learner, needs_root
from tests.terminals import at_a_terminal

pytestmark = pytest.mark.usefixtures("nothing_left")
LEARNER = "ada"


@pytest.fixture
def work(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    needs_root()
    monkeypatch.setenv("LABCORE_ROOT", str(engine.root))
    monkeypatch.setattr(paper, "_missing", lambda _: False)  # in this process, which a try of limits would put into a cgroup
    (made := tmp_path / "work").mkdir()
    yield made
    for each in list(fault_labs._OPEN):
        each.restore()


def command(work: Path, *words: str) -> list[str]:
    root = ["--root", os.environ["LABCORE_ROOT"]]
    return [sys.executable, "-m", "labcore", *root, "lesson", "exam", "--work", str(work), "--learner", LEARNER, *words]


def exam(work: Path, *words: str, status: int = 0, typed: str = "") -> str:
    elsewhere = work.parent / "elsewhere"  # which the named root takes the place of
    environment = {**os.environ, "LABCORE_ROOT": str(elsewhere)}
    done = subprocess.run(
        command(work, *words), cwd=PROJECT, capture_output=True, text=True, timeout=120, input=typed, env=environment
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert not elsewhere.exists()
    return done.stdout


def paper_with(work: Path, fault: str) -> tuple[int, list[Task]]:
    """Return the first seed that draws this fault, and its paper."""
    for seed in range(500):
        tasks = draw_paper(seed, LEARNER, Workspace(work))
        if any(isinstance(task, FaultTask) and task.scenario.name == fault for task in tasks):
            return seed, tasks
    raise AssertionError(fault)


def right_answers(tasks: list[Task], site: Site) -> list[str]:
    """Return what somebody answers who knows everything, but for the fault."""
    answers = []
    for task in tasks:
        if isinstance(task, Choice):
            answers.append(LETTERS[task.order.index(task.question.answer)])
        elif isinstance(task, Value):
            answers.append(" ".join(task.live.seen(task.words, site).split()))
        elif isinstance(task, StepTask):
            answers.append("")
    return answers


def own_step(tasks: list[Task], work: Path) -> StepTask:
    """Write the step that is asked for, as a learner does, and return its task."""
    task = next(task for task in tasks if isinstance(task, StepTask))
    Workspace(work).save(task.step, source_of(task.step, task.lesson), task.lesson)
    return task


def test_at_a_terminal_all_is_asked_and_a_fault_is_mended_by_typing(work: Path) -> None:
    seed, tasks = paper_with(work, "paused")
    own_step(tasks, work)
    with Site() as site:
        answers = right_answers(tasks, site)
    with at_a_terminal(command(work, "--seed", str(seed))) as terminal:
        for number, answer in enumerate(answers, 1):
            terminal.until(f"Question {number} of 10")
            terminal.until("Enter when it is there: " if isinstance(tasks[number - 1], StepTask) else "answer: ")
            terminal.type(f"{answer}\n")
        said = terminal.until("$ docker ")
        said += terminal.until("$ docker ")
        name = re.search(r"--name (\S+)", said) or re.search(r"\b[a-z]+-\d\d\b", said)
        assert name, said
        terminal.type(f"unpause {name[0].removeprefix('--name ')}\n")
        terminal.until("$ docker ")
        terminal.type("\n")
        terminal.until("10 of 10: passed")
        assert terminal.wait() == 0
    assert Workspace(work).progress.of("exams") == {f"{seed} {LEARNER}": 10}


def test_ctrl_c_ends_it_without_a_mark_and_nothing_stays_broken(work: Path, engine: Engine) -> None:
    with at_a_terminal(command(work, "--seed", "5")) as terminal:
        for number in range(1, 10):
            terminal.until(f"Question {number} of 10")
            terminal.until(": ")
            terminal.type("\n")
        terminal.until("$ docker ")
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert "Traceback" not in terminal.seen
        assert "of 10:" not in terminal.seen
    assert not [path for path in (engine.root / "lab" / "daemons").glob("*") if path.is_dir()]
    assert not Workspace(work).progress.of("exams")


def test_answers_from_a_file_are_marked_and_reported_as_json(work: Path, tmp_path: Path) -> None:
    seed, tasks = paper_with(work, "paused")
    own_step(tasks, work)
    with Site() as site:
        lines = [f"{number}: {answer}" for number, answer in enumerate(right_answers(tasks, site), 1)]
    fault = next(task for task in tasks if isinstance(task, FaultTask))
    cure = f"10: docker unpause {fault.begin().words['name']}"
    fault.end()
    (file := tmp_path / "answers").write_text("\n".join([*lines, cure]))
    report = json.loads(exam(work, "--seed", str(seed), "--answers", str(file), "--format", "json"))
    assert (report["passed"], report["right"], report["seed"], report["learner"]) == (True, 10, seed, LEARNER), report
    assert [each["right"] for each in report["questions"]] == [True] * 10
    (file := tmp_path / "guesses").write_text("\n".join(line.replace(": ", ": not ") for line in lines))
    said = exam(work, "--seed", str(seed), "--answers", str(file), status=1)
    assert said.splitlines()[-1] == f"1 of 10: not passed; 7 are needed (seed {seed}, learner {LEARNER})"
    assert said.splitlines()[-2] == "✗ 10. lesson 7, Common commands: not mended yet"


def test_the_end_of_input_ends_it_with_a_mark(work: Path) -> None:
    said = exam(work, "--seed", "5", status=1, typed="b\n")
    assert "Question 10 of 10" in said
    assert "of 10: not passed; 7 are needed (seed 5, learner ada)" in said.splitlines()[-1]


def test_a_paper_is_printed_and_nothing_asked(work: Path) -> None:
    said = exam(work, "--seed", "5", "--paper")
    assert said == exam(work, "--seed", "5", "--paper")
    assert said != exam(work, "--seed", "6", "--paper")
    assert said.count("Question ") == 10
    assert "Something is broken" in said
    assert "Something is broken" not in exam(work, "--seed", "5", "--paper", "--no-practice")


def test_a_step_has_to_be_ones_own(work: Path) -> None:
    workspace = Workspace(work)
    task = StepTask(3, "digest", 11, workspace)
    with Site() as site:
        assert task.mark((), site).remark == "it is blank"
        text = source_of("digest")
        workspace.save("digest", text, 3)
        workspace.progress.note("solved", entry("digest", 3), True)
        assert "labcore's solution, not yours" in task.mark((), site).remark
        workspace.save("digest", text.replace("return", "'mine'\n    return"), 3)
        assert task.mark((), site).right
        workspace.save("digest", "def digest(data):\n    return 'sha256:' + '0' * 64\n", 3)
        assert "not yet" in task.mark((), site).remark
        (work / "my_runtime.py").write_text("def oops(:\n")
        assert "cannot be read" in task.mark((), site).remark


# What a person who knows the lessons says of words that were not drawn.
NAME = "labcore-exam-ant"
IN_A_CHILD = """\
sethostname("ant")
if os.fork() == 0:
    sethostname("bee")
    os._exit(0)
os.wait()
print(os.uname().nodename)"""
TRIED = "n=0; chown 5 /tmp && n=$((n+1)); chroot / true && n=$((n+1)); echo $n"
BUILT = {"text": "FROM busybox\nCOPY ant /ant\nRUN mkdir /more\nCOPY bee /bee", "one": "ant", "two": "bee"}
MAP = {"inside": "500", "outside": "20000", "count": "100"}
KNOWN: dict[str, list[tuple[dict[str, str], str]]] = {
    "host name": [({"code": IN_A_CHILD}, "bee")],
    "owner": [(MAP | {"owner": "20099"}, "599"), (MAP | {"owner": "20100"}, "65534")],
    "rights": [({"line": f"run --rm --network none --cap-drop CHOWN busybox sh -c '{TRIED}'"}, "1")],
    "ending": [
        ({"line": "run --rm --network none busybox sh -c 'exit 3 | true'"}, "0"),
        ({"line": "run --rm --network none busybox sh -c 'kill -KILL $$; exit 9'"}, "9"),
        ({"line": "run --rm --no-such-option busybox true"}, "125"),
    ],
    "status": [({"name": NAME, "requests": f"POST /containers/{NAME}/start"}, "404")],
    "request": [({"name": NAME, "line": f"rm -f {NAME}"}, f"DELETE /containers/{NAME}")],
    "state": [({"name": NAME, "lines": f"docker create --name {NAME} busybox\ndocker pause {NAME}"}, "created")],
    "rebuilt": [(BUILT | {"changed": "bee"}, "1"), (BUILT | {"changed": "ant"}, "3")],
}


def test_an_ordinary_user_sits_it_without_what_needs_the_machines_root() -> None:
    """Answers are compared with what that user's kernel, containers and daemon do: nothing fails to be computed."""
    sit = f"{sys.executable} -P -m labcore lesson exam --learner ada --answers answers"
    script = f"seq 1 10 | sed 's/$/: x/' > answers\nfor seed in 1 2 3; do {sit} --seed $seed || test $? = 1; done"
    done = as_learner("sh", "-ec", script)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("✗")]
    assert len(lines) == 30, done.stdout + done.stderr
    assert {line.partition(": ")[2] for line in lines} <= {"", "it is blank"}, lines


def test_what_this_machine_does_is_what_one_knows(work: Path) -> None:
    questions = live_questions()
    with Site() as site:
        seen = {name: [questions[name].seen(words, site) for words, _ in cases] for name, cases in KNOWN.items()}
    assert seen == {name: [answer for _, answer in cases] for name, cases in KNOWN.items()}

"""Every check accepts the solution and rejects the wrong answers; nothing that a step does outlives it."""

import json
import re
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

from labcore.lab.checks import Verdict, check, examine, tripwires
from labcore.lab.checks.scenario import drawn
from labcore.lab.lessons import LESSONS, lesson_of
from labcore.lab.program import marked
from labcore.lab.solutions import source_of
from labcore.lab.workspace import Workspace
from tests.conftest import changes, needs_root, traces
from tests.integration.right import RIGHT
from tests.integration.wrong.rejected import REJECTED
from tests.integration.wrong.ways_in import WAYS_IN
from tests.threads import Started
from tests.warm_checks import WarmChecks

# A step may stand in two lessons, with a check in each.
WRONG = {
    (lesson.number, step): wrong
    for lesson in LESSONS
    for step, wrong in import_module(f"tests.integration.wrong.lesson_{lesson.number:02}").WRONG.items()
}
STEPS = [(lesson.number, step) for lesson in LESSONS for step in (*lesson.steps, *lesson.challenges)]
UNRULY = [
    (lesson.number, deed, source)
    for lesson in LESSONS
    for deed, source in import_module(f"tests.integration.wrong.lesson_{lesson.number:02}").UNRULY.items()
]

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


def verdict_on(step: str, source: str, directory: Path, seed: int | None = None, *, lesson: int = 1) -> Verdict:
    workspace = Workspace(directory)
    workspace.save(step, marked(step, source.strip(), lesson))
    return examine(step, workspace.file, seed, lesson=lesson)


def warm_verdict(warm: WarmChecks, step: str, source: str, lesson: int) -> Verdict:
    return warm.verdict_on(step, marked(step, source.strip(), lesson), lesson)


def test_each_step_has_a_check_and_wrong_answers() -> None:
    assert set(WRONG) == set(STEPS)
    assert {step: set(wrong) for step, wrong in WRONG.items()} == {step: set(why) for step, why in REJECTED.items()}
    for step, wrong in WRONG.items():
        assert len(wrong) >= 3, step
        assert {"a faked print", "a call of the reference"} <= set(wrong), step
        assert any("hard-coded" in kind for kind in wrong), step


@pytest.mark.parametrize(("lesson", "step"), STEPS)
def test_the_solution_is_accepted(lesson: int, step: str, warm: WarmChecks) -> None:
    """By a check of a new process, as a learner has it, when the lessons run filled in (test_lessons.py, test_rootless.py)."""
    verdict = warm_verdict(warm, step, source_of(step, lesson), lesson)
    assert verdict.state == "passed", verdict
    assert len(verdict.claims) >= 2


@pytest.mark.parametrize(
    ("lesson", "step", "style"), [(lesson, step, style) for (lesson, step), right in RIGHT.items() for style in right]
)
def test_another_right_answer_is_accepted(lesson: int, step: str, style: str, warm: WarmChecks) -> None:
    verdict = warm_verdict(warm, step, RIGHT[lesson, step][style], lesson)
    assert verdict.state == "passed", verdict


# What rejects an answer without a look at what it makes.
MISHAPS = {
    tripwires.text(),
    "your step raised an error",
    "your step did not come to its end: its process was killed, or ended itself",
    "no container was seen that runs the program that was asked for",
    "the container was there until all had been looked at",
    "no daemon was seen",
    "the daemon answered until all had been asked",
    "what was to be looked at afterwards was there",
}


@pytest.mark.parametrize(
    ("lesson", "step", "earlier"),
    [
        *((2, "run", 1), (3, "rootfs", 1), (3, "run", 1), (3, "run", 2), (4, "rootfs", 1), (4, "rootfs", 3), (6, "create", 5)),
        *((7, "run", 1), (7, "run", 2), (7, "run", 3), (7, "start", 5), (7, "create", 5), (7, "create", 6)),
        (9, "overlay", 3),
    ],
)
def test_what_is_written_anew_still_does_what_the_earlier_lesson_asks_for(
    lesson: int, step: str, earlier: int, warm: WarmChecks
) -> None:
    """Where no image has ever been, too."""
    verdict = warm.verdict_on(step, marked(step, source_of(step, lesson), lesson), earlier)
    assert verdict.state == "passed", verdict


def test_a_step_of_an_earlier_lesson_is_replaced_where_it_does_not_suffice(tmp_path: Path) -> None:
    """Lesson 3's `run` needs lesson 3's `rootfs`; the learner has only that of lesson 1."""
    workspace = Workspace(tmp_path)
    workspace.save("rootfs", source_of("rootfs", 1))
    workspace.save("run", marked("run", source_of("run", 3), 3))
    verdict = examine("run", workspace.file, lesson=3)
    assert verdict.state == "passed", verdict


@pytest.mark.parametrize(
    ("lesson", "step", "kind"), [(lesson, step, kind) for (lesson, step), wrong in WRONG.items() for kind in wrong]
)
def test_a_wrong_answer_is_rejected(lesson: int, step: str, kind: str, warm: WarmChecks) -> None:
    verdict = warm_verdict(warm, step, WRONG[lesson, step][kind], lesson)
    assert verdict.state == "failed", verdict
    reason = REJECTED[lesson, step][kind]
    failed = [claim.text for claim in verdict.claims if not claim.holds]
    assert any(re.search(reason.claim, text) for text in failed), verdict
    assert re.search(reason.said, verdict.printed), verdict
    if reason.claim != tripwires.text():  # whoever calls what springs fails besides
        assert [text for text in failed if text in MISHAPS and not re.search(reason.claim, text)] == [], verdict
    assert not Path("/etc/labcore-was-here").exists()


@pytest.mark.parametrize(
    ("lesson", "step", "kind"), [(lesson, step, kind) for (lesson, step), ways in WAYS_IN.items() for kind in ways]
)
def test_labcores_own_way_to_do_it_is_rejected_for_that_very_reason(
    lesson: int, step: str, kind: str, warm: WarmChecks
) -> None:
    verdict = warm_verdict(warm, step, WAYS_IN[lesson, step][kind], lesson)
    assert verdict.state == "failed", verdict
    assert verdict.claims[0].text == tripwires.text(), verdict


@pytest.mark.parametrize("round_", range(4))
def test_no_solution_is_rejected_by_chance(round_: int, warm: WarmChecks) -> None:
    assert warm_verdict(warm, "outside_pid", source_of("outside_pid"), 1).state == "passed"


def test_a_stage_that_returns_nothing_inside_of_a_list_is_named(tmp_path: Path) -> None:
    source = "def hostname(spec):\n    return [*print(), ops.SetHostname(spec.hostname)]\n"
    assert "What has a star before it returned nothing" in repr(verdict_on("hostname", source, tmp_path))


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("def hostname(spec):\n    ops.SetHostname(spec.hostname)\n", "is `return` missing?"),
        ("def hostname(spec):\n    return ops.SetHostname(spec.hostname)\n", "returns a list of ops, in brackets"),
        ("def hostname(spec):\n    return [nowhere.SetHostname(spec.hostname)]\n", "Import inside of the function"),
    ],
)
def test_common_mistakes_are_named(source: str, hint: str, tmp_path: Path) -> None:
    assert hint in repr(verdict_on("hostname", source, tmp_path))


def test_a_file_in_the_work_folder_is_not_taken_for_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit(9)\n")
    monkeypatch.chdir(tmp_path)
    assert verdict_on("hostname", source_of("hostname"), tmp_path).state == "passed"


def test_a_function_that_was_not_saved_is_not_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCORE_WORK", str(tmp_path))
    Workspace(tmp_path).save("hostname", source_of("hostname"))

    def hostname(spec):
        return []

    assert "is not the one that is saved" in repr(check(hostname))


# What is said of lesson 1's.
SAID = {
    "raises": ("return 1 / 0", "ZeroDivisionError", "my_runtime.py, line"),
    "kills its own process": ("was killed, or ended itself",),
    "loops": ("does it loop, or",),
}
# What meets process 1 of a learner's own sandbox, labcore-init; the others are checked warm.
MEETS_INIT = ("forks", "kills all it can", "a fork bomb without a limit", "a cgroup left behind, frozen")


@pytest.mark.parametrize(("lesson", "deed", "source"), UNRULY, ids=[f"{lesson}-{deed}" for lesson, deed, _ in UNRULY])
def test_unruly_code_is_survived(lesson: int, deed: str, source: str, tmp_path: Path, warm: WarmChecks) -> None:
    before = traces()
    step = {1: "hostname", 2: "limits", 3: "pull"}[lesson]
    if deed in MEETS_INIT:
        verdict = verdict_on(step, source, tmp_path, lesson=lesson)
    else:
        verdict = warm_verdict(warm, step, source, lesson)
    assert verdict.state == "failed", verdict
    assert len(repr(verdict)) < 5000
    assert lesson != 1 or all(text in repr(verdict) for text in SAID.get(deed, ()))
    assert not changes(before)


def test_the_same_seed_draws_the_same() -> None:
    with drawn(7) as first, drawn(7) as second, drawn(8) as other:
        assert first.replace(root="") == second.replace(root="")
        assert first.hostname != other.hostname


def test_a_check_ends_with_whoever_asked_for_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.save("hostname", "def hostname(spec):\n    while True:\n        pass\n")
    asker = (
        "import subprocess, sys, time; check = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE); "
        "print(check.pid, flush=True); time.sleep(60)"
    )
    check = [sys.executable, "-m", "labcore.lab.checks.supervisor", "hostname", str(workspace.file), "1", "1"]
    with Started([sys.executable, "-c", asker, *check], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        supervisor = int(process.stdout.readline())
        while not Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text():  # the sandbox
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{supervisor}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{supervisor}").exists()


def test_a_verdict_travels_as_json(tmp_path: Path) -> None:
    verdict = verdict_on("hostname", source_of("hostname"), tmp_path, seed=3)
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict
    assert verdict.seed == 3
    assert lesson_of(verdict.step).number == 1
    assert "hostname: passed" in verdict._repr_html_()

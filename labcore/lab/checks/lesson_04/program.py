"""Check of `main`: the learner's file as a program, in a process of its own; and called, with a preflight that was drawn."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import labcore.lab.solutions
from labcore import native
from labcore.errors import LabcoreError
from labcore.lab.checks import tripwires
from labcore.lab.checks.containers import ended_as_drawn, own_number
from labcore.lab.checks.lesson_03.running import a_state_root, enter_state_root
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import GATE, SECONDS, Draw, Scenario
from labcore.lab.checks.surroundings import have_cgroups
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.lessons import all_steps
from labcore.lab.messages import say
from labcore.lab.program import with_ending, with_function
from labcore.lab.workspace import ENDING, NAME
from labcore.native import MountFlag

MISUSES: Final[tuple[list[str], ...]] = ([], ["run"], ["run", "busybox"], ["start", "busybox", "true"])
USAGE: Final = 2  # what the lesson asks for
FAILED: Final = 125
FAILURE: Final = "no container can be started here"


def _said(draw: Draw) -> str:
    return f"{draw.hostname}-{draw.number}"


def _says(draw: Draw) -> tuple[str, ...]:
    return draw.script(f"echo {_said(draw)}; read go < /{GATE}; exit {draw.exit_code}")


@contextmanager
def _without_main(draw: Draw) -> Iterator[None]:
    """Make the image, and a copy of the solutions in which `main` is a tripwire: a fresh process finds no other."""
    trip = f"def main(*words):\n    raise RuntimeError({tripwires.text()!r})\n"
    copies = Path(draw.root, "solutions")
    copies.mkdir()
    for path in Path(labcore.lab.solutions.__path__[0]).glob("*.py"):
        text = path.read_text(encoding="utf-8")
        (copies / path.name).write_text(
            with_function(text, "main", trip, all_steps()) if path.name == "lesson_04.py" else text, encoding="utf-8"
        )
    with a_state_root(draw):
        yield


def _drawn_missing(draw: Draw) -> dict[str, str]:
    """Return what a preflight finds missing, each with its cure: nobody can know it before."""
    return {f"{word}-{draw.token}": f"cure-{number}-{draw.mark}" for number, word in enumerate(("wheels", "sails"))}


def _perform_main(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    """Call `main` where things are missing, and with words that it has no use for; then run `python my_runtime.py` in earnest.

    There, its `hostname` is the check's, so that one can see from outside whose `run` it is that starts the container.
    """
    enter_state_root(draw)
    words = ["run", draw.hostname, "/bin/true"]
    lacking, failing = _called(mine, words, _drawn_missing(draw)), _called(mine, words, {}, fails=True)
    misused = [_called(mine, words, {}) for words in MISUSES]
    _lay_open(draw)
    have_cgroups()
    file = Path(draw.root, "work", NAME)
    file.parent.mkdir()
    marking = f'def hostname(spec):\n    return [ops.SetHostname("{draw.mark}")]\n'
    text = with_function(Path(str(mine.__file__)).read_text(encoding="utf-8"), "hostname", marking, all_steps())
    file.write_text(with_ending(text, ENDING), encoding="utf-8")
    asked = _run(file, "run", draw.hostname, *_says(draw))
    print(asked[2], end="")  # a learner wants to know what it died of
    if tripwires.text() in asked[2]:
        tripwires.spring()
    return {"asked": asked, "lacking": lacking, "failing": failing, "misused": misused}


def _called(mine: ModuleType, words: list[str], missing: dict[str, str], *, fails: bool = False) -> list[Any]:
    """Call `main` with a preflight that finds these missing, and a `run` that starts nothing, or fails.

    Return its code (or its exception), what it said on standard output and standard error, and how often it called `run`.
    """
    started: list[Any] = []

    def run(*arguments: Any, **_: Any) -> None:
        started.append(arguments)
        if fails:
            raise LabcoreError(FAILURE)

    mine.__dict__["preflight"] = lambda _: dict(missing)
    mine.__dict__["run"] = run
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            code = mine.main(words)
        except SystemExit as end:
            code = end.code
        except Exception as error:
            code = repr(error)
    return [code, out.getvalue(), err.getvalue(), len(started)]


def _lay_open(draw: Draw) -> None:
    """Let a fresh process find labcore whole, but for the one solution."""
    tripwires.uncover()
    native.mount(f"{draw.root}/solutions", labcore.lab.solutions.__path__[0], flags=MountFlag.BIND)


def _run(file: Path, *words: str) -> list[Any]:
    command = [sys.executable, str(file), *words]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", cwd=file.parent
    )
    return [done.returncode, done.stdout[-2000:], done.stderr[-2000:]]


def _observe_main(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield Claim(say("its root is the image that was named"), seen.holds(draw.mark))
    text = say("it is the `run` of this file that starts it: its host name is from there")
    yield equal(text, draw.mark, seen.hostname)


def _conclude_main(returned: Any, draw: Draw) -> Iterator[Claim]:
    code, out, err = returned["asked"]
    last = err.strip().splitlines()[-1][:100] if err.strip() else ""
    yield Claim(say("what the program says comes out"), _said(draw) in out, last)
    yield from ended_as_drawn(code, draw)
    yield from _says_what_is_missing(returned["lacking"], draw)
    code = returned["failing"][0]
    told = (type(code) is int and code != 0) or (isinstance(code, str) and FAILURE in code)
    yield Claim(say("where `run` fails, its error is raised, or another code than 0 returned"), told, repr(code)[:60])
    yield from _says_how_it_is_used(returned["misused"])


def _says_what_is_missing(lacking: list[Any], draw: Draw) -> Iterator[Claim]:
    code, out, err, started = lacking
    lines = f"{out}\n{err}".splitlines()
    unsaid = [name for name, cure in _drawn_missing(draw).items() if not any(name in line and cure in line for line in lines)]
    yield Claim(say("for each thing that is missing it prints a line, with its cure"), not unsaid, " ".join(unsaid))
    yield Claim(say("starts nothing"), started == 0)
    yield Claim(say("and returns {code}", code=FAILED), code == FAILED, repr(code)[:60])


def _says_how_it_is_used(misused: list[list[Any]]) -> Iterator[Claim]:
    wrong = [f"{words}: {code!r}"[:60] for words, (code, *_) in zip(MISUSES, misused, strict=True) if code != USAGE]
    text = say("for fewer than three words, or another first one, it returns {code}", code=USAGE)
    yield Claim(text, not wrong, "; ".join(wrong[:2]))
    said = [bool(re.search(r"\brun\b", err, re.ASCII)) and not started for _, _, err, started in misused]
    silent = [str(words) for words, says in zip(MISUSES, said, strict=True) if not says]
    text = say("says on standard error how it is used, with the word `run`, and starts nothing")
    yield Claim(text, not silent, " ".join(silent))


MAIN = Scenario(_perform_main, _observe_main, _conclude_main, _says, prepare=_without_main, seconds=3 * SECONDS)

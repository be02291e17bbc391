"""A lesson's kernel: restarted anywhere it answers in one line, and what could not be saved is not judged."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from labcore.engine import Engine
from labcore.lab.jupyter import kernel_settings
from labcore.lab.solutions import source_of
from labcore.lab.workspace import Workspace
from tests.conftest import needs_root

Execute = Callable[[str], tuple[str, str]]  # a cell -> what it prints and shows, and its error
BEGIN = "from labcore.lab.vocabulary import *\nlab.begin(1)"
STEP = "@lab.step\n" + source_of("hostname")


@pytest.fixture
def execute(engine: Engine, tmp_path: Path) -> Iterator[Execute]:
    """Execute cells in a kernel that has just been started, as after a restart."""
    needs_root()
    environment = os.environ | {"LABCORE_WORK": str(tmp_path), "LABCORE_ROOT": str(engine.root), "LABCORE_LANG": "en"}
    manager, client = start_new_kernel(env=environment | kernel_settings(tmp_path / "state"))

    def run(cell: str) -> tuple[str, str]:
        shown: list[str] = []

        def take(message: Any) -> None:
            content = message["content"]
            shown.append(content.get("text", "") or content.get("data", {}).get("text/plain", ""))

        reply = client.execute_interactive(cell, output_hook=take, timeout=60)["content"]
        return "\n".join(filter(None, shown)).strip(), "\n".join(reply.get("traceback", ()))

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_after_a_restart_a_cell_says_in_one_line_what_it_needs(execute: Execute) -> None:
    assert execute("run(root, ['true'])")[1] == (
        "run comes with the lesson's first cell (lab.begin): run that, then this one again."
    )
    assert execute("lab.check(hostname)")[1].startswith("lab comes with the lesson's first cell")
    assert "held is made by an earlier cell, `held = spawn(" in execute("lab_processes = held")[1]
    assert "Traceback" in execute("nobody_knows_this")[1]


def test_the_first_cell_brings_names_and_steps_back(execute: Execute) -> None:
    execute(BEGIN)
    execute(STEP)
    assert execute("hostname.reference")[1], "it is the learner's own"
    error = execute("run(root, ['true'])")[1]
    assert error == "root is made by an earlier cell, `root = lab.root()`: run that, then this one again."
    assert execute("root = lab.root()\nrun(root, ['true'])") == ("0", "")


def test_a_helper_cell_says_so_too(execute: Execute) -> None:
    error = execute("%%helper\nos.chdir(root)")[1]
    assert error.startswith("root is made by an earlier cell, `root = lab.root()`")
    assert "own" in execute("%%helper\nown = os.getpid()\nprint('own', own > 0, [x for x in (1,)])")[0]


def test_no_line_of_python_is_taken_for_a_magic(execute: Execute) -> None:
    execute("run = print")
    assert execute("run (1)")[0].strip() == "1"
    assert "SyntaxError" in execute("ls /")[1]


@pytest.mark.parametrize(
    "broken", ["@lab.step\ndef hostname(spec):\n    return [", "1 / 0\n@lab.step\ndef hostname(spec):\n    return []"]
)
def test_a_step_that_could_not_be_saved_is_not_judged_by_its_old_version(execute: Execute, tmp_path: Path, broken: str) -> None:
    execute(BEGIN)
    execute(STEP)
    assert "hostname has not been saved: its cell stopped before" in execute(broken)[0]
    assert "SetHostname" in Workspace(tmp_path).steps()["hostname"], "the old version stays where it is"
    shown = execute("lab.check(hostname)")[0]
    assert "✗ hostname: not yet" in shown
    assert "What its cell says now is not saved" in shown
    execute(STEP)
    assert "✓ hostname: passed" in execute("lab.check(hostname)")[0]

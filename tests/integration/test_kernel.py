"""A lesson's kernel: restarted anywhere it answers in one line, and what could not be saved is not judged."""

import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from labcore.engine import Engine
from labcore.lab.copies import working_copy
from labcore.lab.jupyter import jupyter_lab, kernel_settings
from labcore.lab.notebook import edition_of
from labcore.lab.solutions import source_of
from labcore.lab.workspace import Workspace
from tests.conftest import PROJECT, alone, needs_root

Execute = Callable[[str], tuple[str, str]]  # a cell -> what it prints and shows, and its error
BEGIN = "from labcore.lab.vocabulary import *\nlab.begin(1)"
STEP = "@lab.step\n" + source_of("hostname")


def executed(client: BlockingKernelClient, cell: str) -> tuple[str, str]:
    """Execute a cell; return what it prints and shows, and its error."""
    shown: list[str] = []

    def take(message: Any) -> None:
        content = message["content"]
        shown.append(content.get("text", "") or content.get("data", {}).get("text/plain", ""))

    reply = client.execute_interactive(cell, output_hook=take, timeout=60)["content"]
    return "\n".join(filter(None, shown)).strip(), "\n".join(reply.get("traceback", ()))


@pytest.fixture
def execute(engine: Engine, tmp_path: Path) -> Iterator[Execute]:
    """Execute cells in a kernel that has just been started, as after a restart."""
    needs_root()
    environment = os.environ | {"LABCORE_WORK": str(tmp_path), "LABCORE_ROOT": str(engine.root), "LABCORE_LANG": "en"}
    manager, client = start_new_kernel(env=environment | kernel_settings(tmp_path / "state"))

    yield lambda cell: executed(client, cell)
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


def session_kernel(url: str, path: str, runtime: Path) -> BlockingKernelClient:
    """Open a notebook as JupyterLab does, and return a client of its kernel."""
    address, _, token = url.partition("?")
    asked = {"path": path, "name": Path(path).name, "type": "notebook", "kernel": {"name": "python3"}}
    request = urllib.request.Request(
        f"{address.partition('/lab/')[0]}/api/sessions?{token}",
        json.dumps(asked).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        number = json.load(response)["kernel"]["id"]
    client = BlockingKernelClient(connection_file=str(runtime / f"kernel-{number}.json"))
    client.load_connection_file()
    client.start_channels()
    client.kernel_info()
    client.get_shell_msg(timeout=60)  # it answers
    return client


@pytest.mark.parametrize("elsewhere", ["en", "zh"])
def test_a_notebook_speaks_its_own_language_and_a_terminal_that_of_its_user(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: str
) -> None:
    """Cards, messages, hints and checks, whatever LABCORE_LANG was when the lab was started; terminals inherit it."""
    needs_root()
    monkeypatch.setenv("LABCORE_LANG", elsewhere)
    work, state = tmp_path / "work", engine.root / "lab"
    working_copy(PROJECT / "notebooks", work)
    said = {"en": ("hint 1 of 3", "hostname: a blank.", "still a blank"), "zh": ("提示 1/3", "hostname：还空着。", "请先填好")}
    cells = ('print(lab.hint("hostname").next.description)', "@lab.step\ndef hostname(spec):\n    ...", "lab.check(hostname)")
    with alone("jupyter") as port:
        port.close()
        with jupyter_lab(work, state, ip="127.0.0.1", lesson="01_what_is_docker.ipynb") as (url, server):
            for edition, path in (("en", "01_what_is_docker.ipynb"), ("zh", "zh/01_what_is_docker.ipynb")):
                client = session_kernel(url, path, state / "jupyter_runtime_dir")
                assert executed(client, BEGIN)[1] == ""
                for cell, words in zip(cells, said[edition], strict=True):
                    assert words in executed(client, cell)[0]
                assert executed(client, "import os; print(os.environ['LABCORE_LANG'])")[0] == edition
                client.stop_channels()
            terminals = Path(f"/proc/{server.pid}/environ").read_bytes().split(b"\0")
            assert f"LABCORE_LANG={elsewhere}".encode() in terminals


@pytest.mark.parametrize("text", ["", "[1]", "no JSON", '{"metadata": {}}', '{"metadata": {"labcore": {"language": "fr"}}}'])
def test_what_is_no_lesson_has_no_edition(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.ipynb").write_text(text)
    assert edition_of(str(tmp_path / "own.ipynb")) == edition_of(str(tmp_path)) == edition_of("") == ""
    for folder, edition in (("", "en"), ("zh", "zh")):
        assert edition_of(str(PROJECT / "notebooks" / folder / "01_what_is_docker.ipynb")) == edition

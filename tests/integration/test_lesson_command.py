"""`labcore lesson`, and what a lesson leaves on the machine, as a learner and a teacher meet them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.lab.lessons import LESSONS
from labcore.lab.solutions import source_of
from labcore.lab.workspace import NAME, Workspace
from tests.conftest import PROJECT, alone, needs_root
from tests.integration.wrong.lesson_01 import UNRULY, WRONG
from tests.threads import Started

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def lesson(work: Path, *words: str, status: int = 0, engine: Engine | None = None) -> str:
    root = ["--root", str(engine.root)] if engine else []
    command = [sys.executable, "-m", "labcore", *root, "lesson", words[0], "--work", str(work), *words[1:]]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_list_start_status(work: Path) -> None:
    assert "What is Docker?" in lesson(work, "list")
    assert "not started" in lesson(work, "list")
    assert "copied" in lesson(work, "start", "1")
    copied = json.loads((work / LESSONS[0].file).read_text())
    assert all(not cell["outputs"] for cell in copied["cells"] if cell["cell_type"] == "code")
    assert (work / "zh" / LESSONS[0].file).exists()
    (work / LESSONS[0].file).write_text("mine")
    assert "stays as it is" in lesson(work, "start", "1")
    assert (work / LESSONS[0].file).read_text() == "mine"
    assert lesson(work, "status").partition("2. ")[0].count("blank") == 6


def test_solve_check_reset(work: Path) -> None:
    needs_root()
    assert "0 of 4 steps" in lesson(work, "check", "1", status=1)
    work.mkdir()
    Workspace(work).save("hostname", "def hostname(spec):\n    return [ops.SetHostname(spec.hostname)]  # mine\n")
    assert "hostname: yours, left as it is" in lesson(work, "solve", "1")
    assert "# mine" in Workspace(work).text()
    said = lesson(work, "check", "1", "--seed", "5")
    others = "namespaces, outside_pid, read_only, rootfs, run"
    assert said.endswith(f"4 of 4 steps, 2 of 2 challenges; by labcore's solution: {others} (seed 5)\n")
    status = lesson(work, "status").partition("2. ")[0].splitlines()
    assert sum("passed" in line for line in status) == 6
    assert [line.split()[1] for line in status if "passed" in line and "solution" not in line] == ["hostname"]
    lesson(work, "start", "1")
    lesson(work, "reset", "1")
    assert Workspace(work).steps() == {}
    assert Workspace(work).progress.of("solved") == {}
    assert "# mine" in "".join(path.read_text() for path in Workspace(work).versions())
    assert list((work / ".my_runtime").glob("01_what_is_docker*.ipynb"))


def test_hints_are_drawn_out_one_by_one_and_counted(work: Path) -> None:
    first = lesson(work, "hint", "rootfs")
    assert first.startswith("hint 1 of 3: The helper cell that worked")
    second = lesson(work, "hint", "rootfs").splitlines()
    assert (second[0], len(second)) == (first.rstrip(), 2)
    assert len(lesson(work, "hint", "rootfs").splitlines()) == 3
    assert "these were all" in lesson(work, "hint", "rootfs")
    assert "hint 1 of 3: Two kinds of roots" in lesson(work, "hint", "rootfs", "--lesson", "3")
    status = [line.split() for line in lesson(work, "status").splitlines() if "rootfs" in line]
    assert [line[-1] for line in status] == ["3", "1", "used"]
    assert "is no step: the steps are hostname" in lesson(work, "hint", "nonesuch", status=125)


def test_learners_with_one_seed_draw_differently(work: Path) -> None:
    """The host name of a learner's check is shown where it fails, and is no answer for another."""
    needs_root()
    work.mkdir()
    Workspace(work).save("hostname", "def hostname(spec):\n    return [ops.SetHostname('mine')]\n")

    def expected(*words: str) -> str:
        return (
            lesson(work, "check", "1", "--seed", "7", *words, status=1).partition("host name: expected ")[2].partition(",")[0]
        )

    ada, grace = expected("--learner", "ada"), expected("--learner", "grace")
    assert ada == expected("--learner", "ada")
    assert len({ada, grace, expected()}) == 3


def test_a_mark_is_not_given_for_wrong_answers(work: Path) -> None:
    needs_root()
    work.mkdir()
    Workspace(work).save("hostname", source_of("hostname"))
    Workspace(work).save("run", WRONG["run"]["always success"].strip())
    said = lesson(work, "check", "1", status=1)
    assert "1 of 4 steps" in said
    assert "✗ run: not yet" in said


def test_the_work_folder_is_found_from_inside(work: Path) -> None:
    lesson(work, "start", "1")
    Workspace(work).save("hostname", "def hostname(spec):\n    return []\n")
    for folder in (work, work / "zh"):
        command = [sys.executable, "-m", "labcore", "lesson", "status"]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(PROJECT)}
        )
        assert "written, not checked" in done.stdout, done.stderr


def test_what_cannot_be_is_said_in_a_line(work: Path) -> None:
    numbers = ", ".join(str(each.number) for each in LESSONS)
    assert f"there is no lesson 11 yet; there are: {numbers}" in lesson(work, "start", "11", status=125)
    work.mkdir()
    (work / "my_runtime.py").write_text("def oops(:\n")
    assert "my_runtime.py, line 1: invalid syntax" in lesson(work, "check", "1", status=125)
    said = lesson(work, "start", "--lessons", "/nowhere", "1", status=125)
    assert "no lesson at /nowhere/01_what_is_docker.ipynb" in said


def test_a_file_that_cannot_be_read_is_said_in_a_line(work: Path) -> None:
    work.mkdir()
    (work / NAME).write_bytes(b'def hostname(spec):\n    return "\xff"\n')
    for command in ("status", "check", "solve"):
        said = lesson(work, command, *["1"][: command != "status"], status=125)
        assert said.startswith(f"labcore: {work / NAME}: it is not UTF-8: mend it, or take an older one from "), said
        assert len(said.splitlines()) == 1
    (work / NAME).unlink()
    (work / NAME).mkdir()
    for command in ("check", "solve", "reset"):
        assert "Is a directory" in lesson(work, command, "1", status=125).splitlines()[-1]


def test_a_language_that_nobody_speaks_is_said(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCORE_LANG", "fr_FR.UTF-8")
    said = lesson(work, "list").splitlines()
    assert said.pop() == "labcore: LABCORE_LANG=fr_FR.UTF-8: there is en and zh; this is English"
    assert "What is Docker?" in said[0]


def test_demo_opens_a_solved_lesson_in_large_type(work: Path, engine: Engine) -> None:
    needs_root()
    command = [sys.executable, "-m", "labcore", "--root", str(engine.root), "lesson", "demo", "--work", str(work), "1"]
    with alone("jupyter") as port, Started(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("http://"):
                break
        port.close()  # it was looked for, and is taken
        assert "/lab/tree/01_what_is_docker.ipynb?token=" in lines[-1]
        (shown,) = Path("/tmp").glob("labcore-demo-*")
        notebook = json.loads((shown / LESSONS[0].file).read_text())
        folder = engine.root / "lab" / "demo" / "@jupyterlab" / "apputils-extension"
        settings = (folder / "themes.jupyterlab-settings").read_text()
        process.terminate()
        assert process.wait(30) == 0
    assert "ops.SetHostname(spec.hostname)" in json.dumps(notebook)
    assert "code-font-size" in settings


# --- in a kernel: what a learner may do, and what is left

KERNEL = """
import json, os, sys
from nbformat.v4 import new_code_cell, new_notebook
from nbclient import NotebookClient
cells = json.loads(sys.argv[1])
notebook = new_notebook(cells=[new_code_cell(text) for text in cells])
NotebookClient(notebook, allow_errors=True, timeout=60, resources={"metadata": {"path": os.environ["LABCORE_WORK"]}}).execute()
print(json.dumps([[dict(output) for output in cell.outputs] for cell in notebook.cells]))
"""


def in_a_kernel(engine: Engine, work: Path, *cells: str) -> list[str]:
    """Run cells in a Jupyter kernel; return what each shows, errors too, as one text."""
    work.mkdir(exist_ok=True)
    environment = {
        "LABCORE_ROOT": str(engine.root), "LABCORE_WORK": str(work), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(work), "PYTHONPATH": str(PROJECT),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", KERNEL, json.dumps(cells)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return [json.dumps(outputs, ensure_ascii=False) for outputs in json.loads(done.stdout)]


BEGIN = "from labcore.lab.vocabulary import *\nlab.begin(1)"


def test_reset_ends_what_was_left_and_says_what_has_changed(engine: Engine, work: Path) -> None:
    needs_root()
    begin, _, clean, after = in_a_kernel(
        engine,
        work,
        BEGIN,
        "held = spawn(labcore.plan('busybox', ['sleep', '4713']), stdin=DEVNULL, stdout=DEVNULL)\n"
        "import subprocess; other = subprocess.Popen(['sleep', '4713'])",
        "lab.reset()",
        "held.poll(), Path('/proc', str(other.pid)).exists()",
    )
    assert "image/png" in begin
    assert "2 processes ended that were left" in clean
    assert clean.count("as before") >= 5
    # Tests beside this one change the users' maps, which lie in the machine's /etc.
    assert set(re.findall(r"    [+-] (\S+)", clean)) <= {"/etc/subuid", "/etc/subgid"}
    assert "(-9, False)" in after


def test_reset_finds_a_file_and_an_orphan_that_were_left(engine: Engine, work: Path) -> None:
    needs_root()
    outside = Path("/etc/labcore-left-behind")
    try:
        said = in_a_kernel(
            engine,
            work,
            "import os; os.environ['X'] = '1'\n" + BEGIN,
            f"open({str(outside)!r}, 'w').close(); os.system('sleep 4715 &')",
            "lab.reset()",
        )[-1]
    finally:
        outside.unlink(missing_ok=True)
    assert "files outside the root: changed" in said
    assert f"+ {outside}" in said
    assert "1 processes ended that were left" in said


def test_cells_out_of_order_and_unruly_steps_do_not_stop_a_notebook(engine: Engine, work: Path) -> None:
    needs_root()
    step = "@lab.step\n"
    shown = in_a_kernel(
        engine,
        work,
        BEGIN,
        "lab.check(hostname)",
        step + UNRULY["raises"],
        "lab.check(hostname)",
        step + "def run(root, argv, name='box'):\n    return 1\n",
        "Path('my_runtime.py').write_text('def oops(:')\n",
        step + WRONG["hostname"]["a hard-coded name"].strip(),
        "lab.check(hostname)",
        "Path('my_runtime.py').unlink()\n",
        step + "def hostname(spec):\n    return [ops.SetHostname(spec.hostname)]\n",
        "lab.check(hostname)",
    )
    assert "still a blank" in shown[1], "the first cell brings the steps"
    assert "ZeroDivisionError" in shown[3]
    assert "could not be read (line 1)" in shown[6]
    assert "not yet" in shown[7]
    assert "was gone" in shown[9]
    assert "hostname: passed" in shown[10]


def test_a_lesson_stops_with_one_card_where_something_is_missing(engine: Engine, work: Path) -> None:
    needs_root()
    hide = "from labcore.lab import session\nsession.NEEDS['root'] = lambda: 'root: not here'"
    shown = in_a_kernel(engine, work, hide, BEGIN)[-1]
    assert "Lesson 1 needs what this machine lacks" in shown
    assert "root: not here" in shown
    assert "Traceback" not in shown


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    needs_root()
    script = """
import os, sys
from pathlib import Path
from labcore import native
from labcore.native import CloneFlag, MountFlag
from labcore.lab.solutions import source_of
from labcore.lab.workspace import CannotSave, Workspace
native.unshare(CloneFlag.NEWNS)
native.mount(None, "/", flags=MountFlag.REC | MountFlag.PRIVATE)
native.mount("small", sys.argv[1], "tmpfs", data="size=64k")
workspace = Workspace(Path(sys.argv[1]))
workspace.save("hostname", source_of("hostname"))
before = workspace.text()
with open(Path(sys.argv[1], "ballast"), "wb", buffering=0) as file:
    try:
        while file.write(bytes(1024)):
            pass
    except OSError:
        pass
try:
    workspace.save("rootfs", source_of("rootfs") + "# long\\n" * 4000)
except CannotSave as error:
    print(error)
assert workspace.text() == before
assert not [path for path in workspace.directory.rglob("*") if path.name.startswith(".incoming")]
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "could not be written: No space left on device" in done.stdout


def test_importing_the_toolkit_is_cheap() -> None:
    """It is imported in each helper cell and each check: what draws must not come along."""
    script = (
        "import sys; from labcore.lab.vocabulary import *; print([m for m in ('matplotlib', 'ipywidgets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT)
    assert done.stdout == "[]\n", done.stderr


def test_a_step_that_is_written_anew_is_marked_and_taken_back(work: Path) -> None:
    needs_root()
    work.mkdir()
    mine = "def run(root, argv, **more):\n    return 'mine'\n"
    Workspace(work).save("run", mine)
    assert "run: the solution is in" in lesson(work, "solve", "2")
    assert "  # lesson 2\n" in Workspace(work).text()
    said = lesson(work, "check", "2", "--seed", "5")
    assert "3 of 3 steps; by labcore's solution: confine, limits, run (seed 5)" in said
    status = lesson(work, "status")
    assert "✓ run" in status.partition("2. ")[0], "what passes lesson 2's check does what lesson 1 asked for"
    lesson(work, "start", "2")
    lesson(work, "reset", "2")
    assert Workspace(work).steps() == {"run": mine}


def test_what_an_earlier_lesson_wrote_is_a_blank_in_the_later_one(work: Path) -> None:
    work.mkdir()
    Workspace(work).save("rootfs", "def rootfs(spec):\n    return ['mine']\n")
    first, _, third = lesson(work, "status").partition("3. ")
    assert "· rootfs" in first
    assert "○ rootfs" in third

"""The wheel, installed alone: the library and the command stand without Jupyter and without this source tree."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import PROJECT, needs_root, outside


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of what git tracks, so that nothing built before can slip in."""
    source = tmp_path_factory.mktemp("source")
    files = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-c", "--null", "-T", "-", "-f", str(source / "s.tar")], cwd=PROJECT, input=files, check=True)
    subprocess.run(["tar", "-x", "-f", "s.tar"], cwd=source, check=True)
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (built,) = target.glob("*.whl")
    return built


def test_one_wheel_for_all_pythons(wheel: Path) -> None:
    assert "-cp311-abi3-" in wheel.name
    names = zipfile.ZipFile(wheel).namelist()
    assert "labcore/native/_native.abi3.so" in names
    assert {f"labcore/native/bin/labcore-{name}" for name in ("monitor", "init", "hello", "floor", "exec")} <= set(names)
    assert "labcore/py.typed" in names
    assert not any(name.startswith(("tests", "notebooks", "csrc", "tools")) for name in names)


def test_it_stands_alone(wheel: Path, tmp_path: Path) -> None:
    needs_root()
    home = tmp_path / "venv"
    venv.create(home)
    python = str(home / "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", python]
    with outside():
        subprocess.run([*pip, "-q", "install", str(wheel)], check=True, capture_output=True)
    environment = {"PATH": os.environ["PATH"], "LABCORE_ROOT": str(tmp_path / "state"), "HOME": str(tmp_path)}

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "jupyter" not in run(*pip, "list").lower()
    script = (
        "import labcore; labcore.Engine().seed('hello-world'); done = labcore.run('hello-world'); "
        "print(done.exit_code, b'Hello' in done.stdout, labcore.__file__)"
    )
    code, said_hello, place = run(python, "-c", script).split()
    assert (code, said_hello) == ("0", "True")
    assert place.startswith(str(home))
    run(str(home / "bin/labcore"), "seed", "busybox")
    assert run(str(home / "bin/labcore"), "run", "--rm", "busybox", "echo", "alone") == "alone\n"
    done = subprocess.run([home / "bin/labcore", "lab"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 125
    assert "pip install '.[lab]'" in done.stderr


def test_importing_loads_nothing() -> None:
    script = "import sys, labcore; print([name for name in sys.modules if name.startswith('labcore.')])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "['labcore.lazy']\n"


def test_images_needs_neither_root_nor_c() -> None:
    script = "import sys, labcore.images.builtin; print([n for n in sys.modules if 'native' in n and 'labcore' in n])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"

"""Completion in real shells: bash, and zsh and fish where they are."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import labcore as library
from labcore.cli.complete import answer
from labcore.engine import Engine
from tests.conftest import needs_root
from tests.daemon import own_daemon

LABCORE = Path(sys.executable).with_name("labcore")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make a state root with two images, a container and a volume, and run its daemon."""
    needs_root()
    root = tmp_path_factory.mktemp("completion") / "root"
    engine = Engine(root)
    engine.seed("busybox")
    engine.images.tag(library.spec.Reference.parse("127.0.0.1:5000/box:v1"), engine.images.find("busybox").descriptor)
    library.run("busybox", ["true"], root=root, name="written")
    engine.volumes.create("data")
    with own_daemon(root):
        yield root


def candidates(*words: str) -> list[str]:
    return [line.partition("\t")[0] for line in answer([*words]).splitlines()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("im", ["image", "images", "import"]),
        ("--r", ["--root"]),
        ("image r", ["rm"]),
        ("rmi --f", ["--force"]),
        ("jobs --format ", ["table", "json"]),
        ("jobs --format=j", ["--format=json"]),
        ("rmi --force=t", ["--force=true"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("save -o ", [":files"]),
        ("--root ", [":directories"]),
        ("lesson check --work ", [":directories"]),
        ("nope ", []),
        ("image nope ", []),
        ("version x", []),
        ("run busybox --e", [":files"]),
    ],
)
def test_words(words: str, expected: list[str]) -> None:
    assert candidates(*words.split(" ")) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("rmi ", ["127.0.0.1:5000/box:v1", "busybox:latest"]),
        ("rmi -f busybox b", ["busybox:latest"]),
        ("run --rm b", ["busybox:latest"]),
        ("run --hostname x b", ["busybox:latest"]),
        ("run --hostname b", []),
        ("image inspect -- b", ["busybox:latest"]),
        ("history busybox ", []),
        ("diff w", ["written"]),
        ("cp w", ["written:", ":files"]),
        ("volume rm ", ["data"]),
        ("inspect ", ["written", "127.0.0.1:5000/box:v1", "busybox:latest", "data"]),
        ("run -v d", ["data:", ":files"]),
    ],
)
def test_names(root: Path, words: str, expected: list[str]) -> None:
    assert candidates("--root", str(root), *words.split(" ")) == expected


def test_without_a_daemon_there_are_no_names_and_none_is_started(tmp_path: Path) -> None:
    for command in ("rmi", "diff", "volume rm"):
        assert candidates("--root", str(tmp_path / "none"), *command.split(), "") == []
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    assert candidates("--root", str(tmp_path / "file"), "volume", "rm", "") == []


# --- bash


def in_bash(root: Path, line: str, cwd: Path) -> list[str]:
    """Return what bash would offer at the end of a line: its function called as bash calls it."""
    script = f"""
    source <({LABCORE} completion bash)
    compopt() {{ :; }}  # works only within a completion
    COMP_LINE=$1 COMP_POINT=${{#1}}
    _labcore
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = os.environ | {"LABCORE_ROOT": str(root)}
    command = ["bash", "--norc", "-c", script, "bash", line.replace("labcore", str(LABCORE), 1)]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return [word for word in done.stdout.splitlines() if word]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("labcore im", ["image", "images", "import"]),
        ("labcore image r", ["rm"]),
        ("labcore rmi bus", ["busybox:latest"]),
        ("labcore rmi busybox:", ["latest"]),
        ("labcore rmi 127.0.0.1:5000/b", ["5000/box:v1"]),
        ("labcore rmi --force=", ["true", "false"]),
        ("labcore volume rm ", ["data"]),
        ("labcore load -i ", ["a file.tar"]),
        ("labcore import a", ["a file.tar"]),
    ],
)
def test_bash(root: Path, tmp_path: Path, line: str, expected: list[str]) -> None:
    (tmp_path / "a file.tar").touch()
    assert in_bash(root, line, tmp_path) == expected


def typed(shell: list[str], lines: list[str], until: str, environment: dict[str, str], cwd: Path) -> str:
    """Type into an interactive shell, and return all that it has shown up to a text, or what it showed in 20 seconds."""
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(cwd)
        os.execvpe(shell[0], shell, os.environ | environment)
    shown = b""
    try:
        for line in lines:
            time.sleep(0.3)
            os.write(terminal, line.encode())
            deadline = time.monotonic() + 20
            wanted = until if line is lines[-1] else "ready>"
            while wanted.encode() not in shown and time.monotonic() < deadline:
                if select.select([terminal], [], [], 0.5)[0]:
                    shown += os.read(terminal, 4096)
            shown = shown if line is lines[-1] else b""
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)
    return shown.decode(errors="replace")


def test_bash_as_one_types_in_it(root: Path, tmp_path: Path) -> None:
    """A tab behind a name with colons completes it, also where the command is called by its path."""
    environment = {"LABCORE_ROOT": str(root), "PS1": "ready>", "TERM": "dumb", "PATH": f"{LABCORE.parent}:{os.environ['PATH']}"}
    lines = ["source <(labcore completion bash); PS1='rea''dy>'\n", "labcore rmi 127.0.0.1:5000/b\t"]
    assert "127.0.0.1:5000/box:v1 " in typed(["bash", "--norc", "-i"], lines, "box:v1 ", environment, tmp_path)


# --- zsh and fish


def test_zsh_as_one_types_in_it(root: Path, tmp_path: Path) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("needs zsh, which is not installed")
    environment = {"LABCORE_ROOT": str(root), "PATH": f"{LABCORE.parent}:{os.environ['PATH']}", "TERM": "dumb"}
    setup = "autoload -U compinit; compinit -u -D; source <(labcore completion zsh); PS1='rea''dy>'\n"
    shell = ["zsh", "-f", "-i"]
    assert "box:v1 " in typed(shell, [setup, "labcore rmi 127\t"], "box:v1 ", environment, tmp_path)
    assert "Manage images" in typed(shell, [setup, "labcore im\t\t"], "Manage images", environment, tmp_path)


@pytest.fixture
def fish(root: Path) -> Callable[[str], list[str]]:
    if shutil.which("fish") is None:
        pytest.skip("needs fish, which is not installed")

    def completed(line: str) -> list[str]:
        environment = os.environ | {"LABCORE_ROOT": str(root), "PATH": f"{LABCORE.parent}:{os.environ['PATH']}"}
        script = "labcore completion fish | source; complete -C $argv[1]"
        command = ["fish", "--no-config", "-c", script, line]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        return [row.partition("\t")[0] for row in done.stdout.splitlines()]

    return completed


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("labcore im", ["image", "images", "import"]),
        ("labcore rmi 127", ["127.0.0.1:5000/box:v1"]),
        ("labcore volume rm ", ["data"]),
        ("labcore rmi --fo", ["--force"]),
        ("labcore load -i /etc/hostn", ["/etc/hostname"]),
    ],
)
def test_fish(fish: Callable[[str], list[str]], line: str, expected: list[str]) -> None:
    assert fish(line) == expected

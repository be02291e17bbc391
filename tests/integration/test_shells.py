"""Shells in the lab: login or not, each finds `labcore`, `python` with the package, and `my_runtime.py`."""

import asyncio
import json
import shutil
import sys
import urllib.request
from pathlib import Path

import pytest
from ptyprocess import PtyProcess
from tornado.websocket import websocket_connect

from labcore.lab.jupyter import jupyter_lab
from labcore.lab.shells import shell_settings
from tests.conftest import alone, needs_root

BIN = str(Path(sys.executable).parent)
ASK = "command -v labcore; python my_runtime.py; echo end-of'-'it\n"
PROGRAM = "import labcore, sys\nprint('package', labcore.__file__, sys.argv[0])\n"
SHELLS = [["bash", "-l"], ["bash"], ["sh", "-l"], ["sh"], ["dash", "-l"], ["dash", "-i"], ["zsh", "-l"], ["zsh"]]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "my work"
    (folder / "zh").mkdir(parents=True)
    (folder / "my_runtime.py").write_text(PROGRAM)
    return folder


def is_right(said: str) -> bool:
    return f"{BIN}/labcore" in said and f"package {Path(__file__).parent.parent.parent / 'labcore'}" in said


def answer(command: list[str], environment: dict[str, str], directory: Path) -> str:
    """Return what an interactive shell on a terminal says to what is typed."""
    shell = PtyProcess.spawn(command, cwd=str(directory), env=environment, dimensions=(40, 200))
    shell.write(ASK.encode() + b"exit\n")
    said = b""
    try:
        while chunk := shell.read(4096):
            said += chunk
    except EOFError:
        shell.close()
    return said.decode(errors="replace")


@pytest.mark.parametrize("folder", ["", "zh"])
@pytest.mark.parametrize("command", SHELLS, ids=" ".join)
def test_a_shell_finds_everything(command: list[str], folder: str, work: Path, tmp_path: Path) -> None:
    if not shutil.which(command[0]):
        pytest.skip(f"no {command[0]} here")
    home = tmp_path / "home"
    home.mkdir()
    (home / ".zshrc").write_text("echo own-zshrc\n")
    (home / ".bashrc").write_text("echo own-bashrc\n")
    environment = {"HOME": str(home), "TERM": "dumb", "PATH": "/usr/bin:/bin", **shell_settings(tmp_path / "state", work)}
    said = answer(command, environment, work / folder)
    assert is_right(said), said
    if command[0] == "zsh" or command == ["bash"]:
        assert f"own-{command[0]}rc" in said, "a user's own files are read too"


def test_a_learner_may_go_where_he_likes(work: Path, tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "TERM": "dumb", "PATH": "/usr/bin", **shell_settings(tmp_path / "state", work)}
    shell = PtyProcess.spawn(["bash", "-l"], cwd=str(work), env=environment)
    shell.write(b"cd zh\necho; pwd\nexit\n")
    said = b""
    try:
        while chunk := shell.read(4096):
            said += chunk
    except EOFError:
        shell.close()
    assert f"\n{work}/zh\r" in said.decode()


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/sh"])
def test_jupyterlabs_own_terminal_finds_everything(
    shell: str, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_root()
    monkeypatch.setenv("SHELL", shell)
    state = tmp_path / "root" / "lab"
    with alone("jupyter") as port, jupyter_lab(work, state, ip="127.0.0.1", lesson="x.ipynb") as (url, _):
        port.close()
        said = asyncio.run(_in_terminal(url, "zh"))
    assert is_right(said), said


async def _in_terminal(url: str, directory: str) -> str:
    """Open a terminal by the API that JupyterLab uses, in a folder, and return what it says to what is typed."""
    address, _, token = url.partition("/lab/tree/x.ipynb?token=")
    body = json.dumps({"cwd": directory}).encode()
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/api/terminals", body, headers)
    with urllib.request.urlopen(request) as response:
        name = json.load(response)["name"]
    socket = await websocket_connect(f"{address.replace('http', 'ws', 1)}/terminals/websocket/{name}?token={token}")
    await socket.write_message(json.dumps(["stdin", ASK.replace("\n", "\r")]))
    said = ""
    while "end-of-it" not in said:
        message = await asyncio.wait_for(socket.read_message(), 20)
        kind, *texts = json.loads(message or "[]")
        said += texts[0] if kind == "stdout" else ""
    socket.close()
    return said

"""JupyterLab on loopback, with all its files in the state root and the working copy."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labcore.errors import LabcoreError
from labcore.lab.shells import shell_settings
from labcore.runtime import Plan, ops, spawn

# JupyterLab's own names for the sizes of its type; a room's last row reads these.
LARGE_TYPE = {"overrides": {"code-font-size": "20px", "content-font-size1": "22px", "ui-font-size1": "16px"}}
KERNEL_CONFIG = """c.InteractiveShellApp.extensions = ["labcore.lab.notebook"]
c.InteractiveShell.automagic = False
"""
# What an exported page shows of an output: of a widget its static form, for the page has no kernel to ask.
EXPORT = {"NbConvertBase": {"display_data_priority": [
    "text/html", "text/markdown", "image/svg+xml", "text/latex", "image/png", "image/jpeg", "text/plain",
]}}  # fmt: skip
# JupyterLab breaks a long line of an output in the middle of a word, by a rule that it adds after ours: ours is more specific.
STYLE = """\
.jp-OutputArea .jp-OutputArea-output pre { word-break: normal; overflow-wrap: anywhere; }
.jp-OutputArea .jp-OutputArea-output { overflow-wrap: break-word; }
.jp-OutputArea-child + .jp-OutputArea-child { margin-top: 0.4em; }
"""
FIRST_PORT = 8888
START_SECONDS = 60


class LabFailed(LabcoreError):
    """JupyterLab did not come up."""


@contextmanager
def jupyter_lab(
    directory: Path, state: Path, *, ip: str, lesson: str, large: bool = False
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Start JupyterLab in `directory`; yield the URL of a lesson, once the server answers, and the server's process.

    With `large` it shows large type. Its settings, its log and its runtime files lie in `state`. It ends, with its kernels,
    when the `with` does.
    Raises LabFailed with the end of its log.
    """
    state.mkdir(parents=True, exist_ok=True)
    _loopback_up()
    port, token = _free_port(ip), secrets.token_hex(16)
    log = state / "jupyter.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [*_command(state, large), f"--ServerApp.ip={ip}", f"--ServerApp.port={port}"],
            cwd=directory,
            env=os.environ | kernel_settings(state) | _ours(directory, state.parent) | {"JUPYTER_TOKEN": token},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        address = f"http://{'127.0.0.1' if ip == '0.0.0.0' else ip}:{port}"
        _await(server, f"{address}/api/status?token={token}", log)
        yield f"{address}/lab/tree/{lesson}?token={token}", server
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _command(state: Path, large: bool) -> list[str]:
    settings, user = state / "settings", _user_settings(state, large)
    settings.mkdir(exist_ok=True)
    overrides = {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
        # The whole lesson is drawn at once: cells that appear while one scrolls make the page jump.
        # A line of code that is too long goes on below: what is cut off at the right is overlooked.
        "@jupyterlab/notebook-extension:tracker": {
            "windowingMode": "none",
            "codeCellConfig": {"lineNumbers": False, "lineWrap": True},
        },
    }
    (settings / "overrides.json").write_text(json.dumps(overrides), encoding="utf-8")
    config = Path(_environment(state)["JUPYTER_CONFIG_DIR"])
    (config / "custom").mkdir(parents=True, exist_ok=True)
    (config / "custom" / "custom.css").write_text(STYLE, encoding="utf-8")
    (config / "jupyter_server_config.json").write_text(json.dumps(EXPORT), encoding="utf-8")
    return [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.open_browser=False",
        "--ServerApp.port_retries=0", f"--LabApp.app_settings_dir={settings}", f"--LabApp.user_settings_dir={user}",
        f"--LabApp.workspaces_dir={state / 'workspaces'}", "--LabApp.custom_css=True",
    ]  # fmt: skip


def _user_settings(state: Path, large: bool) -> Path:
    """Return the folder of a reader's own settings; that of a demonstration is another, and begins with large type."""
    folder = state / ("demo" if large else "user")
    if large:
        themes = folder / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
        themes.parent.mkdir(parents=True, exist_ok=True)
        themes.write_text(json.dumps(LARGE_TYPE), encoding="utf-8")
    return folder


def kernel_settings(state: Path) -> dict[str, str]:
    """Let each kernel load labcore as it starts, so that it answers in one line after a restart; return its environment."""
    environment = _environment(state)
    profile = Path(environment["IPYTHONDIR"], "profile_default")
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(KERNEL_CONFIG, encoding="utf-8")
    return environment


def _environment(state: Path) -> dict[str, str]:
    """Keep Jupyter from reading or writing a user's own configuration."""
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR")
    return {name: str(state / name.lower()) for name in names}


def _ours(work: Path, root: Path) -> dict[str, str]:
    """Let kernels and terminals work in this folder and under this state root, whatever the caller's own environment says."""
    return {"LABCORE_WORK": str(work), "LABCORE_ROOT": str(root), **shell_settings(root / "lab", work)}


def _loopback_up() -> None:
    """Switch on the loopback interface where it is off (in a new network namespace): everything here talks over it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        try:
            socket.create_connection(listener.getsockname(), timeout=2).close()
        except OSError:
            with spawn(Plan([ops.Clone(), ops.LinkUp("lo")])) as process:
                process.wait()


def _free_port(ip: str) -> int:
    for port in range(FIRST_PORT, FIRST_PORT + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ip, port))
            except OSError:
                continue
            return port
    raise LabFailed(f"no free port from {FIRST_PORT} on at {ip}: end another JupyterLab")


def _await(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(START_SECONDS * 10):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])
    raise LabFailed(f"JupyterLab did not answer within {START_SECONDS} s; its last words:\n{tail}")

"""Start of a daemon in the background, for a command that found none: it ends by itself when nobody needs it any more."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from labcore.cli.notices import notify
from labcore.client.connection import NobodyListens, connected
from labcore.client.hosts import unix_host
from labcore.errors import Unavailable
from labcore.locks import Lock
from labcore.paths import default_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

IDLE_SECONDS: Final = 600  # without requests and running containers
START_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.01
LOG_NAME: Final = "daemon.log"
PING: Final = b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"
LOG_LINES: Final = 5  # of a daemon that has not come up


def start_daemon(root: Path | None, socket: str) -> None:
    """Start the daemon of a state root, and return when it answers. One that somebody else starts meanwhile serves as well.

    Raises Unavailable if it does not come up, with the end of its log.
    """
    root = root.absolute() if root else default_root()
    root.mkdir(mode=0o711, parents=True, exist_ok=True)
    log = root / LOG_NAME
    with Lock(log, os.O_CREAT | os.O_NOFOLLOW).acquire(timeout_seconds=START_SECONDS, what=f"the log of a daemon, {log},"):
        if _answers(socket):
            return
        _wait(_spawn(root, socket, log), socket, log)
    notify(f"a daemon has been started; it ends after {IDLE_SECONDS // 60} idle minutes, or by: {_stop_command(root)}")


def _spawn(root: Path, socket: str, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "labcore", "--root", str(root), "daemon", "--host", f"unix://{socket}"]
    with log.open("wb") as output:
        return subprocess.Popen(
            [*command, "--idle-exit", str(IDLE_SECONDS)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,  # Ctrl-C at this terminal is not for it
        )


def _wait(daemon: subprocess.Popen[bytes], socket: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(socket):
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise Unavailable(_failure(log))
        time.sleep(POLL_SECONDS)


def _failure(log: Path) -> str:
    """Return why a daemon has not come up: what it has said last, or else the end of its log."""
    text = log.read_text(encoding="utf-8", errors="replace")
    _, begun, error = text.rstrip().rpartition("labcore: ")
    if begun and error.count("\n") < LOG_LINES:
        return f"the daemon does not come up: {error}"
    return "\n".join(["the daemon does not come up; its log ends with:", *text.splitlines()[-LOG_LINES:], f"  cure: see {log}"])


def _answers(socket: str) -> bool:
    """Return whether a daemon answers: one that listens may still find that it cannot serve this state root, and end."""
    try:
        with closing(connected(unix_host(socket))) as connection:
            connection.set_timeout(START_SECONDS)
            connection.write(PING)
            return bool(connection.read())
    except (NobodyListens, BrokenPipeError, ConnectionResetError):
        return False


def _stop_command(root: Path) -> str:
    return "labcore daemon stop" if root == default_root() else f"labcore --root {root} daemon stop"

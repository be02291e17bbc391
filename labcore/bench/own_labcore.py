"""labcore's own daemon for a benchmark: that of a state root, which the root's commands find."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from labcore.bench.peers import PeerFailed
from labcore.paths import daemon_socket
from labcore.unix_sockets import channel, connect

START_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.01


@contextmanager
def own_labcore(root: Path) -> Iterator[int]:
    """Run the daemon of a state root while the block lasts; yield its process's number. Raises PeerFailed."""
    root.mkdir(parents=True, exist_ok=True)
    log = root / "daemon.log"
    with log.open("wb") as output:
        command = [sys.executable, "-P", "-m", "labcore", "--root", str(root), "daemon"]
        daemon = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _await(daemon, daemon_socket(root), log)
        yield daemon.pid
    finally:
        daemon.terminate()
        daemon.wait()


def _await(daemon: "subprocess.Popen[bytes]", socket: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(socket):
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise PeerFailed(f"labcore daemon: {log.read_text(encoding='utf-8', errors='replace')[-400:]}")
        time.sleep(POLL_SECONDS)


def _answers(socket: str) -> bool:
    with channel() as connection:
        try:
            connect(connection, socket)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

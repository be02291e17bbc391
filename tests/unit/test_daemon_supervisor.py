"""The supervisor of a lesson's daemon, with a daemon that does not end."""

import signal
import subprocess
from pathlib import Path

import pytest

from labcore.lab import daemon_supervisor
from labcore.lab.daemon_supervisor import LessonDaemon

DEAF = "trap '' TERM; echo deaf; while :; do sleep 1; done"


def test_a_daemon_that_does_not_end_is_named_and_killed_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_supervisor, "END_SECONDS", 0.1)
    daemon = LessonDaemon(tmp_path, f"{tmp_path}/s", [])
    with subprocess.Popen(["sh", "-c", DEAF], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"deaf\n"
        daemon._process = process
        said = daemon.end(signal.SIGTERM)
        assert said.startswith(f"- process {process.pid} has not ended 0.1 s after SIGTERM: kill -KILL {process.pid}")
        assert str(tmp_path / "daemon.log") in said
        daemon.end_at_last()
        assert process.poll() == -signal.SIGKILL

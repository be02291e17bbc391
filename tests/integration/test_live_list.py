"""The live list of all containers, `labcore top`: at a terminal, and where its output is piped."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.client import connect
from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon
from tests.terminals import at_a_terminal

LABCORE = str(Path(sys.executable).with_name("labcore"))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("live") / "root") as found:
        with connect(found.url) as client:
            client.containers.start(client.containers.create(image="busybox", command=("sleep", "1000"), name="web"))
        yield found


def test_keys_choose_pause_and_quit_and_the_terminal_is_left_as_it_was(daemon: RunningDaemon) -> None:
    with at_a_terminal([LABCORE, "-H", daemon.url, "top"]) as terminal:
        terminal.until("\x1b[?1049h")
        terminal.until("NAME")
        terminal.until("web")
        terminal.until("q quit")
        terminal.type("p")
        terminal.until("(Paused)")
        terminal.until("pause")  # the event
        terminal.type("p")
        terminal.until("unpause")
        terminal.type("q")
        terminal.until("\x1b[?25h\x1b[?1049l")
        assert terminal.wait() == 0


def test_no_line_is_wider_than_the_terminal(daemon: RunningDaemon) -> None:
    with at_a_terminal([LABCORE, "-H", daemon.url, "top"]) as terminal:
        terminal.until("\x1b[H")
        drawing = terminal.until("q quit")
        terminal.type("q")
        assert terminal.wait() == 0
    plain = drawing.replace("\x1b[K", "").replace("\x1b[7m", "").replace("\x1b[2m", "").replace("\x1b[32m", "")
    lines = plain.replace("\x1b[m", "").split("\r\n")
    assert len(lines) == 24
    assert max(map(len, lines)) <= 80


def test_without_a_terminal_they_are_printed_once(daemon: RunningDaemon) -> None:
    done = subprocess.run([LABCORE, "-H", daemon.url, "top"], capture_output=True, text=True, timeout=60, check=True)
    head, line = done.stdout.splitlines()
    assert head.split()[:3] == ["NAME", "STATUS", "CPU"]
    assert line.split()[0] == "web"
    assert line.split()[-1] == "busybox"

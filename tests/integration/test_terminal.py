"""Containers at a terminal, through a daemon: raw mode, size, detach keys, Ctrl-C, and a client that is stopped."""

import os
import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from labcore.engine import Engine
from tests.daemon import RunningDaemon
from tests.terminals import Terminal, at_a_terminal

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def name(served: RunningDaemon) -> Iterator[str]:
    """A name that no container has; what gets it is removed afterwards."""
    chosen = f"terminal-{os.urandom(4).hex()}"
    yield chosen
    served.docker("rm", "-f", chosen, status=None)


@contextmanager
def labcore(engine: Engine, *words: str) -> Iterator[Terminal]:
    with at_a_terminal([sys.executable, "-P", "-m", "labcore", "--root", str(engine.root), *words]) as terminal:
        yield terminal


def is_raw(terminal: Terminal) -> bool:
    return not termios.tcgetattr(terminal.master)[3] & termios.ICANON


def test_keys_size_and_exit_code(engine: Engine, name: str) -> None:
    with labcore(engine, "run", "-it", "--name", name, "busybox", "sh") as terminal:
        terminal.until("/ # ")
        terminal.type("stty size\n")
        terminal.until("24 80")
        terminal.resize(50, 132)
        while not terminal.has("stty size\n", "50 132"):
            pass
        terminal.type("sh -c 'echo sle''eps; exec sleep 600'\n")
        terminal.until("sleeps")
        assert is_raw(terminal)
        terminal.type("\x03")  # to the program: it is not the client that ends
        terminal.until("/ # ")
        terminal.type("echo st''atus $?\n")
        terminal.until("status 130")
        terminal.type("exit 5\n")
        assert terminal.wait() == 5
        assert not is_raw(terminal)


def test_detach_keys_leave_it_running(engine: Engine, served: RunningDaemon, name: str) -> None:
    with labcore(engine, "run", "-it", "--rm", "--name", name, "busybox", "sh") as terminal:
        terminal.until("/ # ")
        terminal.type("\x10\x11")
        terminal.until("read escape sequence")
        assert terminal.wait() == 0
        assert not is_raw(terminal)
    with labcore(engine, "attach", "--detach-keys", "x,ctrl-a,y", name) as terminal:
        while not terminal.has("xecho again\n", "again"):  # what is typed before it is attached may be lost
            pass
        terminal.type("x\x01y")
        terminal.until("read escape sequence")
        assert terminal.wait() == 1
    with labcore(engine, "exec", "-it", name, "sh") as terminal:
        terminal.until("/ # ")
        terminal.type("stty size\n")
        terminal.until("24 80")
        terminal.type("\x10\x11")
        terminal.until("read escape sequence")
        assert terminal.wait() == 1
    assert served.docker("inspect", "-f", "{{.State.Status}}", name).stdout == "running\n"


def test_start_and_attach_give_the_terminal_back(engine: Engine, served: RunningDaemon, name: str) -> None:
    served.docker("create", "-it", "--name", name, "busybox", "sh")
    with labcore(engine, "start", "-ai", name) as terminal:
        terminal.until("/ # ")
        terminal.type("\x10\x11")
        terminal.until("read escape sequence")
        assert terminal.wait() == 0
    with labcore(engine, "attach", name) as terminal:
        while not terminal.has("stty size\n", "24 80"):
            pass
        terminal.type("exit 4\n")
        assert terminal.wait() == 4


def test_ctrl_c_once_and_twice(engine: Engine, name: str) -> None:
    script = "trap 'echo goes on' INT; echo ready; while :; do sleep .05; done"
    with labcore(engine, "run", "--rm", "--name", name, "busybox", "sh", "-c", script) as terminal:
        terminal.until("ready")
        assert not is_raw(terminal)
        terminal.type("\x03")
        terminal.until("goes on")
        terminal.type("\x03")
        assert terminal.wait() == 137


def test_a_client_is_stopped_and_goes_on(engine: Engine, name: str) -> None:
    """Ctrl-Z stops the client, not the container; with a terminal of its own it is in raw mode again when it goes on."""
    with labcore(engine, "run", "--rm", "--name", name, "busybox", "sh", "-c", "echo ready; sleep 1; echo done") as terminal:
        terminal.until("ready")
        terminal.process.send_signal(signal.SIGSTOP)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.until("done")
        assert terminal.wait() == 0
    with labcore(engine, "run", "--rm", "-it", "--name", name, "busybox", "sh") as terminal:
        terminal.until("/ # ")
        terminal.process.send_signal(signal.SIGSTOP)
        settings = termios.tcgetattr(terminal.master)
        settings[3] |= termios.ICANON | termios.ECHO  # as a shell sets it that is in the foreground meanwhile
        termios.tcsetattr(terminal.master, termios.TCSANOW, settings)
        assert not is_raw(terminal)
        terminal.process.send_signal(signal.SIGCONT)
        while not is_raw(terminal):
            pass
        terminal.type("exit 6\n")
        assert terminal.wait() == 6


def test_a_client_that_is_killed_restores_the_terminal(engine: Engine, name: str) -> None:
    with labcore(engine, "run", "--rm", "-it", "--name", name, "busybox", "sh") as terminal:
        terminal.until("/ # ")
        assert is_raw(terminal)
        terminal.process.kill()
        terminal.process.wait()
        while is_raw(terminal):
            pass


def test_a_terminal_has_its_size_from_the_start(engine: Engine, name: str) -> None:
    with labcore(engine, "run", "--rm", "-t", "--name", name, "busybox", "stty", "size") as terminal:
        assert terminal.wait() == 0
        assert terminal.seen == "24 80\r\r\n"

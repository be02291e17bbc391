"""Docker and compose at a terminal: sizes, keys, signals, what is followed; what each step has come to is told as JSON."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

WAIT_SECONDS = 60
COLOURS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r|\x00")
PROJECT = {
    "name": "term",
    "services": {
        "talks": {
            "image": "busybox",
            "command": ["sh", "-c", "trap 'echo stopping; exit 4' TERM; echo begins; while :; do sleep 0.1; done"],
        },
        "deaf": {"image": "busybox", "command": "sleep 1000", "stop_grace_period": "1s"},
    },
}


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, *words: str, rows: int = 24, columns: int = 80, folder: str | None = None) -> None:
        self._pid, self._terminal = pty.fork()
        if not self._pid:
            if folder:
                os.chdir(folder)
            # The size is there before the command begins.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvp(words[0], words)
        self.words = words
        self.text = b""
        self._read = 0

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, pattern: str) -> str:
        """Read on until a pattern stands in what has come since the last one; return its first group, or all of it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            fresh = self.rest()
            if found := re.search(pattern, fresh):
                self._read += found.end()
                return found[1] if found.re.groups else found[0]
            if time.monotonic() > deadline or not self._more(deadline):
                self.kill()
                sys.exit(f"{self.words}: {pattern!r} has not come, but {fresh!r}")

    def status(self) -> int:
        """Return the exit status, when all has been read."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self._more(deadline):
            pass
        if time.monotonic() > deadline:
            self.kill()
            sys.exit(f"{self.words} does not end, after {self.text!r}")
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def rest(self) -> str:
        """Return what has come since the last pattern."""
        return COLOURS.sub("", self.text.decode(errors="replace"))[self._read :]

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def _more(self, deadline: float) -> bool:
        if not select.select([self._terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        with suppress(OSError):  # EIO: nobody has it open any more
            if piece := os.read(self._terminal, 65536):
                self.text += piece
                return True
        return False


def docker(*words: str, folder: str | None = None) -> str:
    done = subprocess.run(["docker", *words], cwd=folder, capture_output=True, text=True, check=False)
    return f"{done.stdout.strip()}{f' [{done.returncode}]' if done.returncode else ''}"


def until_state(name: str, state: str) -> str:
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := docker("inspect", "-f", "{{.State.Status}}", name)) != state and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def sizes_and_signals() -> object:
    shell = Terminal("docker", "run", "--rm", "-it", "--name", "t-shell", "busybox", "sh", rows=31, columns=101)
    shell.until("# ")
    told = [ask(shell, "stty size", r"\n(\d+ \d+)")]
    shell.type("(trap 'stty size; exit' WINCH; echo waits; while :; do sleep 0.1; done)\n")
    shell.until("\nwaits")
    shell.resize(42, 142)
    told.append(shell.until(r"\n(\d+ \d+)"))
    shell.until("# ")
    shell.type("sleep 1000\n")
    shell.until("sleep 1000\n")
    time.sleep(1)  # until the shell has given the terminal away
    shell.type("\x03")
    shell.until("# ")
    told.append(ask(shell, "echo status $?", r"\nstatus (\d+)"))
    shell.type("exit 7\n")
    return [*told, shell.status(), docker("inspect", "-f", "{{.Name}}", "t-shell")]


def ask(shell: Terminal, line: str, pattern: str) -> str:
    shell.type(f"{line}\n")
    found = shell.until(pattern)
    shell.until("# ")
    return found


def detached_and_attached_again() -> object:
    run = Terminal("docker", "run", "-it", "--name", "t-detach", "busybox", "sh", "-c", "echo up; exec cat")
    run.until("up\n")
    run.type("a\x10b\n")  # what does not become the keys is typed
    told: list[object] = [run.until(r"a(.*b)\n")]
    run.type("\x10\x11")
    told += [run.status(), until_state("t-detach", "running")]
    again = Terminal("docker", "attach", "--detach-keys", "ctrl-a,d", "t-detach", rows=33, columns=103)
    time.sleep(1)  # an attach says nothing when it is there
    again.type("second\n")
    again.until("second\nsecond\n")
    told.append(docker("exec", "t-detach", "stty", "size", "-F", "/proc/1/fd/0"))
    again.type("\x01d")
    told += [again.status(), again.rest()]
    last = Terminal("docker", "attach", "t-detach")
    time.sleep(1)
    last.type("last\n")
    last.until("last\nlast\n")
    last.type("\x04")
    told += [last.status(), until_state("t-detach", "exited"), docker("logs", "t-detach").count("second")]
    started = Terminal("docker", "start", "-ai", "t-detach")
    started.until("up\n")
    docker("kill", "t-detach")
    return [*told, started.status(), docker("rm", "-f", "t-detach")]


def executions() -> object:
    docker("run", "-d", "--name", "t-exec", "busybox", "sleep", "1000")
    shell = Terminal("docker", "exec", "-it", "--detach-keys", "x,y", "t-exec", "sh", rows=35, columns=105)
    shell.until("# ")
    told: list[object] = [ask(shell, "stty size", r"\n(\d+ \d+)"), ask(shell, "tty", r"\n(/dev/\S+)")]
    shell.resize(45, 145)
    time.sleep(1)
    told.append(ask(shell, "stty size", r"\n(\d+ \d+)"))
    shell.type("xy")
    told += [shell.status(), docker("top", "t-exec", "-eo", "args").count("\nsh")]
    shell = Terminal("docker", "exec", "-it", "t-exec", "sh")
    shell.until("# ")
    shell.type("exit 9\n")
    told.append(shell.status())
    shell = Terminal("docker", "exec", "-it", "t-exec", "sh", "-c", "echo up; exec cat")
    shell.until("up\n")
    docker("stop", "-t", "0", "t-exec")
    return [*told, shell.status(), docker("rm", "t-exec")]


def signals_without_a_terminal() -> object:
    """The command's own terminal sends it a signal, which it sends on."""
    script = "trap 'echo int; exit 5' INT; echo up; while :; do sleep 0.1; done"
    run = Terminal("docker", "run", "--rm", "busybox", "sh", "-c", script)
    run.until("up\n")
    run.type("\x03")
    told: list[object] = [run.until(r"int\n"), run.status()]
    run = Terminal(
        "docker", "run", "--rm", "--sig-proxy=false", "--name", "t-deaf", "busybox", "sh", "-c", "echo up; sleep 1000"
    )
    run.until("up\n")
    run.type("\x03")
    time.sleep(1)
    told += [until_state("t-deaf", "running"), docker("rm", "-f", "t-deaf"), run.status()]
    run = Terminal("docker", "run", "--rm", "-it", "--name", "t-killed", "busybox", "sh", "-c", "echo up; sleep 1000")
    run.until("up\n")
    docker("kill", "t-killed")
    return [*told, run.status()]


def followed() -> object:
    """Streams that end at Ctrl-C."""
    script = "echo first; i=0; while :; do i=$((i+1)); echo line $i; sleep 0.2; done"
    docker("run", "-d", "--name", "t-follow", "busybox", "sh", "-c", script)
    told: list[object] = []
    for words, patterns in (
        (("logs", "-f", "t-follow"), ("first\n", r"line 3\n", r"line \d+\n")),
        (("stats", "--format", "{{.Name}} {{.PIDs}}"), ("t-follow 2", "t-follow 2")),
    ):
        stream = Terminal("docker", *words)
        for pattern in patterns:
            stream.until(pattern)
        stream.type("\x03")
        told.append([words, stream.status()])
    stream = Terminal("docker", "stats", "--format", "{{.Name}}")
    stream.until("t-follow")
    docker("run", "-d", "--name", "t-later", "busybox", "sleep", "1000")
    stream.until("t-later")
    docker("rm", "-f", "t-later")
    time.sleep(3)
    stream.until("t-follow")
    stream.type("\x03")
    told.append(stream.status())
    stream = Terminal("docker", "logs", "-f", "--tail", "0", "t-follow")
    stream.until(r"line \d+\n")
    docker("rm", "-f", "t-follow")
    return [*told, stream.status()]


def composed() -> object:
    told: list[object] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "term")
        folder.mkdir()
        (folder / "compose.yaml").write_text(json.dumps(PROJECT))
        events = subprocess.Popen(
            ["docker", "events", "--filter", "label=com.docker.compose.project=term", "--format", "{{json .}}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        time.sleep(1)
        try:
            told += attached(str(folder))
            told += one_off(str(folder))
        finally:
            told.append(docker("compose", "down", "-t", "0", "-v", folder=str(folder)))
            time.sleep(1)
            events.terminate()
        assert events.stdout
        seen = Counter(map(event, events.stdout))
        told.append(sorted((each, count) for each, count in seen.items() if not each.startswith("container resize")))
    return told


def attached(folder: str) -> list[object]:
    up = Terminal("docker", "compose", "up", folder=folder, columns=120)
    up.until(r"talks-1\s+\| begins")
    logs = Terminal("docker", "compose", "logs", "-f", folder=folder, columns=120)
    logs.until(r"talks-1\s+\| begins")
    up.type("\x03")
    told: list[object] = [up.until("Gracefully [sS]topping"), up.status()]
    told.append(docker("compose", "ps", "-a", "--format", "{{.Service}} {{.State}} {{.ExitCode}}", folder=folder))
    told.append(logs.until(r"talks-1\s+\| stopping"))
    up = Terminal("docker", "compose", "up", folder=folder, columns=120)
    up.until(r"talks-1\s+\| begins")
    logs.type("\x03")
    told.append(logs.status())
    docker("stop", "-t", "0", "term-deaf-1")
    told.append(up.until(r"deaf-1 exited with code \d+"))
    up.type("\x03")
    told.append(up.status())
    up = Terminal("docker", "compose", "up", "--abort-on-container-exit", folder=folder, columns=120)
    up.until(r"talks-1\s+\| begins")
    docker("kill", "term-deaf-1")
    told += [up.until(r"deaf-1 exited with code \d+"), up.status()]
    return told


def one_off(folder: str) -> list[object]:
    docker("compose", "up", "-d", folder=folder)
    shell = Terminal("docker", "compose", "exec", "deaf", "sh", folder=folder, rows=37, columns=107)
    shell.until("# ")
    told: list[object] = [ask(shell, "stty size", r"\n(\d+ \d+)")]
    shell.type("exit 8\n")
    told.append(shell.status())
    shell = Terminal("docker", "compose", "run", "--rm", "deaf", "sh", folder=folder, rows=38, columns=108)
    shell.until("# ")
    told.append(ask(shell, "stty size", r"\n(\d+ \d+)"))
    shell.type("exit 6\n")
    told.append(shell.status())
    attach = Terminal("docker", "compose", "attach", "talks", folder=folder)
    time.sleep(1)
    docker("compose", "stop", "talks", folder=folder)
    told += [attach.until("stopping"), attach.status()]
    return told


def event(line: str) -> str:
    read = json.loads(line)
    attributes = read["Actor"]["Attributes"]
    extra = [attributes[name] for name in ("exitCode", "signal") if name in attributes]
    name = re.sub("run-[0-9a-f]+", "run", attributes.get("name", ""))
    return " ".join([read["Type"], read["Action"], name, *extra])


STEPS = (sizes_and_signals, detached_and_attached_again, executions, signals_without_a_terminal, followed, composed)
print(json.dumps({step.__name__: step() for step in STEPS if not sys.argv[1:] or step.__name__ in sys.argv[1:]}, indent=1))

"""Virtual machine: start, run a command, stop; it dies with its starter."""

import base64
import json
import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from labcore.errors import InvalidInput, LabcoreError
from labcore.vm import qemu
from labcore.vm.console import Console
from labcore.vm.qemu import Hardware
from labcore.vm.timeline import Phase, phases, phases_of_debian

COMMAND_MAX: Final = 2048  # bytes: the guest's serial line drops what it cannot hold
BOOT_TIMEOUT_SECONDS: Final = 60.0  # seconds until the small guest must be there; Debian has its own
PANIC: Final = re.compile(r"Kernel panic - not syncing: (.*)|(initramfs unpacking failed.*)")


class MachineFailed(LabcoreError):
    """A virtual machine did not start, or did not do what it was asked to."""


class Machine:
    """A virtual machine that runs. `run` speaks to the small guest's first process."""

    def __init__(self, console: Console, hardware: Hardware, token: str, control: socket.socket | None) -> None:
        self._console, self._token, self._control = console, token, control
        self._phases: tuple[Phase, ...] | None = None
        self.hardware = hardware
        self.ready_after = 0.0  # seconds from the start of qemu to the first word of the guest's first process
        self._ready_at = 0.0

    @property
    def pid(self) -> int:
        """The number of qemu's process."""
        return self._console.pid

    @property
    def console(self) -> str:
        """All that came over the serial line: the firmware's, the kernel's and the programs' words."""
        return self._console.text()

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._console.ended_at is None

    @property
    def timeline(self) -> tuple[Phase, ...]:
        """The phases of its start. The small guest is asked for its kernel log once."""
        if self._phases is None:
            seen = self._console
            if self.hardware.disk:
                self._phases = phases_of_debian(seen.started_at, seen.firmware, seen.lines, self._ready_at)
            else:
                log = self.run("dmesg") if self.running else ""
                self._phases = phases(seen.started_at, seen.firmware, self._ready_at, log)
        return self._phases

    def run(self, command: str, timeout: float = 30.0) -> str:
        """Have the guest's shell run a command; return what it writes to its output and errors.

        Raises MachineFailed if it ends with another status than 0, or the guest ends; TimeoutError; InvalidInput if the
        command is too long for the line.
        """
        if self.hardware.disk:
            raise InvalidInput("run: only the small guest takes commands; this one has Debian's own first process")
        if len(command.encode()) > COMMAND_MAX:
            raise InvalidInput(f"command: more than {COMMAND_MAX} bytes do not fit on the guest's line: send it in parts")
        self._await(rb"listening", timeout)
        seen = len(self._console.lines)
        self._console.write(base64.b64encode(command.encode()) + b"\n")
        end = self._await(rb"end:(\d+)", timeout, seen)
        said = [line.text for line in self._console.lines[seen:end]]
        start = said.index(self._word(b"begin")) + 1 if self._word(b"begin") in said else 0
        last = self._console.lines[end].text
        before, _, tail = last.rpartition(self._word(b"end:"))  # output without a newline at its end
        output = b"\n".join([*said[start:], before]) if before else b"".join(line + b"\n" for line in said[start:])
        text = output.decode(errors="replace")
        if int(tail):
            raise MachineFailed(f"{command!r} ended with status {int(tail)} in the guest: {_tail(text)}")
        return text

    def stop(self, grace: float = 10.0) -> float:
        """Stop it: ask the guest to shut down, and kill the machine after `grace` seconds. Return the seconds it took."""
        start = time.monotonic()
        if self.running:
            if self._control is not None:
                self._qmp_command("system_powerdown")
            else:
                self._console.write(b"-\n")
            self._console.wait_for(lambda: not self.running, grace)
        self.kill()
        return time.monotonic() - start

    def kill(self) -> None:
        """Kill it; the guest is not asked, and nothing of it is kept."""
        self._console.kill()

    # --- on the way

    def wait_until_ready(self, pattern: bytes, timeout: float) -> None:
        """Wait for a line of the console. Raises MachineFailed with the console's output."""
        found = self._watch(re.compile(pattern), 0)
        if not self._console.wait_for(lambda: found() is not None or not self.running, timeout):
            raise MachineFailed(
                f"the guest was not there after {timeout:.0f} s ({self.hardware.accelerator}); its last words: "
                f"{_tail(self.console) or 'none'}\n  cure: give it more time with timeout=, or another machine type"
            )
        if (at := found()) is None:
            raise self._early_end()
        self._ready_at = self._console.lines[at].at
        self.ready_after = self._ready_at - self._console.started_at

    def _await(self, what: bytes, timeout: float, begin: int = 0) -> int:
        """Wait for a word of the first process; return its line's number."""
        found = self._watch(re.compile(re.escape(self._word(b"")) + what + b"$"), begin)
        if not self._console.wait_for(lambda: found() is not None or not self.running, timeout):
            raise TimeoutError(f"the guest said nothing for {timeout:.0f} s; its last words: {_tail(self.console)}")
        if (at := found()) is None:
            raise self._early_end()
        return at

    def _watch(self, pattern: re.Pattern[bytes], begin: int) -> Callable[[], int | None]:
        """Return a function that returns the number of the first line with the pattern; it looks at each line once."""
        lines, at = self._console.lines, begin

        def found() -> int | None:
            nonlocal at
            while at < len(lines) and not pattern.search(lines[at].text):
                at += 1
            return at if at < len(lines) else None

        return found

    def _word(self, what: bytes) -> bytes:
        return f"labcore:{self._token}:".encode() + what

    def _early_end(self) -> MachineFailed:
        """Return the error of a machine that ended early."""
        if panic := PANIC.search(self.console):
            why, cure = (panic[1] or panic[2]).strip(), "more memory (memory_mb=), or make it anew: `labcore vm setup --update`"
            return MachineFailed(f"the guest panicked: {why}\n  cure: {cure}")
        said = _tail(self._console.errors.decode(errors="replace")) or _tail(self.console) or "nothing"
        return MachineFailed(f"qemu ended with status {self._console.status} before its guest was there; it said: {said}")

    def _qmp_command(self, name: str) -> None:
        """Send qemu a command (QMP), after the handshake, `qmp_capabilities`."""
        assert self._control is not None
        for order in ("qmp_capabilities", name):
            self._control.sendall(json.dumps({"execute": order}).encode() + b"\n")


@contextmanager
def machine(
    hardware: Hardware,
    kernel: Path,
    initrd: Path,
    *,
    words: str = "",
    ready: bytes | None = None,
    timeout: float = BOOT_TIMEOUT_SECONDS,
) -> Iterator[Machine]:
    """Start a machine, wait until its guest is there, and yield it; it is gone when the `with` ends.

    `words` go on the kernel's command line; `ready` is a pattern for the line of the console that ends the start, by default
    the word of the small guest's first process. Raises Unavailable, MachineFailed.
    """
    token = secrets.token_hex(8)
    program = qemu.find_qemu()
    qemu.require_memory(hardware.memory_mb)
    argv = qemu.command(program, hardware, kernel, initrd, f"labcore_token={token} {words}".strip())
    with ExitStack() as undo:
        ours, theirs = socket.socketpair() if hardware.disk else (None, None)
        for end in filter(None, (ours, theirs)):
            undo.enter_context(end)
        reader, writer = os.pipe()
        undo.callback(os.close, reader)
        lent = [writer, *([theirs.fileno()] if theirs else [])]
        try:
            watched = qemu.probes(writer, theirs.fileno() if theirs else None)
            console = Console(qemu.dies_with_parent([*argv, *watched]), firmware=reader, lent=lent)
        finally:
            os.close(writer)
        undo.callback(console.kill)
        made = Machine(console, hardware, token, ours)
        made.wait_until_ready(ready or re.escape(f"labcore:{token}:ready".encode()), timeout)
        yield made


def by_hand(hardware: Hardware, kernel: Path, initrd: Path, token: str) -> Sequence[str]:
    """Return the command that one would type to start the small guest: the same machine, without monitoring."""
    return qemu.command(qemu.find_qemu(), hardware, kernel, initrd, f"labcore_token={token}")


def _tail(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-3:])[-400:]

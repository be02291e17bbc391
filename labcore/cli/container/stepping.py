"""The prompt of `run --step`: each op before it is done, and what the last one has changed in the kernel's state."""

import os
import sys
from typing import Final

from labcore.cli.formatting import width_of
from labcore.errors import InvalidInput
from labcore.runtime.stepping import GivenUp, Stop

PROMPT: Final = "(step) "
HELP: Final = "n: do this op (so does Enter), c: go on to the end, q: give the start up"
LINE_WIDTH: Final = 110  # where no terminal says how wide it is
COMMANDS: Final = {"": "n", "n": "n", "next": "n", "c": "c", "continue": "c", "q": "q", "quit": "q"}


class Stepper:
    """Asks at each stop of a start what is to be done, on standard error and input, until it is told to go on."""

    def __init__(self) -> None:
        self._asks = True

    def pause(self, stop: Stop) -> None:
        """Show the stop, and wait for what is to be done. Raises GivenUp."""
        if not self._asks:
            return
        _say(*str(stop).split("\n"))
        command = self._command()
        if command == "q":
            raise GivenUp
        self._asks = command == "n"

    def _command(self) -> str:
        while True:
            sys.stderr.write(PROMPT)
            sys.stderr.flush()
            words = _line()
            if words is None:
                _say("")
                return "q"
            if found := COMMANDS.get(words.strip().lower()):
                return found
            _say(HELP)


def check_can_ask(*, reads_input: bool) -> None:
    """Raise InvalidInput if the program is to read the input that the prompt needs, and that is no terminal's."""
    if reads_input and not sys.stdin.isatty():
        raise InvalidInput("--step asks on standard input, which -i gives to the program: leave -i out, or use a terminal")


def _line() -> str | None:
    """Read a line from standard input, and nothing of what comes behind it; None at its end."""
    found = b""
    while not found.endswith(b"\n"):
        letter = os.read(0, 1)
        if not letter:
            return None if not found else found.decode(errors="replace")
        found += letter
    return found.decode(errors="replace")


def _say(*lines: str) -> None:
    width = width_of(sys.stderr, LINE_WIDTH)
    for line in lines:
        print(line if len(line) <= width else f"{line[: width - 1]}…", file=sys.stderr)

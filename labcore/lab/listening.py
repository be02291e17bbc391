"""Listening in: `lab.listen(daemon)`, a socket that hands everything on to a daemon's, and writes it down."""

import atexit
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Protocol, Self

from labcore.engine import default_root
from labcore.errors import InvalidInput
from labcore.lab.conversation import Conversation, Tape, Turn
from labcore.lab.locked_directories import locked_directory, sweep
from labcore.lab.messages import say
from labcore.trace.relay import Relay

PREFIX: Final = "listen-"


class HasUrl(Protocol):
    """A daemon on a unix socket."""

    @property
    def url(self) -> str:
        """Its URL: unix://PATH."""


class Listening:
    """A unix socket in front of a daemon's. A client that is given its `url` is overheard. `close` removes it."""

    def __init__(self, daemon: str) -> None:
        self._tapes: list[Tape] = []
        self._told: set[tuple[int, int]] = set()
        with ExitStack() as undo:
            home = default_root() / "lab"
            home.mkdir(parents=True, exist_ok=True)
            sweep(home.glob(f"{PREFIX}*"), shutil.rmtree)
            directory = undo.enter_context(locked_directory(lambda: Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))))
            undo.callback(shutil.rmtree, directory)
            self.socket = str(directory / "docker.sock")
            undo.enter_context(Relay(Path(self.socket), daemon, self._listener))
            self.close = undo.pop_all().close
        atexit.register(self.close)

    @property
    def url(self) -> str:
        """Its URL, as `-H` and DOCKER_HOST take it."""
        return f"unix://{self.socket}"

    def _listener(self, number: int) -> Tape:
        tape = Tape(number)
        self._tapes.append(tape)
        return tape

    def conversation(self) -> Conversation:
        """Return what was asked and answered since the last call; what is still being answered is told again."""
        turns = [turn for tape in list(self._tapes) for turn in tape.turns()]
        new = [turn for turn in turns if _key(turn) not in self._told]
        self._told |= {_key(turn) for turn in new if turn.answer is not None}
        return Conversation(tuple(sorted(new, key=lambda turn: turn.request.start)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _key(turn: Turn) -> tuple[int, int]:
    return turn.connection, turn.request.start


def listen(daemon: HasUrl) -> Listening:
    """Return a socket in front of a daemon's that writes down what passes. Raises InvalidInput if that is no unix socket."""
    kind, separator, path = daemon.url.partition("://")
    if (kind, separator) != ("unix", "://"):
        raise InvalidInput(say("{url} is no unix socket: name a daemon on one", url=daemon.url))
    return Listening(path)

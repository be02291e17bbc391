"""The resolver's clients: the containers that it answers, a file for each, `ROOT/network/resolver/OWNER.json`.

They are on disk so that a resolver that was killed is made anew by whoever comes next, and goes on as the old one.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from labcore import procfs
from labcore.atomic import atomic_write
from labcore.record import Record

FORMAT: Final = 1
SUFFIX: Final = ".json"


class Client(Record):
    """A container that is answered at ADDRESS in its network namespace, as long as the process `pid` is there.

    `pid_start` is that process's start time (clock ticks), so that no other is taken for it. `servers` are asked what is no
    name of a network; with none, or if it is `internal`, nobody is.
    """

    owner: str
    pid: int
    pid_start: int
    servers: tuple[str, ...] = ()
    internal: bool = False

    def is_there(self) -> bool:
        """Is its process still the one that was meant?"""
        return procfs.start_time(self.pid) == self.pid_start and not procfs.has_ended(self.pid)


def save(directory: Path, client: Client) -> None:
    """Add a client, or change what is known of it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = {"format": FORMAT} | client.as_dict()
    atomic_write(directory / f"{client.owner}{SUFFIX}", json.dumps(content).encode(), durable=False)


def remove(directory: Path, owner: str) -> None:
    """Remove a client, if it is one."""
    (directory / f"{owner}{SUFFIX}").unlink(missing_ok=True)


def load(directory: Path) -> Iterator[Client]:
    """Yield the clients that are there; the files of those that are not, or that nobody can read, are removed.

    Where the directory has gone there are none.
    """
    for path in directory.iterdir() if directory.is_dir() else ():
        if path.suffix == SUFFIX and not path.name.startswith("."):
            client = _read(path)
            if client is not None and client.is_there():
                yield client
            else:
                path.unlink(missing_ok=True)


def _read(path: Path) -> Client | None:
    with suppress(OSError, ValueError, TypeError, AttributeError):
        fields = json.loads(path.read_bytes())
        if fields.pop("format") == FORMAT:
            client = Client(**fields | {"servers": tuple(fields["servers"])})
            if client.owner == path.name.removesuffix(SUFFIX):
                return client
    return None

"""The networks that there are, on disk: `ROOT/network/networks/NAME,ID.json`. And the lock of all below ROOT/network.

A network's name may have anything in it; in its file's name it is percent-encoded (RFC 3986), which most names are already.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from labcore.atomic import INCOMING, atomic_write, remove_if_abandoned
from labcore.errors import InvalidInput, NotFound, StoreDamaged
from labcore.locks import Lock
from labcore.record_json import from_json, to_json
from labcore.spec.network import Network

FORMAT: Final = 1
ID_SHORT: Final = 12  # digits by which files and links are named
ENCODED_MAX: Final = 180  # bytes of a network's name in its file's name, which has 255 at most


class NetworkStore:
    """The networks below a directory, `ROOT/network`."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._networks = f"{directory}/networks"
        self._read_before: dict[str, Network] = {}  # by ID: a network never changes

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of whoever creates, removes, reserves and releases, until the block ends."""
        try:
            lock = Lock(f"{self.directory}/lock", os.O_CREAT)
        except FileNotFoundError:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)  # noqa: PTH103
            lock = Lock(f"{self.directory}/lock", os.O_CREAT)
        with lock.acquire():
            if not os.path.isdir(self._networks):  # noqa: PTH112
                os.mkdir(self._networks, mode=0o700)  # noqa: PTH102
            yield

    def version(self) -> int:
        """Return what is another number when a network was added or removed."""
        return version_of(self._networks)

    def ids(self) -> dict[str, str]:
        """Return the IDs of all networks by their names."""
        try:
            names = os.listdir(self._networks)  # noqa: PTH208
        except FileNotFoundError:
            return {}
        pairs = (name[:-5].split(",") for name in names if not name.startswith(INCOMING))
        return dict(sorted((_decoded(name), network_id) for name, network_id in pairs))

    def networks(self) -> list[Network]:
        """Return all networks, sorted by name. Raises StoreDamaged."""
        return [self._read(name, network_id) for name, network_id in self.ids().items()]

    def find(self, word: str) -> Network:
        """Return the network of that ID, name, or beginning of an ID, in this order.

        Raises NotFound, InvalidInput, StoreDamaged.
        """
        ids = self.ids()
        found = [name for name, network_id in ids.items() if network_id == word] or [name for name in ids if name == word]
        found = found or [name for name, network_id in ids.items() if word and network_id.startswith(word)]
        if not found:
            raise NotFound(f"network {word:.80} not found (there: {_listed(ids) or 'none'})")
        if len(found) > 1:
            raise InvalidInput(f"network {word} is ambiguous: the IDs of {_listed(found)} begin so: write more of it")
        return self._read(found[0], ids[found[0]])

    def write(self, network: Network) -> None:
        """Keep a network, also through a crash of the machine. Raises OSError."""
        content = {"format": FORMAT, "network": to_json(network)}
        atomic_write(self._path(network.wanted.name, network.id), json.dumps(content).encode(), mode=0o600)

    def delete(self, network: Network) -> None:
        """Keep a network no longer."""
        os.unlink(self._path(network.wanted.name, network.id))  # noqa: PTH108

    def sweep(self) -> None:
        """Remove what killed writers have left."""
        for name in os.listdir(self._networks):  # noqa: PTH208
            if name.startswith(INCOMING):
                remove_if_abandoned(f"{self._networks}/{name}")

    def _path(self, name: str, network_id: str) -> str:
        return f"{self._networks}/{_encoded(name)},{network_id}.json"

    def _read(self, name: str, network_id: str) -> Network:
        if network_id not in self._read_before:
            self._read_before[network_id] = self._read_file(self._path(name, network_id), name)
        return self._read_before[network_id]

    def _read_file(self, path: str, name: str) -> Network:
        try:
            with open(path, "rb") as file:  # noqa: PTH123
                return from_json(Network, unwrapped(file.read(), "network"))
        except FileNotFoundError:
            raise NotFound(f"network {name} not found: somebody has just removed it") from None
        except (ValueError, InvalidInput) as error:
            raise StoreDamaged(f"{path} cannot be read: {error}: remove the file, and create the network again") from None


def unwrapped(content: bytes, field: str) -> Any:
    """Return what a file of this room holds below its format. Raises ValueError for what is none."""
    value = json.loads(content)
    if not isinstance(value, dict) or value.get("format") != FORMAT or field not in value:
        raise ValueError("it has another format than this labcore knows")
    return value[field]


def checked_name(name: str) -> str:
    """Return a network's name, if it is one: docker takes all but blanks. Raises InvalidInput."""
    if not name.strip():
        raise InvalidInput("invalid name: name is empty")
    if len(_encoded(name)) > ENCODED_MAX:
        allowed = f"at most {ENCODED_MAX} letters and digits, each other byte counts for three"
        raise InvalidInput(f"network name {name!r:.80}: it is too long: {allowed}")
    return name


def is_plain(name: str) -> bool:
    """Can a file bear this name as it is: letters, digits, `_`, `.` and `-`, a letter or digit first?"""
    plain = name.replace("_", "a").replace(".", "a").replace("-", "a")
    return plain.isascii() and plain.isalnum() and name[0].isalnum()


def _encoded(name: str) -> str:
    if is_plain(name):
        return name
    from urllib.parse import quote  # few networks need it

    return quote(name, safe="").replace(".", "%2E")


def _decoded(name: str) -> str:
    if "%" not in name:
        return name
    from urllib.parse import unquote

    return unquote(name)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name if name.isprintable() else repr(name) for name in names)


def version_of(directory: str) -> int:
    """Return what is another number when a file in the directory was added or removed; 0 while it is not there."""
    try:
        return os.stat(directory).st_mtime_ns  # noqa: PTH116
    except FileNotFoundError:
        return 0

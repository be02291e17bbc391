"""The endpoints that there are, on disk: a file whose name says who has which address on which network.

::

    ROOT/network/endpoints/BOOT-ID.NAMESPACE/NETWORK,IPV4,IPV6,OWNER,ID.json
                                             ended/LINK,ID     a link that is yet to go

So one look at the directory tells which addresses are taken, and an address is given out and taken back in one step with its
endpoint. Links do not outlive the machine, nor the network namespace that they are in: nor do the endpoints of these.
Whoever has reserved an endpoint holds its file locked until it is attached; from then on its link shows that it lives.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from sys import byteorder
from typing import Final, NamedTuple

from labcore.atomic import INCOMING, PendingFile, remove_if_abandoned
from labcore.errors import InvalidInput, NotFound, StoreDamaged
from labcore.locks import Lock
from labcore.network.links import link_index
from labcore.network.networks import FORMAT, ID_SHORT, unwrapped, version_of
from labcore.record_json import from_json, to_json
from labcore.spec.network import Endpoint

OWNER_MAX: Final = 100
LINK_DIGITS: Final = 11
ENDED_SECONDS: Final = 2.0  # so long the kernel may take to remove a link with its namespace


class Entry(NamedTuple):
    """What the name of an endpoint's file says; `network` is the beginning of its network's ID."""

    network: str
    ipv4: str
    ipv6: str
    owner: str
    id: str

    @property
    def link(self) -> str:
        """The name of the link on the host."""
        return host_link(self.id)

    @property
    def file_name(self) -> str:
        """The name of the file."""
        return f"{','.join(self)}.json"


class EndpointStore:
    """The endpoints of this boot and this network namespace, below `ROOT/network`; who has its lock may write."""

    def __init__(self, directory: str) -> None:
        self._all = f"{directory}/endpoints"
        self._boot = _boot_id()
        self._directory = f"{self._all}/{self._boot}.{os.stat('/proc/thread-self/ns/net').st_ino}"  # noqa: PTH116
        self._ended = f"{self._directory}/ended"

    def version(self) -> int:
        """Return what is another number when an endpoint was added or removed."""
        return version_of(self._directory)

    def entries(self, *, network: str = "", owner: str = "", at_most: int = 0) -> list[Entry]:
        """Return what there is, of one network (its ID) or one owner; with `at_most` so many, others each time."""
        begin, part = network[:ID_SHORT], f",{owner}," if owner else ".json"
        names = [name for name in _names(self._directory) if part in name and name.startswith(begin) and name[0] != "."]
        if 0 < at_most < len(names):
            first = int.from_bytes(os.urandom(4), byteorder) % len(names)
            names = (names + names)[first : first + at_most]
        return [Entry(*name[:-5].split(",")) for name in names]

    def endpoints(self, *, network: str = "", owner: str = "", known: Sequence[Endpoint] = ()) -> list[Endpoint]:
        """Return the endpoints of one network (its ID) or one owner, by their interfaces' names; `known` ones are not read.

        Raises StoreDamaged.
        """
        of_id = {endpoint.id: endpoint for endpoint in known}
        found = []
        for entry in self.entries(network=network, owner=owner):
            with suppress(NotFound):
                found.append(of_id.get(entry.id) or self.read(entry))
        return sorted(found, key=lambda endpoint: (len(endpoint.interface), endpoint.interface))

    def read(self, entry: Entry) -> Endpoint:
        """Return an endpoint. Raises NotFound, StoreDamaged."""
        path = f"{self._directory}/{entry.file_name}"
        try:
            with open(path, "rb") as file:  # noqa: PTH123
                return _parsed(file.read())
        except FileNotFoundError:
            raise NotFound(f"endpoint {entry.id[:ID_SHORT]} of {entry.owner} has just been released") from None
        except (ValueError, InvalidInput) as error:
            raise StoreDamaged(f"{path} cannot be read: {error}: end its container, and remove the file") from None

    def write(self, endpoint: Endpoint) -> PendingFile:
        """Keep an endpoint; return its file, which is locked until it is closed."""
        os.makedirs(self._ended, mode=0o700, exist_ok=True)  # noqa: PTH103
        pending = PendingFile(self._directory, mode=0o600, durable=False)
        try:
            pending.file.write(json.dumps({"format": FORMAT, "endpoint": to_json(endpoint)}).encode())
            pending.commit(entry_of(endpoint).file_name)
        except BaseException:
            pending.close()
            raise
        return pending

    def delete(self, entry: Entry) -> None:
        """Keep an endpoint no longer; whoever has done so already is no matter."""
        _unlink(f"{self._directory}/{entry.file_name}")

    def is_abandoned(self, entry: Entry) -> bool:
        """Return whether nobody will ever release an endpoint: it has no link, and nobody holds it."""
        return not link_index(entry.link) and not self._is_held(entry)

    def _is_held(self, entry: Entry) -> bool:
        try:
            with Lock(f"{self._directory}/{entry.file_name}") as lock:
                return not lock.try_acquire(shared=True)
        except FileNotFoundError:
            return False

    def note_ended(self, link: str, object_id: str) -> None:
        """Note that a link, of this endpoint or network, is to go; `ended` tells whether it did."""
        os.makedirs(self._ended, mode=0o700, exist_ok=True)  # noqa: PTH103
        os.close(os.open(f"{self._ended}/{link},{object_id}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def forget_ended(self, link: str, object_id: str) -> None:
        """Forget a link that has gone."""
        _unlink(f"{self._ended}/{link},{object_id}")

    def ended(self, *, now: bool = False) -> Iterator[tuple[str, str]]:
        """Yield the links, and whose they were, that should be gone and are not; with `now` also the latest."""
        for name in _names(self._ended):
            link, object_id = name.split(",")
            if not link_index(link):
                self.forget_ended(link, object_id)
            elif now or time.time() - os.stat(f"{self._ended}/{name}").st_mtime > ENDED_SECONDS:  # noqa: PTH116
                yield link, object_id

    def sweep(self) -> None:
        """Remove what killed writers have left, and the endpoints of other boots."""
        for name in _names(self._directory):
            if name.startswith(INCOMING):
                remove_if_abandoned(f"{self._directory}/{name}")
        for name in _names(self._all):
            if not name.startswith(self._boot):
                from shutil import rmtree  # which costs 5 ms, once after each boot

                rmtree(f"{self._all}/{name}")


def entry_of(endpoint: Endpoint) -> Entry:
    """Return the name of an endpoint's file."""
    ipv4, ipv6 = (text.partition("/")[0] for text in (endpoint.ipv4, endpoint.ipv6))
    return Entry(endpoint.network_id[:ID_SHORT], ipv4, ipv6, endpoint.owner, endpoint.id)


def forget_namespace(directory: str, namespace: int) -> None:
    """Keep no endpoint any longer of a network namespace that ends, by its inode number; `directory` is `ROOT/network`."""
    from shutil import rmtree

    rmtree(f"{directory}/endpoints/{_boot_id()}.{namespace}", ignore_errors=True)


def host_link(endpoint_id: str) -> str:
    """Return the name of an endpoint's link on the host."""
    return f"veth{endpoint_id[:LINK_DIGITS]}"


def _boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:  # noqa: PTH123
        return file.read().strip()


@lru_cache(maxsize=1024)  # a list of containers reads them all, again and again
def _parsed(content: bytes) -> Endpoint:
    return from_json(Endpoint, unwrapped(content, "endpoint"))


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)  # noqa: PTH208
    except FileNotFoundError:
        return []


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108

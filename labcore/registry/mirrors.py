"""Mirrors: pull from a registry's mirrors in order, and from the registry itself last."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from labcore.registry.client import Client, Fetched
from labcore.registry.credentials import Credentials
from labcore.registry.endpoint import Endpoint, RegistryError
from labcore.registry.transport import ATTEMPTS, Transport

T = TypeVar("T")
MIRROR_ATTEMPTS: Final = 2  # there is somebody else to be asked


class Sources:
    """The mirrors and the registry of one repository, each with its own credentials only. To be closed.

    `credentials_of` returns them by the registry's name, when it is asked for the first time.
    """

    def __init__(
        self, endpoint: Endpoint, repository: str, credentials_of: Callable[[str], Credentials | None]
    ) -> None:  # fmt: skip
        self._endpoints = (*endpoint.mirrors, endpoint)
        self._repository = repository
        self._credentials_of = credentials_of
        self._transports: dict[int, Transport] = {}
        self._gave: dict[str, int] = {}
        self._doubted: set[tuple[str, int]] = set()
        self._stopped = False

    def manifest(self, reference: str) -> Fetched:
        """Return a manifest by tag or digest, from the first that has it. Raises RegistryError."""
        return self._first(lambda client: client.manifest(reference))

    def tags(self) -> list[str]:
        """Return all tags, of the first that tells them. Raises RegistryError."""
        return self._first(lambda client: client.tags())

    def _first(self, ask: Callable[[Client], T]) -> T:
        failed: list[RegistryError] = []
        for number in range(len(self._endpoints)):
            try:
                return ask(self._client(number))
            except RegistryError as error:
                failed.append(error)
        raise _all_of(failed)

    def blob(self, digest: str, size: int, offset: int = 0) -> Iterator[bytes]:
        """Yield a blob from an offset on; when one source breaks off the next continues. Raises RegistryError."""
        failed: list[RegistryError] = []
        for number in range(len(self._endpoints)):
            if (digest, number) in self._doubted:
                continue
            self._gave[digest] = number
            try:
                for chunk in self._client(number).blob(digest, size, offset):
                    offset += len(chunk)
                    yield chunk
                return
            except RegistryError as error:
                failed.append(error)
        raise _all_of(failed)

    def doubt(self, digest: str) -> bool:
        """Exclude the source whose bytes did not have the blob's digest; return whether another one is left."""
        self._doubted.add((digest, self._gave.get(digest, 0)))
        return any((digest, number) not in self._doubted for number in range(len(self._endpoints)))

    def stop(self) -> None:
        """Cancel the requests of other threads."""
        self._stopped = True
        for transport in list(self._transports.values()):
            transport.stop()

    def close(self) -> None:
        """Close the connections."""
        for transport in self._transports.values():
            transport.close()

    def _client(self, number: int) -> Client:
        if self._stopped:
            raise RegistryError(f"{self._endpoints[number].registry}: it was given up")
        if number not in self._transports:
            endpoint = self._endpoints[number]
            last = number == len(self._endpoints) - 1
            found = self._credentials_of(endpoint.registry)
            self._transports[number] = Transport(endpoint, found, attempts=ATTEMPTS if last else MIRROR_ATTEMPTS)
        return Client(self._transports[number], self._repository)


def _all_of(failed: list[RegistryError]) -> RegistryError:
    """Return the registry's own error, with those of its mirrors."""
    last = failed[-1]
    mirrors = "".join(f"\n  and a mirror before it: {error}" for error in failed[:-1])
    return RegistryError(f"{last}{mirrors}", last.status, code=last.code, said=last.said)

"""Client: a daemon of the Engine API, its calls grouped as docker's commands are."""

from __future__ import annotations

import os

from labcore.client.api import API
from labcore.client.host import Host
from labcore.client.hosts import find_host
from labcore.client.transport import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from labcore.client.containers import Containers
    from labcore.client.daemon import OwnDaemon
    from labcore.client.exec import Execs
    from labcore.client.images import Images
    from labcore.client.networks import Networks
    from labcore.client.system import System
    from labcore.client.volumes import Volumes


class Client:
    """A daemon that is talked to. Threads may share it. Closed at the block's end; what it began goes on without it."""

    def __init__(self, api: API) -> None:
        self.api = api

    @property
    def host(self) -> str:
        """The daemon's URL."""
        return self.api.host

    @property
    def containers(self) -> Containers:
        """Containers: create, start, logs, attach and so on."""
        from labcore.client.containers import Containers  # each command needs one group

        return Containers(self.api)

    @property
    def exec(self) -> Execs:
        """Further processes in containers."""
        from labcore.client.exec import Execs

        return Execs(self.api)

    @property
    def images(self) -> Images:
        """Images: pull, tag, save and so on."""
        from labcore.client.images import Images

        return Images(self.api)

    @property
    def networks(self) -> Networks:
        """Networks."""
        from labcore.client.networks import Networks

        return Networks(self.api)

    @property
    def volumes(self) -> Volumes:
        """Volumes."""
        from labcore.client.volumes import Volumes

        return Volumes(self.api)

    @property
    def daemon(self) -> OwnDaemon:
        """The daemon's own process, where it is labcore's."""
        from labcore.client.daemon import OwnDaemon

        return OwnDaemon(self.api)

    @property
    def system(self) -> System:
        """The daemon itself: version, info, events."""
        from labcore.client.system import System

        return System(self.api)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client of {self.host}>"

    def close(self) -> None:
        """Close its idle connections."""
        self.api.close()


def connect(host: str | Host | None = None, *, version: str = "", start: Callable[[], None] | None = None) -> Client:
    """Return a client of the daemon at a host (`unix:///PATH`, `tcp://ADDRESS:PORT`), or of the one that is found.

    Without a host: DOCKER_HOST, DOCKER_CONTEXT or docker's current context, labcore's own socket, docker's. TLS as
    DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or the context, say. `version` (DOCKER_API_VERSION) pins the API's version; without
    it, the newest is spoken that both ends know. Nothing is sent before the first call. Where nobody listens there then,
    `start` is called, after which somebody does. Raises InvalidInput, Unavailable.
    """
    found = host if isinstance(host, Host) else find_host(host)
    return Client(API(Transport(found, start=start), version or os.environ.get("DOCKER_API_VERSION", "")))

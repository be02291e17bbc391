"""The zone of the networks and endpoints on disk, made anew when these have changed."""

import logging
import os
from pathlib import Path

from labcore.errors import StoreDamaged
from labcore.network.endpoints import EndpointStore
from labcore.network.networks import NetworkStore
from labcore.network.resolver.answers import Answers
from labcore.network.resolver.zone import Zone

LOG = logging.getLogger(__name__)


class Source:
    """The answers for all clients; `directory` is the network driver's."""

    def __init__(self, directory: Path) -> None:
        self._networks = NetworkStore(os.fspath(directory))
        self._endpoints = EndpointStore(os.fspath(directory))
        self._version = (-1, -1)
        self._answers = Answers(Zone((), {}))

    def answers(self) -> Answers:
        """Return the answers as the disk has them now; where that is damaged, as it had them before."""
        version = self._networks.version(), self._endpoints.version()
        if version != self._version:
            self._version = version
            try:
                names = {network.id: network.wanted.name for network in self._networks.networks()}
                self._answers = Answers(Zone(self._endpoints.endpoints(), names))
            except StoreDamaged as error:
                LOG.warning("names are as they were before: %s", error)
        return self._answers

    def forget(self) -> None:
        """Look again the next time, also if two changes have come within one tick of the file system's clock."""
        self._version = (-1, -1)

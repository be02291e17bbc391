"""What tests of the registry share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.registry.server import Registry
from tests.registry import Client


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry that holds nothing."""
    return Registry(tmp_path / "registry")


@pytest.fixture
def client(registry: Registry) -> Iterator[Client]:
    """A client of it."""
    server, port = registry.serve()
    thread = server.start()
    made = Client(port)
    yield made
    made.connection.close()
    server.close()
    thread.join(10)
    assert not thread.is_alive()

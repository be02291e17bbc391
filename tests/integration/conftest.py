"""What tests of the registry share, those of storage, and those of the lessons' checks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.registry.server import Registry
from tests.registry import Client
from tests.warm_checks import WarmChecks, warm_checks


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


@pytest.fixture(params=["overlay", "copy"])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way in which layers are put together."""
    monkeypatch.setenv("LABCORE_STORAGE", request.param)
    return str(request.param)


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmChecks]:
    """The lessons' checks without two new interpreters for each: there are hundreds of answers. No image was ever there."""
    with warm_checks(LABCORE_ROOT=str(tmp_path_factory.mktemp("warm") / "nothing here yet")) as checks:
        yield checks


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Engine]:
    """An engine with busybox, and nothing else."""
    made = Engine(tmp_path / "root")
    made.seed("busybox")
    yield made
    made.networks.close()

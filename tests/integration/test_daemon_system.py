"""System calls of the daemon: ping, version, info, events, disk usage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(Path(tmp_path_factory.mktemp("daemon"), "root")) as made:
        yield made


def test_ping_says_which_builder_and_which_version(daemon: RunningDaemon) -> None:
    assert daemon.client.ping()
    assert daemon.docker("run", "--rm", "-i", "busybox", "cat", stdin="hello").stdout == "hello"

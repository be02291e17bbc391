"""The life cycle beside dockerd's: the same verbs have the same answers and the same events, in the same order."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.errors import APIError

from tests.conformance.conftest import running_dockerd
from tests.conftest import needs_root
from tests.daemon import running_daemon
from tests.peers import Peers

SAID = ("signal", "exitCode", "oldName", "destination", "driver", "propagation", "read/write", "type")
FAILS = {"Name": "on-failure", "MaximumRetryCount": 1}
CHECK = {"test": ["CMD-SHELL", "exit 0"], "interval": 300_000_000}


@pytest.fixture(scope="module")
def clients(peer: Peers, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[docker.APIClient]]:
    """Clients of dockerd and of our daemon, which have the image `bb`."""
    needs_root()
    home = tmp_path_factory.mktemp("life")
    with (
        running_dockerd(peer, home / "docker", "--default-ulimit", "nofile=1024:1024"),
        running_daemon(home / "ours") as ours,
    ):
        urls = f"unix://{home}/docker/s", ours.url
        made = [docker.APIClient(base_url=url, version=DEFAULT_DOCKER_API_VERSION, timeout=60) for url in urls]
        made[0].import_image_from_file(str(archive), repository="bb")
        made[1].tag("busybox", "bb")
        yield made


def lived(client: docker.APIClient, name: str) -> list[str]:
    """Have containers live by all verbs; return what was answered and what was said of it."""
    since, answers = time.time(), list[str]()

    def made(*command: str, host: dict[str, Any] | None = None, **more: Any) -> str:
        config = client.create_host_config(network_mode="none", **(host or {}))
        return str(client.create_container("bb", list(command) or ["sleep", "100"], host_config=config, **more)["Id"])

    def tried(id: str, verb: str, **more: Any) -> None:
        try:
            getattr(client, verb)(id, **more)
            answers.append(f"{verb}: done")
        except APIError as error:
            answers.append(f"{verb}: {error.response.status_code} {error.explanation}".replace(id, "ID"))
        answers.append(client.inspect_container(id)["State"]["Status"])

    id = made(name=name, volumes=["/data"])
    for verb in ("pause", "unpause", "kill", "start", "unpause", "pause", "pause", "start", "unpause", "update_container"):
        tried(id, verb, **({"cpu_shares": 512} if verb == "update_container" else {}))
    tried(id, "rename", name=f"{name}-2")
    tried(id, "remove_container")
    tried(id, "kill", signal="WINCH")
    tried(id, "restart", timeout=0)
    tried(id, "stop", timeout=0)
    client.remove_container(id, v=True)
    id = made("sh", "-c", "exit 3", host={"restart_policy": FAILS})
    client.start(id)
    while client.inspect_container(id)["State"]["Status"] != "exited":
        time.sleep(0.05)
    answers.append(f"restarts: {client.inspect_container(id)['RestartCount']}")
    client.remove_container(id)
    id = made(healthcheck=CHECK)
    client.start(id)
    while client.inspect_container(id)["State"]["Health"]["Status"] != "healthy":
        time.sleep(0.05)
    client.remove_container(id, force=True)
    time.sleep(0.5)
    return answers + said(client, since)


def said(client: docker.APIClient, since: float) -> list[str]:
    """Return the events, but `stop`, which dockerd tells before or after the end, and the checks after the first."""
    found = list[str]()
    for event in client.events(since=since, until=time.time(), decode=True):
        attributes = event["Actor"]["Attributes"]
        line = [event["Type"], event["Action"], *(f"{key}={attributes[key]}" for key in SAID if key in attributes)]
        if event["Action"] != "stop" and not (event["Action"].startswith("exec_") and " ".join(line) in found):
            found.append(" ".join(line).replace("propagation= ", ""))
    return found


def test_containers_live_as_dockerd_s_do(clients: list[docker.APIClient]) -> None:
    dockerd, ours = (lived(client, "one") for client in clients)
    assert ours == dockerd

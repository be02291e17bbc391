"""top and stats by the daemon's API, and by the stock docker command."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon
from tests.raw_api import ask


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as running:
        script = "sleep 1234 & while :; do :; done"
        running.docker("run", "-d", "--name", "box", "-m", "64m", "--pids-limit", "9", "busybox", "sh", "-c", script)
        running.docker("create", "--name", "still", "--network", "none", "busybox", "true")
        yield running


def test_top(daemon: RunningDaemon) -> None:
    box = daemon.client.containers.get("box")
    found = box.top()
    assert found["Titles"] == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert sorted(row[-1] for row in found["Processes"]) == ["sh -c sleep 1234 & while :; do :; done", "sleep 1234"]
    assert str(box.attrs["State"]["Pid"]) in [row[1] for row in found["Processes"]]
    found = box.top(ps_args="-o pid,args")
    assert found["Titles"] == ["PID", "COMMAND"]
    assert len(found["Processes"]) == 2
    assert "sleep 1234" in daemon.docker("top", "box", "aux").stdout


def test_what_top_refuses(daemon: RunningDaemon) -> None:
    for target, status, words in (
        ("still/top", 409, "is not running"),
        ("nobody/top", 404, "nobody"),
        ("box/top?ps_args=--bogus", 500, "ps: error: unknown gnu long option"),
        ("box/top?ps_args=-o+cmd", 500, "Couldn't find PID field in ps output"),
        ("box/top?ps_args=-o+comm=PID", 400, "not allowed"),
    ):
        with ask(daemon.socket, "GET", f"/containers/{target}") as refused:
            assert refused.status == status, target
            assert words in refused.json()["message"]


def test_stats_over_a_second(daemon: RunningDaemon) -> None:
    found = daemon.client.containers.get("box").stats(stream=False)
    assert (found["name"], found["pids_stats"]) == ("/box", {"current": 2, "limit": 9})
    assert found["memory_stats"]["limit"] == 64 << 20
    assert 0 < found["memory_stats"]["usage"] < 64 << 20
    assert found["memory_stats"]["stats"]
    used = found["cpu_stats"]["cpu_usage"]["total_usage"] - found["precpu_stats"]["cpu_usage"]["total_usage"]
    assert 10_000_000 < used < 4_000_000_000
    assert found["cpu_stats"]["system_cpu_usage"] > found["precpu_stats"]["system_cpu_usage"]
    assert found["preread"] < found["read"]
    assert found["networks"]["eth0"].keys() >= {"rx_bytes", "tx_packets", "rx_dropped"}
    assert found["networks"].keys() == {"eth0"}


def test_stats_are_those_that_this_version_of_cgroups_counts(daemon: RunningDaemon) -> None:
    found = daemon.client.containers.get("box").stats(stream=False)
    is_v2 = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    assert ("percpu_usage" in found["cpu_stats"]["cpu_usage"]) != is_v2
    assert ("max_usage" in found["memory_stats"]) != is_v2
    assert ("total_inactive_file" in found["memory_stats"]["stats"]) != is_v2
    assert "inactive_file" in found["memory_stats"]["stats"], "the docker command takes it off"
    counts = found["blkio_stats"]
    assert counts.keys() >= {"io_service_bytes_recursive", "io_serviced_recursive", "io_queue_recursive"}
    assert counts["io_service_bytes_recursive"] != [] or not is_v2
    assert {counts["io_serviced_recursive"] is None, counts["io_queue_recursive"] is None} == {is_v2}


def test_stats_in_one_shot(daemon: RunningDaemon) -> None:
    with ask(daemon.socket, "GET", "/containers/box/stats?stream=0&one-shot=1") as answer:
        found = answer.json()
    assert "name" not in found
    assert found["preread"] == "0001-01-01T00:00:00Z"
    assert found["precpu_stats"]["cpu_usage"]["total_usage"] == 0


def test_stats_of_what_does_not_run(daemon: RunningDaemon) -> None:
    with ask(daemon.socket, "GET", "/containers/still/stats?stream=0") as answer:
        found = answer.json()
    assert (found["read"], found["pids_stats"], found["memory_stats"]) == ("0001-01-01T00:00:00Z", {}, {})
    with ask(daemon.socket, "GET", "/containers/nobody/stats?stream=0") as answer:
        assert answer.status == 404


def test_a_stream_of_stats(daemon: RunningDaemon) -> None:
    with ask(daemon.socket, "GET", "/containers/box/stats") as answer:
        first, second = (json.loads(answer.chunk()) for _ in range(2))
    assert second["precpu_stats"] == first["cpu_stats"]
    assert second["preread"] == first["read"]
    assert "box" in daemon.docker("stats", "--no-stream", "box").stdout

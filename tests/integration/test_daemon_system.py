"""System calls of the daemon: ping, version, info, events, disk usage, jobs; and what a Docker without a swarm answers."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import labcore
from tests.conftest import needs_root
from tests.daemon import DOCKER, RunningDaemon, running_daemon
from tests.raw_api import wait_for

WAIT_SECONDS = 30


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(Path(tmp_path_factory.mktemp("daemon"), "root"), "--label", "a=b") as made:
        yield made


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ping_says_which_builder_and_which_version(daemon: RunningDaemon, method: str) -> None:
    found = daemon.request(method, "/_ping")
    wanted = {
        "Api-Version": "1.51",
        "Builder-Version": "1",
        "Cache-Control": "no-cache, no-store, must-revalidate",
        "Docker-Experimental": "false",
        "Ostype": "linux",
        "Pragma": "no-cache",
        "Swarm": "inactive",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": "2" if method == "GET" else "0",
    }
    assert {name: found.headers.get(name) for name in wanted} == wanted
    assert found.content == (b"OK" if method == "GET" else b"")


def test_version_names_the_engine_its_runtime_and_the_kernel(daemon: RunningDaemon) -> None:
    found = daemon.client.version()
    assert (found["Version"], found["ApiVersion"], found["MinAPIVersion"]) == (labcore.__version__, "1.51", "1.24")
    assert [each["Name"] for each in found["Components"]] == ["Engine", "labcore-runtime", "Python", "Linux"]
    assert found["KernelVersion"] == os.uname().release
    assert "labcore-runtime" in daemon.docker("version").stdout


def test_info_is_true(daemon: RunningDaemon) -> None:
    daemon.docker("run", "-d", "--name=one", "busybox", "sleep", "1000")
    daemon.docker("create", "--name=two", "busybox", "true")
    found = daemon.client.info()
    counts = [found[f"Containers{state}"] for state in ("", "Running", "Paused", "Stopped")]
    assert (counts, found["Images"]) == ([2, 1, 0, 1], 1)
    assert found["Driver"] in ("overlay2", "copy")
    assert daemon.client.images.get("busybox").attrs["GraphDriver"]["Name"] == found["Driver"]
    assert found["DefaultRuntime"] == "labcore"
    assert Path(found["Runtimes"]["labcore"]["path"]).exists()
    features = json.loads(found["Runtimes"]["labcore"]["status"]["org.opencontainers.runtime-spec.features"])
    assert "pid" in features["linux"]["namespaces"]
    assert daemon.request("GET", "/v1.43/info").json["Runtimes"] == {"labcore": {"path": found["Runtimes"]["labcore"]["path"]}}
    assert found["Plugins"]["Network"] == ["bridge", "host", "null"]
    assert found["CgroupVersion"] == ("2" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else "1")
    assert found["DockerRootDir"] == str(daemon.root)
    assert (found["Labels"], found["LiveRestoreEnabled"], found["NCPU"]) == (["a=b"], True, len(os.sched_getaffinity(0)))
    shown = daemon.docker("info").stdout
    assert "Security Options" in shown
    assert "Live Restore Enabled: true" in shown
    daemon.docker("rm", "-f", "one", "two")


def test_info_tells_nobodys_password(tmp_path: Path) -> None:
    env = {"HTTP_PROXY": "http://me:secret@proxy:3128/p", "HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "a@b,localhost"}
    with running_daemon(tmp_path / "root", seeds=(), env=env) as daemon:
        about = daemon.request("GET", "/info").json
    assert (about["HttpProxy"], about["HttpsProxy"]) == ("http://xxxxx:xxxxx@proxy:3128/p", "http://proxy:3128")
    assert about["NoProxy"] == "a@b,localhost"


def test_the_id_stays_with_the_state_root(daemon: RunningDaemon) -> None:
    assert daemon.client.info()["ID"] == json.loads((daemon.root / "daemon.json").read_text())["id"]


def test_disk_usage_is_told_by_kind(daemon: RunningDaemon) -> None:
    write = ["dd", "if=/dev/zero", "of=/data/x", "bs=64k", "count=4"]
    daemon.docker("run", "--name=filler", "-v", "filled:/data", "busybox", *write)
    found = daemon.client.df()
    (volume,) = found["Volumes"]
    assert volume["UsageData"]["RefCount"] == 1
    assert volume["UsageData"]["Size"] >= 1 << 18
    (image,) = found["Images"]
    assert (image["RepoTags"], image["Containers"]) == (["busybox:latest"], 1)
    assert image["Size"] == found["LayersSize"]  # all of it is needed
    (container,) = found["Containers"]
    assert container["SizeRootFs"] - container.get("SizeRw", 0) == image["Size"]
    assert (container["Names"], container["State"]) == (["/filler"], "exited")
    assert found["BuildCache"] == []
    only = daemon.request("GET", "/system/df?type=volume").json
    assert (only["Images"], only["Containers"], only["BuildCache"]) == (None, None, None)
    assert daemon.request("GET", "/v1.41/system/df?type=volume").json["Images"]
    assert daemon.request("GET", "/system/df?type=zz").status == 400
    assert "filler" in daemon.docker("system", "df", "-v").stdout
    daemon.docker("rm", "-v", "filler")
    daemon.docker("volume", "rm", "filled")


def events(running: RunningDaemon, since: str, **filters: list[str]) -> list[tuple[str, str]]:
    path = f"/events?since={since}&until={running.now()}&filters={json.dumps(filters)}"
    return [(each["Type"], each["Action"]) for each in running.request("GET", path).lines]


def test_events_since_a_time_are_told_and_filtered(daemon: RunningDaemon) -> None:
    before = daemon.now()
    daemon.docker("run", "--rm", "--name=told", "--label=a=b", "--network=none", "busybox", "true")
    told = [("container", action) for action in ("create", "start", "die", "destroy")]
    assert [each for each in events(daemon, before, container=["told"]) if each in told] == told
    assert events(daemon, before, event=["die"]) == [("container", "die")]
    assert events(daemon, before, type=["volume"]) == []
    assert ("container", "start") in events(daemon, before, image=["busybox"], label=["a=b"], scope=["local"])
    assert events(daemon, before, image=["busybox"], label=["a=c"]) == []
    assert events(daemon, before, daemon=["x"]) == []
    assert events(daemon, daemon.now()) == []


def test_events_of_containers_have_the_older_fields_too(daemon: RunningDaemon) -> None:
    before = daemon.now()
    made = daemon.docker("create", "--network=none", "busybox").stdout.strip()
    (event,) = daemon.request("GET", f'/events?since={before}&until={daemon.now()}&filters={{"event":["create"]}}').lines
    assert (event["status"], event["id"], event["from"]) == ("create", made, "busybox")
    assert (event["Actor"]["ID"], event["scope"], event["timeNano"] // 10**9) == (made, "local", event["time"])
    daemon.docker("rm", made)


def test_events_end_at_their_time_and_a_wrong_time_is_refused(daemon: RunningDaemon) -> None:
    begun = time.monotonic()
    assert daemon.request("GET", f"/events?until={time.time() + 0.5:.3f}").status == 200
    assert time.monotonic() - begun > 0.4
    found = daemon.request("GET", "/events?since=10&until=5")
    assert (found.status, found.json["message"]) == (400, "`since` time (10) cannot be after `until` time (5)")
    assert daemon.request("GET", "/events?since=soon").status == 400


def jobs_of(daemon: RunningDaemon, kind: str) -> list[str]:
    jobs = daemon.request("GET", "/labcore/jobs").json
    return [job["Id"] for job in jobs if job["Kind"] == kind and job["State"] == "running"]


def test_a_client_of_events_that_goes_is_noticed_within_a_second(daemon: RunningDaemon) -> None:
    def noticed_after() -> float:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(daemon.socket))
            client.sendall(b"GET /events HTTP/1.1\r\nHost: d\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
            assert len(jobs_of(daemon, "GET /events")) == 1
        gone = time.monotonic()
        wait_for(lambda: not jobs_of(daemon, "GET /events"))
        return time.monotonic() - gone

    assert any(noticed_after() < 1 for _ in range(10)), "of ten that go, a busy machine may delay some"


def test_requests_are_jobs_that_can_be_cancelled(daemon: RunningDaemon) -> None:
    with subprocess.Popen([DOCKER, "-H", daemon.url, "events"], stdout=subprocess.PIPE) as client:
        deadline = time.monotonic() + WAIT_SECONDS
        while not (found := jobs_of(daemon, "GET /events")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        listed = subprocess.run(labcore_jobs(daemon), capture_output=True, text=True, check=True).stdout
        assert any(line.split()[:4] == [found[0], "running", "root", "GET"] for line in listed.splitlines())
        subprocess.run([*labcore_jobs(daemon), "--cancel", found[0]], check=True)
        assert client.wait(WAIT_SECONDS) is not None
    (job,) = [each for each in daemon.request("GET", "/labcore/jobs").json if each["Id"] == found[0]]
    assert (job["State"], job["Uid"], [each["Name"] for each in job["Spans"]]) == ("cancelled", 0, ["answer", "stream"])
    assert all(each["EndNano"] >= each["StartNano"] for each in job["Spans"])
    assert daemon.request("DELETE", "/labcore/jobs/nope").status == 404


def labcore_jobs(daemon: RunningDaemon) -> list[str]:
    return [sys.executable, "-P", "-m", "labcore", "-H", daemon.url, "jobs"]


MANAGERS = (
    "GET /swarm", "GET /services", "GET /tasks", "GET /nodes", "GET /secrets", "GET /configs", "GET /services/x",
    "DELETE /nodes/x", "POST /services/create", "POST /secrets/create", "POST /configs/create", "POST /swarm/update",
    "GET /swarm/unlockkey", "POST /swarm/unlock", "GET /tasks/x/logs", "POST /services/x/update",
)  # fmt: skip


@pytest.mark.parametrize("call", MANAGERS)
def test_what_only_a_swarms_manager_does_is_answered_as_by_a_docker_that_is_none(daemon: RunningDaemon, call: str) -> None:
    found = daemon.request(*call.split())
    assert (found.status, found.json["message"].startswith("This node is not a swarm manager.")) == (503, True)


def test_there_are_no_swarms_no_plugins_and_no_sessions(daemon: RunningDaemon) -> None:
    assert daemon.request("GET", "/plugins").json == []
    assert daemon.request("GET", "/plugins/x/json").status == 404
    assert daemon.request("POST", "/swarm/leave").json["message"] == "This node is not part of a swarm"
    assert daemon.request("POST", "/swarm/init", {}).status == 503
    found = daemon.request("POST", "/nope")
    assert (found.status, found.json["message"].startswith("page not found")) == (404, True)
    assert daemon.request("POST", "/session").status >= 400  # there is no BuildKit

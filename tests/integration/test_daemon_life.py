"""The life cycle at the daemon: verbs, waits, restart policies, health checks, events, and a daemon that was killed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from labcore import procfs
from labcore.engine import Engine, create_options
from labcore.engine.container.create import create
from labcore.engine.container.pause import pause
from labcore.engine.container.start import start
from labcore.engine.records.records import State
from labcore.runtime.cgroups import hierarchies
from tests.conftest import needs_root
from tests.daemon import WAIT_SECONDS, Answer, RunningDaemon, running_daemon
from tests.raw_api import ask
from tests.serving import stays

STATES = ("Status", "Running", "Paused", "Restarting")
SECOND = 10**9
ATTRIBUTES = ("signal", "exitCode", "oldName", "destination", "height", "width")  # of events


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(Path(tmp_path_factory.mktemp("life"), "root")) as made:
        yield made


def made(daemon: RunningDaemon, *command: str, name: str = "", host: dict[str, Any] | None = None, **config: Any) -> str:
    """Create a container without a network; return its ID."""
    words = list(command) or ["sleep", "1000"]
    body = {"Image": "busybox", "Cmd": words, "HostConfig": {"NetworkMode": "none", **(host or {})}, **config}
    answer = daemon.request("POST", f"/containers/create?name={name}", body)
    assert answer.status == 201, answer
    return str(answer.json["Id"])


def started(daemon: RunningDaemon, *command: str, **more: Any) -> str:
    id = made(daemon, *command, **more)
    done(daemon, id, "start")
    return id


def ask_for(daemon: RunningDaemon, id: str, verb: str, body: object = None) -> Answer:
    return daemon.request("POST", f"/containers/{id}/{verb}", body)


def done(daemon: RunningDaemon, id: str, verb: str) -> None:
    answer = ask_for(daemon, id, verb)
    assert answer.status == 204, answer


def refused(daemon: RunningDaemon, id: str, verb: str, status: int, words: str) -> None:
    answer = ask_for(daemon, id, verb)
    assert (answer.status, answer.json["message"]) == (status, words.replace("ID", id))


def inspected(daemon: RunningDaemon, id: str) -> dict[str, Any]:
    answer = daemon.request("GET", f"/containers/{id}/json")
    assert answer.status == 200, answer
    return dict(answer.json)


def state(daemon: RunningDaemon, id: str) -> dict[str, Any]:
    return dict(inspected(daemon, id)["State"])


def status(daemon: RunningDaemon, id: str) -> str:
    return str(state(daemon, id)["Status"])


def is_gone(daemon: RunningDaemon, id: str) -> bool:
    return daemon.request("GET", f"/containers/{id}/json").status == 404


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something is so, and return it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def removed(daemon: RunningDaemon, id: str) -> None:
    assert daemon.request("DELETE", f"/containers/{id}?force=1&v=1").status == 204


def events(daemon: RunningDaemon, since: str, id: str) -> list[str]:
    """Return what has happened to a container, and to what it has, as `kind action attributes`."""
    lines = daemon.request("GET", f"/events?since={since}&until={daemon.now()}").lines
    found = []
    for event in lines:
        attributes = dict(event["Actor"]["Attributes"])
        if id not in (event["Actor"]["ID"], attributes.get("container")):
            continue
        said = [f"{key}={attributes[key]}" for key in ATTRIBUTES if key in attributes]
        found.append(" ".join([event["Type"], event["Action"], *said]))
    return found


def test_a_life_in_docker_s_states_and_words(daemon: RunningDaemon) -> None:
    id = made(daemon, name="life")
    refused(daemon, id, "pause", 409, "container ID is not running")
    refused(daemon, id, "kill", 409, "cannot kill container: ID: container ID is not running")
    assert ask_for(daemon, id, "stop").status == 304
    done(daemon, id, "start")
    assert ask_for(daemon, id, "start").status == 304
    refused(daemon, id, "unpause", 500, "Container ID is not paused")
    done(daemon, id, "pause")
    assert [state(daemon, id)[name] for name in STATES] == ["paused", True, True, False]
    refused(daemon, id, "pause", 409, "Container ID is already paused")
    refused(daemon, id, "start", 409, "cannot start a paused container, try unpause instead")
    answer = daemon.request("DELETE", "/containers/life")
    assert answer.json["message"] == 'cannot remove container "life": container is paused and must be unpaused first'
    done(daemon, id, "unpause")
    answer = daemon.request("DELETE", "/containers/life")
    words = 'cannot remove container "life": container is running: stop the container before removing or force remove'
    assert (answer.status, answer.json["message"]) == (409, words)
    done(daemon, id, "kill")
    assert (state(daemon, id)["Status"], state(daemon, id)["ExitCode"]) == ("exited", 137)
    assert ask_for(daemon, id, "stop").status == 304
    assert daemon.request("DELETE", "/containers/life").status == 204
    refused(daemon, "nobody", "start", 404, "No such container: nobody")


def test_stop_sends_the_container_s_own_signal_and_kills_in_the_end(daemon: RunningDaemon) -> None:
    script = "trap 'exit 7' USR1; trap '' TERM; echo ready; while :; do sleep 0.1; done"
    id = started(daemon, "sh", "-c", script, StopSignal="SIGUSR1")
    until(lambda: daemon.client.containers.get(id).logs())
    done(daemon, id, "stop?t=10")
    assert state(daemon, id)["ExitCode"] == 7
    done(daemon, id, "start")
    until(lambda: daemon.client.containers.get(id).logs().count(b"ready") == 2)
    done(daemon, id, "stop?t=0&signal=TERM")
    assert state(daemon, id)["ExitCode"] == 137
    assert ask_for(daemon, id, "stop?signal=NOPE").status == 400
    removed(daemon, id)


def test_a_container_that_is_paused_does_nothing_but_answers(daemon: RunningDaemon) -> None:
    id = started(daemon, "sh", "-c", "while :; do echo tick; sleep 0.01; done")
    container = daemon.client.containers.get(id)
    until(container.logs)
    done(daemon, id, "pause")
    until(lambda: stays(container.logs))  # the shim has written what came before
    before = container.logs()
    assert "(Paused)" in daemon.docker("ps", "--filter", f"id={id}").stdout
    for name in (id, id[:12]):
        assert f"Container {name} is paused, unpause the container" in daemon.docker("exec", name, "true", status=1).stderr
    done(daemon, id, "unpause")
    until(lambda: container.logs() != before)
    done(daemon, id, "pause")
    removed(daemon, id)  # although version 1's freezer lets nothing die
    assert is_gone(daemon, id)


@pytest.mark.parametrize("verb", ["stop?t=5", "kill", "kill?signal=TERM"])
def test_what_ends_a_container_ends_its_pause(daemon: RunningDaemon, verb: str) -> None:
    id = started(daemon, "sh", "-c", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done")
    until(lambda: daemon.client.containers.get(id).logs())
    done(daemon, id, "pause")
    done(daemon, id, verb)
    until(lambda: status(daemon, id) == "exited")
    assert state(daemon, id)["ExitCode"] == (137 if verb == "kill" else 3)
    removed(daemon, id)


def test_waits(daemon: RunningDaemon) -> None:
    id = made(daemon, "sh", "-c", "exit 5")
    with ask(daemon.socket, "POST", f"/containers/{id}/wait?condition=next-exit") as next_exit:
        assert next_exit.status == 200  # at once: clients start it only then
        with (
            ask(daemon.socket, "POST", f"/containers/{id}/wait?condition=removed") as removal,
            ask(daemon.socket, "POST", f"/containers/{id}/wait") as at_once,
        ):
            assert at_once.json() == {"StatusCode": 0}
            done(daemon, id, "start")
            assert next_exit.json() == {"StatusCode": 5}
            assert ask_for(daemon, id, "wait").json == {"StatusCode": 5}
            removed(daemon, id)
            assert removal.json() == {"StatusCode": 5}
    refused(daemon, id, "wait", 404, "No such container: ID")
    other = made(daemon)
    refused(daemon, other, "wait?condition=nope", 400, 'invalid condition: "nope"')
    removed(daemon, other)


def test_who_waits_and_goes_leaves_nothing(daemon: RunningDaemon) -> None:
    id = started(daemon)

    def threads() -> int:
        return len(list(Path(f"/proc/{daemon.process.pid}/task").iterdir()))

    def waits(_: int) -> None:
        with ask(daemon.socket, "POST", f"/containers/{id}/wait") as answer:
            assert answer.status == 200

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(waits, range(8)))
        enough = threads()
        for _ in range(6):
            list(pool.map(waits, range(8)))
            time.sleep(0.05)
    assert threads() < enough + 24
    removed(daemon, id)


def test_a_policy_restarts_a_container_that_fails_so_many_times(daemon: RunningDaemon) -> None:
    since = daemon.now()
    id = started(daemon, "sh", "-c", "exit 2", host={"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}})
    until(lambda: status(daemon, id) == "exited")
    assert (inspected(daemon, id)["RestartCount"], state(daemon, id)["ExitCode"]) == (2, 2)
    lives = ["network connect", "container start", "network disconnect", "container die exitCode=2"]
    assert events(daemon, since, id) == ["container create", *3 * lives]
    removed(daemon, id)


def test_there_is_no_moment_between_the_exit_and_the_restart(daemon: RunningDaemon) -> None:
    id = started(daemon, "sh", "-c", "sleep 0.05", host={"RestartPolicy": {"Name": "always"}})
    seen = set()
    until(lambda: seen.add(status(daemon, id)) or inspected(daemon, id)["RestartCount"] > 3)
    assert seen <= {"running", "restarting"}
    removed(daemon, id)


def test_somebody_s_stop_ends_the_restarts(daemon: RunningDaemon) -> None:
    id = started(daemon, "sh", "-c", "exit 1", host={"RestartPolicy": {"Name": "always"}})
    until(lambda: status(daemon, id) == "restarting" and inspected(daemon, id)["RestartCount"] >= 3)
    assert ask_for(daemon, id, "start").status == 304
    refused(daemon, id, "pause", 409, "Container ID is restarting, wait until the container is running")
    with ask(daemon.socket, "POST", f"/containers/{id}/wait?condition=not-running") as wait:
        done(daemon, id, "stop")
        assert wait.json() == {"StatusCode": 1}
    assert [state(daemon, id)[name] for name in STATES] == ["exited", False, False, False]
    count = inspected(daemon, id)["RestartCount"]
    time.sleep(0.5)
    assert inspected(daemon, id)["RestartCount"] == count
    removed(daemon, id)


def test_a_killed_container_is_not_restarted_but_one_that_dies_is(daemon: RunningDaemon) -> None:
    id = started(daemon, host={"RestartPolicy": {"Name": "always"}})
    done(daemon, id, "kill")
    assert status(daemon, id) == "exited"
    done(daemon, id, "start")
    signalled = state(daemon, id)["Pid"]
    os.kill(signalled, signal.SIGKILL)
    until(lambda: inspected(daemon, id)["RestartCount"] == 1 and status(daemon, id) == "running")
    assert state(daemon, id)["Pid"] != signalled
    removed(daemon, id)


def test_restart_keeps_a_container_that_was_to_go(daemon: RunningDaemon) -> None:
    since = daemon.now()
    id = started(daemon, host={"AutoRemove": True})
    done(daemon, id, "restart?t=0")
    assert status(daemon, id) == "running"
    done(daemon, id, "stop?t=0")
    until(lambda: {"container stop", "container destroy"} <= {*events(daemon, since, id)[-2:]})  # either may be told first
    ends = ["container kill signal=15", "container kill signal=9", "network disconnect", "container die exitCode=137"]
    lives = ["network connect", "container start"]
    *told, _, _ = events(daemon, since, id)
    assert told == ["container create", *lives, *ends, "container stop", *lives, "container restart", *ends]


def test_a_start_that_fails_is_said_by_the_exit_status(daemon: RunningDaemon) -> None:
    for command, code in (("nosuch", 127), ("/etc/passwd", 126), ("/bin", 126)):
        answer = daemon.docker("run", "--rm", "--name", "fails", "busybox", command, status=code)
        assert f"execve {command}" in answer.stderr
        until(lambda: is_gone(daemon, "fails"))
    id = made(daemon, "nosuch")
    assert ask_for(daemon, id, "start").status == 400
    found = state(daemon, id)
    assert (found["Status"], found["ExitCode"]) == ("created", 127)
    assert "nosuch" in found["Error"]
    removed(daemon, id)


def test_what_the_kernel_kills_for_want_of_memory_says_so(daemon: RunningDaemon) -> None:
    script = "x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo survived"
    done = daemon.docker(
        "run", "--name", "large", "-m", "24m", "--memory-swap", "24m", "busybox", "sh", "-c", script, status=137
    )
    assert done.stdout == ""
    found = state(daemon, "large")
    assert (found["Status"], found["OOMKilled"], found["ExitCode"]) == ("exited", True, 137)
    removed(daemon, "large")


def test_limits_change_while_it_runs(daemon: RunningDaemon) -> None:
    id = started(daemon, host={"Memory": 32 << 20})
    answer = ask_for(daemon, id, "update", {"Memory": 48 << 20, "PidsLimit": 17, "RestartPolicy": {"Name": "always"}})
    assert (answer.status, answer.json) == (200, {"Warnings": None})
    names = ("memory/memory.limit_in_bytes", "memory.max"), ("pids/pids.max", "pids.max")
    pid = state(daemon, id)["Pid"]
    lines = [line.split(":") for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    where = {controller: path.strip() for _, controllers, path in lines for controller in controllers.split(",")}
    for (v1, v2), value in zip(names, (48 << 20, 17), strict=True):
        controller, _, file = v1.partition("/")
        directory = f"/sys/fs/cgroup/{controller}{where[controller]}" if controller in where else f"/sys/fs/cgroup{where['']}"
        assert int(Path(directory, file if controller in where else v2).read_text()) == value
    host = inspected(daemon, id)["HostConfig"]
    assert (host["Memory"], host["PidsLimit"], host["RestartPolicy"]["Name"]) == (48 << 20, 17, "always")
    removed(daemon, id)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"Memory": 1}, 400, "Minimum memory limit allowed is 6MB"),
        ({"Memory": 128 << 20}, 409, "Cannot update container ID: Memory limit should be smaller than already set memoryswap"),
        ({"CpusetCpus": "77"}, 400, "77"),
        ({"RestartPolicy": {"Name": "nope"}}, 400, "invalid restart policy: unknown policy 'nope'"),
        ({"RestartPolicy": {"Name": "always"}}, 409, "because AutoRemove is enabled for the container"),
        ({"Memory": "1"}, 400, "Memory: Expected `int`, got `str`"),
    ],
)
def test_updates_that_cannot_be_change_nothing(daemon: RunningDaemon, body: dict[str, Any], code: int, words: str) -> None:
    id = started(daemon, host={"Memory": 32 << 20, "AutoRemove": True})
    before = inspected(daemon, id)
    answer = ask_for(daemon, id, "update", {"CpuShares": 512, **body})
    assert answer.status == code
    assert words.replace("ID", id) in answer.json["message"]
    assert inspected(daemon, id) == before
    removed(daemon, id)


def test_a_name_is_changed(daemon: RunningDaemon) -> None:
    since = daemon.now()
    id, other = made(daemon, name="old"), made(daemon, name="taken")
    words = f'The container name "/taken" is already in use by container "{other}". You have to remove (or rename) that'
    assert words in ask_for(daemon, id, "rename?name=taken").json["message"]
    refused(daemon, id, "rename", 400, "Neither old nor new names may be empty")
    refused(daemon, id, "rename?name=old", 400, "Renaming a container with the same name as its current name")
    done(daemon, id, "rename?name=/new")
    assert inspected(daemon, "new")["Id"] == id
    assert events(daemon, since, id) == ["container create", "container rename oldName=/old"]
    removed(daemon, id)
    removed(daemon, other)


def test_what_is_read_and_written_of_it_is_told(daemon: RunningDaemon, tmp_path: Path) -> None:
    id = started(daemon, "sleep", "1000")
    since = daemon.now()
    (tmp_path / "file").write_text("copied")
    daemon.docker("cp", str(tmp_path / "file"), f"{id}:/tmp")
    daemon.docker("cp", f"{id}:/tmp/file", str(tmp_path / "back"))
    daemon.docker("cp", f"{id}:/tmp/nothing", "-", status=1)
    daemon.docker("export", "-o", str(tmp_path / "tar"), id)
    daemon.docker("top", id)
    assert ask_for(daemon, id, "resize?h=30&w=90").status == 200
    assert ask_for(daemon, id, "resize?h=x&w=90").status == 400
    told = ["extract-to-dir", "archive-path", "export", "top", "resize height=30 width=90"]
    assert events(daemon, since, id) == [f"container {action}" for action in told]
    removed(daemon, id)


def test_one_of_many_removes_a_container(daemon: RunningDaemon) -> None:
    id = started(daemon)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: daemon.request("DELETE", f"/containers/{id}?force=1"), range(6)))
    assert sorted(each.status for each in answers)[:1] == [204]
    assert {each.status for each in answers[1:]} <= {204, 404, 409}
    assert sum(each.status == 204 for each in answers) == 1


def test_prune_takes_those_that_pass_the_filters(daemon: RunningDaemon) -> None:
    ids = [made(daemon, Labels={"keep": "no"}), made(daemon, Labels={"keep": "yes"}), started(daemon, Labels={"keep": "no"})]
    answer = daemon.request("POST", '/containers/prune?filters={"label":["keep=no"],"until":["10m"]}')
    assert answer.json == {"ContainersDeleted": None, "SpaceReclaimed": 0}
    answer = daemon.request("POST", '/containers/prune?filters={"label":["keep"],"label!":["keep=yes"]}')
    assert answer.json["ContainersDeleted"] == ids[:1]
    assert daemon.request("POST", '/containers/prune?filters={"nope":["1"]}').status == 400
    for id in ids[1:]:
        removed(daemon, id)


def test_no_link_leads_to_the_hosts_addresses(daemon: RunningDaemon) -> None:
    made(daemon, name="hosts", host={"NetworkMode": "host"})
    body = {"Image": "busybox", "HostConfig": {"NetworkMode": "bridge", "Links": ["hosts:x"]}}
    refused = daemon.request("POST", "/containers/create", body)
    assert (refused.status, "host type networking can't be used with links" in refused.json["message"]) == (400, True)


def test_a_link_is_taken_away(daemon: RunningDaemon) -> None:
    db = started(daemon, name="db", host={"NetworkMode": "bridge"})
    web = made(daemon, name="web", host={"NetworkMode": "bridge", "Links": ["db:store"]})
    assert daemon.request("DELETE", "/containers/web?link=1").status == 500
    assert daemon.request("DELETE", "/containers/web/store?link=1").status == 204
    assert daemon.request("DELETE", "/containers/web/store?link=1").status == 404
    assert not inspected(daemon, web)["HostConfig"]["Links"]
    removed(daemon, web)
    removed(daemon, db)


def health(test: list[str], **times: Any) -> dict[str, Any]:
    return {"Test": test, "Interval": SECOND // 10, "Retries": 2, **times}


def test_health_is_checked_while_a_container_runs(daemon: RunningDaemon) -> None:
    since = daemon.now()
    id = started(daemon, Healthcheck=health(["CMD-SHELL", "echo looked; test -e /ok"]))
    assert state(daemon, id)["Health"]["Status"] == "starting"
    until(lambda: state(daemon, id)["Health"]["Status"] == "unhealthy")
    found = state(daemon, id)["Health"]
    assert (found["FailingStreak"], found["Log"][-1]["ExitCode"], found["Log"][-1]["Output"]) == (2, 1, "looked\n")
    assert "(unhealthy)" in daemon.docker("ps", "--filter", "health=unhealthy", "--filter", f"id={id}").stdout
    daemon.docker("exec", id, "touch", "/ok")
    until(lambda: state(daemon, id)["Health"]["Status"] == "healthy")
    said = events(daemon, since, id)
    assert [each for each in said if "health" in each] == [
        "container health_status: unhealthy",
        "container health_status: healthy",
    ]
    check = "container exec_create: /bin/sh -c echo looked; test -e /ok"
    at = said.index(check)
    assert said[at + 1 : at + 3] == [check.replace("create", "start"), "container exec_die exitCode=1"]
    done(daemon, id, "pause")
    until(lambda: stays(lambda: state(daemon, id)["Health"]))  # the check that was under way has ended
    done(daemon, id, "unpause")
    until(lambda: state(daemon, id)["Health"]["Status"] == "healthy")
    assert len(state(daemon, id)["Health"]["Log"]) <= 5
    removed(daemon, id)


@pytest.mark.parametrize(
    ("check", "code", "output"),
    [
        (["CMD", "sh", "-c", "echo begin; sleep 60"], -1, "Health check exceeded timeout (300ms): begin\n"),
        (["CMD-SHELL", "yes 123456789 | head -c 10000; exit 9"], 9, (10 * "123456789\n" * 41)[:4096] + "..."),
        (["CMD", "nosuch"], -1, "nosuch"),
        (["CMD-SHELL", "sleep 60 & echo left; exit 4"], 4, "left\n"),
    ],
)
def test_what_a_check_says_is_kept(daemon: RunningDaemon, check: list[str], code: int, output: str) -> None:
    id = started(daemon, Healthcheck=health(check, Timeout=3 * SECOND // 10, Retries=1))
    until(lambda: state(daemon, id)["Health"]["Status"] == "unhealthy")
    entry = state(daemon, id)["Health"]["Log"][0]
    assert entry["ExitCode"] == code
    assert entry["Output"] == output or (code == -1 and output in entry["Output"])
    removed(daemon, id)


def test_failures_of_one_that_starts_do_not_count_and_it_is_looked_at_more_often(daemon: RunningDaemon) -> None:
    times = {"StartPeriod": SECOND, "StartInterval": SECOND // 20, "Interval": 60 * SECOND}
    id = started(daemon, "sh", "-c", "sleep 0.6; touch /ok; sleep 1000", Healthcheck=health(["CMD", "ls", "/ok"], **times))
    until(lambda: state(daemon, id)["Health"]["Status"] == "healthy")
    removed(daemon, id)
    id = started(daemon, Healthcheck=health(["NONE"]))
    assert "Health" not in state(daemon, id)
    removed(daemon, id)


def test_a_killed_daemon_s_containers_are_picked_up(tmp_path: Path) -> None:
    needs_root()
    root = tmp_path / "root"
    always, stays = {"RestartPolicy": {"Name": "always"}}, {"RestartPolicy": {"Name": "unless-stopped"}}
    with running_daemon(root) as first:
        ids = {
            "runs": started(first, "sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.1; done"),
            "ends": started(first, "sh", "-c", "trap 'exit 6' TERM; while :; do sleep 0.1; done"),
            "goes": started(first, host={"AutoRemove": True}),
            "paused": started(first),
            "again": started(first, host=always),
            "stopped": started(first, host=stays),
            "stopped always": started(first, host=always),
            "created": made(first),
        }
        done(first, ids["paused"], "pause")
        for name in ("stopped", "stopped always"):
            done(first, ids[name], "stop?t=0")
        pids = {name: state(first, id)["Pid"] for name, id in ids.items()}
        first.end(signal.SIGKILL)
        engine = Engine(root)
        half = create(engine, create_options("busybox", ["true"], network="none"))
        engine.records.set_state(half, State("starting"))
        paused = create(engine, create_options("busybox", ["sleep", "1000"], network="none"))
        start(engine, paused.id).release()
        pause(engine, paused.id)
        engine.records.change_state(
            paused.id, lambda state: state.replace(paused=False)
        )  # whoever paused it was killed at once
        for name, number in (("ends", signal.SIGTERM), ("goes", signal.SIGKILL), ("again", signal.SIGKILL)):
            os.kill(pids[name], number)
            until(lambda name=name: procfs.has_ended(pids[name]))
        with running_daemon(root, clears=False) as second:
            statuses = {
                name: "gone" if is_gone(second, id) else status(second, id) for name, id in ids.items() if name != "goes"
            }
            assert statuses | {"again": ""} == {
                "runs": "running", "ends": "exited", "paused": "paused", "again": "", "stopped": "exited",
                "stopped always": statuses["stopped always"], "created": "created",
            }  # fmt: skip
            until(lambda: is_gone(second, ids["goes"]))
            until(lambda: inspected(second, ids["again"])["RestartCount"] >= 1)
            until(lambda: status(second, ids["stopped always"]) == "running")
            assert state(second, ids["ends"])["ExitCode"] == 6
            assert state(second, ids["runs"])["Pid"] == pids["runs"]
            assert status(second, half.id) == "created"
            assert status(second, paused.id) == "paused"
            with ask(second.socket, "POST", f"/containers/{ids['runs']}/wait") as wait:
                done(second, ids["runs"], "stop")
                assert wait.json() == {"StatusCode": 9}
            done(second, ids["paused"], "unpause")
            assert state(second, ids["paused"])["Pid"] == pids["paused"]


def test_a_limit_of_processes_counts_the_containers_own_alone(daemon: RunningDaemon) -> None:
    """Neither its shim nor what starts an exec is among them: as many as were asked for can be had."""
    run = ("run", "--rm", "--network", "none", "--pids-limit")
    assert daemon.docker(*run, "1", "busybox", "sh", "-c", "echo alone").stdout == "alone\n"
    assert daemon.docker(*run, "2", "busybox", "sh", "-c", "sleep 0; echo two").stdout == "two\n"
    assert "can't fork" in daemon.docker(*run, "2", "busybox", "sh", "-c", "sleep .1 | sleep .1", status=2).stderr
    daemon.docker("run", "-d", "--name", "limited", "--network", "none", "busybox", "sleep", "1000")
    daemon.docker("update", "--pids-limit", "2", "limited")
    assert "can't fork" in daemon.docker("exec", "limited", "sh", "-c", "sleep .1; echo in", status=2).stderr
    daemon.docker("pause", "limited")
    daemon.docker("unpause", "limited")
    assert daemon.docker("exec", "limited", "echo", "in").stdout == "in\n"
    daemon.docker("update", "--pids-limit", "1", "limited")
    if hierarchies().mode == "v2":  # in version 1 whoever moves there is let in
        refused = daemon.docker("exec", "limited", "echo", "in", status=126).stdout  # where docker says why
        assert "unable to start container process" in refused
        assert "the cgroup's pids limit is reached" in refused
    daemon.docker("rm", "-f", "limited")


def test_no_cgroup_is_made_beside_one_of_version_2_that_a_shim_never_enters(daemon: RunningDaemon) -> None:
    if hierarchies().mode != "v2":
        pytest.skip("needs cgroups of version 2 alone")
    daemon.docker("run", "-d", "--name", "born", "--network", "none", "--pids-limit", "5", "busybox", "sleep", "1000")
    directory = Path("/sys/fs/cgroup" + _of_version_2(state(daemon, "born")["Pid"]))
    assert (directory / "pids.max").read_text() == "5\n"
    daemon.docker("update", "--pids-limit", "6", "born")
    daemon.docker("pause", "born")
    assert (directory / "cgroup.procs").read_text().split() == [str(state(daemon, "born")["Pid"])]
    assert not [each.name for each in directory.parent.iterdir() if each.name.startswith(f"{directory.name}-")]
    daemon.docker("rm", "-f", "born")
    assert not directory.exists()


def _of_version_2(pid: int) -> str:
    return Path(f"/proc/{pid}/cgroup").read_text().strip().removeprefix("0::")


def test_processors_are_limited_in_one_way(daemon: RunningDaemon) -> None:
    """As so many of them, or as a quota in a period: the other is refused, at the creation and in an update."""
    refused = "Error response from daemon: Cannot update container {}: Conflicting options: {} has already been set\n"
    for words, updates in (
        ("--cpus 1.5", (("--cpu-quota 50000", "CPU Quota cannot be updated as NanoCPUs"),
                        ("--cpu-period 50000", "CPU Period cannot be updated as NanoCPUs"))),
        ("--cpu-quota 50000", (("--cpus 0.5", "Nano CPUs cannot be updated as CPU Quota"),)),
        ("--cpu-period 20000", (("--cpus 0.5", "Nano CPUs cannot be updated as CPU Period"),)),
    ):  # fmt: skip
        id = daemon.docker("create", *words.split(), "busybox").stdout.strip()
        for update, why in updates:
            assert daemon.docker("update", *update.split(), id, status=1).stderr == refused.format(id, why)
        daemon.docker("rm", id)
    for other in ("Quota", "Period"):
        words = ("create", "--cpus", "1", f"--cpu-{other.lower()}", "50000", "busybox")
        said = f"Conflicting options: Nano CPUs and CPU {other} cannot both be set"
        assert said in daemon.docker(*words, status=1).stderr
    id = started(daemon, host={"NanoCpus": 10**9})
    daemon.docker("update", "--cpus", "0.5", id)
    host = inspected(daemon, id)["HostConfig"]
    assert (host["NanoCpus"], host["CpuQuota"], host["CpuPeriod"]) == (500_000_000, 0, 0)
    lines = [line.split(":") for line in Path(f"/proc/{state(daemon, id)['Pid']}/cgroup").read_text().splitlines()]
    where = {controller: path.strip() for _, controllers, path in lines for controller in controllers.split(",")}
    v1, v2 = f"/sys/fs/cgroup/cpu{where.get('cpu', '')}/cpu.cfs_quota_us", f"/sys/fs/cgroup{where.get('', '')}/cpu.max"
    assert int(Path(v1 if "cpu" in where else v2).read_text().split()[0]) == 50_000
    removed(daemon, id)


def test_a_bound_source_that_is_missing(daemon: RunningDaemon, tmp_path: Path) -> None:
    """-v makes it, at the start; --mount has the creation refused, and the start if it has gone since."""
    refused = daemon.docker("create", "--mount", f"type=bind,src={tmp_path}/a,dst=/a", "busybox", status=1).stderr
    assert f'invalid mount config for type "bind": bind source path does not exist: {tmp_path}/a' in refused
    id = daemon.docker("create", "-v", f"{tmp_path}/b:/b", "busybox", "true").stdout.strip()
    assert not (tmp_path / "b").exists()
    daemon.docker("start", "-a", id)
    assert (tmp_path / "b").is_dir()
    daemon.docker("rm", id)
    id = daemon.docker("create", "--mount", f"type=bind,src={tmp_path}/b,dst=/b", "busybox").stdout.strip()
    (tmp_path / "b").rmdir()
    assert "bind source path does not exist" in daemon.docker("start", id, status=1).stderr
    daemon.docker("rm", id)


def test_a_container_that_is_watched_over_is_not_asked_whether_it_runs(daemon: RunningDaemon) -> None:
    """A list of many would else connect to the shim of each: its process's pidfd says as much."""
    id = started(daemon)
    socket = daemon.root / "containers" / id / "attach.sock"
    aside = socket.rename(socket.with_name("aside.sock"))
    assert state(daemon, id)["Status"] == "running"
    assert id in [each["Id"] for each in daemon.request("GET", "/containers/json").json]
    aside.rename(socket)
    os.kill(state(daemon, id)["Pid"], signal.SIGKILL)
    assert ask_for(daemon, id, "wait").json["StatusCode"] == 137
    assert state(daemon, id)["Status"] == "exited"

"""A container that is just ending, or being removed, is spoken of as one that has ended, in the words of docker."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

import labcore.engine.container.exec
from labcore.engine import Engine, create_options
from labcore.engine.container.create import create
from labcore.engine.container.exec import ExecOptions, execute
from labcore.engine.container.start import start
from labcore.engine.container.state import get
from labcore.engine.containers import kill, remove
from labcore.errors import NotFound, NotRunning
from labcore.native import DEVNULL
from labcore.runtime.exec import exec_plan
from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon
from tests.engine_api import Answer, Api

ROUNDS, TOGETHER = 15, 3
ENDED = (
    r"No such container: \S+",
    r"container [0-9a-f]{64} is not running",
    r"Container [0-9a-f]{64} is already paused",
    r"Container \S+ is paused, unpause the container before exec",
    r'Cannot update container [0-9a-f]{64}: container is marked for removal and cannot be "update"',
)
QUESTIONS: dict[str, Callable[[Api, str], Answer]] = {
    "top": lambda api, id: api("GET", f"/containers/{id}/top"),
    "stats": lambda api, id: api("GET", f"/containers/{id}/stats?stream=0&one-shot=1"),
    "archive": lambda api, id: api("GET", f"/containers/{id}/archive?path=/etc"),
    "changes": lambda api, id: api("GET", f"/containers/{id}/changes"),
    "pause": lambda api, id: api("POST", f"/containers/{id}/pause"),
    "update": lambda api, id: api("POST", f"/containers/{id}/update", {"Memory": 50_000_000, "MemorySwap": -1}),
    "resize": lambda api, id: api("POST", f"/containers/{id}/resize?h=10&w=10"),
    "logs": lambda api, id: api("GET", f"/containers/{id}/logs?stdout=1&follow=1"),
    "inspect": lambda api, id: api("GET", f"/containers/{id}/json?size=1"),
    "exec": lambda api, id: _exec(api, id),
}


def _exec(api: Api, id: str) -> Answer:
    made = api("POST", f"/containers/{id}/exec", {"Cmd": ["true"]})
    return api("POST", f"/exec/{made.json['Id']}/start", {"Detach": True}) if made.status == 201 else made


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as running:
        yield running


@pytest.fixture
def running_container(engine: Engine) -> Iterator[str]:
    needs_root()
    id = create(engine, create_options("busybox", ["sleep", "1000"], network="none")).id
    start(engine, id).release()
    yield id
    with suppress(NotFound):
        remove(engine, id, force=True)


@pytest.mark.parametrize("moment", ["before its plan", "before its start"])
def test_an_exec_whose_container_ends_meanwhile(
    engine: Engine, running_container: str, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def plan_late(*arguments: Any, **options: Any) -> Any:
        if moment == "before its plan":
            kill(engine, running_container)
            return exec_plan(*arguments, **options)
        plan = exec_plan(*arguments, **options)
        kill(engine, running_container)
        return plan

    monkeypatch.setattr(labcore.engine.container.exec, "exec_plan", plan_late)
    with pytest.raises(NotRunning, match=f"^container {running_container} is not running$"):
        execute(engine, running_container, ExecOptions(("true",)), stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
    assert get(engine, running_container).state.status == "exited"


def test_containers_that_are_just_ending(daemon: RunningDaemon) -> None:
    api = Api(str(daemon.socket))
    told: set[tuple[str, int, str]] = set()
    names = list(QUESTIONS)
    for number in range(ROUNDS):
        id = _started(api, auto_remove=bool(number % 2))
        over = threading.Event()

        def ask(name: str, id: str = id, over: threading.Event = over) -> None:
            while not over.is_set():
                answer = QUESTIONS[name](api, id)
                if answer.status >= 300:
                    told.add((name, answer.status, answer.message))

        threads = [threading.Thread(target=ask, args=(names[(number * TOGETHER + i) % len(names)],)) for i in range(TOGETHER)]
        for thread in threads:
            thread.start()
        assert api("POST", f"/containers/{id}/kill").status in (204, 409)
        assert api("DELETE", f"/containers/{id}?force=1").status in (204, 404, 409)
        over.set()
        for thread in threads:
            thread.join()
    assert told
    assert not {each for each in told if each[1] not in (404, 409) or not any(re.fullmatch(words, each[2]) for words in ENDED)}


def _started(api: Api, *, auto_remove: bool) -> str:
    host = {"NetworkMode": "none", "AutoRemove": auto_remove}
    made = api("POST", "/containers/create", {"Image": "busybox", "Tty": True, "Cmd": ["sleep", "1000"], "HostConfig": host})
    assert api("POST", f"/containers/{made.json['Id']}/start").status == 204
    return str(made.json["Id"])

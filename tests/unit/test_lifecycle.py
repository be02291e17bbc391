"""The life cycle: what each verb makes of each state is what docker 28.5 was seen to do; restart policies, timers, health."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from labcore.engine.container.exit import ran_seconds
from labcore.engine.container.lifecycle import GONE, NOTHING, STATUSES, TABLE, Lifecycle, next_status, status_of
from labcore.engine.containers import signal_number
from labcore.engine.records.records import Container, State
from labcore.engine.supervision.health import DEFAULTS, healthcheck_of
from labcore.engine.supervision.health_probe import duration
from labcore.engine.supervision.health_state import Health, ProbeResult
from labcore.engine.supervision.restart_policy import next_delay, should_restart, should_start
from labcore.engine.supervision.timers import Timers
from labcore.errors import InUse, InvalidInput, LabcoreError, NotRunning
from labcore.images import Config
from labcore.spec import CreateOptions, Healthcheck, RestartPolicy

ID, NAME = "f" * 64, "web"
NOT_RUNNING = (NotRunning, f"container {ID} is not running")
NOT_KILLED = (NotRunning, f"cannot kill container: {NAME}: container {ID} is not running")
NOT_PAUSED = (LabcoreError, f"Container {ID} is not paused")
RESTARTING = (InUse, f"Container {ID} is restarting, wait until the container is running")
NO_START = (InUse, "container is marked for removal and cannot be started")
NO_UPDATE = (InUse, f'Cannot update container {ID}: container is marked for removal and cannot be "update"')
NO_RENAME = (InUse, f"Container {ID} is marked for removal and cannot be renamed")
REMOVED_ALREADY = (InUse, f"removal of container {NAME} is already in progress")


def runs(status: str) -> tuple[type[LabcoreError], str]:
    words = f'cannot remove container "{NAME}": container is {status}'
    return InUse, f"{words}: stop the container before removing or force remove"


# Of each verb, and of a container that is created, running, paused, restarting, removing, exited, dead.
EXPECTED: dict[str, list[Any]] = {
    "start": [
        "running", NOTHING, (InUse, "cannot start a paused container, try unpause instead"), NOTHING, NO_START, "running",
        NO_START,
    ],
    "stop": [NOTHING, "exited", "exited", "exited", NOTHING, NOTHING, NOTHING],
    "kill": [NOT_KILLED, "exited", "exited", "exited", NOT_KILLED, NOT_KILLED, NOT_KILLED],
    "restart": ["running", "running", "running", "running", NO_START, "running", NO_START],
    "pause": [
        NOT_RUNNING, "paused", (InUse, f"Container {ID} is already paused"), RESTARTING, NOT_RUNNING, NOT_RUNNING, NOT_RUNNING,
    ],
    "unpause": [NOT_PAUSED, NOT_PAUSED, "running", NOT_PAUSED, NOT_PAUSED, NOT_PAUSED, NOT_PAUSED],
    "rename": ["created", "running", "paused", "restarting", NO_RENAME, "exited", NO_RENAME],
    "update": ["created", "running", "paused", "restarting", NO_UPDATE, "exited", NO_UPDATE],
    "exec": [
        NOT_RUNNING, "running", (InUse, f"Container {NAME} is paused, unpause the container before exec"), RESTARTING,
        NOT_RUNNING, NOT_RUNNING, NOT_RUNNING,
    ],
    "remove": [
        GONE, runs("running"), (InUse, f'cannot remove container "{NAME}": container is paused and must be unpaused first'),
        runs("restarting"), REMOVED_ALREADY, GONE,
        (InUse, f"the record of container {ID} is damaged: it can be removed by force alone"),
    ],
    "remove by force": [GONE, GONE, GONE, GONE, REMOVED_ALREADY, GONE, GONE],
}  # fmt: skip
CASES = [(verb, status, end) for verb, ends in EXPECTED.items() for status, end in zip(STATUSES, ends, strict=True)]


def container(state: State, **options: Any) -> Container:
    return Container(ID, NAME, "", CreateOptions(image="busybox", **options), Config("amd64", ()), state=state)


@pytest.mark.parametrize(("verb", "status", "end"), CASES)
def test_each_verb_in_each_state(verb: Any, status: Any, end: Any) -> None:
    if isinstance(end, str):
        assert next_status(verb, status, id=ID, name=NAME) == end
        return
    kind, sentence = end
    with pytest.raises(LabcoreError) as caught:
        next_status(verb, status, id=ID, name=NAME)
    assert (type(caught.value), str(caught.value)) == (kind, sentence)


def test_the_table_is_whole() -> None:
    assert TABLE.keys() == EXPECTED.keys()
    assert all(tuple(row) == STATUSES for row in TABLE.values())


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State(), "created"),
        (State("starting"), "created"),
        (State("starting", finished="2026-01-01T00:00:00Z"), "exited"),
        (State("starting", finished="2026-01-01T00:00:00Z", restarting=True), "restarting"),
        (State("running", 7), "running"),
        (State("running", 7, paused=True), "paused"),
        (State("exited"), "exited"),
        (State("exited", restarting=True), "restarting"),
    ],
)
def test_a_record_s_state_has_a_name(state: State, status: str) -> None:
    assert status_of(container(state)) == status


def test_a_container_is_removed_once_at_a_time() -> None:
    lifecycle, exited = Lifecycle(), container(State("exited"))
    with lifecycle.removal(ID, NAME):
        assert lifecycle.status(exited) == "removing"
        with pytest.raises(InUse, match=f"removal of container {NAME} is already in progress"), lifecycle.removal(ID, NAME):
            pass
        with pytest.raises(InUse, match="container is marked for removal"):
            lifecycle.check("start", exited)
    assert lifecycle.status(exited) == "exited"
    assert lifecycle.check("start", exited) == "running"


@pytest.mark.parametrize(
    ("policy", "exit_code", "stopped", "count", "lives", "begins"),
    [  # whether it is restarted, and whether it is started with the daemon
        (RestartPolicy(), 1, False, 0, False, False),
        (RestartPolicy("always"), 0, False, 0, True, True),
        (RestartPolicy("always"), 0, False, 1000, True, True),
        (RestartPolicy("always"), 0, True, 0, False, True),
        (RestartPolicy("unless-stopped"), 1, False, 0, True, True),
        (RestartPolicy("unless-stopped"), 1, True, 0, False, False),
        (RestartPolicy("on-failure"), 0, False, 0, False, False),
        (RestartPolicy("on-failure"), 1, False, 1000, True, True),
        (RestartPolicy("on-failure"), 1, True, 0, False, False),
        (RestartPolicy("on-failure", 2), 1, False, 1, True, True),
        (RestartPolicy("on-failure", 2), 1, False, 2, False, False),
    ],
)
def test_restart_policies(policy: RestartPolicy, exit_code: int, stopped: bool, count: int, lives: bool, begins: bool) -> None:
    about: dict[str, Any] = {"exit_code": exit_code, "manually_stopped": stopped, "restart_count": count}
    assert should_restart(policy, **about) == lives
    assert should_start(policy, **about) == begins


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nope",), "unknown policy 'nope'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"),
        (("always", 3), "maximum retry count can only be used with 'on-failure'"),
        (("on-failure", -3), "maximum retry count cannot be negative"),
    ],
)
def test_policies_that_there_are_not(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=f"invalid restart policy: {message}"):
        RestartPolicy(*arguments)


def test_restarts_back_off_and_begin_anew() -> None:
    delays = [0.0]
    for _ in range(12):
        delays.append(next_delay(delays[-1], ran_seconds=0.1))
    assert delays[1:5] == [0.1, 0.2, 0.4, 0.8]
    assert delays[-2:] == [60.0, 60.0]
    assert next_delay(60.0, ran_seconds=10) == 0.1


def test_how_long_a_container_ran() -> None:
    run = State("exited", started="2026-01-01T00:00:00.5Z", finished="2026-01-01T00:01:00.123456789Z")
    assert ran_seconds(run) == 59.623456789
    assert ran_seconds(State("exited", started="2026-01-01T00:00:01Z", finished="2026-01-01T00:00:00Z")) == 0
    assert ran_seconds(State()) == 0


def test_timers_fire_in_their_order_and_ring_for_the_nearest() -> None:
    rung = threading.Event()
    timers, done = Timers(rung.set), list[str]()
    assert timers.wait_seconds() is None
    add: Callable[[float, str], Any] = lambda seconds, word: timers.after(seconds, lambda: done.append(word))  # noqa: E731
    late = add(60, "late")
    assert rung.is_set()
    rung.clear()
    add(120, "later")
    assert not rung.is_set()
    add(0.02, "second")
    add(0.01, "first")
    cancelled = add(0.0, "cancelled")
    cancelled.cancel()
    time.sleep(0.03)
    timers.fire_due()
    assert done == ["first", "second"]
    assert 50 < (timers.wait_seconds() or 0) < 60
    late.fire()
    late.fire()
    assert done[2:] == ["late"]


def result(exit_code: int) -> ProbeResult:
    return ProbeResult("a", "b", exit_code, "")


def test_health_changes_after_so_many_failures_in_a_row() -> None:
    health = Health().after(result(1), 3, counts=True).after(result(1), 3, counts=True)
    assert (health.status, health.failing_streak) == ("starting", 2)
    assert health.after(result(-1), 3, counts=True).status == "unhealthy"
    healthy = health.after(result(0), 3, counts=True)
    assert (healthy.status, healthy.failing_streak) == ("healthy", 0)
    assert healthy.after(result(1), 3, counts=False).failing_streak == 1  # the start period is for those that are starting


def test_failures_within_the_start_period_do_not_count_but_are_logged() -> None:
    health = Health()
    for _ in range(8):
        health = health.after(result(1), 1, counts=False)
    assert (health.status, health.failing_streak, len(health.log)) == ("starting", 0, 5)


@pytest.mark.parametrize(
    ("own", "images", "found"),
    [
        (None, None, None),
        (Healthcheck(("NONE",)), Healthcheck(("CMD", "x")), None),
        (None, Healthcheck(("CMD", "x"), interval=5), DEFAULTS.replace(test=("CMD", "x"), interval=5)),
        (
            Healthcheck(("CMD-SHELL", "y"), retries=9), Healthcheck(("CMD", "x"), interval=5),
            DEFAULTS.replace(test=("CMD-SHELL", "y"), interval=5, retries=9),
        ),
        (Healthcheck(retries=9), Healthcheck(("CMD", "x")), DEFAULTS.replace(test=("CMD", "x"), retries=9)),
        (Healthcheck(("FOO",)), None, None),
    ],
)  # fmt: skip
def test_a_container_s_check_goes_before_its_image_s(own: Any, images: Any, found: Any) -> None:
    made = container(State(), healthcheck=own).replace(config=Config("amd64", (), healthcheck=images))
    assert healthcheck_of(made) == found


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (300_000_000, "300ms"), (1_500_000, "1.5ms"), (10**9, "1s"), (90 * 10**9, "1m30s"), (3600 * 10**9, "1h0m0s"),
        (1_250_000_000, "1.25s"), (5, "5ns"), (5_000, "5µs"),
    ],
)  # fmt: skip
def test_times_are_written_as_go_does(nanoseconds: int, text: str) -> None:
    assert duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("text", "number"), [("KILL", 9), ("sigterm", 15), ("9", 9), ("RTMIN", 34), ("SIGRTMIN+3", 37), ("RTMAX-1", 63)]
)
def test_signals(text: str, number: int) -> None:
    assert signal_number(text) == number


@pytest.mark.parametrize("text", ["NOPE", "0", "99", "-9", "", "RTMIN+99", "RTMAX+1", "1e1", "٩"])
def test_signals_that_there_are_not(text: str) -> None:
    with pytest.raises(InvalidInput, match="invalid signal: "):
        signal_number(text)

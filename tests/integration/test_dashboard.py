"""The dashboard of a daemon's containers: what it shows, and what its buttons do."""

import time
from collections.abc import Callable, Iterator

import pytest

from labcore import connect
from labcore.lab.dashboards import Dashboard, dashboard
from tests.daemon import RunningDaemon, running_daemon

pytestmark = pytest.mark.usefixtures("nothing_left")
WAIT_SECONDS = 20


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as found:
        yield found


@pytest.fixture
def shown(daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dashboard]:
    monkeypatch.delenv("LABCORE_LANG", raising=False)
    daemon.docker(
        "run", "-d", "--name", "busy", "-m", "64m", "busybox", "sh", "-c", "echo one; echo '<two>'; while :; do :; done"
    )
    found = Dashboard(connect(daemon.url))
    yield found
    found.close()
    daemon.clear()


def until(condition: Callable[[], object], refresh: Callable[[], None]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
        refresh()


def test_a_container_is_shown_with_what_it_uses_and_its_log(shown: Dashboard) -> None:
    until(lambda: any((each.cpu_percent or 0) > 1 for each in shown.overview.containers), shown.refresh)
    (use,) = shown.overview.containers
    assert (use.name, use.image, use.state, use.processes) == ("busy", "busybox", "running", 1)
    assert 0 < use.memory < use.memory_limit == 64 << 20
    assert "busy" in shown.table.value
    assert f"{use.cpu_percent:.1f} %" in shown.table.value
    assert "one\n&lt;two&gt;" in shown.log_shown.value
    assert shown.plain().split() == [
        "busy",
        "busybox",
        *use.status.split(),
        *f"{use.cpu_percent:.1f} %".split(),
        *shown.plain().split()[-2:],
    ]
    assert shown.static_html() == f"{shown.table.value}{shown.log_shown.value}{shown.events.value}"


def test_its_buttons_act_and_events_tell(shown: Dashboard) -> None:
    assert [verb for verb, each in shown.buttons.items() if not each.disabled] == ["stop", "pause"]
    shown.act("pause")
    assert shown.overview.containers[0].state == "paused"
    assert [verb for verb, each in shown.buttons.items() if not each.disabled] == ["stop", "unpause"]
    shown.act("unpause")
    until(lambda: "unpause" in shown.events.value, shown.refresh)
    assert "pause" in shown.events.value
    assert "busy" in shown.events.value


def test_a_command_is_run_in_it(shown: Dashboard) -> None:
    shown.command.value = "echo $((6 * 7)); echo bad >&2"
    shown.execute()
    assert "42\nbad" in shown.output.value


def test_what_cannot_be_done_is_said(shown: Dashboard) -> None:
    shown.act("unpause")
    assert "is not paused" in shown.output.value


def test_it_is_drawn_again_until_it_is_closed(daemon: RunningDaemon) -> None:
    live = dashboard(daemon.url, seconds=0.05)
    assert live.plain() == "there are no containers"
    daemon.docker("create", "--name", "later", "busybox")
    until(lambda: "later" in live.table.value, lambda: None)
    live.close()
    daemon.clear()

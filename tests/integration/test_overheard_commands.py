"""Commands that are overheard, the page made of them, and a container's life that follows the daemon's events."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore import lab
from labcore.lab import overheard_commands
from labcore.lab.command_notes import NOTES
from labcore.lab.docker_client import find_client
from labcore.lab.overheard_commands import Command, Page, shortened
from labcore.language import Bilingual
from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon

pytest.importorskip("matplotlib", reason="needs matplotlib, which is not installed")

CLOCK = "run -d --network none --name clock busybox sleep 1000"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("overheard") / "root") as made:
        yield made


@pytest.fixture
def docker(daemon: RunningDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[overheard_commands.Commands]:
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path / "root"))
    monkeypatch.setattr(overheard_commands, "_RUN", [])
    (tmp_path / "root" / "lab").mkdir(parents=True)
    if find_client(tmp_path / "root") is None:
        pytest.skip("needs docker, which is not installed (PEERS=1 make setup)")
    made = lab.commands(daemon)
    yield made
    made.close()


@pytest.mark.usefixtures("nothing_left")
def test_what_a_command_asks_is_printed_below_what_it_says(
    docker: overheard_commands.Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    docker(CLOCK)
    capsys.readouterr()
    docker("pause clock")
    assert capsys.readouterr().out == "$ docker pause clock\nclock\n→ POST /containers/clock/pause   204 No Content\n"
    assert docker("exec clock true").status == 1
    assert "→ POST /containers/clock/exec   409 Conflict\n" in capsys.readouterr().out
    docker("--help", lines=3)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "$ docker --help"
    assert said[-1] == "→ (nothing is asked)"
    assert len(said) == 6
    assert docker("rm -f clock").status == 0


@pytest.mark.usefixtures("nothing_left")
def test_the_page_has_each_kind_of_command_once_if_it_succeeded(docker: overheard_commands.Commands, tmp_path: Path) -> None:
    docker("stop nobody")
    docker(CLOCK)
    docker("ps")
    docker("ps -a")
    docker("network ls")
    docker("rm -f clock")
    page = lab.commands_page()
    assert [each.verb for each in page.commands] == ["run", "ps", "network ls", "rm"]
    text = Path(page.save(str(tmp_path / "page.md"))).read_text()
    assert "| `docker ps` | `GET /containers/json` |" in text
    assert "`POST /containers/create`<br>`POST /containers/{id}/wait`<br>`POST /containers/{id}/start`" in text
    assert f"`{page.commands[0].line}`" in text
    assert page._repr_html_().count("<tr") == 1 + 4


def test_each_verb_has_a_note_in_both_languages() -> None:
    assert all(isinstance(note, Bilingual) and note.en and note.zh for note in NOTES.values())
    assert Command(("network", "create", "shop"), 0, ()).verb == "network create"
    assert Command(("network", "inspect", "shop"), 0, ()).verb == "network"
    assert repr(Page(())).startswith("# Commands that were run")


def test_only_the_first_lines_are_shown() -> None:
    assert shortened("1\n2\n3\n", 3) == "1\n2\n3"
    assert shortened("1\n2\n3\n4\n", 2) == "1\n2\n… 2 more lines"


def test_a_life_follows_what_happens(docker: overheard_commands.Commands, daemon: RunningDaemon) -> None:
    """A thread that draws has fonts of its own, which stay open: what is left is looked at in the other tests."""
    docker("run --rm --network none --name clock busybox true")  # another one of that name, before
    docker(CLOCK)
    shown = lab.life(daemon, "clock")
    try:
        assert shown.life.states == ("created", "running")
        before = shown.plain()
        docker("pause clock")
        docker("rm -f clock")
        assert shown.life.states[:3] == ("created", "running", "paused")
        assert shown.life.states[-1] == "gone"
        deadline = time.monotonic() + 10
        while not shown.plain().endswith("→ (gone).") and time.monotonic() < deadline:
            time.sleep(0.05)
        assert shown.plain() != before
        assert shown.plain().endswith("exited → (gone).")
        assert shown.picture.alt == shown.plain()
    finally:
        shown.close()

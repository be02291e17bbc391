"""Lists, inspect, statistics and events of the command, which asks the state root's daemon."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labcore.cli import main
from labcore.engine import Engine
from tests.conftest import needs_root
from tests.daemon import RunningDaemon
from tests.terminals import at_a_terminal

LABCORE = str(Path(sys.executable).with_name("labcore"))
Said = Callable[..., str]  # runs a command, and returns what it printed


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], served: RunningDaemon) -> Said:
    def run(*words: str, status: int = 0) -> str:
        capsys.readouterr()
        assert main(["--root", str(served.root), *words]) == status
        return capsys.readouterr().out

    return run


@pytest.fixture
def web(served: RunningDaemon) -> Iterator[str]:
    """A container that runs."""
    needs_root()
    (id,) = [served.client.containers.run("busybox", ["sleep", "1000"], name="web", detach=True, labels={"a": "b"}).id]
    yield id
    served.client.containers.get("web").remove(force=True)


def test_lists_for_programs(engine: Engine, said: Said) -> None:
    images = {image["Repository"]: image for image in map(json.loads, said("images", "--format", "json").splitlines())}
    assert images.keys() >= {"busybox", "hello-world"}  # and what other tests have tagged in the state root that they share
    assert images["busybox"]["ID"] == engine.images.find("busybox").id[7:19]
    kinds = {kind["Type"]: kind for kind in map(json.loads, said("system", "df", "--format", "json").splitlines())}
    assert (next(iter(kinds)), kinds["Images"]["TotalCount"]) == ("Images", str(image_count(said)))
    assert said("volume", "create", "kept") == "kept\n"
    only = ("-f", "name=kept")  # other tests have volumes in the state root that they share
    assert said("volume", "ls", "-q", *only) == "kept\n"
    assert said("volume", "ls", "--format", "{{.Driver}} {{.Name}}", *only) == "local kept\n"
    said("volume", "rm", "kept")


HELLO = ("-f", "reference=hello-world")


def test_the_tree_of_images(served: RunningDaemon, said: Said, capsys: pytest.CaptureFixture[str]) -> None:
    """Each once, with its names, as docker has it; what a container has is in use."""
    image = served.client.images.get("hello-world")
    image.tag("tree-1", "x")
    container = served.client.containers.create("hello-world", name="uses")
    try:
        lines = [line.split() for line in said("images", "--tree", "-f", "reference=tree-1", *HELLO).splitlines()]
        assert lines[2] == ["IMAGE", "ID", "DISK", "USAGE", "EXTRA"]
        at = [words[0] for words in lines[3:]].index("tree-1:x") + 3
        assert lines[at - 1] == ["hello-world:latest"]
        assert (lines[at][1], lines[at][-1]) == (image.id[7:19], "U")
        platform = f"{image.attrs['Os']}/{image.attrs['Architecture']}"
        assert lines[at + 1] == ["└─", platform]
    finally:
        container.remove()
        served.client.images.remove("tree-1:x")
    assert "U" not in said("images", "--tree", "hello-world").split()[4:]
    for option in ("--quiet", "--no-trunc", "--digests", "--format=json"):
        assert main(["--root", str(served.root), "images", "--tree", option]) == 1
        assert f"{option.partition('=')[0]} is not yet supported with --tree" in capsys.readouterr().err


def image_count(said: Said) -> int:
    return len(set(said("images", "-a", "-q", "--no-trunc").split()))


def test_inspect_looks_for_each_kind_in_turn(engine: Engine, said: Said, capsys: pytest.CaptureFixture[str]) -> None:
    said("volume", "create", "data")
    said("volume", "create", "busybox")
    image, volume, network = json.loads(said("inspect", "busybox", "data", "none"))
    assert (image["Id"], volume["Name"], network["Name"]) == (engine.images.find("busybox").id, "data", "none")
    (volume,) = json.loads(said("inspect", "--type", "volume", "busybox"))
    assert volume["Mountpoint"].endswith("/busybox/data")
    capsys.readouterr()
    assert main(["--root", str(engine.root), "inspect", "nope", "data"]) == 1
    out, err = capsys.readouterr()
    assert [found["Name"] for found in json.loads(out)] == ["data"]
    assert err.startswith("labcore: no such object: nope\n  cure: labcore ps -a")
    said("volume", "rm", "data", "busybox")


def test_version_and_info(engine: Engine, said: Said) -> None:
    versions = json.loads(said("version", "--format", "json"))
    assert said("--version") == f"labcore version {versions['Client']['Version']}\n"
    assert versions["Server"]["Version"] == versions["Client"]["Version"]
    assert said("version").splitlines()[0] == "Client:"
    info = json.loads(said("info", "-f", "json"))
    assert (info["Images"], info["DockerRootDir"], info["ClientInfo"]["Context"]) == (
        image_count(said),
        str(engine.root),
        "default",
    )
    assert f" State Root: {engine.root}" in said("system", "info").splitlines()


def test_an_unknown_field_is_an_error_that_lists_the_known_ones(
    web: str, said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["ps", "--format", "{{.Image}} {{.Nmaes}}"], ["ps", "--format", "table {{.Nmaes}}"]):
        assert main(["--root", said("info", "-f", "{{.DockerRootDir}}").strip(), *words]) == 1
        error = capsys.readouterr().err
        assert ".Nmaes: there is no field Nmaes\n  cure: did you mean Names? there are Command, CreatedAt, ID," in error


def test_a_format_beside_quiet_is_left_out(web: str, said: Said, capsys: pytest.CaptureFixture[str]) -> None:
    assert said("ps", "-q", "--format", "{{.Names}}") == f"{web[:12]}\n"


def test_statistics_of_one_that_runs(web: str, said: Said) -> None:
    (line,) = said("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}} {{.ID}}", "web").splitlines()
    assert line == f"web 1 {web[:12]}"
    (shown,) = [json.loads(line) for line in said("stats", "--no-stream", "--format", "json").splitlines()]
    assert shown["CPUPerc"].endswith("%")
    assert "iB / " in shown["MemUsage"]
    said("stats", "--no-stream", "nosuch", status=1)


def test_statistics_are_drawn_again_and_again(web: str, served: RunningDaemon) -> None:
    """On a terminal each table is drawn over the one before; one that is started meanwhile comes in, and goes when it ends."""
    with at_a_terminal([LABCORE, "--root", str(served.root), "stats"]) as terminal:
        terminal.until("\033[2J\033[HCONTAINER ID")
        terminal.until(f"{web[:12]}   web ")
        served.client.containers.run("busybox", ["sleep", "1000"], name="late", detach=True)
        terminal.until("late ")
        served.client.containers.get("late").remove(force=True)
        terminal.until("\033[K\r\n\033[J\033[H")


def test_the_processes_of_a_container(web: str, said: Said) -> None:
    heads, row = said("top", "web", "-o", "pid,comm").splitlines()
    assert (heads.split(), row.split()[1]) == (["PID", "COMMAND"], "sleep")
    said("top", "nosuch", status=1)


def test_events_come_as_they_happen(served: RunningDaemon, said: Said) -> None:
    words = [LABCORE, "--root", str(served.root), "events", "-f", "type=volume", "--format", "{{.Action}} {{.Actor.ID}}"]
    with subprocess.Popen(
        [*words, "--since", served.now(), "--until", str(int(time.time()) + 20)], stdout=subprocess.PIPE, text=True
    ) as events:
        assert events.stdout is not None
        said("volume", "create", "seen")
        assert events.stdout.readline() == "create seen\n"
        said("volume", "rm", "seen")
        assert events.stdout.readline() == "destroy seen\n"
        events.terminate()
    past = said("system", "events", "--since", "1m", "--until", f"{time.time()}", "-f", "type=volume", "-f", "event=destroy")
    assert past.splitlines()[-1].split()[1:] == ["volume", "destroy", "seen", "(driver=local)"]

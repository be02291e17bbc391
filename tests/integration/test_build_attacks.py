"""Hostile Dockerfiles, images and contexts lead nowhere; what they say moves no terminal; secrets stay secret."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.errors import LabcoreError
from labcore.spec import Reference
from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon
from tests.image_builds import built

LABCORE = str(Path(sys.executable).with_name("labcore"))
FROM = "FROM busybox\n"
EVIL = "\x1b]0;title\x07\x1b[2J\x1b[31m"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory of the machine, in which nothing may change and from which nothing may come."""
    place = tmp_path / "outside"
    place.mkdir()
    (place / "secret").write_text("of the machine")
    return place


@pytest.fixture
def links(engine: Engine, outside: Path) -> str:
    """The name of an image whose links lead out, if anybody follows them from the machine's root."""
    needs_root()
    up = "../" * 30
    text = f"{FROM}RUN ln -s {outside} /absolute; ln -s {up}{outside} /relative; ln -s /proc/1/root /process; ln -s / /top\n"
    built(engine, text, tags=(Reference.parse("links"),))
    return "links"


def unchanged(outside: Path) -> None:
    assert {each.name: each.read_text() for each in outside.iterdir()} == {"secret": "of the machine"}


@pytest.mark.parametrize("link", ["absolute", "relative", "top/absolute", "process"])
@pytest.mark.parametrize(
    "step",
    [
        "WORKDIR /{link}/made",
        "COPY f /{link}/made/",
        "COPY --link f /{link}/made",
        "ADD a.tar /{link}/",
        "COPY f /{link}/secret",
    ],
)
def test_no_destination_leads_out(engine: Engine, links: str, outside: Path, link: str, step: str) -> None:
    archive = subprocess.run(["tar", "-c", "-C", outside, "secret"], capture_output=True, check=True).stdout
    with suppress(LabcoreError):
        built(engine, f"FROM {links}\n{step.format(link=link)}\n", {"f": "theirs", "a.tar": archive})
    unchanged(outside)


@pytest.mark.parametrize("link", ["absolute", "relative", "top/absolute", "process", "absolute/../absolute"])
@pytest.mark.parametrize("form", ["/{link}/secret", "/{link}", "{up}{outside}/secret", "/{link}/*"])
def test_no_source_of_a_stage_leads_out(engine: Engine, links: str, outside: Path, link: str, form: str) -> None:
    source = form.format(link=link, up="../" * 30, outside=outside)
    text = f"FROM {links} AS a\nFROM busybox\nCOPY --from=a {source} /c/\nRUN ! grep -r 'of the machine' /c\n"
    with suppress(LabcoreError):
        assert b"of the machine" not in built(engine, text).output


@pytest.mark.parametrize(
    "place", ["/proc", "/proc/self/cwd", "/proc/sys/kernel", "/sys/fs/cgroup", "/dev/shm", "/proc/1/root/x"]
)
@pytest.mark.parametrize(
    "step", ["WORKDIR {}", "VOLUME {}", "COPY hostname {}/hostname", "RUN --mount=type=cache,target={} true"]
)
def test_places_of_the_kernel_are_the_images_own(engine: Engine, place: str, step: str) -> None:
    before = Path("/proc/sys/kernel/hostname").read_text()
    cgroups = {each.name for each in Path("/sys/fs/cgroup").iterdir()}
    with suppress(LabcoreError):
        built(engine, f"{FROM}{step.format(place)}\nRUN echo ran\n", {"hostname": "taken"})
    assert Path("/proc/sys/kernel/hostname").read_text() == before
    assert {each.name for each in Path("/sys/fs/cgroup").iterdir()} == cgroups
    assert not Path("/dev/shm/hostname").exists()


# --- what is said


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as made:
        yield made


def labcore_build(daemon: RunningDaemon, *words: str) -> "subprocess.CompletedProcess[bytes]":
    command = [LABCORE, "-H", daemon.url, "build", *words]
    return subprocess.run(command, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "text",
    [
        f"{FROM}RUN printf '%s' '{EVIL}'; false\n",
        f"{FROM}RUN printf '\\033]0;title\\007\\033[2J' >&2; false\n",
        f"{FROM}COPY {EVIL} /x\n",
        f"{FROM}LABEL a='{EVIL}'\nRUN false\n",
        f"{FROM}NONSENSE {EVIL}\n",
        f"FROM {EVIL}\n",
        f"{FROM}USER {EVIL}\nRUN true\n",
        f"{FROM}COPY . /c\nRUN ls /c; rm /c/*/*; false\n",
    ],
)
def test_no_text_moves_the_terminal(daemon: RunningDaemon, tmp_path: Path, text: str) -> None:
    place = tmp_path / "context"
    (place / f"new\nline{EVIL}".replace("/", "")).mkdir(parents=True)
    (place / "Dockerfile").write_text(text)
    done = labcore_build(daemon, "--progress", "plain", "--no-cache", str(place))
    assert done.returncode
    assert b"\x1b]" not in done.stdout + done.stderr
    assert b"\x1b[2J" not in done.stdout + done.stderr
    assert b"\x07" not in done.stdout + done.stderr


def test_names_of_files_that_are_refused_move_no_terminal(daemon: RunningDaemon, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(FROM)
    os.mkfifo(tmp_path / f"x\n{EVIL}")
    done = labcore_build(daemon, str(tmp_path))
    assert done.returncode == 1
    assert b"FIFO" in done.stderr
    assert b"\x1b" not in done.stderr


def test_a_secret_is_nowhere_afterwards(daemon: RunningDaemon, tmp_path: Path) -> None:
    """Neither in the image and its history, nor in events, jobs, the log, or any file of the state root."""
    secret = "sesame-4711-open"  # not the text of this file's Dockerfile
    (tmp_path / "token").write_text(secret)
    place = tmp_path / "context"
    place.mkdir()
    text = f"{FROM}RUN --mount=type=secret,id=token,env=TOKEN --mount=type=secret,id=token test ${{#TOKEN}} = {len(secret)}\n"
    (place / "Dockerfile").write_text(f"{text}RUN ! test -s /run/secrets/token\n")
    since = daemon.now()
    for _ in range(2):
        done = labcore_build(daemon, "--secret", f"id=token,src={tmp_path / 'token'}", "-t", "secretive", str(place))
        assert done.returncode == 0, done.stderr
    said = [
        daemon.docker("history", "--no-trunc", "secretive").stdout,
        daemon.docker("image", "inspect", "secretive").stdout,
        daemon.docker("events", "--since", since, "--until", daemon.now()).stdout,
        json.dumps(daemon.request("GET", "/v1.51/labcore/jobs").json),
        json.dumps(daemon.request("GET", "/v1.51/system/df").json),
        daemon.said(),
    ]
    assert not [each for each in said if secret in each or "c2VzYW1lLTQ3MTEtb3Blbg" in each]
    files = [each for each in daemon.root.rglob("*") if each.is_file() and not each.is_symlink()]
    assert not [each for each in files if secret.encode() in each.read_bytes()]

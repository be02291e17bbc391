"""Images that our daemon has built, run by docker, podman and skopeo's readers; images that docker has built, as our bases."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conformance.conftest import LIMITS, dockers_registry, running_dockerd
from tests.conformance.docker_sides import PLUGINS
from tests.conftest import needs_root
from tests.daemon import DOCKER, RunningDaemon, running_daemon
from tests.peers import Peers

# An image of what builds can make: deletions, links, owners, modes, a volume, a user, a stage's files.
RICH = """
FROM busybox AS tools
RUN mkdir -p /out/bin && printf '#!/bin/sh\\necho tool "$@"\\n' > /out/bin/tool
RUN chmod 755 /out/bin/tool && ln /out/bin/tool /out/hard
FROM busybox
ARG WHO=somebody
ENV GREETING="hello $WHO"
RUN mkdir -p /data/old /gone && echo 1 > /data/old/f && echo 2 > /gone/f
RUN rm -r /gone /data/old && ln -s bin/tool /link && mkdir -m 1777 /sticky && echo owned > /sticky/f && chown 7:8 /sticky/f
COPY --from=tools --chown=1000:1000 /out /app/
COPY file /app/file
VOLUME /volume
WORKDIR /app/work
USER 1000:1000
LABEL made.by="labcore"
HEALTHCHECK --interval=5s CMD true
STOPSIGNAL SIGINT
ENTRYPOINT ["/app/bin/tool"]
CMD ["a", "b"]
"""
SCRIPT = (
    "id -u; id -g; pwd; echo $GREETING; cd /; ls -d gone data/* 2>&1; readlink link; ls -d volume; cat sticky/f app/file; "
    "find app sticky | sort | while read f; do stat -c '%n %F %a %u %g %h' $f; done"
)
TRIGGERS = "FROM busybox\nONBUILD RUN echo triggered > /triggered\nRUN echo below > /below && rm -r /home\nENV A=b\n"


class Clients(NamedTuple):
    """Our daemon, dockerd, podman, skopeo and a registry."""

    ours: RunningDaemon
    docker: list[str]
    podman: list[str]
    skopeo: list[str]
    registry: str
    archive: Path  # as we have saved `rich:1`


def done(words: list[str], **env: str) -> str:
    """Return what a command prints."""
    prefix = ["env", *(f"{name}={value}" for name, value in env.items())]
    ended = subprocess.run([*prefix, *words], capture_output=True, text=True, timeout=200, check=False)
    assert ended.returncode == 0, (words, ended.stdout[-2000:], ended.stderr[-2000:])
    return ended.stdout


def with_buildx(home: Path) -> dict[str, str]:
    """Return the environment of a docker command that has buildx."""
    plugins = home / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").symlink_to(PLUGINS / "docker-buildx")
    return {"DOCKER_CONFIG": str(home / "config"), "HOME": str(home)}


def context(place: Path, text: str) -> str:
    """Make a context that has `file`; return its path."""
    place.mkdir()
    (place / "Dockerfile").write_text(text)
    (place / "file").write_text("of the context\n")
    return str(place)


@pytest.fixture(scope="module")
def clients(peer: Peers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    needs_root()
    if not DOCKER.exists():
        pytest.skip("needs today's docker (PEERS=1 make setup)")
    peer.needs("conmon", "runc")
    home, short = tmp_path_factory.mktemp("i"), tempfile.mkdtemp(prefix="pod")  # podman takes no longer name than 50 characters
    podman = peer("podman", "--root", f"{short}/root", "--runroot", f"{short}/run", "--tmpdir", f"{short}/tmp")
    podman += ["--runtime", "runc", "--storage-driver", "overlay", "--events-backend", "file", "--cgroup-manager", "cgroupfs"]
    with (
        running_daemon(home / "ours") as ours,
        running_dockerd(peer, home / "d", "--exec-opt", "native.cgroupdriver=cgroupfs") as docker,
        dockers_registry(peer, home / "registry") as registry,
    ):
        done(
            [*ours.command("build", "-q", "--network", "none", "-t", "rich:1"), context(home / "rich", RICH)],
            DOCKER_BUILDKIT="0",
        )
        ours.docker("save", "-o", str(home / "rich.tar"), "rich:1")
        ours.docker("save", "-o", str(home / "busybox.tar"), "busybox")
        done([*docker, "load", "-i", str(home / "busybox.tar")])
        yield Clients(ours, docker, podman, peer("skopeo"), registry, home / "rich.tar")
    subprocess.run([*podman, "system", "reset", "--force"], capture_output=True, check=False)
    shutil.rmtree(short, ignore_errors=True)


def seen(command: list[str], image: str, *options: str) -> str:
    """Return what containers of an image print: by its own command, and of its files."""
    run = [*command, "run", "--rm", "--network", "none", "--pull", "never", *options]
    return done([*run, image]) + done([*run, "--entrypoint", "sh", image, "-c", SCRIPT])


@pytest.fixture(scope="module")
def wanted(clients: Clients) -> str:
    """What our containers print."""
    found = seen(clients.ours.command(), "rich:1")
    assert found.startswith(
        "tool a b\n1000\n1000\n/app/work\nhello somebody\nls: gone: No such file or directory\nls: data/*: No such"
    )
    assert "app/hard regular file 755 1000 1000 2" in found
    assert "sticky directory 1777 0 0 " in found
    return found


def test_docker_and_podman_run_what_we_save(clients: Clients, wanted: str) -> None:
    archive, identity = str(clients.archive), clients.ours.docker("inspect", "-f", "{{.Id}}", "rich:1").stdout
    for command, options in ((clients.docker, ()), (clients.podman, LIMITS)):
        done([*command, "load", "-i", archive])
        assert done([*command, "image", "inspect", "-f", "{{.Id}}", "rich:1"]).strip()[-64:] == identity.strip()[-64:]
        assert seen(command, "rich:1", *options) == wanted
        done([*command, "rmi", "-f", "rich:1"])


def test_docker_and_podman_run_what_we_push(clients: Clients, wanted: str, tmp_path: Path) -> None:
    name = f"{clients.registry}/team/rich:1"
    clients.ours.docker("tag", "rich:1", name)
    clients.ours.docker("push", "-q", name)
    about = json.loads(done([*clients.skopeo, "inspect", "--tls-verify=false", f"docker://{name}"]))
    assert about["Labels"] == {"made.by": "labcore"}
    done([*clients.skopeo, "copy", "-q", "--src-tls-verify=false", f"docker://{name}", f"oci:{tmp_path}/layout:1"])
    done([*clients.docker, "pull", "-q", name])
    assert seen(clients.docker, name) == wanted
    done([*clients.podman, "pull", "-q", f"oci:{tmp_path}/layout:1"])
    done([*clients.podman, "pull", "-q", "--tls-verify=false", name])
    assert seen(clients.podman, name, *LIMITS) == wanted


@pytest.mark.parametrize("buildkit", ["0", "1"])
@pytest.mark.parametrize("way", ["loaded", "pulled"])
def test_what_docker_has_built_is_a_base(clients: Clients, buildkit: str, way: str, tmp_path: Path) -> None:
    """Its layers, its environment and its triggers come along; the second time all is in the cache."""
    own = with_buildx(tmp_path)
    name = f"{clients.registry}/below{buildkit}:{way}"
    address = clients.docker[-1]
    theirs = [str(DOCKER), "-H", address]
    words = [*theirs, "build", "-q", "--network", "none", "-t", name, context(tmp_path / "below", TRIGGERS)]
    done(words, DOCKER_BUILDKIT=buildkit, **own)
    if way == "loaded":
        done([*theirs, "save", "-o", str(tmp_path / "below.tar"), name])
        clients.ours.docker("load", "-i", str(tmp_path / "below.tar"))
    else:
        done([*theirs, "push", "-q", name])
    text = (
        f'FROM {name}\nRUN cat /below /triggered > /both; ls -d /home >> /both 2>&1; echo $A >> /both\nCMD ["cat", "/both"]\n'
    )
    build = [*clients.ours.command("build", "--network", "none", "-t", "above"), context(tmp_path / "above", text)]
    done(build, DOCKER_BUILDKIT="0")
    run = clients.ours.docker("run", "--rm", "--network", "none", "above").stdout
    assert run == "below\ntriggered\nls: /home: No such file or directory\nb\n"
    assert done(build, DOCKER_BUILDKIT="0").count("Using cache") == 2  # the RUN and the CMD
    base = json.loads(clients.ours.docker("inspect", name).stdout)[0]["RootFS"]["Layers"]
    above = json.loads(clients.ours.docker("inspect", "above").stdout)[0]["RootFS"]["Layers"]
    assert above[: len(base)] == base
    assert len(above) == len(base) + 2


def test_a_base_of_another_platform_is_warned_of_as_buildx_does(clients: Clients, tmp_path: Path) -> None:
    name, words = f"{clients.registry}/foreign:1", ["build", "--network", "none", "-t"]
    below = context(tmp_path / "below", "FROM --platform=linux/riscv64 scratch AS riscv64\nCOPY file /\n")
    done([*clients.ours.command(*words, name), below], DOCKER_BUILDKIT="0")
    clients.ours.docker("push", "-q", name)
    above = context(tmp_path / "above", f"FROM {name}\nCOPY file /more\n")
    check = ["env", *(f"{key}={value}" for key, value in with_buildx(tmp_path).items())]
    check += [str(DOCKER), "-H", clients.docker[-1], "buildx", "build", "--call=check,format=json", above]
    checked = subprocess.run(check, capture_output=True, text=True, timeout=200, check=False)
    (theirs,) = json.loads(checked.stdout)["warnings"]
    ours = subprocess.run(
        [sys.executable, "-P", "-m", "labcore", "-H", clients.ours.url, *words, "above", above],
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    assert f"{theirs['ruleName']}: {theirs['detail']} (line {theirs['location']['ranges'][0]['start']['line']})" in ours.stderr

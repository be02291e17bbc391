"""Docker client of the lab: the stock `docker` command of this machine, or the client alone out of Debian's package.

::

    ROOT/lab/client/docker        the client, which is on no PATH; no daemon comes with it, and nothing is installed
                    docker.json   where it came from

podman's command of that name is none: it starts containers itself, and asks no daemon. A snap's is confined by AppArmor, and
sees no socket but its own daemon's.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from labcore.images.builtin.apt import Archive
from labcore.images.builtin.packaged_file import PackagedFile, found_file, keep_file, read_packaged, take_file
from labcore.record import Record

PACKAGES: Final = ("docker-cli", "docker.io")  # since Debian 13 the client has a package of its own
VERSION: Final = re.compile(r"Docker version ([^\s,]+)")
SECONDS: Final = 20.0  # in which a command has to say its version, on a busy machine

Tell = Callable[[str], None]


class DockerClient(Record):
    """A stock `docker` command: its path and its version."""

    path: Path
    version: str

    def __str__(self) -> str:
        return f"docker {self.version} ({self.path})"


def find_client(root: Path) -> DockerClient | None:
    """Return the stock command on PATH, else the one below a state root; None if there is neither."""
    return next((client for path in _candidates(root) if (client := _tried(path))), None)


def fetch_client(root: Path, *, update: bool = False, tell: Tell = lambda _: None) -> PackagedFile:
    """Fetch Debian's client by apt, unless it is kept here; a second time needs no network. Raises Unavailable."""
    if not update and (kept := found_file(_place(root))):
        return kept
    package = Archive(root / "packages").package(*PACKAGES, update=update, tell=tell)
    tell(f"unpacking the client of {package.name}")
    return keep_file(_place(root), package.name, package.version, read_packaged(package, "usr/bin/docker"), mode=0o755)


def take_client(root: Path, kit: Path) -> PackagedFile:
    """Take the client out of a kit (`make kit`). Raises Unavailable, StoreDamaged."""
    return take_file(_place(root), kit, "client", what="docker command", mode=0o755)


def own_settings(config: Path) -> Mapping[str, str]:
    """Return the environment for a client that heeds none of the user's own settings: it has a DOCKER_CONFIG of its own.

    It builds by the daemon: labcore's has no BuildKit.
    """
    kept = {name: text for name, text in os.environ.items() if not name.startswith("DOCKER_")}
    return kept | {"DOCKER_CONFIG": str(config), "DOCKER_BUILDKIT": "0"}


def _place(root: Path) -> Path:
    return root / "lab" / "client" / "docker"


def _candidates(root: Path) -> Iterator[Path]:
    for directory in os.get_exec_path():
        if (found := shutil.which("docker", path=directory)) and Path(found).resolve().name != "snap":
            yield Path(found)
    if kept := found_file(_place(root)):
        yield kept.path


def _tried(path: Path) -> DockerClient | None:
    try:
        done = subprocess.run(
            [path, "--version"],
            env=own_settings(Path("/nonexistent")),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = VERSION.match(done.stdout)
    return DockerClient(path, said[1]) if said and not done.returncode else None

"""Programs that labcore is compared with: today's, in the root that tools/peers has made, or else those that are installed."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from labcore.bench import peers_root
from labcore.bench.peers import version

ROOT = peers_root.PROJECT / "build" / "peers" / "root"
PROGRAMS = ("dockerd", "docker", "podman", "runc", "crun", "skopeo", "umoci", "oras", "docker-registry")


class Peers:
    """Words that run a program of a peer's: `peer("skopeo", "copy", …)`; it is started in `/`, unless it is an installed one.

    It has this machine's network, its processes, its cgroups and its /tmp. A program that is not there skips the test.
    """

    def __init__(self, prefix: list[str], path: str | None = None) -> None:
        self.prefix = prefix  # of the words of each program
        self._path = path

    def __call__(self, program: str, *arguments: str) -> list[str]:
        self.needs(program)
        return [*self.prefix, program, *arguments]

    def within(self, enter: list[str]) -> "Peers":
        """Return the same, run by what words enter: a network namespace."""
        return Peers(enter, self._path)

    def needs(self, *programs: str) -> None:
        """Skip the test unless they are there."""
        for program in programs:
            if shutil.which(program, path=self._path) is None:
                pytest.skip(f"needs {program}, which is not installed (PEERS=1 make setup)")


@contextmanager
def found_peers() -> Iterator[Peers]:
    """Have today's peers ready while the `with` lasts, or those that are installed."""
    words = peers_root.enter_command()
    if not words:
        yield Peers([])
        return
    pipe = subprocess.PIPE  # its input ends when we do, and then nobody holds the root any more
    words += ["sh", "-c", "echo $$ $PATH; exec cat > /dev/null"]
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as holder:
        assert holder.stdout is not None
        pid, path = holder.stdout.readline().split()
        prefix = ["nsenter", f"--mount=/proc/{pid}/ns/mnt", "--", "env", f"PATH={path}", "PODMAN_IGNORE_CGROUPSV1_WARNING=1"]
        yield Peers(prefix, ":".join(f"{ROOT}{directory}" for directory in path.split(":")))


def about_peers() -> str:
    """Return a line that says which they are."""
    if peers_root.enter_command():
        table = subprocess.run(
            [sys.executable, str(peers_root.TOOL), "versions"], capture_output=True, text=True, check=True
        ).stdout
        return "peers, today's (tools/peers): " + ", ".join(" ".join(line.split()) for line in table.splitlines())
    there = [program for program in PROGRAMS if shutil.which(program)]
    return "peers, as installed here: " + (", ".join(f"{name} {version(name)}" for name in there) or "none")

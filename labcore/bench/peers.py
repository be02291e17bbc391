"""Peers: bubblewrap, runc, crun, podman and docker, each starting the same program as it does for its users.

What each needs (a bundle, a daemon, an image) is made in one temporary directory and undone when the `with` ends.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from labcore import native
from labcore.bench.measure import Subject
from labcore.errors import LabcoreError
from labcore.runtime.oci.example import example_config

BUBBLEWRAP = "bubblewrap"
DOCKER = {network: f"docker run --rm --network {network}" for network in ("none", "bridge")}
COMMANDS_EVERY = 5  # rounds: the commands of engines take so long
WITH_NETWORKS = ("--ipv6=false",)
WITHOUT_NETWORKS = ("--bridge", "none", "--iptables=false", "--ip6tables=false")  # no rules of its on this machine
NAMESPACES = ("pid", "mount", "uts", "ipc", "network", "cgroup")


class PeerFailed(LabcoreError):
    """A peer did not do what it was asked to."""


def timed(command: list[str], env: dict[str, str] | None = None) -> float:
    """Run a command to its end and return the seconds it took. Raises PeerFailed with what it said."""
    start = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=env)
    elapsed = time.perf_counter() - start
    if done.returncode:
        raise PeerFailed(f"{' '.join(command)}: {done.stderr.decode(errors='replace').strip()[-400:]}")
    return elapsed


def version(command: str) -> str:
    """Return the first number that `command --version` says."""
    done = subprocess.run([command, "--version"], capture_output=True, text=True)
    found = re.search(r"\d+(\.\d+)+", done.stdout or done.stderr)
    return found[0] if found else "unknown"


@contextmanager
def peers(rootfs: Path, work: Path, argv: list[str]) -> Iterator[tuple[list[Subject], dict[str, str], list[str]]]:
    """Yield the subjects of each peer that is installed and works here, their versions, and remarks on what is missing."""
    subjects: list[Subject] = []
    versions: dict[str, str] = {}
    remarks: list[str] = []
    makers: dict[str, Callable[[ExitStack], list[Subject]]] = {
        "bwrap": lambda _: [_bubblewrap(rootfs, argv)],
        "crun": lambda undo: [_runtime("crun", rootfs, work, argv, undo)],
        "runc": lambda undo: [_runtime("runc", rootfs, work, argv, undo)],
        "podman": lambda undo: [_podman(rootfs, work, argv, undo)],
        "dockerd": lambda undo: _docker(rootfs, work, argv, undo),
    }
    with ExitStack() as undo:
        for command, make in makers.items():
            if not shutil.which(command):
                remarks.append(f"{command}: not installed")
                continue
            try:
                made = make(undo)
                for subject in made:
                    subject.once()
            except (PeerFailed, OSError) as error:
                remarks.append(f"{command}: does not work here: {error}")
                continue
            subjects += made
            versions[command] = version(command)
        yield subjects, versions, remarks


def _bubblewrap(rootfs: Path, argv: list[str]) -> Subject:
    command = ["bwrap", "--unshare-pid", "--unshare-uts", "--unshare-ipc", "--unshare-net", "--unshare-cgroup"]
    command += ["--bind", str(rootfs), "/", "--proc", "/proc", "--dev", "/dev", "--hostname", "labcore", *argv]
    return Subject(BUBBLEWRAP, lambda: timed(command))


def _runtime(name: str, rootfs: Path, work: Path, argv: list[str], undo: ExitStack) -> Subject:
    bundle = bundle_for(name, rootfs, work, argv, undo)
    command = [name, "--root", str(bundle / "state"), "run", "--bundle", str(bundle), f"labcore-bench-{os.getpid()}"]
    return Subject(f"{name} run", lambda: timed(command))


def bundle_for(name: str, rootfs: Path, work: Path, argv: list[str], undo: ExitStack) -> Path:
    """Make a bundle for an OCI runtime, the same for each."""
    bundle = work / name
    bundle.mkdir()
    config = example_config()
    config["process"] |= {"terminal": False, "args": argv}
    config["process"].pop("rlimits", None)  # raising them takes CAP_SYS_RESOURCE, which not every machine gives to root
    config["root"] = {"path": str(_overlay(bundle, rootfs, undo)), "readonly": False}
    config["linux"]["namespaces"] = [{"type": kind} for kind in NAMESPACES]
    (bundle / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return bundle


def _overlay(directory: Path, lower: Path, undo: ExitStack) -> Path:
    """Mount an overlay for a runtime that takes its root as it finds it; outside the measured time, to its advantage."""
    upper, workdir, merged = (directory / name for name in ("upper", "work", "rootfs"))
    for path in (upper, workdir, merged):
        path.mkdir()
    native.mount("overlay", str(merged), "overlay", data=f"lowerdir={lower},upperdir={upper},workdir={workdir}")
    undo.callback(native.umount2, str(merged), native.UnmountFlag.DETACH)
    return merged


def archive_of(rootfs: Path, work: Path) -> Path:
    """Return a root file system as a tar archive."""
    archive = work / "rootfs.tar"
    if not archive.exists():
        subprocess.run(["tar", "-C", str(rootfs), "-cf", str(archive), "."], check=True)
    return archive


class Cli(NamedTuple):
    """An engine's command line: the words that start a container from the image labcore-bench, and its options."""

    start: list[str]
    options: list[str]


def _podman(rootfs: Path, work: Path, argv: list[str], undo: ExitStack) -> Subject:
    podman = podman_words(rootfs, work, undo)
    command = [*podman.start, "--rm", *podman.options, "labcore-bench", *argv]
    return Subject("podman run --rm --network none", lambda: timed(command), every=10)


def podman_words(rootfs: Path, work: Path, undo: ExitStack) -> Cli:
    """Make the image known to a podman of its own."""
    home = work / "podman"
    podman = ["podman", "--root", str(home / "root"), "--runroot", str(home / "run"), "--cgroup-manager", "cgroupfs"]
    undo.callback(subprocess.run, [*podman, "system", "reset", "--force"], capture_output=True)
    timed([*podman, "import", str(archive_of(rootfs, work)), "labcore-bench"])
    # podman asks for more open files and processes than it has, which takes CAP_SYS_RESOURCE: be content with less.
    limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
    return Cli([*podman, "run"], ["--network", "none", "--cgroupns", "private", *limits])


def _docker(rootfs: Path, work: Path, argv: list[str], undo: ExitStack) -> list[Subject]:
    docker = _dockerd_with_image(rootfs, work, undo, *WITH_NETWORKS)

    def subject(network: str) -> Subject:
        command = [*docker, "run", "--rm", "--pull", "never", "--network", network, "labcore-bench", *argv]
        return Subject(DOCKER[network], lambda: timed(command), COMMANDS_EVERY)

    return [subject(network) for network in DOCKER]


def running_docker(rootfs: Path, work: Path, undo: ExitStack) -> Cli:
    """Start a dockerd of its own, and make the image known to it."""
    docker = _dockerd_with_image(rootfs, work, undo)
    return Cli([*docker, "run"], ["--pull", "never", "--network", "none"])


def _dockerd_with_image(rootfs: Path, work: Path, undo: ExitStack, *options: str) -> list[str]:
    docker = undo.enter_context(own_dockerd(work, *options))
    timed([*docker, "import", str(archive_of(rootfs, work)), "labcore-bench"])
    undo.callback(remove_all, docker)
    return docker


@contextmanager
def own_dockerd(work: Path, *options: str, docker: str = "docker") -> Iterator[list[str]]:
    """Start a dockerd whose files lie in `work`, by default without networks; yield the words that begin a command to it."""
    home = work / "docker"
    home.mkdir()
    socket = f"unix://{home}/docker.sock"
    command = ["dockerd", "-H", socket, "--data-root", str(home / "data"), "--exec-root", str(home / "exec"),
               "--pidfile", str(home / "pid"), *(options or WITHOUT_NETWORKS)]  # fmt: skip
    with own_daemon(command, socket, home / "log", docker=docker) as words:
        yield words


@contextmanager
def own_daemon(command: list[str], socket: str, log: Path, *, docker: str = "docker") -> Iterator[list[str]]:
    """Start a daemon that serves the Engine API; yield the words that begin a docker command to it. Raises PeerFailed."""
    with ExitStack() as undo:
        output = undo.enter_context(log.open("wb"))
        daemon = subprocess.Popen(command, stdout=output, stderr=output)
        undo.callback(_stop, daemon)
        words = [docker, "-H", socket]
        _await_daemon(words, daemon)
        yield words


def remove_all(docker: list[str]) -> None:
    """Remove all containers of a daemon."""
    names = subprocess.run([*docker, "ps", "-aq"], capture_output=True, text=True).stdout.split()
    if names:
        subprocess.run([*docker, "rm", "-f", *names], capture_output=True)


def _await_daemon(docker: list[str], daemon: "subprocess.Popen[bytes]") -> None:
    for _ in range(100):
        if daemon.poll() is not None:
            raise PeerFailed("the daemon ended at once")
        with suppress(PeerFailed):
            timed([*docker, "version"])
            return
        time.sleep(0.2)
    raise PeerFailed("the daemon does not answer after 20 s")


def _stop(daemon: "subprocess.Popen[bytes]") -> None:
    daemon.terminate()
    try:
        daemon.wait(20)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()

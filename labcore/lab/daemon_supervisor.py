"""Supervisor of a lesson's real daemon: `python -m labcore.lab.daemon_supervisor ROOT SOCKET IMAGES OPTION…`.

Standard input brings one word a line: `start`, `stop` (SIGTERM), `kill` (SIGKILL), `read-only` and `writable` (its state root).
Each is answered with the daemon's PID, 0 once it has ended, or `-` and why it does not come up, or end. When standard input
ends, so does the daemon, and its state root goes. Mounts are made in a namespace of this process's own, and go with it.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from labcore import procfs
from labcore.engine import Engine
from labcore.engine.container.state import get
from labcore.engine.containers import every, remove
from labcore.engine.network.objects import prune_networks
from labcore.engine.stage_cgroups import remove_stage_cgroups
from labcore.errors import ImageNotFound, LabcoreError, StoreDamaged
from labcore.http.client import credentials_of
from labcore.lab.sandbox import python, supervise
from labcore.lab.stores import copy_image
from labcore.language import VARIABLE as LANGUAGE
from labcore.locks import Lock
from labcore.native import CloneFlag, MountFlag, Prctl, UnmountFlag, mount, prctl, umount2, unshare
from labcore.network.aliases import gone_root
from labcore.network.gone import remove_gone
from labcore.network.links import list_links
from labcore.network.netlink import Netlink
from labcore.unix_sockets import connect

START_SECONDS: Final = 60.0
END_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.01
SHOWN_BYTES: Final = 400
LOCK_SECONDS: Final = 10.0
BRIDGE_SECONDS: Final = 5.0


class LessonDaemon:
    """A daemon on a state root, started and ended again and again."""

    def __init__(self, root: Path, path: str, options: list[str]) -> None:
        self._root = str(root)
        self._log = root / "daemon.log"
        self._socket = path
        self._command = [*python("labcore"), "--root", str(root), "daemon", "-H", f"unix://{path}", *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it unless it runs, and wait until it listens; return its PID."""
        if self._process is None or self._process.poll() is not None:
            with self._log.open("wb") as output:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd="/",
                    env=_in_english(),
                    preexec_fn=_die_with_parent,
                )
        deadline = time.monotonic() + START_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                return "- " + " ".join(self._log.read_text(encoding="utf-8", errors="replace")[-SHOWN_BYTES:].split())
            time.sleep(POLL_SECONDS)
        return str(self._process.pid)

    def _listens(self) -> bool:
        """Return whether it is this process that listens there."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                connect(probe, self._socket)
            except OSError:
                return False
            return self._process is not None and credentials_of(probe).pid == self._process.pid

    def end(self, number: int) -> str:
        """End it by a signal, and wait for that; return 0, or who does not end."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                pid, name = self._process.pid, signal.Signals(number).name
                return (
                    f"- process {pid} has not ended {END_SECONDS:g} s after {name}: kill -KILL {pid}, and look into {self._log}"
                )
        return "0"

    def end_at_last(self) -> None:
        """End it, whatever it does."""
        if self.end(signal.SIGTERM) != "0":
            self.end(signal.SIGKILL)

    def reap(self, *_: object) -> None:
        """Reap what this process has inherited, as an init does: monitors, and what a daemon that was killed had started.

        A container whose further program nobody reaps does not come to its end: pid_namespaces(7).
        """
        for pid in procfs.children(os.getpid()):
            if self._process is None or pid != self._process.pid:
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)

    @property
    def pid(self) -> str:
        """Its PID, 0 while it does not run."""
        return str(self._process.pid) if self._process and self._process.poll() is None else "0"

    def make_read_only(self) -> str:
        """Bind the state root on itself, read-only; return the PID."""
        mount(self._root, self._root, flags=MountFlag.BIND | MountFlag.REC)
        mount("none", self._root, flags=MountFlag.BIND | MountFlag.REMOUNT | MountFlag.RDONLY)
        return self.pid

    def make_writable(self) -> str:
        """Take that away; return the PID."""
        umount2(self._root, UnmountFlag.DETACH)
        return self.pid


def _end_orphans() -> None:
    """End what this process has inherited from a daemon whose state root is gone: resolvers and proxies, which linger."""
    for pid in procfs.children(os.getpid()):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _in_english() -> dict[str, str]:
    """Return the environment without a language: what a daemon answers is for clients, and half of it has no other words."""
    return {name: value for name, value in os.environ.items() if name != LANGUAGE}


def _die_with_parent() -> None:
    prctl(Prctl.SET_PDEATHSIG, signal.SIGKILL)


def clear(root: Path) -> None:
    """Remove a state root that no daemon has, with its containers and networks: what a killed notebook has left, too."""
    if (root / "daemon.json").exists():
        engine = Engine(root)
        for container in every(engine):
            with suppress(LabcoreError):
                remove(engine, get(engine, container.id).id, force=True, volumes=True)
        prune_networks(engine)
        with suppress(OSError, ValueError, LookupError):
            remove_stage_cgroups(json.loads((root / "daemon.json").read_text(encoding="utf-8"))["id"])
    has_networks = (root / "network").exists()
    shutil.rmtree(root, ignore_errors=True)
    if has_networks:
        _remove_bridges(root)


def _remove_bridges(root: Path) -> None:
    """Remove the bridges of a state root that is gone, once the kernel has taken the links of its containers away."""
    deadline = time.monotonic() + BRIDGE_SECONDS
    with Netlink() as netlink:
        while any(gone_root(link.alias) == f"{root}/network" for link in list_links(netlink)):
            if time.monotonic() > deadline:
                return
            remove_gone(netlink)
            time.sleep(POLL_SECONDS)


def _bring(name: str, engine: Engine) -> None:
    """Have a seed image in a daemon's state root: a copy of that of the lessons, which is there, or made anew."""
    try:
        copy_image(Engine().images, engine.images, name)
    except (ImageNotFound, StoreDamaged):
        engine.seed(name)


@contextmanager
def empty_root(root: Path, images: Iterable[str]) -> Iterator[None]:
    """Make a state root with these seed images for the block. Raises InUse if another notebook has it, and as `Engine.seed`."""
    lock = Lock(root.with_suffix(".lock"), os.O_CREAT | os.O_RDWR)
    with lock.acquire(timeout_seconds=LOCK_SECONDS, what=str(root), cure="end the other notebook of this lesson"):
        clear(root)
        root.mkdir(mode=0o711)
        try:
            for name in images:
                _bring(name, Engine(root))
            yield
        finally:
            clear(root)


def main() -> int:
    """Serve the words that come."""
    supervise()
    root, path, images, *options = sys.argv[1:]
    try:
        with ExitStack() as undo:
            undo.callback(_end_orphans)
            undo.enter_context(empty_root(Path(root), filter(None, images.split(","))))
            unshare(CloneFlag.NEWNS)
            mount("none", "/", flags=MountFlag.REC | MountFlag.SLAVE)
            daemon = LessonDaemon(Path(root), path, options)
            prctl(Prctl.SET_CHILD_SUBREAPER, 1)
            signal.signal(signal.SIGCHLD, daemon.reap)
            undo.callback(daemon.end_at_last)
            _serve(daemon)
    except LabcoreError as error:
        print("-", " ".join(str(error).split()), flush=True)
        return 1
    return 0


def _serve(daemon: LessonDaemon) -> None:
    for word in sys.stdin:
        print(_done(daemon, word.strip()), flush=True)


def _done(daemon: LessonDaemon, word: str) -> str:
    if word == "start":
        return daemon.start()
    if word == "read-only":
        return daemon.make_read_only()
    if word == "writable":
        return daemon.make_writable()
    return daemon.end(signal.SIGKILL if word == "kill" else signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())

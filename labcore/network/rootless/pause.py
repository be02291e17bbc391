"""Pause process: keeps the user namespace of an ordinary user's containers, and the network namespace that has their bridges.

It stays in the host's network, where it runs the one program that connects that namespace with it (`user_mode.py`). It ends
when nobody has been in the user namespace for a while; and if it is killed, the kernel kills that program with it.
Who asks sends one packet on its socket, `network` or `connected`; the answer has a descriptor of the network namespace with
it, or is a sentence that says why there is none.
"""

import os
import select
import socket
import time
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from signal import SIG_DFL, SIGKILL, SIGPIPE, signal
from typing import Final

from labcore import procfs
from labcore.errors import LabcoreError, Unavailable
from labcore.locks import Lock
from labcore.native import (
    CloneFlag,
    MountFlag,
    Prctl,
    Process,
    UnmountFlag,
    clone,
    mount,
    prctl,
    program,
    setns,
    umount2,
    unshare,
)
from labcore.network.endpoints import forget_namespace
from labcore.network.links import set_up
from labcore.network.netlink import Netlink
from labcore.network.rootless import namespaces, user_mode

NAME: Final = "labcore-pause"
LINGER_SECONDS: Final = 2.0  # with nobody in the namespace: the next command may come soon
READY_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.005
ASK_SECONDS: Final = 5.0
LOOPBACK: Final = 1
SAID_BYTES: Final = 4096


class PauseProcess:
    """The pause process of a directory (`namespaces.py`); `control` is its socket, which listens."""

    def __init__(self, directory: Path, control: socket.socket) -> None:
        self._directory = directory
        self._control = control
        self._path = str(directory / "network")
        self._user = procfs.namespace("self", "user")
        self._network = -1
        self._helper: Process | None = None

    def run(self) -> None:
        """Serve until nobody is in the user namespace any more."""
        while True:
            user = self._oldest_user()
            if self._wait(user):
                continue
            with Lock(self._directory / "lock") as lock:
                if lock.try_acquire() and self._oldest_user() is None:
                    return self._end()

    def _wait(self, user: int | None) -> bool:
        """Answer who asks, or wait until a process has ended; return False if there is none, and nobody has asked."""
        poller = select.poll()
        poller.register(self._control, select.POLLIN)
        with ExitStack() as undo:
            if user is not None:
                try:
                    pidfd = os.pidfd_open(user)
                except ProcessLookupError:
                    return True
                undo.callback(os.close, pidfd)
                poller.register(pidfd, select.POLLIN)
            ready = poller.poll(LINGER_SECONDS * 1000 if user is None else None)
        if any(fd == self._control.fileno() for fd, _ in ready):
            self._answer()
        return bool(ready)

    def _oldest_user(self) -> int | None:
        """Return the process that has been in the user namespace longest; what serves the networks does not count."""
        network = os.fstat(self._network).st_ino if self._network >= 0 else 0
        own = {os.getpid(), *procfs.descendants(os.getpid())}
        found: list[tuple[int, int]] = []
        for pid in namespaces.processes("user", self._user):
            with suppress(OSError):
                if pid not in own and procfs.namespace(pid, "net") != network:
                    found.append((procfs.start_time(pid) or 0, pid))
        return min(found)[1] if found else None

    def _answer(self) -> None:
        asker, _ = self._control.accept()
        with asker, suppress(OSError):
            asker.settimeout(ASK_SECONDS)
            try:
                if asker.recv(64) == b"connected":
                    self._connect()
                socket.send_fds(asker, [b"!"], [self._own_network()])
            except (LabcoreError, OSError) as error:
                asker.send(str(error).encode())

    def _own_network(self) -> int:
        """Return the network namespace, made when it is first asked for."""
        if self._network < 0:
            Path(self._path).touch(mode=0o600)
            with clone(partial(_set_up, self._path), flags=CloneFlag.NEWNET) as child:
                if child.wait():
                    raise Unavailable(f"no network namespace can be made: see {self._directory}/log")
            self._network = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            pause = namespaces.read(self._directory)
            if pause is not None:
                namespaces.write(self._directory, pause.replace(network=os.fstat(self._network).st_ino))
        return self._network

    def _connect(self) -> None:
        """Have the network namespace connected to the host's network; where that leads nowhere, it need not be.

        Raises Unavailable.
        """
        if self._helper is not None and self._helper.poll() is None:
            return
        network = self._own_network()
        refused = []
        for words in user_mode.commands(self._path):
            self._helper, why = _started(words, network)
            if self._helper is not None:
                return
            refused.append(f"{words[0]}: {why}")
        if obstacle := user_mode.obstacle():
            raise Unavailable(f"{': '.join(obstacle)}, or --network none")
        if _has_route(""):
            raise Unavailable(f"no network, for this user's cannot be connected to the host's: {'; '.join(refused)}")

    def _end(self) -> None:
        if self._helper is not None:
            self._helper.close()
        if self._network >= 0:
            namespaces.end_servers(os.fstat(self._network).st_ino)
            umount2(self._path, UnmountFlag.DETACH)
            forget_namespace(str(self._directory.parent / "network"), os.fstat(self._network).st_ino)
        for name in ("sock", "pause.json", "network"):
            (self._directory / name).unlink(missing_ok=True)


def _set_up(path: str) -> None:
    """In a new network namespace: have it mounted at `path`, with its loopback up."""
    with Netlink() as netlink:
        netlink.request(set_up(LOOPBACK))
    mount("/proc/self/ns/net", path, flags=MountFlag.BIND)


def _started(words: tuple[str, ...], network: int) -> tuple[Process | None, str]:
    """Start a program that connects a network namespace; return it when it does, else what it has said."""
    said = os.memfd_create("said", os.MFD_CLOEXEC)
    with ExitStack() as undo:
        undo.callback(os.close, said)
        helper = clone(partial(_become, words, said), flags=CloneFlag.NEWPID)
        kill = undo.callback(helper.close)
        waiter = undo.enter_context(clone(partial(_wait_for_route, network)))
        poller = select.poll()
        for process in (helper, waiter):
            poller.register(process.pidfd, select.POLLIN)
        poller.poll()
        if waiter.poll() == 0 and helper.poll() is None:
            undo.pop_all()
            waiter.close()
            os.close(said)
            return helper, ""
        del kill
        text = os.pread(said, SAID_BYTES, max(0, os.fstat(said).st_size - SAID_BYTES)).decode(errors="replace").split("\n")
        return None, next((line.strip() for line in reversed(text) if line.strip()), "it did not connect it in time")


def _become(words: tuple[str, ...], said: int) -> None:
    """Become a program below the first process of a PID namespace, which the kernel kills with the pause process."""
    prctl(Prctl.SET_PDEATHSIG, SIGKILL)
    signal(SIGPIPE, SIG_DFL)  # Python has it ignored, and what is ignored stays so in another program
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for place, fd in ((0, nothing), (1, nothing), (2, said)):
        os.dup2(fd, place)
    init = program("labcore-init")
    os.execv(init, [init, *words])


def _wait_for_route(network: int) -> int:
    """Return 0 when the network namespace has a default route."""
    setns(network, CloneFlag.NEWNET)
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if _has_route(user_mode.TAP):
            return 0
        time.sleep(POLL_SECONDS)
    return 1


def _has_route(link: str) -> bool:
    """Return whether there is a default route of IPv4 by that link, or by any: proc_pid_net(5)."""
    table = Path("/proc/self/net/route").read_text(encoding="ascii").splitlines()
    return any(line.split()[1] == "00000000" and line.split()[0].startswith(link) for line in table)


def main(directory: str) -> None:
    """Be the pause process."""
    os.set_inheritable(namespaces.CONTROL, False)
    os.closerange(namespaces.CONTROL + 1, os.sysconf("SC_OPEN_MAX"))
    os.chdir("/")
    with suppress(OSError):
        Path("/proc/self/comm").write_text(NAME, encoding="utf-8")
    unshare(CloneFlag.NEWNS)  # whose mounts are nobody's else
    with socket.socket(fileno=namespaces.CONTROL) as control:
        PauseProcess(Path(directory), control).run()

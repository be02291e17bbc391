"""Hosts for tests of networks: network namespaces, each with a process that keeps it. The machine's own stay untouched."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self, TypeVar

from labcore.client import connect
from labcore.engine import Engine
from labcore.network import in_namespace
from tests.daemon import own_daemon

T = TypeVar("T")
WAIT_SECONDS = 30
WITH_ENGINE = """
import sys
from pathlib import Path
from labcore.engine import Engine
engine = Engine(Path(sys.argv[1]))
"""
CLEAR = """
from labcore.engine.containers import every, remove
from labcore.engine.network.objects import prune_networks
for container in every(engine):
    remove(engine, container.id, force=True)
prune_networks(engine)
engine.networks.repair()
"""


class Host:
    """A network namespace, a host's or a container's, with its loopback up."""

    def __init__(self) -> None:
        script = "ip link set lo up && echo && exec sleep infinity"
        self._process = subprocess.Popen(["unshare", "--net", "sh", "-c", script], stdout=subprocess.PIPE)
        assert self._process.stdout
        assert self._process.stdout.readline() == b"\n"
        self._process.stdout.close()
        self.pid = self._process.pid
        self.namespace = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def enter(self) -> list[str]:
        """Return the words that run a command there."""
        return ["nsenter", f"--target={self.pid}", "--net"]

    def sh(self, script: str) -> str:
        """Run a shell script there; return what it writes."""
        return subprocess.run([*self.enter(), "sh", "-ec", script], check=True, stdout=subprocess.PIPE, text=True).stdout

    def run(self, work: Callable[[], T]) -> T:
        """Do something there, in a thread."""
        return in_namespace(self.namespace, work)

    def links(self) -> set[str]:
        """Return the names of its links, without the loopback's."""
        lines = self.sh("ip -oneline link").splitlines()
        return {line.split(": ")[1].partition("@")[0] for line in lines} - {"lo"}

    def udp(self, address: str, port: int = 0) -> socket.socket:
        """Return a datagram socket there, bound to an address."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = self.run(lambda: socket.socket(family, socket.SOCK_DGRAM))
        made.settimeout(WAIT_SECONDS)
        made.bind((address, port))
        return made

    def reaches(self, other: "Host", address: str, *, wait_seconds: float = WAIT_SECONDS) -> bool:
        """Return whether a datagram from here comes to an address of another host."""
        anywhere = "::" if ":" in address else "0.0.0.0"
        with other.udp(anywhere) as server, self.udp(anywhere) as client:
            server.settimeout(wait_seconds)
            try:
                client.sendto(b"hello", (address, server.getsockname()[1]))
                return server.recvfrom(64)[0] == b"hello"
            except OSError:
                return False

    def kill(self) -> None:
        """End the process; its namespace goes with it."""
        if self.namespace >= 0:
            os.close(self.namespace)
            self.namespace = -1
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class EngineHost(Host):
    """A host with a state root of its own, and the image busybox in it, where engines work."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        Engine(root).seed("busybox")

    def engine(self, script: str, *words: str) -> str:
        """Run a script there that has an `engine`; return what it prints."""
        command = [*self.enter(), sys.executable, "-P", "-c", WITH_ENGINE + script, str(self.root), *words]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout

    def clear(self) -> None:
        """Remove all containers and networks, as whoever comes after a crash does, but in one process."""
        self.engine(CLEAR)


class CommandedHost(EngineHost):
    """Such a host with a daemon, to which commands are given."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._stack = ExitStack()
        self.daemon = self._stack.enter_context(own_daemon(root, enter=self.enter()))

    def try_labcore(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [*self.enter(), sys.executable, "-P", "-m", "labcore", "--root", str(self.root), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def labcore(self, *words: str) -> str:
        done = self.try_labcore(*words)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def clear(self) -> None:
        """Have the daemon remove all containers and networks."""
        with connect(self.daemon.url) as client:
            for container in client.containers.list(all=True):
                client.containers.remove(container.id, force=True)
            client.networks.prune()

    def kill(self) -> None:
        """End the daemon, and then the host."""
        self._stack.close()
        self.engine(CLEAR)
        super().kill()


@contextmanager
def cable(one: Host, other: Host) -> Iterator[tuple[str, str]]:
    """Connect two hosts, by 198.51.100.0/24; yield their addresses there."""
    one.sh(
        f"ip link add wire type veth peer name wire netns {other.pid}\n"
        "ip address add 198.51.100.1/24 dev wire; ip link set wire up"
    )  # fmt: skip
    other.sh("ip address add 198.51.100.2/24 dev wire; ip link set wire up; ip route add default via 198.51.100.1")
    yield "198.51.100.1", "198.51.100.2"
    one.sh("ip link del wire")

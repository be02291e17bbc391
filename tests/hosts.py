"""Hosts for tests of networks: network namespaces, each with a process that keeps it. The machine's own stay untouched."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self, TypeVar

from labcore.network import in_namespace

T = TypeVar("T")
WAIT_SECONDS = 5


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

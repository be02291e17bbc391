"""Check of `publish`: connections to a port of the machine, made from outside, to a container that answers late."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any, Final

from labcore import procfs
from labcore.lab import hosts
from labcore.lab.checks.containers import ended_as_drawn, own_number
from labcore.lab.checks.networks import ANSWER_SECONDS, LOOPBACK, POLL_SECONDS, NetworkView, enter_a_machine
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import GATE, INNER_GATE, REFERENCE, Draw, Scenario, plan_of
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.network import proxy, proxy_server, relays
from labcore.runtime import ops, spawn
from labcore.runtime.ops import Op
from labcore.spec import NAMESPACES, ContainerSpec

PIECE_BYTES: Final = 1 << 16  # what one recv(2) returns at most, if it is asked for that
GREETING: Final = "here"
ELSEWHERE: Final = "127.0.0.2"  # an address of the machine, too
FORWARDING: Final[tuple[Target, ...]] = (proxy, proxy_server, relays)


class Started:
    """A container as `publish` knows it: its first process's number, and its end."""

    def __init__(self) -> None:
        self._first = 0
        self._started = Event()

    def start(self, pid: int) -> None:
        """Tell its number."""
        self._first = pid
        self._started.set()

    @property
    def pid(self) -> int | None:
        """The number of its first process; None after its end."""
        started = self._started.wait(ANSWER_SECONDS)
        return self._first if started and not procfs.has_ended(self._first) else None

    def wait(self) -> None:
        """Wait until it has been started, and has ended."""
        self._started.wait()
        while not procfs.has_ended(self._first):
            time.sleep(POLL_SECONDS)


def _counts(draw: Draw) -> tuple[str, ...]:
    """A program that greets each connection and counts its bytes, once the inner gate is open, and waits at the gate."""
    served = f"echo {GREETING}; exec /bin/busybox wc -c"
    counts = f"read go < /{INNER_GATE}; exec /bin/busybox nc -ll -p {_inside(draw)} -e /bin/sh -c '{served}'"
    return draw.script(f"({counts}) & read go < /{GATE}; kill $!; exit {draw.exit_code}")


def _inside(draw: Draw) -> int:
    return 1000 + draw.number


def _port(draw: Draw) -> int:
    return 20_000 + draw.number


def _perform_publish(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    enter_a_machine()
    host, container = hosts.host(), Started()

    def cable(_: ContainerSpec) -> list[Op]:
        return [ops.Sync("connects it", lambda process: REFERENCE.connect(host, process.pid))]

    mine.publish(_port(draw), container, _inside(draw))
    refused = _refuses_what_is_taken(mine, draw, container)
    spec = draw.spec(_counts(draw), namespaces=NAMESPACES)
    with spawn(plan_of(spec, REFERENCE.namespaces, cable, REFERENCE.rootfs)) as process:
        container.start(process.pid)
        code = process.wait()
    return {"code": code, "refused": refused, "closed": _is_closed(_port(draw))}


def _refuses_what_is_taken(mine: ModuleType, draw: Draw, container: Started) -> bool:
    """Return whether a port that is in use is an error."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        try:
            mine.publish(taken.getsockname()[1], container, _inside(draw))
        except OSError:
            return True
    return False


def _is_closed(port: int) -> bool:
    """Return whether nobody listens there any more, or soon."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
        time.sleep(POLL_SECONDS)
    return False


def _observe_publish(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    machine = NetworkView(seen.parent.pid)
    yield Claim(say("somebody listens at the port of the machine"), _listens(machine, draw))
    elsewhere = _listens(machine, draw, ELSEWHERE)
    yield Claim(say("at {address} only: who is not on this machine does not reach it", address=LOOPBACK), not elsewhere)
    yield Claim(say("a connection that nobody in the container answers is closed"), _ends(machine, draw))
    with Path(draw.root, INNER_GATE).open("wb", buffering=0) as gate:
        gate.write(b"\n")
    small, large = draw.number, PIECE_BYTES + draw.number
    text = say("bytes that come through to its program, which answers at their end")
    yield equal(text, str(small), _counted(machine, draw, small, again=True))
    yield equal(text, str(large), _counted(machine, draw, large))
    text = say("both directions at once: what it says comes while this side is still open")
    yield Claim(text, _greets(machine, draw))
    with suppress(OSError), machine.connect(LOOPBACK, _port(draw)):
        text = say("while one connection says nothing, another is served: bytes that come through")
        yield equal(text, str(small), _counted(machine, draw, small))


def _listens(machine: NetworkView, draw: Draw, address: str = LOOPBACK) -> bool:
    try:
        machine.connect(address, _port(draw)).close()
    except OSError:
        return False
    return True


def _ends(machine: NetworkView, draw: Draw) -> bool:
    """Return whether a connection is ended from the other side."""
    try:
        with machine.connect(LOOPBACK, _port(draw)) as connection:
            return not connection.recv(1)
    except TimeoutError:
        return False
    except OSError:  # reset
        return True


def _greets(machine: NetworkView, draw: Draw) -> bool:
    """Return whether the program's greeting comes before anything has been sent, or ended."""
    try:
        with machine.connect(LOOPBACK, _port(draw)) as connection:
            return connection.recv(64).startswith(GREETING.encode())
    except OSError:  # a timeout, too
        return False


def _counted(machine: NetworkView, draw: Draw, count: int, *, again: bool = False) -> str:
    """Send so many bytes, and the end; return what is answered. With `again`, until somebody listens in the container."""
    deadline = time.monotonic() + ANSWER_SECONDS
    answer = b""
    while True:
        with suppress(OSError), machine.connect(LOOPBACK, _port(draw)) as connection:
            connection.sendall(bytes(count))
            connection.shutdown(socket.SHUT_WR)
            answer = _to_the_end(connection)
        if answer or not again or time.monotonic() > deadline:
            return answer.decode(errors="replace").removeprefix(GREETING).strip()
        time.sleep(POLL_SECONDS)


def _to_the_end(connection: socket.socket) -> bytes:
    received = b""
    while more := connection.recv(64):
        received += more
    return received


def _conclude_publish(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from ended_as_drawn(returned["code"], draw)
    yield Claim(say("a port of the machine that is in use is an error"), returned["refused"])
    yield Claim(say("when the container has ended, nobody listens at the port any more"), returned["closed"])


PUBLISH = Scenario(_perform_publish, _observe_publish, _conclude_publish, _counts, forbidden=FORWARDING, seconds=20.0)

"""Checks of `bridge`, `connect`, and of a `run` that connects its container."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from labcore.errors import Unavailable
from labcore.images.builtin import find_busybox
from labcore.lab import hosts
from labcore.lab.checks.containers import ended_as_drawn, own_number
from labcore.lab.checks.lesson_03.running import RUN as LAYERED
from labcore.lab.checks.networks import (
    INTERFACE,
    NetworkView,
    connected,
    enter_a_machine,
    has_bridge,
    lab_host,
    machine_is_left_alone,
)
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import GATE, REFERENCE, Draw, Scenario, carry_out
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.ip_route import Ip
from labcore.lab.messages import say
from labcore.native import CloneFlag, Process
from labcore.network import attachment, bridges
from labcore.network.driver import NetworkDriver
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.ops import Op
from labcore.spec import NAMESPACES, ContainerSpec

DRIVING: Final[tuple[Target, ...]] = (attachment, bridges, NetworkDriver)
ALIVE_SECONDS: Final = "60"


@contextmanager
def _empty_network() -> Iterator[int]:
    """Yield a process with a network in which there is nothing yet."""
    busybox = str(find_busybox())
    with spawn(Plan([ops.Clone(CloneFlag.NEWNET), ops.Execve(("sleep", ALIVE_SECONDS), (), (busybox,))])) as process:
        yield process.pid
        process.kill()


# --- what fails


class _Failing:
    """Calls of `lab.ip(…)` while a step runs: they are counted, and one of them fails (-1: none)."""

    def __init__(self, which: int) -> None:
        self.which = which
        self.count = 0

    @contextmanager
    def patched(self) -> Iterator[None]:
        """Have it so in the block."""
        methods = {name: method for name, method in vars(Ip).items() if not name.startswith("_") and callable(method)}
        try:
            for name, method in methods.items():
                setattr(Ip, name, self._counted(method))
            yield
        finally:
            for name, method in methods.items():
                setattr(Ip, name, method)

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self.count += 1
            if self.count - 1 == self.which:
                raise Unavailable("the kernel refuses")
            return method(*arguments)

        return counted


def _silences(step: Callable[..., object], *networks: int) -> int:
    """Return of how many failures a step says nothing: each of its calls is made to fail, one in each attempt.

    It is called with processes whose networks are empty each time.
    """
    whole = _Failing(-1)
    with whole.patched():
        step(*networks)
    return sum(not _is_raised(step, networks, which) for which in range(whole.count))


def _is_raised(step: Callable[..., object], networks: tuple[int, ...], which: int) -> bool:
    for ip in map(Ip, networks):
        for link in ip.links():
            if link.name != "lo":
                ip.delete(link.name)
    with _Failing(which).patched():
        try:
            step(*networks)
        except Exception:
            return True
    return False


def _says_what_fails(silences: int) -> Claim:
    return Claim(say("what the kernel refuses is an error, not passed over in silence"), silences == 0, str(silences))


# --- bridge


def _perform_bridge(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    enter_a_machine()
    host = hosts.host()
    mine.bridge(host)
    mine.bridge(host)
    code = carry_out(draw.spec(draw.waiting()), REFERENCE.namespaces, REFERENCE.rootfs)
    with _empty_network() as other:
        return {"code": code, "silences": _silences(mine.bridge, other)}


def _observe_bridge(seen: ProcessView, draw: Draw) -> Iterator[Claim]:  # noqa: ARG001
    yield from has_bridge(lab_host())
    yield machine_is_left_alone(seen)


def _conclude_bridge(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from ended_as_drawn(returned["code"], draw)
    yield _says_what_fails(returned["silences"])


BRIDGE = Scenario(_perform_bridge, _observe_bridge, _conclude_bridge, Draw.waiting, forbidden=DRIVING)


# --- connect


def _answers(draw: Draw) -> tuple[str, ...]:
    """A program that says the mark to whoever connects, and waits at the gate."""
    says = f"/bin/busybox nc -ll -p {_port(draw)} -e /bin/echo {draw.mark}"
    return draw.script(f"{says} & read go < /{GATE}; kill $!; exit {draw.exit_code}")


def _port(draw: Draw) -> int:
    return 1000 + draw.number


def _perform_connect(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    """Connect a neighbour first, and then the container, while it waits for that."""
    enter_a_machine()
    host = hosts.host()

    def cable(_: ContainerSpec) -> list[Op]:
        def connect(process: Process) -> None:
            mine.connect(host, process.pid)

        return [ops.Sync("connects it", connect)]

    with _empty_network() as neighbour:
        mine.connect(host, neighbour)
        taken = NetworkView(neighbour).addresses(INTERFACE)
        spec = draw.spec(_answers(draw), namespaces=NAMESPACES)
        code = carry_out(spec, REFERENCE.namespaces, cable, REFERENCE.rootfs)
    with _empty_network() as other, _empty_network() as container:
        return {"code": code, "taken": taken, "silences": _silences(mine.connect, other, container)}


def _observe_connect(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from connected(seen)
    addresses = NetworkView(seen.pid).addresses(INTERFACE)
    draw.keep("addresses", addresses)
    address = "".join(addresses[:1]).partition("/")[0]
    heard = lab_host().hears(address, _port(draw)) if address else ""
    yield equal(say("what its program says to a connection from the host"), draw.mark, heard)
    yield machine_is_left_alone(seen)


def _conclude_connect(returned: Any, draw: Draw) -> Iterator[Claim]:
    addresses, taken = draw.kept("addresses", []), returned["taken"]
    twice = " ".join(text for text in addresses if text in taken)
    yield Claim(say("its address is nobody else's on the bridge"), not twice, twice)
    yield _says_what_fails(returned["silences"])
    yield from ended_as_drawn(returned["code"], draw)


CONNECT = Scenario(_perform_connect, _observe_connect, _conclude_connect, _answers, forbidden=DRIVING)


# --- run


def _perform_run(mine: ModuleType, draw: Draw) -> Any:
    enter_a_machine()
    return LAYERED.perform(mine, draw)


def _observe_run(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    assert LAYERED.observe is not None
    yield from LAYERED.observe(seen, draw)
    yield from connected(seen)
    yield machine_is_left_alone(seen)


RUN = LAYERED.replace(perform=_perform_run, observe=_observe_run, forbidden=DRIVING)

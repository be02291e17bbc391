"""Check of `create` in lesson 7: containers with ports to be published, and without; an image that is not there."""

from collections.abc import Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any, Final

from labcore.lab import hosts
from labcore.lab.checks.lesson_03.running import a_state_root, enter_state_root
from labcore.lab.checks.lesson_05.serving import ID, id_of
from labcore.lab.checks.lesson_07.freezing import nothing_more
from labcore.lab.checks.lesson_07.guests import API, RUNTIME, first_process, serve_with, status
from labcore.lab.checks.networks import BRIDGE, GATEWAY, LOOPBACK, NetworkView, enter_a_machine
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.checks.wire import Wire
from labcore.lab.messages import say

ADDRESS: Final = "10.7.0.2"
# A runtime that connects its one container to a bridge, as `run` of this lesson does.
WIRED: Final = RUNTIME.replace(
    "root, name, _, _,",
    f"""from labcore.lab import ip, host
def wire(process):
    out, own = ip(host()), ip(process.pid)
    out.add_bridge("{BRIDGE}")
    out.add_address("{GATEWAY}/24", "{BRIDGE}")
    out.add_veth("veth2", "peer2")
    out.set_netns("peer2", process.pid, "eth0")
    out.set_master("veth2", "{BRIDGE}")
    out.set_up("{BRIDGE}", "veth2")
    own.add_address("{ADDRESS}/24", "eth0")
    own.set_up("lo", "eth0")
root, name, _, _,""",
).replace("    ops.SetHostname(name),", '    ops.Sync("connects it", wire),\n    ops.SetHostname(name),')


def _perform(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    enter_a_machine()
    enter_state_root(draw)
    hosts.host()
    return serve_with(mine, draw, "create", WIRED)


def _ports(draw: Draw) -> dict[int, int]:
    """Return ports of the machine, and the container's that they lead to: the last two to the same one."""
    first, second = 1000 + draw.number, 3000 + draw.number
    return {20_000 + draw.number: first, 21_000 + draw.number: second, 22_000 + draw.number: second}


def _says(draw: Draw) -> list[str]:
    """A program that says at each of those ports which one it is."""
    servers = (
        f"/bin/busybox nc -ll -p {port} -e /bin/echo {draw.mark} {port} &" for port in dict.fromkeys(_ports(draw).values())
    )
    return list(draw.script(f"{' '.join(servers)} sleep 1000; wait"))


def _asked(draw: Draw) -> dict[str, Any]:
    """Return the body of the request, as `docker run -p` sends it."""
    bindings: dict[str, list[dict[str, str]]] = {}
    for port, inside in _ports(draw).items():
        bindings.setdefault(f"{inside}/tcp", []).append({"HostIp": "", "HostPort": str(port)})
    exposed: dict[str, Any] = {name: {} for name in bindings}
    return {"Image": draw.hostname, "Cmd": _says(draw), "ExposedPorts": exposed, "HostConfig": {"PortBindings": bindings}}


def _converse(wire: Wire, draw: Draw) -> Iterator[Claim]:
    target = f"{API}/containers/create"
    yield from _missing(wire, target, f"{draw.hostname}:nowhere")
    configs: tuple[dict[str, Any], ...] = ({}, {"HostConfig": {}}, {"HostConfig": {"PortBindings": None}})
    for config in configs:
        answer = wire.ask("POST", target, {"Image": draw.hostname, "Cmd": ["true"], **config})
        yield equal(say("without ports, the status of the answer is"), 201, answer.status)
    free = {"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": ""}]}}
    answer = wire.ask("POST", target, {"Image": draw.hostname, "Cmd": ["true"], "HostConfig": free})
    yield equal(say("where the machine's port is left open, the status of the answer is"), 201, answer.status)
    answer = wire.ask("POST", f"{target}?name={draw.mark}", _asked(draw))
    yield status(answer, 201)
    id = id_of(answer)
    yield Claim(say("it has an Id of 64 hexadecimal digits"), bool(ID.fullmatch(id)), id)
    found = wire.ask("GET", f"{API}/containers/{id[:12] or 'none'}/json").status
    yield Claim(say("its id leads to it"), found == 200, str(found))
    machine = _machine(wire)
    early = [str(port) for port in _ports(draw) if _listens(machine, port)]
    yield Claim(say("before its start, nobody listens at its ports"), not early, " ".join(early))
    yield equal(say("the status of the answer to its start, by its name"), 204, _start(wire, draw))
    runs = wire.until(lambda: first_process(wire, _says(draw))) is not None
    yield Claim(say("the program that was asked for runs, process 1 of its PID namespace"), runs)
    for port, inside in _ports(draw).items():
        text = say("what is heard at port {port} of the machine", port=port)
        yield equal(text, f"{draw.mark} {inside}", machine.hears(LOOPBACK, port))


def _missing(wire: Wire, target: str, image: str) -> Iterator[Claim]:
    refused = wire.ask("POST", target, {"Image": image, "Cmd": ["true"]})
    yield equal(say("the status for an image that is not here"), 404, refused.status)
    said = refused.json()
    named = isinstance(said, dict) and image in str(said.get("message"))
    yield Claim(say("the message, in JSON: `No such image: ` and the name"), named, refused.body[:80].decode(errors="replace"))


def _start(wire: Wire, draw: Draw) -> int:
    return wire.ask("POST", f"{API}/containers/{draw.mark}/start").status


def _machine(wire: Wire) -> NetworkView:
    """Return the network that the daemon is in."""
    return NetworkView(next(each.pid for each in reversed(wire.below) if each.command[:1] != ["cat"]))


def _listens(machine: NetworkView, port: int) -> bool:
    with suppress(OSError):
        machine.connect(LOOPBACK, port).close()
        return True
    return False


CREATE = Scenario(_perform, None, nothing_more, None, prepare=a_state_root, converse=_converse)

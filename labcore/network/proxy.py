"""Port proxy client: hands bound ports to the process that holds them (`proxy_server.py`), and starts it where it is needed.

The socket's file is there as long as the proxy. Where nobody listens on it the proxy was killed, and the records say what it
had.
"""

import json
import os
import socket
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from labcore.errors import InUse, LabcoreError, Unavailable
from labcore.locks import Lock
from labcore.network import ports
from labcore.network.ports import BoundPorts, on_host
from labcore.spec.network import Endpoint, PortBinding
from labcore.unix_sockets import bind_beside, connect, remove_unfinished

Published = Callable[[], Iterable[Endpoint]]
Bind = Callable[[Iterable[PortBinding]], BoundPorts]
Held = list[str]  # the endpoints whose ports the proxy has

AT_ONCE = 200  # sockets of one packet: SCM_MAX_FD is 253
PACKET = 1 << 20
WAIT_SECONDS = 10
PROCESS = "labcore-proxy"
CONTROL = 3  # the descriptor of the proxy's own socket, in it
# What the proxy begins with: without the site's modules, which would cost it 10 ms and 3 MB.
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from labcore.network.proxy_server import main; main()"
DETACHED = ("/bin/sh", "-c", '"$@" &', "sh")  # nobody's child, for it outlives us
PACKAGES = str(Path(__file__).absolute().parents[2])


class Proxy:
    """The port proxy of a state root, in the calling thread's network namespace; its socket is `path`, beside it lies a lock.

    `published` returns the endpoints that have published ports, as the records have them now. `bind` binds ports where that is
    not to be done here. What `keeps` it has it stay once something was published, until `close`: the next container finds it.
    """

    def __init__(self, path: "Path", published: Published, bind: Bind | None = None, *, keeps: bool = False) -> None:
        self._path = path
        self._keeps = keeps
        self._kept: socket.socket | None = None
        self._bind = bind or ports.bind
        self._published = published

    def bind(self, wanted: Iterable[PortBinding]) -> BoundPorts:
        """Bind ports that nobody has, nor a container whose proxy was killed. Raises InUse, InvalidInput."""
        with self._locked():
            self._restore_if_killed("")
            return self._bind(wanted)

    def publish(self, endpoint: Endpoint, bound: BoundPorts) -> None:
        """Have an endpoint's bound ports held and served; its record is written. Raises Unavailable."""
        with self._locked():
            self._restore_if_killed(endpoint.id)
            self._publish(endpoint, bound.sockets)
            if self._keeps:
                self._keep()

    def release(self, endpoint_id: str) -> None:
        """Close an endpoint's ports, whose record is gone; they are free when this returns. It need not have any."""
        with self._locked():
            if self._is_there():
                self._tell({"release": endpoint_id})

    def restore(self) -> list[LabcoreError]:
        """Have held what the records say, and nothing else; return what could not be: somebody has taken the port."""
        with self._locked():
            remove_unfinished(self._path)
            return self._restore("")

    def close(self) -> None:
        """Keep the proxy no longer."""
        if self._kept:
            self._kept.close()
            self._kept = None

    def _keep(self) -> None:
        """Stay connected, which keeps the proxy; it says nothing to us unless it ends."""
        if self._kept and _is_open(self._kept):
            return
        self.close()
        self._kept = self._connected()
        self._kept.setblocking(False)

    def _restore_if_killed(self, but: str) -> None:
        if self._path.exists() and not self._is_there():
            self._restore(but)

    def _restore(self, but: str) -> list[LabcoreError]:
        known = {endpoint.id: endpoint for endpoint in self._published() if on_host(endpoint) and endpoint.id != but}
        held = self._held_of([*known, but])
        failed: list[LabcoreError] = []
        for endpoint in known.values():
            if endpoint.id not in held:
                try:
                    with self._bind(on_host(endpoint)) as bound:
                        held = self._publish(endpoint, bound.sockets)
                except InUse as error:
                    failed.append(error)
        return failed

    def _held_of(self, wanted: Sequence[str]) -> Held:
        """Return which of these endpoints the proxy has, and have it let go of others; a killed one's name goes."""
        if self._is_there():
            return self._tell({"keep": wanted})
        self._path.unlink(missing_ok=True)
        return []

    def _publish(self, endpoint: Endpoint, sockets: Sequence[socket.socket]) -> Held:
        if started := not self._is_there():
            self._start()
        targets = [target(endpoint, port) for port in on_host(endpoint)]
        held: Held = [endpoint.id]
        for first in range(0, len(targets), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            message = {"publish": endpoint.id, "targets": targets[part]}
            held = self._tell(message, sockets[part], wait=not started) or held
        return held

    def _locked(self) -> Lock:
        return Lock(f"{self._path}.lock", os.O_CREAT).acquire()

    def _is_there(self) -> bool:
        try:
            self._connected().close()
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.settimeout(WAIT_SECONDS)
            connect(connection, self._path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _tell(self, message: Mapping[str, object], sockets: Sequence[socket.socket] = (), *, wait: bool = True) -> Held:
        """Send a packet, and return whose ports the proxy holds now; one that has just been started is not waited for.

        Its sockets are on their way then, and bound: who connects meanwhile is served a moment later.
        """
        with self._connected() as connection:
            try:
                socket.send_fds(connection, [json.dumps(message).encode()], [each.fileno() for each in sockets])
                answer = json.loads(connection.recv(PACKET) or b"{}") if wait else {}
            except (TimeoutError, ConnectionError) as error:
                raise Unavailable(f"the port proxy does not answer ({error}): end the process {PROCESS}") from None
        if answer.get("error"):
            raise Unavailable(f"the port proxy could not take the ports: {answer['error']}")
        held: Held = answer.get("held", [])
        return held

    def _start(self) -> None:
        """Start the proxy. Its socket listens before it runs: whoever connects waits no longer than for that."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            beside = bind_beside(listener, self._path)
            beside.chmod(0o600)
            listener.listen(64)
            beside.replace(self._path)  # first: if we are killed now, whoever comes next finds a proxy that ends, or none
            _spawn(listener.fileno(), self._path)


def _spawn(listener: int, path: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    copy = os.dup(listener)  # dup2 to the same number would leave it closed on exec
    try:
        actions = [(os.POSIX_SPAWN_DUP2, nothing, each) for each in range(CONTROL)] + [(os.POSIX_SPAWN_DUP2, copy, CONTROL)]
        words = (*DETACHED, sys.executable, "-I", "-S", "-c", START, PACKAGES, str(CONTROL), str(path.absolute()))
        child = os.posix_spawn(words[0], words, {"PATH": os.defpath}, file_actions=actions, setsid=True)
    finally:
        os.close(copy)
        os.close(nothing)
    os.waitpid(child, 0)  # the shell, which has ended at once


def _is_open(connection: socket.socket) -> bool:
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def target(endpoint: Endpoint, port: PortBinding) -> tuple[str, str, int]:
    """Return where the proxy takes a port's connections: the container's address of the same family, if it has one."""
    ipv4, ipv6 = (address.partition("/")[0] for address in (endpoint.ipv4, endpoint.ipv6))
    address = (ipv6 or ipv4) if ":" in port.host_ip else (ipv4 or ipv6)
    return port.protocol, address, port.container_port

"""Network namespaces to test in, and programs that serve and ask inside them.

As a program: `serve NAME ADDRESS,… PORT…` answers tcp and udp with its name and with whom it sees;
`ask [FROM@]PROTOCOL:ADDRESS:PORT…` prints a JSON object of the answers: `NAME PEER`, `refused`, `timeout` or `unreachable`; of
`icmp:ADDRESS`, `heard`.
"""

import errno
import json
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from labcore import native

WAIT_SECONDS = 2.0  # for an answer within one machine, which may be busy
REFUSED = {errno.ECONNREFUSED: "refused", errno.ECONNRESET: "refused"}


class Namespace:
    """A network namespace, which is a process's; words are run in it by nsenter(1): `ip netns exec` would mount a new /sys."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def words(self, *words: str) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *words]

    def __call__(self, *words: str, status: int | None = 0, stdin: str = "") -> str:
        done = subprocess.run(self.words(*words), input=stdin, capture_output=True, text=True, timeout=60)
        assert status is None or done.returncode == status, (words, done.stdout, done.stderr)
        return done.stdout

    def ip(self, *commands: str) -> None:
        """Run ip(8)'s commands, one a line."""
        self("ip", "-batch", "-", stdin="\n".join(commands) + "\n")

    def set(self, *settings: str) -> None:
        """Set kernel parameters, as sysctl(8) has them written."""
        self("sysctl", "-q", "-w", *settings)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Have the calling thread in the namespace until the block ends; setns(2) moves no other thread."""
        with Path("/proc/thread-self/ns/net").open() as own, Path(f"/proc/{self.pid}/ns/net").open() as other:
            native.setns(other.fileno(), native.CloneFlag.NEWNET)
            try:
                yield
            finally:
                native.setns(own.fileno(), native.CloneFlag.NEWNET)


@contextmanager
def namespace() -> Iterator[Namespace]:
    """Make a network namespace with its loopback up; it goes at the block's end, with what is in it."""
    words = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat >/dev/null"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield Namespace(process.pid)
        assert process.stdin is not None
        process.stdin.close()


def connect(one: Namespace, name: str, two: Namespace, peer: str) -> None:
    """Lay a cable between two namespaces: a veth(4) pair, up."""
    one.ip(f"link add {name} type veth peer name {peer} netns {two.pid}", f"link set {name} up")
    two.ip(f"link set {peer} up")


@contextmanager
def serving(place: Namespace, name: str, *ports: int, addresses: tuple[str, ...] = ("0.0.0.0", "::")) -> Iterator[None]:
    """Have a server answer in a namespace until the block ends."""
    words = place.words(sys.executable, __file__, "serve", name, ",".join(addresses), *map(str, ports))
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        try:
            yield
        finally:
            process.kill()


def ask(place: Namespace, *targets: str) -> dict[str, str]:
    """Ask targets from a namespace, all at once; return what each has answered."""
    answers: dict[str, str] = json.loads(place(sys.executable, __file__, "ask", *targets))
    return answers


# --- inside a namespace


def serve(name: str, addresses: list[str], ports: list[int]) -> None:
    """Answer each connection and each datagram with `NAME PEER`."""
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for address in addresses:
            for port in ports:
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    listener = stack.enter_context(bound(kind, address, port))
                    selector.register(listener, selectors.EVENT_READ)
        print("serving", flush=True)
        while True:
            for key, _ in selector.select():
                assert isinstance(key.fileobj, socket.socket)
                with suppress(OSError):
                    answer(key.fileobj, name)


def bound(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    if ":" in address:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    if kind == socket.SOCK_STREAM:
        made.listen(128)
    return made


def answer(listener: socket.socket, name: str) -> None:
    if listener.type == socket.SOCK_DGRAM:
        _, peer = listener.recvfrom(100)
        listener.sendto(f"{name} {peer[0]}".encode(), peer)
        return
    connection, peer = listener.accept()
    with connection:
        connection.sendall(f"{name} {peer[0]}".encode())


def echoed(address: str) -> str:
    """Send an echo request, as ping(8) does; return whether it was answered."""
    family, protocol, kind, answer = (
        (socket.AF_INET6, socket.getprotobyname("ipv6-icmp"), 128, 129)
        if ":" in address
        else (socket.AF_INET, socket.IPPROTO_ICMP, 8, 0)
    )
    own = id(address).to_bytes(8, "big")[-2:]
    words = (kind << 8, int.from_bytes(own, "big"), 1)
    checksum = ~((sum(words) & 0xFFFF) + (sum(words) >> 16)) & 0xFFFF  # of IPv6 the kernel makes it
    request = bytes([kind, 0]) + checksum.to_bytes(2, "big") + own + b"\0\1"
    end = time.monotonic() + WAIT_SECONDS
    try:
        with socket.socket(family, socket.SOCK_RAW, protocol) as asker:
            asker.connect((address, 0))
            asker.send(request)
            while (left := end - time.monotonic()) > 0:
                asker.settimeout(left)
                heard = asker.recv(200)[0 if family == socket.AF_INET6 else 20 :]
                if heard[0] == answer and heard[4:6] == own:
                    return "heard"
    except TimeoutError:
        pass
    except OSError:
        return "unreachable"
    return "timeout"


def asked(target: str) -> str:
    source, _, rest = target.rpartition("@")
    protocol, _, rest = rest.partition(":")
    if protocol == "icmp":
        return echoed(rest)
    address, _, port = rest.rpartition(":")
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as asker:
            asker.settimeout(WAIT_SECONDS)
            if source:
                asker.bind((source, 0))
            place = socket.getaddrinfo(address, int(port), type=kind, flags=socket.AI_NUMERICHOST)[0][4]
            asker.connect(place)
            if protocol == "udp":
                asker.send(b"who are you?")
            return asker.recv(100).decode() or "closed"
    except TimeoutError:
        return "timeout"
    except OSError as error:
        return REFUSED.get(error.errno or 0, "unreachable")


def main(words: list[str]) -> None:
    match words:
        case ["serve", name, addresses, *ports]:
            serve(name, addresses.split(","), [int(port) for port in ports])
        case ["ask", *targets]:
            answers: dict[str, str] = {}
            threads = [threading.Thread(target=lambda t=target: answers.update({t: asked(t)})) for target in targets]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            print(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1:])

"""Published ports' benchmark: publishing one beside none and beside a thousand; bytes and round trips, beside docker's.

All of it in a network namespace of its own; servers run in containers' network namespaces, the same for labcore and dockerd.
"""

import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from labcore.bench.measure import Result, Subject, environment, measure
from labcore.bench.network import WIRE, Docker, own_docker
from labcore.bench.peers import PeerFailed, version
from labcore.bench.workspace import workspace
from labcore.network import NetworkDriver, namespace_of
from labcore.spec.network import EndpointOptions, NetworkOptions, PortBinding

NONE, MANY = "labcore, none published", "labcore, 1,000 published"
CONTAINERS, EACH = 10, 100  # the thousand ports' containers, and how many each has
MEGABYTES, ROUND_TRIPS = 64, 500
ADDRESSES = ("127.0.0.1", "::1")
PORTS = {"labcore": 7101, "docker": 7102}
# Serves each connection: after `b` it reads all, and then says one byte; after `e` it says all again.
SERVER = """
import socket, threading
def serve(connection):
    with connection:
        bulk = connection.recv(1) == b"b"
        while data := connection.recv(1 << 18):
            if not bulk:
                connection.sendall(data)
        if bulk:
            connection.sendall(b"x")
server = socket.create_server(("", 80), backlog=100)
print(flush=True)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""


def bench_ports(rounds: int) -> Iterator[Result]:
    """Measure, and yield the results after every round."""
    with ExitStack() as undo:
        work = undo.enter_context(workspace())
        subprocess.run(["sh", "-ec", WIRE], check=True)
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        few, many = (_driver(work / name) for name in ("few", "many"))
        _serve(few, undo)
        for number in range(CONTAINERS):
            first = 20000 + number * EACH
            many.reserve(EndpointOptions("bench"), f"c{number}", ports=[_port(first + each) for each in range(EACH)])
            undo.callback(many.release, f"c{number}")
        peers, remarks = ["labcore"], []
        try:
            _serve_in_docker(own_docker(work, undo), undo)
            peers.append("docker")
        except (PeerFailed, OSError) as error:
            remarks.append(f"dockerd: {error}")
        where = environment(work, {"dockerd": version("dockerd")} if "docker" in peers else {})
        subjects = [Subject(NONE, partial(_publish, few)), Subject(MANY, partial(_publish, many))]
        for measured in measure("publish", subjects, rounds, NONE):
            yield Result("publishing a port", NONE, where, measured.rows(), [measured.quiet(), *remarks])
        for what, once in (("64 MiB", _send), ("500 round trips", _echo), ("50 connections", _connect)):
            subjects = [Subject(f"{name}, {ip}", partial(once, ip, PORTS[name])) for ip in ADDRESSES for name in peers]
            for measured in measure(what, subjects, rounds, subjects[0].name):
                said = [measured.quiet(), *remarks]
                yield Result(f"{what} through a published port", measured.baseline, where, measured.rows(), said)


def _driver(root: Path) -> NetworkDriver:
    driver = NetworkDriver(root)
    driver.create(NetworkOptions(name="bench"))
    return driver


def _port(host_port: int) -> PortBinding:
    return PortBinding(80, "tcp", "", host_port)


def _publish(driver: NetworkDriver) -> float:
    """Give a container a place with a published port; return the seconds."""
    start = time.perf_counter()
    driver.reserve(EndpointOptions("bench"), "one", ports=[_port(7100)])
    elapsed = time.perf_counter() - start
    driver.release("one")
    return elapsed


def _serve(driver: NetworkDriver, undo: ExitStack) -> None:
    words = ["unshare", "--net", sys.executable, "-c", SERVER]
    with_network = undo.enter_context(_running(words))
    endpoint = driver.reserve(EndpointOptions("bench"), "server", ports=[_port(PORTS["labcore"])])
    undo.callback(driver.release, "server")
    with namespace_of(with_network) as namespace:
        driver.attach([endpoint], namespace)


def _serve_in_docker(docker: Docker, undo: ExitStack) -> None:
    ports = {"80/tcp": [{"HostPort": str(PORTS["docker"])}]}
    wanted: dict[str, object] = {"Image": "labcore-bench", "Cmd": ["/bin/sleep", "1000"], "ExposedPorts": {"80/tcp": {}}}
    wanted["HostConfig"] = {"PortBindings": ports}
    container = docker("POST", "/containers/create", wanted)["Id"]
    undo.callback(docker, "DELETE", f"/containers/{container}?force=1")
    docker("POST", f"/containers/{container}/start")
    pid = docker("GET", f"/containers/{container}/json")["State"]["Pid"]
    undo.enter_context(_running(["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c", SERVER]))


@contextmanager
def _running(words: list[str]) -> Iterator[int]:
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


def _send(address: str, port: int) -> float:
    data = bytes(1 << 20)
    start = time.perf_counter()
    with socket.create_connection((address, port)) as connection:
        connection.sendall(b"b")
        for _ in range(MEGABYTES):
            connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
    return time.perf_counter() - start


def _echo(address: str, port: int) -> float:
    with socket.create_connection((address, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"e")
        start = time.perf_counter()
        for _ in range(ROUND_TRIPS):
            connection.sendall(b"?")
            connection.recv(1)
        return time.perf_counter() - start


def _connect(address: str, port: int) -> float:
    start = time.perf_counter()
    for _ in range(50):
        with socket.create_connection((address, port)) as connection:
            connection.sendall(b"e?")
            connection.recv(1)
    return time.perf_counter() - start

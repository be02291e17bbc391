"""A running daemon as values: sockets and threads from /proc, jobs as it lists them, containers with their monitors."""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

from labcore import procfs
from labcore.client import Client, connect
from labcore.client.api import list_of
from labcore.record import Record

LISTENS: Final = 0x00010000  # __SO_ACCEPTCON in the flags of /proc/net/unix: proc_net(5)
TCP_LISTEN: Final = "0A"  # linux/tcp_states.h
BRIDGE_NAME: Final = "com.docker.network.bridge.name"
SOCKET: Final = re.compile(r"socket:\[(\d+)\]")


class LiveDaemon(Protocol):
    """A daemon that can be asked, and looked at."""

    @property
    def url(self) -> str:
        """Its URL, as DOCKER_HOST takes it."""

    @property
    def pid(self) -> int:
        """The number of its process."""


class Door(Record):
    """A socket at which a daemon listens, and how many of its connections are open."""

    address: str
    connections: int


class JobSeen(Record):
    """A job that is being done: its number, what was asked for, and the client's process."""

    id: str
    kind: str
    client: str
    pid: int


class ContainerSeen(Record):
    """A container that runs: its first process, that one's monitor, its layers, and its address."""

    name: str
    image: str
    pid: int
    program: str
    monitor: int
    monitor_parent: int
    layers: int
    address: str


class DaemonState(Record):
    """What was found of a daemon at one moment; `done` counts the jobs that it remembers, the last ones of which are named."""

    pid: int
    threads: int
    doors: tuple[Door, ...]
    jobs: tuple[JobSeen, ...]
    done: int
    last: tuple[str, ...]
    containers: tuple[ContainerSeen, ...]
    bridges: tuple[str, ...]


def state_of(daemon: LiveDaemon) -> DaemonState:
    """Look at a daemon. Raises Unavailable if it does not answer."""
    with connect(daemon.url) as client:
        containers = [client.containers.inspect(each.id).json for each in client.containers.list()]
        doors = tuple(_named(door, daemon.url) for door in _doors(daemon.pid))
        jobs = list_of(client.api.get("/labcore/jobs"), "GET /labcore/jobs")
        bridges = _bridges(client)
    running = [job for job in jobs if job["State"] == "running" and job["Kind"] != "GET /labcore/jobs"]
    ended = [job["Kind"] for job in jobs if job["State"] != "running"]
    return DaemonState(
        pid=daemon.pid,
        threads=len(list(Path(f"/proc/{daemon.pid}/task").iterdir())),
        doors=doors,
        jobs=tuple(JobSeen(job["Id"], job["Kind"], procfs.command_name(job["Pid"]), job["Pid"]) for job in running),
        done=len(ended),
        last=tuple(ended[-3:]),
        containers=tuple(filter(None, map(_container, containers))),
        bridges=bridges,
    )


def _bridges(client: Client) -> tuple[str, ...]:
    """Return the links that are its networks' bridges."""
    options = [network.json.get("Options") or {} for network in client.networks.list() if network.driver == "bridge"]
    return tuple(sorted(each[BRIDGE_NAME] for each in options if BRIDGE_NAME in each))


def _named(door: Door, url: str) -> Door:
    """Return a socket by the name that clients know: the kernel has the one that it was bound to before it was linked there."""
    return door.replace(address=url.removeprefix("unix://")) if door.address.startswith("/proc/self/fd/") else door


def _container(found: Mapping[str, Any]) -> ContainerSeen | None:
    pid = found["State"]["Pid"]
    networks = (found["NetworkSettings"].get("Networks") or {}).values()
    lower = ((found.get("GraphDriver") or {}).get("Data") or {}).get("LowerDir", "")
    with suppress(OSError):
        monitor = procfs.parent(pid)
        return ContainerSeen(
            name=found["Name"].removeprefix("/"),
            image=found["Config"]["Image"],
            pid=pid,
            program=procfs.command_name(pid),
            monitor=monitor,
            monitor_parent=procfs.parent(monitor),
            layers=len([path for path in lower.split(":") if path]),
            address=next((each["IPAddress"] for each in networks if each.get("IPAddress")), ""),
        )
    return None  # it has ended meanwhile


def _doors(pid: int) -> list[Door]:
    """Return a process's listening sockets: those of /proc/PID/fd that are in the kernel's tables of unix and TCP ones."""
    mine = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            if found := SOCKET.fullmatch(str(fd.readlink())):
                mine.add(int(found[1]))
    return [*_unix_doors(pid, mine), *_tcp_doors(pid, mine)]


def _unix_doors(pid: int, mine: set[int]) -> list[Door]:
    rows = [line.split() for line in Path(f"/proc/{pid}/net/unix").read_text(encoding="utf-8").splitlines()[1:]]
    named = [(row[7], int(row[3], 16) & LISTENS) for row in rows if len(row) > 7 and int(row[6]) in mine]
    return [Door(path, sum(other == (path, 0) for other in named)) for path, listens in named if listens]


def _tcp_doors(pid: int, mine: set[int]) -> list[Door]:
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text(encoding="utf-8").splitlines()[1:]]
    named = [(int(row[1].partition(":")[2], 16), row[3]) for row in rows if int(row[9]) in mine]
    return [
        Door(f"127.0.0.1:{port}", sum(other == port and kind != TCP_LISTEN for other, kind in named))
        for port, kind in named
        if kind == TCP_LISTEN
    ]

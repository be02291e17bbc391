"""Hostile requests at the daemon: names, queries and JSON that nobody means. None of them is the daemon's fault.

Odd bodies are drawn from a seed, which is printed; `LABCORE_SEED` names it, `LABCORE_ENDURANCE=100000` has all sent.
"""

import http.client
import json
import os
import random
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args
from urllib.parse import quote

import msgspec
import pytest

from labcore.daemon.routes import ROUTES
from labcore.daemon.wire.codec import Wire
from labcore.daemon.wire.commit import CommitConfig
from labcore.daemon.wire.container_create import ContainerCreate
from labcore.daemon.wire.container_update import ContainerUpdate
from labcore.daemon.wire.exec import ExecConfig, ExecStartConfig
from labcore.daemon.wire.networks import NetworkConnect, NetworkCreate, NetworkDisconnect
from labcore.daemon.wire.volumes import VolumeCreate
from labcore.http import Route
from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon

WAIT_SECONDS: Final = 5
BODIES_ASKED: Final = int(os.environ.get("LABCORE_ENDURANCE", "300"))  # for each kind of body, of some thousands
LONG: Final = "a" * 10_000
NAMES: Final = (
    "..",
    "../../../../etc/passwd",
    "%2e%2e%2f",
    "\0",
    "a\0b",
    LONG,
    "x\r\nInjected: 1",
    "-",
    "--",
    "é☃",
    " ",
    "*",
    "0" * 64,
)
QUERIES: Final = (
    "filters=%7B",
    "filters=[]",
    "filters=%7B%22label%22:%5B1%5D%7D",
    "filters=%7B%22x%00%22:%5B%22%00%22%5D%7D",
    "filters=" + quote("[" * 5000),
    "t=x",
    "t=" + "9" * 400,
    "t=-" + "9" * 30,
    "signal=x",
    "signal=" + "9" * 30,
    "signal=-1",
    "limit=" + "9" * 400,
    "limit=-5",
    "tail=" + "9" * 5000,
    "since=x",
    "since=" + "9" * 400,
    "since=nan",
    "since=1e400",
    "until=inf",
    "since=-9e99",
    "until=9999-99-99T00:00:00Z",
    "since=99999999999999h",
    "stdout=1&tail=-1&until=1",
    "stdout=1&since=" + "9" * 40,
    "h=-1&w=x",
    "h=" + "9" * 5000 + "&w=1",
    "path=",
    "path=%00",
    "path=" + LONG,
    "path=../../../../etc/passwd",
    "path=/proc/1/root",
    "name=%00",
    "name=" + LONG,
    "name=../x",
    "repo=..%2F..&tag=x",
    "repo=%00",
    "repo=x&tag=" + LONG,
    "fromImage=..%2F..%2Fetc",
    "fromImage=%00",
    "fromImage=127.0.0.1:1/x",
    "fromSrc=%00",
    "fromSrc=file:///etc/passwd",
    "fromSrc=http://127.0.0.1:1/x",
    "fromSrc=-&repo=%00",
    "fromSrc=-&changes=%00",
    "platform=%00",
    "platform=" + LONG,
    "platform=" + quote("{" * 3000),
    "names=%00",
    "names=..%2F..",
    "ps_args=%00",
    "ps_args=" + quote("; id"),
    "ps_args=-o%20pid,%0a",
    "ps_args=" + LONG,
    "condition=x",
    "detachKeys=ctrl-%00",
    "type=x",
    "term=%00",
    "term=",
    "limit=99999999999999999999&term=x",
    "force=%00",
    "dangling=x",
    "container=%00",
    "container=" + LONG,
    "container=one&repo=%00",
    "container=one&changes=" + quote("USER \0"),
    "link=1&v=1",
    "%00=%00",
    "=&=&&=",
    "a" * 5000 + "=1",
    "%ff%fe=%ff",
    "stream=0&one-shot=%00",
    "buildargs=" + quote("[" * 5000),
    "buildargs=%7B%22%00%22:null%7D&labels=%7B%22%00%22:%22%00%22%7D&target=%00&networkmode=%00&cgroupparent=%00",
    "ulimits=" + quote('[{"Name":"\\u0000","Soft":' + "9" * 400 + "}]"),
    "cachefrom=%5B%22%00%22%5D&nocachefilter=%5B%22%00%22%5D&cacheto=%00&labcore=1",
    "contexts=" + quote('{"a":"context:../../etc/"}'),
    "contexts=" + quote('{"a":"context:\\u0000/"}') + "&labcore=1",
    "dockerfile=..%2F..%2Fetc%2Fpasswd",
    "dockerfile=%00&t=%00",
    "dockerfile=" + LONG,
    "remote=file:///etc/passwd",
    "remote=http://127.0.0.1:1/x&q=1",
    "remote=http://%00/&t=x",
    "remote=http://" + LONG,
    "memory=" + "9" * 400 + "&shmsize=-1",
    "extrahosts=%00:%00&epoch=" + "9" * 400,
    "outputs=" + quote("[" * 5000),
    "reserved-space=" + "9" * 400 + "&max-used-space=-1&min-free-space=x",
    "stdout=1&stderr=%ff&details=x&timestamps=x",
)
BODIES: Final = (
    b"[]",
    b"1",
    b'"x"',
    b"null",
    b"true",
    b"{",
    b'{"a":',
    b"\0",
    b"\xff\xfe",
    b'{"\xff":1}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"HostConfig":' * 900 + b"1" + b"}" * 900,
    b"9" * 100_000,
    b"1e999999",
    b"NaN",
    b'{"Image":"\\ud800"}',
    b"{}" * 9,
    b" " * 5000,
)
DEEP: Final = json.loads('{"a":' * 400 + "1" + "}" * 400)
VALUES: Final = (
    True,
    False,
    -1,
    0,
    1,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    10**40,
    1e300,
    0.5,
    "",
    " ",
    "x",
    "a\0b",
    "\0",
    LONG,
    "../../../etc/passwd",
    "/",
    "-1",
    "9" * 400,
    "\r\n",
    "é☃\ud7ff",
    "::",
    "::1",
    "a=b",
    "=",
    "container:x",
    "1-0",
    "0-99999999",
    [],
    [""],
    ["\0"],
    ["../.."],
    ["=", "a=\0"],
    ["/:/\0:ro"],
    ["a:b:c:d"],
    [1],
    [[]],
    [None],
    [{}],
    ["x"] * 3000,
    {},
    {"": ""},
    {"a": "\0"},
    {"\0": "x"},
    {"a": {}},
    {"a": []},
    {"80/tcp": [{"HostPort": "99999999"}]},
    {"80/tcp": [{"HostPort": "x"}]},
    {"0/x": {}},
    {"../..": {}},
    {"/proc": {}},
    {"/": "size=x"},
    DEEP,
)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(Path(tmp_path_factory.mktemp("daemon"), "root")) as made:
        made.docker("run", "-d", "--name=one", "--network=none", "busybox", "sleep", "100000")
        yield made


def ask(daemon: RunningDaemon, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Send a request, and return the status and the beginning of the answer; a stream is left."""
    connection = http.client.HTTPConnection("docker", timeout=WAIT_SECONDS)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(WAIT_SECONDS)
    connection.sock.connect(str(daemon.socket))
    try:
        connection.request(method, target, body, {"Content-Type": "application/json"} if body is not None else {})
        answer = connection.getresponse()
        assert "injected" not in {name.lower() for name, _ in answer.getheaders()}
        is_stream = "Content-Length" not in answer.headers
        return answer.status, b"" if is_stream else answer.read(4096)
    finally:
        connection.close()


def faults(daemon: RunningDaemon, requests: list[tuple[str, str, bytes | None]]) -> list[str]:
    """Return what was answered as the daemon's own fault."""
    before, found = len(daemon.said()), []
    for method, target, body in requests:
        try:
            status, content = ask(daemon, method, target, body)
        except OSError as error:
            found.append(f"{method} {target[:100]} {(body or b'')[:100]!r}: {error!r}")
            continue
        if b"the daemon has failed" in content:
            found.append(f"{method} {target[:100]} {(body or b'')[:200]!r}: {status} {content[:200]!r}")
    log = daemon.said()[before:]
    assert "Traceback" not in log, log[:8000]
    return found


def target(route: Route, name: str) -> str:
    return "/v1.51" + re.sub(r"\{[^}]*\}", quote(name, safe=""), route.path)


def is_reached(route: Route) -> bool:
    """Return whether a route is asked here: nothing that removes what the others need, or asks a registry of the world."""
    if (route.method, route.path) == ("DELETE", "/labcore/daemon"):  # after which nobody answers
        return False
    return not route.path.endswith("/prune") and not route.path.startswith(("/auth", "/images/search", "/distribution"))


ASKED: Final = [route for route in ROUTES if is_reached(route)]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:24]))
def test_names_that_are_none_are_refused_by_every_route(daemon: RunningDaemon, name: str) -> None:
    asked = [(route.method, target(route, name), b"{}" if route.method in ("POST", "PUT") else None) for route in ASKED]
    assert faults(daemon, asked) == []


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:24])
def test_queries_that_nobody_means_are_met_by_every_route(daemon: RunningDaemon, query: str) -> None:
    kept = [
        route
        for route in ASKED
        if route.method != "DELETE" and not re.search("/(stop|restart|kill|rename|events|exec)", route.path)
    ]
    asked = [(route.method, f"{target(route, 'one')}?{query}", b"{}" if route.method == "POST" else None) for route in kept]
    assert faults(daemon, asked) == []
    assert faults(daemon, [(route.method, f"{target(route, 'two')}?{query}", None) for route in ASKED]) == []


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:24]))
def test_bodies_that_are_no_objects_are_refused_by_every_route(daemon: RunningDaemon, body: bytes) -> None:
    kept = [  # `wait` reads no body, and rests as long as the container runs
        route for route in ASKED if route.method in ("POST", "PUT") and not re.search("/(stop|restart|kill|wait)", route.path)
    ]
    assert faults(daemon, [(route.method, target(route, "one"), body) for route in kept]) == []


def structs(kind: Any) -> Iterator[type[Wire]]:
    """Yield the structs that a type has in it."""
    if isinstance(kind, type) and issubclass(kind, Wire):
        yield kind
    for part in get_args(kind):
        yield from structs(part)


def wrong(kind: type[Wire], depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield bodies with one field that is odd, also those of structs within."""
    for field in msgspec.structs.fields(kind):
        for value in VALUES:
            yield {field.encode_name: value}
        for inner in structs(field.type) if depth < 3 else ():
            for body in wrong(inner, depth + 1):
                for shape in (body, [body], {"x": body}, {"bridge": body}, {"80/tcp": [body]}):
                    if fits(shape, field.type):
                        yield {field.encode_name: shape}


def fits(shape: Any, kind: Any) -> bool:
    """Return whether a container of structs has the form of a type, whatever is in the structs."""
    text = str(kind)
    if isinstance(shape, list):
        return "list[" in text and "dict[" not in text
    if (
        len(shape) == 1
        and isinstance(content := next(iter(shape.values())), dict | list)
        and {"x", "bridge", "80/tcp"} & shape.keys()
    ):
        return "dict[" in text and isinstance(content, list) == ("list[" in text)
    return "dict[" not in text and "list[" not in text


NEEDED: Final[dict[type[Wire], tuple[str, dict[str, Any]]]] = {
    ContainerCreate: ("/containers/create", {"Image": "busybox", "Cmd": ["true"]}),
    ContainerUpdate: ("/containers/one/update", {}),
    ExecConfig: ("/containers/one/exec", {"Cmd": ["true"]}),
    ExecStartConfig: ("/exec/x/start", {}),
    CommitConfig: ("/commit?container=one&pause=0", {}),
    NetworkCreate: ("/networks/create", {"Name": "other"}),
    NetworkConnect: ("/networks/bridge/connect", {"Container": "one"}),
    NetworkDisconnect: ("/networks/bridge/disconnect", {"Container": "one"}),
    VolumeCreate: ("/volumes/create", {}),
}


@pytest.mark.parametrize("kind", NEEDED, ids=lambda kind: kind.__name__)
def test_fields_of_any_type_and_size_are_met(daemon: RunningDaemon, kind: type[Wire]) -> None:
    path, needed = NEEDED[kind]
    seed = os.environ.get("LABCORE_SEED") or os.urandom(4).hex()
    print(f"LABCORE_SEED={seed}")
    bodies = list(wrong(kind))
    bodies = random.Random(seed).sample(bodies, min(len(bodies), BODIES_ASKED))
    asked = [("POST", f"/v1.51{path}", json.dumps(needed | body).encode()) for body in bodies]
    assert faults(daemon, asked) == []
    assert (
        faults(
            daemon,
            [("GET", f"/v1.51{path}", None) for path in ("/containers/json?all=1", "/networks", "/volumes", "/images/json")],
        )
        == []
    )

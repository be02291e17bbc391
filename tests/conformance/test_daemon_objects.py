"""Networks, volumes and the system through the API, beside dockerd: statuses, the shape of each reply, and docker's words."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from tests.conformance.conftest import running_dockerd
from tests.conformance.shapes import differences
from tests.conftest import needs_root
from tests.daemon import running_daemon
from tests.engine_api import Api, UnixConnection
from tests.hosts import Host
from tests.peers import Peers

VERSIONS = ("1.24", "1.30", "1.40", "1.44", "1.46", "1.48", "1.49", "1.51")
# What dockerd says of its own parts: containerd, runc's features, its plugins, kernel features of version 1 alone.
BUT = (
    ".Containerd", ".ContainerdCommit", ".RuncCommit", ".InitCommit", ".Runtimes", ".KernelMemoryTCP",
    ".CDISpecDirs", ".Labels", ".Warnings", ".Components", ".ExecutionDriver", ".Images", ".SecurityOptions",
    ".FirewallBackend",
)  # fmt: skip


class Step(NamedTuple):
    """A call that is made of both; `said`: ours begins with docker's words."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    said: bool = True


def filtered(path: str, filters: str) -> str:
    return f"{path}?filters={quote(filters)}"


POOL = {"Subnet": "10.9.0.0/16", "Gateway": "10.9.0.9", "IPRange": "10.9.8.0/24", "AuxiliaryAddresses": {"r": "10.9.1.1"}}
STEPS = (
    Step("GET", "/networks/host"),
    Step("GET", "/networks/none"),
    Step("POST", "/networks/create", {"Name": "n1", "Labels": {"a": "b"}}),
    Step("POST", "/networks/create", {"Name": "n2", "IPAM": {"Config": [POOL]}, "Internal": True}),
    Step("GET", "/networks/n1"),
    Step("GET", "/networks/n2"),
    Step("GET", filtered("/networks", '{"name": ["n1"]}')),
    Step("GET", filtered("/networks", '{"label": ["a=b"], "type": ["custom"]}')),
    Step("GET", filtered("/networks", '{"dangling": ["true"], "driver": ["bridge"], "name": ["n1"]}')),
    Step("POST", "/networks/create", {"Name": "n1"}),
    Step("POST", "/networks/create", {"Name": ""}),
    Step("POST", "/networks/create", {"Name": "host"}, said=False),
    Step("POST", "/networks/create", {"Name": "x", "Driver": "nope"}),
    Step("POST", "/networks/create", {"Name": "x", "Driver": "host"}),
    Step("POST", "/networks/create", {"Name": "x", "Scope": "swarm"}),
    Step("POST", "/networks/create", {"Name": "x", "Ingress": True}),
    Step("POST", "/networks/create", {"Name": "x", "ConfigFrom": {"Network": "zz"}}),
    Step("POST", "/networks/create", {"Name": "x", "IPAM": {"Driver": "nope"}}),
    Step("POST", "/networks/create", {"Name": "x", "IPAM": {"Config": [{"Subnet": "10.9.0.0/24"}]}}),
    Step("POST", "/networks/create", {"Name": "x", "IPAM": {"Config": [{"Gateway": "10.8.0.1"}]}}),
    Step("GET", "/networks/nope"),
    Step("GET", "/networks/n1?scope=swarm"),
    Step("GET", "/networks/n1?verbose=zz", said=False),
    Step("GET", filtered("/networks", '{"zz": ["a"]}')),
    Step("GET", filtered("/networks", '{"dangling": ["maybe"]}')),
    Step("DELETE", "/networks/host"),
    Step("DELETE", "/networks/nope"),
    Step("POST", "/networks/n1/connect", {"Container": "zz"}, said=False),
    Step("POST", "/networks/n1/disconnect", {"Container": "zz"}, said=False),
    Step("POST", "/networks/n1/disconnect", {}),
    Step("POST", filtered("/networks/prune", '{"zz": ["a"]}')),
    Step("POST", filtered("/networks/prune", '{"label": ["a"]}')),
    Step("DELETE", "/networks/n2"),
    Step("POST", "/networks/prune"),
    Step("POST", "/volumes/create", {"Name": "v1", "Labels": {"a": "b"}}),
    Step("POST", "/volumes/create", {"Name": "v1"}),
    Step("POST", "/volumes/create", {}),
    Step("POST", "/volumes/create", {"Name": "v2", "DriverOpts": {"type": "none", "o": "bind", "device": "/nope"}}),
    Step("POST", "/volumes/create", {"Name": "v1", "Driver": "x"}),
    Step("POST", "/volumes/create", {"Name": "a b"}, said=False),
    Step("POST", "/volumes/create", {"Name": "a"}),
    Step("POST", "/volumes/create", {"Name": "v4", "DriverOpts": {"zz": "1"}}),
    Step("POST", "/volumes/create", {"Name": "v4", "DriverOpts": {"type": "none"}}),
    Step("POST", "/volumes/create", {"Name": "v4", "DriverOpts": {"device": "/tmp"}}),
    Step("POST", "/volumes/create", {"Name": "v5", "DriverOpts": {"size": "10m"}}),
    Step("POST", "/volumes/create", {"Name": "v5", "DriverOpts": {"size": "x"}}),
    Step("POST", "/volumes/create", {"Name": "v6", "DriverOpts": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}}),
    Step("POST", "/volumes/create", {"Name": "v7", "DriverOpts": {"type": "nfs", "device": ":/x", "o": "addr=1.2.3.4"}}),
    Step("POST", "/volumes/create", {"Name": "v8", "DriverOpts": {"type": "", "device": ""}}),
    Step("POST", "/volumes/create", {"Name": "v9", "DriverOpts": {"type": "cifs", "device": "//host:44/x"}}),
    Step("GET", "/volumes/v6"),
    *(Step("DELETE", f"/volumes/v{number}") for number in (6, 7, 8, 9)),
    Step("GET", "/volumes/v1"),
    Step("GET", "/volumes/v2"),
    Step("GET", "/volumes/nope"),
    Step("GET", filtered("/volumes", '{"name": ["v1"]}')),
    Step("GET", filtered("/volumes", '{"zz": ["a"]}')),
    Step("GET", filtered("/volumes", '{"dangling": ["a"]}')),
    Step("GET", filtered("/volumes", '{"dangling": ["true"], "label": ["a"]}')),
    Step("GET", "/system/df"),
    Step("GET", "/system/df?type=volume"),
    Step("GET", "/system/df?type=zz"),
    Step("PUT", "/volumes/v1", {}),
    Step("DELETE", "/volumes/nope"),
    Step("DELETE", "/volumes/nope?force=1"),
    Step("POST", filtered("/volumes/prune", '{"all": ["a"]}'), said=False),
    Step("POST", "/volumes/prune"),
    Step("POST", filtered("/volumes/prune", '{"all": ["true"]}')),
    Step("GET", "/swarm"),
    Step("GET", "/services"),
    Step("GET", "/nodes/x"),
    Step("POST", "/secrets/create", {}),
    Step("POST", "/swarm/leave"),
    Step("GET", "/plugins"),
    Step("GET", "/plugins/x/json"),
    Step("GET", "/nope"),
    Step("POST", "/info"),
    Step("GET", "/events?since=10&until=5"),
)


@pytest.fixture(scope="module")
def sides(peer: Peers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The sockets of dockerd and of ours, both without images; ours is on a host of its own, for both want the same subnets."""
    needs_root()
    home = tmp_path_factory.mktemp("objects")
    with ExitStack() as undo:
        undo.enter_context(running_dockerd(peer, home / "docker"))
        host = undo.enter_context(Host())
        ours = undo.enter_context(running_daemon(home / "root", seeds=(), enter=host.enter(), clears=False))
        yield f"{home}/docker/s", str(ours.socket)


def test_each_reply_is_dockers(sides: tuple[str, str], subtests: pytest.Subtests) -> None:
    """One after the other, for each leaves what the next finds."""
    theirs, ours = (Api(path) for path in sides)
    for number, step in enumerate(STEPS):
        there, here = (api(step.method, step.path, step.body) for api in (theirs, ours))
        with subtests.test(f"{number} {step.method} {step.path}"):
            assert here.status == there.status, (there.body[:500], here.body[:500])
            if there.status >= 400 and step.said:
                assert here.message.lower().startswith(there.message.lower().rstrip()), (there.message, here.message)
            elif there.status < 300 and there.body:
                assert differences(there.json, here.json, but=[".Volumes[].Labels"]) == []  # in no order


PATHS = (
    "//v1.51//networks", "/v1.51//networks?filters=%7B%7D", "//_ping", "///", "/v1.51/containers//json", "/v1.51/images/a//b",
    "/v1.51/containers/a%2Fb/json", "/v1.51/containers/json/", "/_ping/", "/v1.23/_ping", "/v1/info", "/v1./info", "/v.51/info",
    "/v1.51.0/networks", "/v1.051/_ping", "/v1.52/info", "/v2.0/info", "/v1.51.1/info", "/v1.23/nope", "/vx/info", "/V1.51/x",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_paths_and_versions_are_read_as_dockerd_reads_them(sides: tuple[str, str], path: str) -> None:
    there, here = (head_and_body(socket, path) for socket in sides)
    assert here[0] == there[0]
    if there[0]["status"] != 200:
        assert here[1].rstrip(b'"}\n').startswith(there[1].rstrip(b'"}\n'))


def head_and_body(socket: str, path: str) -> tuple[dict[str, object], bytes]:
    with closing(UnixConnection(socket)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        named = {name: answer.headers[name] for name in ("Location", "Content-Type", "X-Content-Type-Options")}
        return {"status": answer.status, **named}, answer.read()


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_sees_what_dockers_does(sides: tuple[str, str], version: str, subtests: pytest.Subtests) -> None:
    theirs, ours = (Api(path, version) for path in sides)
    for path in ("/info", "/version", "/networks/host", "/volumes", "/system/df"):
        with subtests.test(path):
            there, here = theirs("GET", path), ours("GET", path)
            assert (there.status, here.status) == (200, 200)
            assert differences(there.json, here.json, but=BUT) == []

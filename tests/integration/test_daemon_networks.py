"""Networks of the daemon, by docker-py, the docker command and raw requests: what docker does with them, and says of them."""

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import docker
import pytest

from labcore.network.ports import has_ipv6
from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(Path(tmp_path_factory.mktemp("daemon"), "root")) as made:
        yield made


def test_networks_are_created_listed_inspected_and_removed(daemon: RunningDaemon) -> None:
    pool = docker.types.IPAMPool("10.77.0.0/16", iprange="10.77.4.0/24", gateway="10.77.0.9", aux_addresses={"r": "10.77.1.1"})
    made = daemon.client.networks.create(
        "blue", ipam=docker.types.IPAMConfig(pool_configs=[pool]), labels={"a": "b"}, internal=True, check_duplicate=True
    )
    config = {
        "Subnet": "10.77.0.0/16",
        "IPRange": "10.77.4.0/24",
        "Gateway": "10.77.0.9",
        "AuxiliaryAddresses": {"r": "10.77.1.1"},
    }
    assert made.attrs["IPAM"] == {"Driver": "default", "Options": None, "Config": [config]}
    assert (made.attrs["Internal"], made.attrs["Labels"], made.attrs["Scope"]) == (True, {"a": "b"}, "local")
    assert {each.name for each in daemon.client.networks.list()} == {"bridge", "host", "none", "blue"}
    assert daemon.docker("network", "ls", "-q", "--no-trunc", "-f", "label=a=b").stdout.split() == [made.id]
    assert daemon.docker("network", "inspect", made.id[:10], "-f", "{{.Name}}").stdout == "blue\n"
    made.remove()
    assert {each.name for each in daemon.client.networks.list()} == {"bridge", "host", "none"}


REFUSED: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("POST", "/networks/create", {"Name": ""}, 400, "invalid name: name is empty"),
    ("POST", "/networks/create", {"Name": "host"}, 403, "operation is not permitted on predefined host network"),
    ("POST", "/networks/create", {"Name": "x", "Driver": "host"}, 403, 'only one instance of "host" network is allowed'),
    ("POST", "/networks/create", {"Name": "x", "Driver": "nope"}, 404, 'plugin "nope" not found'),
    ("POST", "/networks/create", {"Name": "x", "Driver": "macvlan"}, 400, "macvlan"),
    ("POST", "/networks/create", {"Name": "x", "IPAM": {"Driver": "nope"}}, 404, 'plugin "nope" not found'),
    ("POST", "/networks/create", {"Name": "x", "IPAM": {"Config": [{"Gateway": "10.9.0.1"}]}}, 400, "invalid network config"),
    ("POST", "/networks/create", {"Name": "x", "Scope": "swarm"}, 403, "cannot create a swarm scoped network"),
    ("POST", "/networks/create", {"Name": "x", "Ingress": True}, 403, "Ingress network"),
    ("POST", "/networks/create", {"Name": "x", "ConfigOnly": True}, 400, "ConfigOnly"),
    (
        "POST",
        "/networks/create",
        {"Name": "x", "ConfigFrom": {"Network": "y"}},
        404,
        'configuration network "y" does not exist',
    ),
    ("POST", "/networks/create", {"Name": 5}, 400, "Name"),
    ("GET", "/networks/nope", {}, 404, "network nope not found"),
    ("GET", "/networks/bridge?scope=swarm", {}, 404, "network bridge not found"),
    ("GET", "/networks/bridge?verbose=zz", {}, 400, "invalid value for verbose: zz"),
    ("GET", '/networks?filters={"zz":["a"]}', {}, 400, "invalid filter 'zz'"),
    ("GET", '/networks?filters={"type":["a"]}', {}, 400, "invalid filter: 'type'='a'"),
    ("GET", '/networks?filters={"dangling":["maybe"]}', {}, 400, "invalid value for filter 'dangling'"),
    ("DELETE", "/networks/bridge", {}, 403, "bridge is a pre-defined network and cannot be removed"),
    ("DELETE", "/networks/nope", {}, 404, "network nope not found"),
    ("POST", "/networks/bridge/connect", {"Container": "zz"}, 404, "No such container: zz"),
    ("POST", "/networks/bridge/disconnect", {}, 400, 'invalid name or ID supplied: ""'),
    ("POST", '/networks/prune?filters={"until":["soon"]}', {}, 400, 'failed to parse value as time or duration: "soon"'),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "message"), REFUSED)
def test_what_docker_refuses_is_refused_with_its_status_and_words(
    daemon: RunningDaemon, method: str, path: str, body: dict[str, Any], status: int, message: str
) -> None:
    found = daemon.request(method, path, body)
    assert (found.status, message.lower() in found.json["message"].lower()) == (status, True), found


ODD_NAMES = ("my net", " lead", "a/b", "../../up", "..", ".x", "-x", "a:b", "a,b", "a%2Fb", "ü€", "a\tb\x07\n", "'\"")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_network_may_be_called_anything(daemon: RunningDaemon, name: str) -> None:
    path = f"/networks/{quote(name, safe='')}"
    made = daemon.request("POST", "/networks/create", {"Name": name}).json["Id"]
    try:
        assert daemon.request("GET", path).json["Id"] == made
        assert {each["Id"]: each["Name"] for each in daemon.request("GET", "/networks").json}[made] == name
        shown = "{{range $name, $_ := .NetworkSettings.Networks}}{{json $name}}{{end}}"
        id = daemon.docker("run", "-d", "--name", "on", "--network", made, "busybox", "sleep", "60").stdout.strip()
        assert json.loads(daemon.docker("inspect", "-f", shown, "on").stdout) == name
        assert daemon.request("POST", f"{path}/disconnect", {"Container": id}).status == 200
        assert daemon.request("POST", f"{path}/connect", {"Container": id}).status == 200
    finally:
        daemon.docker("rm", "-f", "on", status=None)
        assert daemon.request("DELETE", path).status == 204


def test_a_networks_name_has_bounds(daemon: RunningDaemon) -> None:
    for name, said in (("x" * 181, "too long"), (" " * 61 + "x", "too long"), (" ", "name is empty"), ("a\0", "NUL")):
        answer = daemon.request("POST", "/networks/create", {"Name": name})
        assert (answer.status, said in answer.json["message"]) == (400, True)


def test_names_are_unique_and_beginnings_of_ids_may_be_ambiguous(daemon: RunningDaemon) -> None:
    ids: dict[str, str] = {}
    try:
        while len({each[0] for each in ids.values()}) == len(ids):
            ids[f"n{len(ids)}"] = daemon.request("POST", "/networks/create", {"Name": f"n{len(ids)}"}).json["Id"]
        *_, last = ids.values()
        assert daemon.request("POST", "/networks/create", {"Name": "n0"}).status == 409
        ambiguous = daemon.request("GET", f"/networks/{last[0]}")
        assert (ambiguous.status, "is ambiguous" in ambiguous.json["message"]) == (400, True)
    finally:
        for name in ids:
            assert daemon.request("DELETE", f"/networks/{name}").status == 204


def test_containers_are_connected_and_disconnected_while_they_run(daemon: RunningDaemon) -> None:
    daemon.docker("network", "create", "red")
    web = daemon.docker("run", "-d", "--name=web", "busybox", "sleep", "1000").stdout.strip()
    daemon.docker("network", "connect", "--alias=www", "--ip=10.99.0.7", "red", "web", status=1)  # no pool of the user's
    daemon.docker("network", "connect", "--alias=www", "red", "web")
    (member,) = daemon.client.networks.get("red").attrs["Containers"].values()
    assert member["Name"] == "web"
    twice = daemon.request("POST", "/networks/red/connect", {"Container": "web"})
    assert (twice.status, "endpoint with name web already exists in network red" in twice.json["message"]) == (403, True)
    busy = daemon.request("DELETE", "/networks/red")
    assert busy.status == 403
    assert busy.json["message"].startswith('error while removing network: network red has active endpoints (name:"web" id:"')
    assert daemon.request("GET", "/v1.27/networks").json != daemon.request("GET", "/v1.28/networks").json
    daemon.docker("network", "disconnect", "red", "web")
    assert daemon.client.networks.get("red").attrs["Containers"] == {}
    again = daemon.request("POST", "/networks/red/disconnect", {"Container": "web"})
    assert (again.status, again.json["message"]) == (404, f"container {web} is not connected to network red")
    daemon.docker("rm", "-f", "web")
    assert daemon.request("DELETE", "/networks/red").status == 204


def test_the_network_none_is_left_and_joined_while_a_container_does_not_run(daemon: RunningDaemon) -> None:
    lonely = "container cannot be connected to multiple networks with one of the networks in private (none) mode"
    daemon.docker("network", "create", "red")
    id = daemon.docker("create", "--name=alone", "--network=none", "busybox", "sleep", "1000").stdout.strip()
    assert lonely in daemon.docker("network", "connect", "red", "alone", status=1).stderr
    daemon.docker("network", "disconnect", "none", "alone")
    daemon.docker("network", "connect", "red", "alone")
    assert lonely in daemon.docker("network", "connect", "none", "alone", status=1).stderr
    daemon.docker("network", "connect", "--alias=again", "red", "alone")  # as long as it does not run
    daemon.docker("start", "alone")
    assert "eth0" in daemon.docker("exec", "alone", "ip", "link").stdout
    daemon.docker("stop", "-t=0", "alone")
    daemon.docker("network", "disconnect", "red", "alone")
    refused = daemon.docker("network", "disconnect", "red", "alone", status=1)
    assert f"container {id} is not connected to the network red" in refused.stderr
    daemon.docker("network", "connect", "none", "alone")
    daemon.docker("start", "alone")
    assert "eth0" not in daemon.docker("exec", "alone", "ip", "link").stdout
    daemon.docker("rm", "-f", "alone")
    daemon.docker("network", "rm", "red")


def test_published_ports_go_where_the_default_route_goes(daemon: RunningDaemon) -> None:
    daemon.docker("network", "create", "--internal", "inside")
    daemon.docker("network", "create", "outside")
    daemon.docker("network", "create", "-o=com.docker.network.bridge.host_binding_ipv4=127.0.0.1", "local")
    words = ("--publish=18099:80", "--expose=81", "busybox", "httpd", "-f", "-h", "/etc")
    daemon.docker("run", "-d", "--name=web", "--network=inside", *words)

    def ports() -> dict[str, Any]:
        found = daemon.request("GET", "/containers/web/json").json["NetworkSettings"]["Ports"]
        return {port: [each["HostIp"] for each in at or ()] for port, at in found.items()}

    def is_reached() -> bool:
        with closing(HTTPConnection("127.0.0.1", 18099, timeout=10)) as connection:
            try:
                connection.request("GET", "/hostname")
                return connection.getresponse().status == 200
            except ConnectionRefusedError:
                return False

    on_all = [address for address in ("0.0.0.0", "::") if address == "0.0.0.0" or has_ipv6()]
    nowhere: dict[str, Any] = {}
    assert (ports(), is_reached()) == (nowhere, False)
    for verb, network, where in (
        ("connect", "outside", on_all), ("connect", "local", ["127.0.0.1"]), ("disconnect", "local", on_all),
        ("disconnect", "outside", None), ("connect", "bridge", on_all),
    ):  # fmt: skip
        daemon.docker("network", verb, network, "web")
        assert (ports(), is_reached()) == (nowhere if where is None else {"80/tcp": where, "81/tcp": []}, where is not None)
    for asked, found in (
        ("publish=18099", "web"),
        ("publish=80", ""),
        ("expose=80", "web"),
        ("expose=82", ""),
        ("name=w[", ""),
    ):
        assert daemon.docker("ps", "--format={{.Names}}", "--filter", asked).stdout.strip() == found
    daemon.docker("rm", "-f", "web")
    daemon.docker("network", "rm", "inside", "outside", "local")


def test_link_local_addresses_are_the_interfaces_besides(daemon: RunningDaemon) -> None:
    """And its neighbours reach it at them, through the firewall that lets nobody take another's address."""
    daemon.docker("network", "create", "local")
    one, two = (
        daemon.docker(
            "run", "-d", "--network=local", f"--link-local-ip=169.254.8.{n}", "busybox", "sleep", "1000"
        ).stdout.strip()
        for n in (8, 9)
    )
    shown = daemon.docker("inspect", "-f", '{{json (index .NetworkSettings.Networks "local").IPAMConfig}}', one).stdout
    assert json.loads(shown) == {"LinkLocalIPs": ["169.254.8.8"]}
    assert "inet 169.254.8.8/16" in daemon.docker("exec", one, "ip", "addr", "show", "eth0").stdout
    assert "1 packets received" in daemon.docker("exec", two, "ping", "-c1", "-w5", "169.254.8.8").stdout
    daemon.docker("rm", "-f", one, two)
    daemon.docker("network", "rm", "local")


def test_an_address_of_an_ip_version_that_the_network_does_not_have_is_only_noted(daemon: RunningDaemon) -> None:
    daemon.docker("network", "create", "--subnet=2001:389::/64", "four")
    pools = json.loads(daemon.docker("network", "inspect", "-f", "{{json .IPAM.Config}}", "four").stdout)
    assert [":" in pool["Subnet"] for pool in pools] == [True, False]
    id = daemon.docker("run", "-d", "--network=four", "--ip6=2001:389::f00d", "busybox", "sleep", "1000").stdout.strip()
    (found,) = json.loads(daemon.docker("inspect", "-f", "{{json .NetworkSettings.Networks}}", id).stdout).values()
    assert (found["IPAMConfig"], found["GlobalIPv6Address"]) == ({"IPv6Address": "2001:389::f00d"}, "")
    daemon.docker("rm", "-f", id)
    daemon.docker("network", "rm", "four")


def test_a_network_that_is_missing_at_the_start_is_a_failure_of_the_containers_networking(daemon: RunningDaemon) -> None:
    failed = daemon.docker("run", "--rm", "--network=nonesuch", "busybox", "true", status=125)
    assert "failed to set up container networking: network nonesuch not found" in failed.stderr


def test_a_gateway_is_told_of_a_subnet_that_was_drawn_or_if_it_was_given(daemon: RunningDaemon) -> None:
    for name, config in {
        "plain": {"Subnet": "10.78.0.0/24"},
        "named": {"Subnet": "10.79.0.0/24", "Gateway": "10.79.0.9"},
    }.items():
        daemon.request("POST", "/networks/create", {"Name": name, "IPAM": {"Config": [config]}})
        assert daemon.request("GET", f"/networks/{name}").json["IPAM"]["Config"] == [config]
        assert daemon.request("DELETE", f"/networks/{name}").status == 204
    (drawn,) = daemon.request("GET", "/networks/bridge").json["IPAM"]["Config"]
    assert set(drawn) == {"Subnet", "Gateway"}


@pytest.mark.parametrize("given", [None, {}, {"a": "b"}])
def test_options_of_ipam_are_told_as_they_were_given(daemon: RunningDaemon, given: dict[str, str] | None) -> None:
    made = daemon.request("POST", "/networks/create", {"Name": "told", "IPAM": {"Driver": "default", "Options": given}})
    assert daemon.request("GET", f"/networks/{made.json['Id']}").json["IPAM"]["Options"] == given
    assert daemon.request("DELETE", "/networks/told").status == 204


def test_prune_removes_what_nobody_is_on_and_what_the_filters_say(daemon: RunningDaemon) -> None:
    daemon.docker("network", "create", "--label=keep", "kept")
    daemon.docker("network", "create", "gone")
    pruned = daemon.request("POST", '/networks/prune?filters={"label!":["keep"]}')
    assert pruned.json == {"NetworksDeleted": ["gone"]}
    assert daemon.request("POST", '/networks/prune?filters={"until":["10h"]}').json == {"NetworksDeleted": None}
    assert daemon.client.networks.prune() == {"NetworksDeleted": ["kept"]}


def test_events_tell_what_happens_to_a_network(daemon: RunningDaemon) -> None:
    before = daemon.now()
    daemon.docker("network", "create", "told")
    daemon.docker("run", "--rm", "--network=told", "busybox", "true")
    daemon.docker("network", "rm", "told")
    lines = [
        json.loads(line)
        for line in daemon.docker("events", "--since", before, "--until", daemon.now(), "--format", "json").stdout.splitlines()
    ]
    told = [each["Action"] for each in lines if each["Type"] == "network" and each["Actor"]["Attributes"]["name"] == "told"]
    assert told == ["create", "connect", "disconnect", "destroy"]


def test_a_container_outlives_its_network(daemon: RunningDaemon) -> None:
    daemon.docker("network", "create", "short")
    daemon.docker("create", "--name", "left", "--network", "short", "busybox")
    daemon.docker("network", "rm", "short")
    shown = daemon.request("GET", "/containers/left/json").json["NetworkSettings"]["Networks"]
    assert (list(shown), shown["short"]["NetworkID"]) == (["short"], "")
    assert daemon.docker("ps", "-a", "--filter", "name=left", "--format", "{{.Networks}}").stdout == "short\n"
    assert "network short not found" in daemon.docker("start", "left", status=1).stderr
    daemon.docker("rm", "left")


def test_the_list_has_two_paths(daemon: RunningDaemon) -> None:
    assert daemon.request("GET", "/networks/").json == daemon.request("GET", "/networks").json

"""API versions: which there are, and what older ones see otherwise."""

import json
from typing import Any

import pytest

from labcore.daemon.routes import ROUTES
from labcore.daemon.versions import DIFFERENCES, PARAMETER, adapted, differences_of, parsed
from labcore.http import Response, Route

KNOWN = {f"{route.method} {PARAMETER.sub('{}', route.path)}" for route in ROUTES}
INFO = {
    "RuncCommit": {"ID": "1"},
    "ContainerdCommit": {"ID": ""},
    "FirewallBackend": {"Driver": "nftables"},
    "RegistryConfig": {"Mirrors": None},
    "Runtimes": {"labcore": {"path": "x", "status": {"a": "b"}}},
    "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"],
}
CONTAINER = {
    "Id": "0123456789abcdef",
    "Config": {"Hostname": "host"},
    "ImageManifestDescriptor": {},
    "NetworkSettings": {"Networks": {"bridge": {"Aliases": None}, "blue": {"Aliases": ["web"]}}},
}
IMAGE = {"Id": "x", "Size": 7, "Config": {"Cmd": ["sh"]}, "Descriptor": {}, "Manifests": []}
LISTED = {"Id": "x", "Size": 7, "RepoTags": [], "RepoDigests": [], "Containers": 2, "Descriptor": {}}


def seen(path: str, version: str, value: Any) -> Any:
    route = Route("GET", path, lambda _: Response(200))
    answer = adapted(Response(200, {}, json.dumps(value).encode()), differences_of(route), parsed(version))
    assert isinstance(answer.body, bytes)
    return json.loads(answer.body)


def test_the_newest_version_sees_what_was_built() -> None:
    for path, value in (("/info", INFO), ("/containers/{name}/json", CONTAINER), ("/images/{name:path}/json", IMAGE)):
        assert seen(path, "1.51", value) == value


def test_info_loses_and_gains_fields() -> None:
    found = {version: seen("/info", version, INFO) for version in ("1.24", "1.43", "1.46", "1.48", "1.49")}
    assert {version: "FirewallBackend" in found[version] for version in found} == dict.fromkeys(found, False) | {"1.49": True}
    assert [found[version]["RuncCommit"].get("Expected") for version in ("1.48", "1.49")] == ["1", None]
    assert found["1.48"]["ContainerdCommit"] == {"ID": ""}
    assert all("BridgeNfIptables" in each for each in found.values())
    assert ["AllowNondistributableArtifactsCIDRs" in found[each]["RegistryConfig"] for each in ("1.46", "1.48")] == [
        True,
        False,
    ]
    assert [found[each]["Runtimes"]["labcore"] for each in ("1.43", "1.46")] == [{"path": "x"}, INFO["Runtimes"]["labcore"]]  # type: ignore[index]
    assert found["1.24"]["SecurityOptions"] == ["seccomp", "rootless"]
    assert found["1.24"]["ExecutionDriver"] == "<not supported>"


def test_before_1_45_a_container_has_its_id_and_hostname_as_aliases_on_a_users_networks() -> None:
    networks = seen("/containers/{name}/json", "1.44", CONTAINER)["NetworkSettings"]["Networks"]
    assert networks == {"bridge": {"Aliases": None}, "blue": {"Aliases": ["web", "0123456789ab", "host"]}}
    assert "ImageManifestDescriptor" not in seen("/containers/{name}/json", "1.47", CONTAINER)


def test_images_were_listed_and_inspected_otherwise() -> None:
    old, newer = (seen("/images/{name:path}/json", version, IMAGE) for version in ("1.43", "1.47"))
    assert (old["VirtualSize"], old["ContainerConfig"]["Cmd"], old["Created"]) == (7, None, "0001-01-01T00:00:00Z")
    assert seen("/images/{name:path}/json", "1.43", IMAGE | {"Created": "2024"})["Created"] == "2024"
    assert not {"ContainerConfig", "Created"} & newer.keys()
    assert newer["Config"] == {"Cmd": ["sh"]} | {name: newer["Config"][name] for name in newer["Config"] if name != "Cmd"}
    assert newer["Config"]["AttachStdin"] is False
    assert not {"Descriptor", "Manifests", "VirtualSize"} & newer.keys()
    (listed,) = seen("/images/json", "1.42", [LISTED])
    assert (listed["RepoTags"], listed["RepoDigests"], listed["Containers"]) == (["<none>:<none>"], ["<none>@<none>"], -1)


def test_errors_and_streams_are_left_as_they_are() -> None:
    route = Route("GET", "/info", lambda _: Response(200))
    for answer in (Response(500, {}, b'{"message": "x"}'), Response(200, {}, iter([b"x"]))):
        assert adapted(answer, differences_of(route), (1, 24)) is answer


def test_the_latest_differences_come_first() -> None:
    order = [parsed(each.until) for each in DIFFERENCES]
    assert order == sorted(order, reverse=True)
    assert len(order) > 10


@pytest.mark.parametrize("route", sorted({each.route for each in DIFFERENCES}))
def test_each_difference_is_of_a_route_that_there_is(route: str) -> None:
    assert route in KNOWN

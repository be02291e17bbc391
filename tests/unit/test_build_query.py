"""The query of POST /build: what docker's clients send, and what is refused, by its name."""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from labcore.builder.options import BuildOptions
from labcore.daemon.wire.build_query import BuildQuery, build_query
from labcore.daemon.wire.registry_auth import found_in_config
from labcore.errors import InvalidInput
from labcore.http import Request
from labcore.http.client import Client
from labcore.http.message import Body
from labcore.spec import Platform, Reference, Resources
from labcore.spec.isolation import Rlimit
from tests.build_requests import DOCKER, DOCKER_PY, DOCKERODE, REPO2DOCKER, TESTCONTAINERS


def request(query: Any, headers: Mapping[str, str] = {}) -> Request:
    client: Client = None  # type: ignore[assignment]  # nobody is asked
    target = f"/build?{urlencode(query, doseq=True)}"
    return Request("POST", target, {"http-version": "1.1", **headers}, Body(lambda: None), client)


def asked(headers: Mapping[str, str] = {}, **query: Any) -> BuildQuery:
    return build_query(request(query, headers))


def base64url(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_nothing_said_is_docker_s_defaults() -> None:
    assert asked() == BuildQuery(BuildOptions())


A = Reference.parse("a")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (DOCKER, BuildQuery(BuildOptions(tags=(A,)), "Dockerfile")),
        (DOCKER_PY, BuildQuery(BuildOptions(tags=(A,)), removes=False)),
        (
            DOCKERODE,
            BuildQuery(
                BuildOptions(tags=(A,), arguments=(("A", "b"),), labels=(("l", "m"),), no_cache=True, network="host"),
            ),
        ),
        (
            TESTCONTAINERS,
            BuildQuery(
                BuildOptions(
                    tags=(Reference.parse("localhost/x:1"),),
                    labels=(("org.testcontainers", "true"),),
                    target="t",
                    pull=True,
                ),
                "./docker/Dockerfile",
            ),
        ),
        (
            REPO2DOCKER,
            BuildQuery(
                BuildOptions(
                    tags=(Reference.parse("r2d"),),
                    arguments=(("NB_UID", "1000"),),
                    cache_from=("127.0.0.1:1/a:1",),
                    resources=Resources(memory=4194304000, swap=-1),
                    labels=(("repo2docker.ref", "None"),),
                ),
                ".dockerfile.3f",
            ),
        ),
    ],
    ids=["docker", "docker-py", "dockerode", "testcontainers", "repo2docker"],
)  # fmt: skip
def test_what_clients_send(sent: dict[str, str], expected: BuildQuery) -> None:
    assert build_query(request(sent)) == expected


def test_every_other_parameter() -> None:
    found = asked(
        t=["a", "b:1", "a"],
        buildargs='{"SET": "1", "UNSET": null}',
        extrahosts=["x:1.2.3.4", "y:::1"],
        ulimits='[{"Name": "nofile", "Soft": 5, "Hard": 10}]',
        cpushares="10",
        cpusetcpus="0-1",
        cpusetmems="0",
        cpuperiod="2000",
        cpuquota="1000",
        shmsize="67108864",
        cgroupparent="/c",
        platform="linux/x86_64",
        isolation="default",
        outputs='[{"Type": "moby", "Attrs": {}}]',
        remote="http://x/y",
        q="1",
        squash="0",
    )
    assert found == BuildQuery(
        BuildOptions(
            tags=(A, Reference.parse("b:1")),
            arguments=(("SET", "1"), ("UNSET", None)),
            hosts=(("x", "1.2.3.4"), ("y", "::1")),
            rlimits=(Rlimit("NOFILE", 5, 10),),
            resources=Resources(cpu_shares=10, cpus="0-1", mems="0", cpu_period=2000, cpu_quota=1000),
            shm_size=64 << 20,
            cgroup_parent="/c",
            platform=Platform("linux", "amd64"),
        ),
        remote="http://x/y",
        is_quiet=True,
    )


def test_labcore_s_own_parameters() -> None:
    found = asked(
        {"x-labcore-secrets": base64url({"token": base64.b64encode(b"s\0cret").decode()})},
        labcore="1",
        contexts=json.dumps({"base": "docker-image://busybox", "src": "context:.labcore-contexts/1/"}),
        nocachefilter='["one"]',
        cacheto="r/c",
        inlinecache="1",
        epoch="0",
        keepfailed="1",
    )
    assert found == BuildQuery(
        BuildOptions(
            contexts=(("base", "docker-image://busybox"),),
            uncached_stages=("one",),
            cache_to="r/c",
            inline_cache=True,
            secrets=(("token", b"s\0cret"),),
            epoch=0,
            keeps_failed=True,
        ),
        parts=(("src", ".labcore-contexts/1/"),),
        tells_events=True,
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [({}, True), ({"rm": "0"}, False), ({"rm": ""}, False), ({"rm": "0", "forcerm": "1"}, True), ({"rm": "1"}, True)],
)
def test_whether_containers_are_removed(said: dict[str, str], expected: bool) -> None:
    assert asked(**said).removes is expected


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("version", "2", "version=2 asks for BuildKit"),
        ("version", "3", 'invalid version "3"'),
        ("remote", "client-session", "remote=client-session is a session of BuildKit"),
        ("isolation", "hyperv", 'unsupported isolation: "hyperv"'),
        ("securityopt", "seccomp=unconfined", "security options are not supported on linux"),
        ("squash", "1", "squash is only supported with experimental mode"),
        ("outputs", "x", "invalid outputs specified: "),
        ("outputs", '[{"Type": "tar", "Attrs": {"dest": "x"}}]', "outputs of type 'tar'"),
        ("outputs", "[{}]", "outputs of type None"),
        ("buildargs", "{", "error reading build args: "),
        ("buildargs", "[]", "error reading build args: "),
        ("buildargs", '{"A": 1}', "error reading build args: "),
        ("buildargs", "[" * 9000, "error reading build args: "),
        ("labels", '["a"]', "error reading labels: "),
        ("cachefrom", "{}", "error reading cache-from: "),
        ("cachefrom", "[1]", "error reading cache-from: "),
        ("ulimits", "x", "error reading ulimit settings: "),
        ("ulimits", "{}", "error reading ulimit settings: "),
        ("ulimits", '[{"Name": "nonsense"}]', "ulimits 'nonsense=0:0'"),
        ("nocachefilter", "{}", "error reading nocachefilter: "),
        ("contexts", '{"a": "/etc"}', "context 'a': '/etc' is neither"),
        ("contexts", '{"": "context:a/"}', "context ''"),
        ("shmsize", "x", "shmsize=x"),
        ("memory", "9" * 40, "memory "),
        ("memory", "-5", "memory -5"),
        ("cpusetcpus", "\0", "cpuset_cpus"),
        ("extrahosts", "zzz", "extra_hosts 'zzz:'"),
        ("extrahosts", "a:b c", "extra_hosts"),
        ("t", "a@sha256:" + "0" * 64, "build tag cannot contain a digest"),
        ("t", "A", "'A' is no image name"),
        ("platform", "a/b/c/d/e", '"d/e" is an invalid component'),
        ("epoch", "-1", "epoch=-1"),
        ("epoch", "9" * 30, "epoch="),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(name: str, value: str, said: str) -> None:
    with pytest.raises(InvalidInput) as failure:
        asked(**{name: value})
    assert str(failure.value).startswith(said)


@pytest.mark.parametrize("secrets", ["!", "A", base64url(["a"]), base64url({"a": "!"}), base64url({"a": 1}), "A" * 40000])
def test_secrets_that_cannot_be_read_are_refused_and_not_shown(secrets: str) -> None:
    with pytest.raises(InvalidInput, match="x-labcore-secrets: ") as failure:
        asked({"x-labcore-secrets": secrets})
    assert len(str(failure.value)) < 200


def test_each_registry_has_its_own_credentials() -> None:
    config = {
        "https://index.docker.io/v1/": {"username": "h", "password": "1"},
        "r:5000": {"auth": base64.b64encode(b"u:p").decode()},
        "https://t/v2/": {"identitytoken": "token"},
        "empty": {},
    }
    find = found_in_config(request({}, {"x-registry-config": base64url(config)}))
    users = {name: found.user if (found := find(name)) else None for name in ("docker.io", "r:5000", "t", "empty", "other")}
    assert users == {"docker.io": "h", "r:5000": "u", "t": "", "empty": None, "other": None}
    assert find("t").token == "token"  # type: ignore[union-attr]


@pytest.mark.parametrize("config", ["!!!", base64url([]), base64url({"r": 1}), base64url({"r": {"auth": "!"}})])
def test_credentials_that_cannot_be_read_count_as_none(config: str) -> None:
    assert found_in_config(request({}, {"x-registry-config": config}))("r") is None

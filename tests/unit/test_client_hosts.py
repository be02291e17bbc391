"""Which daemon is meant: arguments, DOCKER_HOST, contexts, sockets, TLS; and what is no host."""

import json
from pathlib import Path

import pytest

from labcore.client import hosts
from labcore.client.host import Host, TLSFiles
from labcore.client.hosts import find_host, parse_host
from labcore.errors import InvalidInput, Unavailable


def context(
    config: Path, name: str, host: object, *, tls: bool = False, skip: bool = False, current: bool = False
) -> dict[str, str]:
    meta = config / "contexts" / "meta" / f"of-{name}"
    meta.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": skip}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    if tls:
        (config / "contexts" / "tls" / f"of-{name}" / "docker").mkdir(parents=True)
    if current:
        (config / "config.json").write_text(json.dumps({"currentContext": name}))
    return {"DOCKER_CONFIG": str(config)}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("unix:///run/x.sock", Host("unix:///run/x.sock", path="/run/x.sock")),
        ("/run/x.sock", Host("unix:///run/x.sock", path="/run/x.sock")),
        ("tcp://box:1234", Host("tcp://box:1234", address="box", port=1234)),
        ("tcp://box", Host("tcp://box", address="box", port=2375)),
        ("tcp://[::1]:99", Host("tcp://[::1]:99", address="::1", port=99)),
        ("tcp://[::1]", Host("tcp://[::1]", address="::1", port=2375)),
        ("tcp://:2375/", Host("tcp://:2375/", address="127.0.0.1", port=2375)),
    ],
)
def test_what_is_a_host(url: str, expected: Host) -> None:
    assert parse_host(url) == expected


@pytest.mark.parametrize(
    "url",
    ["", "unix://relative", "http://box", "npipe:////./pipe/x", "tcp://box:0", "tcp://box:65536", "tcp://box:x", "tcp://b ox",
     "tcp://a@b", "tcp://a/b", "fd://", "unix:///a\0b", "nonsense", "tcp://b\nox:1", "tcp://box:٣"],
)  # fmt: skip
def test_what_is_none(url: str) -> None:
    with pytest.raises(InvalidInput, match="host"):
        parse_host(url)


def test_ssh_is_refused_with_what_to_do_instead() -> None:
    with pytest.raises(InvalidInput, match=r"cure: forward the socket: ssh -nNT -L .* me@box"):
        parse_host("ssh://me@box")


def test_an_argument_goes_before_the_environment_and_that_before_contexts(tmp_path: Path) -> None:
    said = context(tmp_path, "current", "tcp://current:1", current=True) | {"DOCKER_HOST": "tcp://said:2"}
    context(tmp_path, "other", "tcp://other:3")
    assert find_host("tcp://argument:4", environment=said).address == "argument"
    assert find_host(environment=said).address == "said"
    del said["DOCKER_HOST"]
    assert find_host(environment=said | {"DOCKER_CONTEXT": "other"}).address == "other"
    assert find_host(environment=said).address == "current"


def test_tls_is_the_environments_or_the_contexts(tmp_path: Path) -> None:
    said = {"DOCKER_HOST": "tcp://box", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}
    assert find_host(environment=said) == Host("tcp://box", address="box", port=2376, tls=TLSFiles("/certs"))
    said = {"DOCKER_HOST": "tcp://box", "DOCKER_TLS": "1", "HOME": "/home/me"}
    assert find_host(environment=said).tls == TLSFiles("/home/me/.docker", verify=False)
    said = context(tmp_path, "c", "tcp://box", tls=True, skip=True, current=True)
    directory = f"{tmp_path}/contexts/tls/of-c/docker"
    assert find_host(environment=said).tls == TLSFiles(directory, verify=False)


def test_a_context_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    said = context(tmp_path, "there", "tcp://box:1")
    with pytest.raises(InvalidInput, match=r"context 'away'.*there are there"):
        find_host(environment=said | {"DOCKER_CONTEXT": "away"})


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"currentContext": 7}', "\udcff", "[" * 100_000, '{"a": "' + "x" * (1 << 20) + '"}']
)
def test_a_configuration_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(InvalidInput, match=r"config\.json"):
        find_host(environment={"DOCKER_CONFIG": str(tmp_path)})


@pytest.mark.parametrize("host", [None, 7, "", {"a": 1}])
def test_a_context_without_a_host_is_named(tmp_path: Path, host: object) -> None:
    with pytest.raises(InvalidInput, match="context 'c': it names no host"):
        find_host(environment=context(tmp_path, "c", host, current=True))


def test_labcores_socket_goes_before_dockers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, dockers = tmp_path / "labcore.sock", tmp_path / "docker.sock"
    monkeypatch.setattr(hosts, "SYSTEM_SOCKET", str(own))
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path / "root"))
    monkeypatch.setattr(hosts, "DOCKER_SOCKET", str(dockers))
    said = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "default"}
    with pytest.raises(
        Unavailable, match=r"no daemon is there: .*labcore\.sock, .*docker\.sock.*\n  cure: start one: labcore daemon"
    ):
        find_host(environment=said)
    dockers.touch()
    assert find_host(environment=said).path == str(dockers)
    own.touch()
    assert find_host(environment=said).path == str(own)


def test_the_state_roots_own_socket_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "SYSTEM_SOCKET", str(tmp_path / "machine.sock"))
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path))
    (tmp_path / "machine.sock").touch()
    said = {"HOME": "/nowhere"}
    assert find_host(environment=said).path == f"{tmp_path}/machine.sock"
    (tmp_path / "labcore.sock").touch()
    assert find_host(environment=said).path == f"{tmp_path}/labcore.sock"

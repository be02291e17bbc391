"""labcore's client beside what can go wrong: threads that share it, a daemon that goes, TLS, a docker context."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import pytest
import trustme

import labcore
from labcore import errors
from labcore.client import Client
from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as running:
        yield running


@pytest.fixture
def client(daemon: RunningDaemon) -> Iterator[Client]:
    with labcore.connect(daemon.url) as client:
        yield client


def test_threads_share_a_client(client: Client) -> None:
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda _: client.system.version().api_version, range(200)))
    assert set(found) == {"1.51"}


def test_a_daemon_that_goes_is_told_to_who_follows(tmp_path: Path) -> None:
    needs_root()
    with running_daemon(tmp_path / "root") as daemon, labcore.connect(daemon.url) as client:
        name = client.containers.create(image="busybox", command=["sleep", "1000"], network_mode="none")
        client.containers.start(name)
        told = Event()

        def wait() -> None:
            with pytest.raises(errors.Unavailable):
                client.containers.wait(name)
            told.set()

        Thread(target=wait).start()
        events = client.system.events()
        daemon.process.kill()
        daemon.process.wait()
        with pytest.raises(errors.Unavailable):
            list(events)
        assert told.wait(10)
        with pytest.raises(errors.Unavailable, match="no daemon listens there\n  cure: start a daemon"):
            client.system.version()


def test_a_context_of_dockers_leads_to_the_daemon(
    daemon: RunningDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    made = ["context", "create", "ours", "--docker", f"host={daemon.url}"]
    daemon.docker(*made, env={"DOCKER_CONFIG": str(tmp_path)})
    monkeypatch.setenv("DOCKER_CONTEXT", "ours")
    with labcore.connect() as client:
        assert client.host == daemon.url
        assert client.system.ping() == "1.51"
    monkeypatch.delenv("DOCKER_CONTEXT")
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "ours"}))
    assert labcore.connect().host == daemon.url


def test_tls_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_root()
    authority = trustme.CA()
    server, own = authority.issue_cert("127.0.0.1"), authority.issue_cert("me")
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    authority.cert_pem.write_to_path(str(certificates / "ca.pem"))
    for name, each in (("server", server), ("", own)):
        each.cert_chain_pems[0].write_to_path(str(certificates / f"{name}cert.pem"))
        each.private_key_pem.write_to_path(str(certificates / f"{name}key.pem"))
    words = ["-H", "tcp://127.0.0.1:23761", "--tlsverify", "--tlscacert", str(certificates / "ca.pem")]
    words += ["--tlscert", str(certificates / "servercert.pem"), "--tlskey", str(certificates / "serverkey.pem")]
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:23761")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    with running_daemon(tmp_path / "root", *words):
        monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
        with labcore.connect() as client:
            name = client.containers.create(image="busybox", command=["sleep", "1000"], network_mode="none")
            client.containers.start(name)
            with client.containers.exec(name, ["seq", "1", "50000"]) as streams:
                said = b"".join(each.content for each in streams)
            assert said.split() == [b"%d" % number for number in range(1, 50_001)]
        trustme.CA().cert_pem.write_to_path(str(certificates / "ca.pem"))
        with pytest.raises(errors.Unavailable, match=r"TLS: .*CERTIFICATE_VERIFY_FAILED[\s\S]*cure: ca.pem"):
            labcore.connect().system.ping()
        (certificates / "ca.pem").write_text("nonsense")
        with pytest.raises(errors.InvalidInput, match="PEM files are wanted"):
            labcore.connect().system.ping()

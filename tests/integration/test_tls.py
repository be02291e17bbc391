"""Registries that speak TLS, with certificates of an authority of one's own."""

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from labcore.engine import Engine
from labcore.engine.image.endpoint import endpoint
from labcore.engine.image.pull import pull
from labcore.engine.image.push import push
from labcore.errors import InvalidInput, Unavailable
from labcore.images import ImageStore
from labcore.registry.endpoint import Endpoint
from labcore.registry.proxies import proxy_for
from labcore.registry.server import Registry
from labcore.registry.transport import RegistryError, Transport
from labcore.spec import Reference
from tests.serving import named, served, served_raw


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.crt"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


def server_side(authority: trustme.CA, *names: str, expired: bool = False, asks: bool = False) -> ssl.SSLContext:
    until = datetime.now(UTC) - timedelta(days=1) if expired else None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*(names or ("127.0.0.1", "localhost")), not_after=until).configure_cert(context)
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    return context


def in_vain(seconds: float) -> None:
    pytest.fail("what cannot succeed was tried again")


@pytest.fixture
def secured(registry: Registry, authority: trustme.CA) -> Iterator[str]:
    with served(registry.answer, tls=server_side(authority)) as address:
        yield address


def test_an_authority_that_a_caller_names(secured: str, file: Path, engine: Engine, tmp_path: Path) -> None:
    reference = named(engine, secured)
    where = endpoint(reference, authority=file)
    assert where.base == f"https://{secured}"
    list(push(engine.images, reference, where))
    store = ImageStore(tmp_path / "images")
    list(pull(store, reference, where))
    assert store.get(reference).layers


def test_an_authority_in_dockers_directory(secured: str, file: Path, engine: Engine, tmp_path: Path) -> None:
    directory = tmp_path / "config/docker/certs.d" / secured
    directory.mkdir(parents=True)
    file.rename(directory / "ca.crt")
    reference = named(engine, secured)
    assert not endpoint(reference).insecure  # there is a certificate for it: also on loopback it speaks TLS
    list(push(engine.images, reference, endpoint(reference)))


def test_an_authority_in_registries_toml(secured: str, file: Path, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "registries.toml").write_text(f'["{secured}"]\nca = "{file}"\n')
    reference = named(engine, secured)
    list(push(engine.images, reference, endpoint(reference, root=tmp_path)))


def test_a_registry_that_wants_a_clients_certificate(
    registry: Registry, authority: trustme.CA, file: Path, engine: Engine, tmp_path: Path
) -> None:
    with served(registry.answer, tls=server_side(authority, asks=True)) as address:
        reference = named(engine, address)
        with pytest.raises(RegistryError, match=r"wants to see a client's certificate\n  cure: put it into /etc/docker"):
            list(push(engine.images, reference, endpoint(reference, authority=file)))
        directory = tmp_path / "config/docker/certs.d" / address
        directory.mkdir(parents=True)
        file.rename(directory / "ca.crt")
        mine = authority.issue_cert("client@example.org")
        (directory / "client.cert").write_bytes(mine.cert_chain_pems[0].bytes())
        with pytest.raises(Unavailable, match=r"client.cert: .* key in client.key"):
            list(push(engine.images, reference, endpoint(reference)))
        mine.private_key_pem.write_to_path(str(directory / "client.key"))
        list(push(engine.images, reference, endpoint(reference)))


@pytest.mark.parametrize(
    ("names", "expired", "trusted", "said"),
    [
        ((), False, False, r"does not hold: .*\n  cure: .*/127.0.0.1:\d+/ca.crt, or .* registries.toml .*:\d+\"\]: ca"),
        (("registry.example.com",), False, True, r"does not hold: .*mismatch.*\n  cure: the name"),
        ((), True, True, r"does not hold: .*expired\n  cure: have it renewed"),
    ],
)  # fmt: skip
def test_certificates_that_do_not_hold(
    registry: Registry, authority: trustme.CA, file: Path, names: tuple[str, ...], expired: bool, trusted: bool, said: str
) -> None:
    seen: list[str] = []

    def handler(request: object) -> object:
        seen.append("a request")
        return registry.answer(request)  # type: ignore[arg-type]

    with served(handler, tls=server_side(authority, *names, expired=expired)) as address:  # type: ignore[arg-type]
        transport = Transport(Endpoint(address, authority=file if trusted else None), sleep=in_vain)
        with pytest.raises(RegistryError, match=said):
            transport.request("GET", "/v2/")
    assert seen == []


def test_one_speaks_tls_and_the_other_does_not(registry: Registry, secured: str, file: Path) -> None:
    with served(registry.answer) as plain:
        transport = Transport(Endpoint(plain, authority=file), sleep=in_vain)
        with pytest.raises(RegistryError, match=r"does not speak TLS\n  cure: .* registries.toml .*\]: plain-http = true"):
            transport.request("GET", "/v2/")
    transport = Transport(Endpoint(secured, insecure=True), sleep=lambda _: None)
    with pytest.raises(RegistryError, match=r"if it speaks TLS, put .* into .*/ca.crt"):
        transport.request("GET", "/v2/")


def test_files_that_hold_no_certificate(secured: str, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("no certificate")
    with pytest.raises(InvalidInput, match="PEM is wanted"):
        Transport(Endpoint(secured, authority=tmp_path / "empty")).request("GET", "/v2/")
    with pytest.raises(Unavailable, match="No such file"):
        Transport(Endpoint(secured, authority=tmp_path / "nothing")).request("GET", "/v2/")


def test_what_registries_toml_may_say(tmp_path: Path) -> None:
    file = tmp_path / "registries.toml"
    name = Reference.parse("alpine")
    assert endpoint(name, root=tmp_path) == Endpoint("registry-1.docker.io")
    file.write_text('["docker.io"]\nmirrors = ["http://127.0.0.1:5000", "mirror.example.com"]\n["a.b"]\nplain-http = true')
    mirrors = (Endpoint("127.0.0.1:5000", insecure=True), Endpoint("mirror.example.com"))
    assert endpoint(name, root=tmp_path) == Endpoint("registry-1.docker.io", mirrors=mirrors)
    assert endpoint(Reference.parse("a.b/c"), root=tmp_path).insecure
    assert not endpoint(Reference.parse("a.b/c"), root=tmp_path, insecure=False).insecure
    for wrong, said in (
        ('["docker.io"]\nmirror = ["x"]', "mirror: known are mirrors"),
        ('["docker.io"]\nmirrors = "x"', "mirrors: known are mirrors"),
        ('["docker.io"]\nmirrors = ["ftp://x/y"]', "is no registry"),
        ("docker.io]", "registries.toml: "),
        ('"docker.io" = 5', "is a table of mirrors"),
        ('["docker.io"]\nmirrors = [5, {}]', "is no registry"),
    ):
        file.write_text(wrong)
        with pytest.raises(InvalidInput, match=said):
            endpoint(name, root=tmp_path)


@pytest.mark.parametrize(
    ("host", "insecure"),
    [("localhost:5000/a", True), ("127.0.0.1/a", True), ("[::1]:5000/a", True), ("localhost.example.com/a", False),
     ("127.example.com/a", False), ("127.0.0.1.example.com/a", False), ("10.0.0.1:5000/a", False)],
)  # fmt: skip
def test_who_is_on_loopback(host: str, insecure: bool) -> None:
    assert endpoint(Reference.parse(host)).insecure == insecure


# --- a proxy between


@contextmanager
def proxy(target: str, status: str = "200 OK") -> Iterator[tuple[str, list[bytes]]]:
    """Lead whoever asks to one address; yield the proxy's own, and what it was asked."""
    asked: list[bytes] = []

    def carry(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)

    def hold(client: socket.socket) -> None:
        with suppress(OSError), client:
            asked.append(client.recv(65536))
            client.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
            if not status.startswith("200"):
                return
            host, _, port = target.partition(":")
            with socket.create_connection((host, int(port))) as server:
                back = threading.Thread(target=carry, args=(server, client), daemon=True)
                back.start()
                carry(client, server)
                back.join(5)

    with served_raw(hold) as address:
        yield address, asked


def test_a_proxy_leads_out(
    registry: Registry, authority: trustme.CA, file: Path, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        served(registry.answer, tls=server_side(authority, "registry.test")) as target,
        proxy(target) as (address, asked),
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://anna:hush%20hush@{address}")
        reference = named(engine, "registry.test")
        list(push(engine.images, reference, endpoint(reference, authority=file)))
        store = ImageStore(tmp_path / "images")
        list(pull(store, reference, endpoint(reference, authority=file)))
        assert store.get(reference).layers
        told = base64.b64encode(b"anna:hush hush").decode()
        assert all(head.startswith(b"CONNECT registry.test:443 HTTP/1") for head in asked)
        assert all(f"Proxy-Authorization: Basic {told}".encode() in head for head in asked)
        assert "hush" not in repr(proxy_for("registry.test"))
        monkeypatch.setenv("NO_PROXY", "example.com,registry.test")
        assert proxy_for("registry.test") is proxy_for("registry.test:443") is proxy_for("a.example.com") is None
        assert proxy_for("127.0.0.1:5000") is None


def test_a_proxy_that_lets_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy("", "407 Proxy Authentication Required") as (address, _):
        monkeypatch.setenv("https_proxy", f"http://anna:hush-hush@{address}")
        transport = Transport(Endpoint("registry.test"), sleep=in_vain)
        with pytest.raises(RegistryError, match=r"does not let us through: 407 .*\n  cure: HTTPS_PROXY") as refused:
            transport.request("GET", "/v2/")
        assert "hush-hush" not in str(refused.value)
    for wrong in ("ftp://a:1", "http://", "http://a:b", "http://[::1"):
        monkeypatch.setenv("https_proxy", wrong)
        with pytest.raises(InvalidInput, match="HTTPS_PROXY"):
            proxy_for("registry.test")

"""Images on their way from and to registries, also those that lie, break off, or ask who is there."""

import base64
import json
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import bcrypt
import pytest

from labcore.engine import Engine
from labcore.engine.image.endpoint import endpoint
from labcore.engine.image.pull import pull
from labcore.engine.image.push import push
from labcore.errors import ImageNotFound, StoreDamaged
from labcore.http import Request, Response
from labcore.images import ImageStore
from labcore.registry.credentials import Credentials, keep
from labcore.registry.server import Registry, Settings
from labcore.registry.server_auth import Htpasswd
from labcore.registry.transport import Endpoint, RegistryError, Transport
from labcore.spec import Reference
from tests.serving import eventually, named, served
from tests.threads import running, together


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def test_there_and_back(engine: Engine, registry: Registry, store: ImageStore) -> None:
    with served(registry.answer) as address:
        reference = named(engine, address)
        told = list(push(engine.images, reference, endpoint(reference)))
        assert [progress.status for progress in told].count("done") == 3
        again = list(push(engine.images, reference, endpoint(reference)))
        assert [progress.status for progress in again].count("exists") == 2
        came = list(pull(store, reference, endpoint(reference)))
        assert came[-1].status == "done"
        assert store.get(reference).descriptor == engine.images.get(reference).descriptor
        assert {p.status for p in pull(store, reference, endpoint(reference))} == {"exists", "done"}
        by_digest = Reference.parse(f"{address}/team/busybox@{store.get(reference).descriptor.digest}")
        assert list(pull(store, by_digest, endpoint(by_digest)))[-1].status == "done"
        unknown = Reference.parse(f"{address}/team/nothing")
        with pytest.raises(RegistryError, match="NAME_UNKNOWN"):
            list(pull(store, unknown, endpoint(unknown)))


def test_a_registry_that_lies(engine: Engine, registry: Registry, store: ImageStore) -> None:
    """Wrong bytes, too few, too many: a clear error, nothing in the store, and the next try succeeds."""
    change: list[Callable[[bytes], bytes]] = []

    def handler(request: Request) -> Response:
        answer = registry.answer(request)
        if change and "/blobs/" in request.path and request.method == "GET":
            content = registry.files.blob("team/busybox", request.path.rpartition("/")[2]).read_bytes()
            return Response(200, {}, change[0](content))
        return answer

    with served(handler) as address:
        reference = named(engine, address)
        list(push(engine.images, reference, endpoint(reference)))
        for lie, said in (
            (lambda content: b"x" + content[1:], StoreDamaged),
            (lambda content: content[:-1], RegistryError),
            (lambda content: content + b"x", RegistryError),
        ):
            change[:] = [lie]
            with pytest.raises(said, match="bytes"):
                list(pull(store, reference, endpoint(reference)))
            with pytest.raises(ImageNotFound):
                store.get(reference)
        change.clear()
        list(pull(store, reference, endpoint(reference)))
        assert store.get(reference).layers


def test_a_download_that_breaks_off_goes_on(engine: Engine, registry: Registry, store: ImageStore) -> None:
    asked: list[str] = []

    def handler(request: Request) -> Response:
        asked.append(request.headers.get("range", ""))
        return registry.answer(request)

    with served(handler) as address:
        reference = named(engine, address)
        list(push(engine.images, reference, endpoint(reference)))
        layer = engine.images.get(reference).layers[0]
        partial = store.directory / "blobs/sha256" / f".partial-{layer.digest.removeprefix('sha256:')}"
        partial.parent.mkdir(parents=True)
        partial.write_bytes(engine.images.blob_path(layer).read_bytes()[:200_000])
        list(pull(store, reference, endpoint(reference)))
        assert "bytes=200000-" in asked
        assert not partial.exists()


def test_many_pulls_share_one_download(engine: Engine, registry: Registry, store: ImageStore) -> None:
    asked: list[str] = []

    def handler(request: Request) -> Response:
        if "/blobs/" in request.path and request.method == "GET":
            asked.append(request.path)
        return registry.answer(request)

    with served(handler) as address:
        reference = named(engine, address)
        list(push(engine.images, reference, endpoint(reference)))
        together(*[lambda: list(pull(store, reference, endpoint(reference)))] * 8)
        assert len(asked) == len(set(asked)) == 2
        assert store.get(reference)


def test_users_and_passwords(engine: Engine, registry: Registry, store: ImageStore, tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    file.write_text("anna:" + bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode() + "\n")
    registry.settings = Settings(Htpasswd(file))
    with served(registry.answer) as address:
        reference = named(engine, address)
        with pytest.raises(RegistryError, match="labcore login") as refused:
            list(push(engine.images, reference, endpoint(reference)))
        assert refused.value.status == 401
        keep(address, Credentials("anna", "wrong"))
        with pytest.raises(RegistryError, match="is wrong") as refused:
            list(push(engine.images, reference, endpoint(reference)))
        assert "wrong" not in str(refused.value).replace("password is wrong", "")
        keep(address, Credentials("anna", "secret"))
        list(push(engine.images, reference, endpoint(reference)))
        assert list(pull(store, reference, endpoint(reference)))[-1].status == "done"
        assert "secret" not in repr(Credentials("anna", "secret"))
        assert (tmp_path / "docker/config.json").stat().st_mode & 0o777 == 0o600


def test_tokens_redirects_and_patience() -> None:
    """A token is asked for once and told to the registry only; what is too much is tried again later."""
    seen: list[tuple[str, str | None]] = []
    waits: list[float] = []
    busy = [429, 503]

    def elsewhere(request: Request) -> Response:
        seen.append((request.path, request.headers.get("authorization")))
        return Response(200, {}, b"content")

    with served(elsewhere) as other:

        def handler(request: Request) -> Response:
            if request.path == "/token":
                assert request.query["scope"] == "repository:a:pull"
                assert base64.b64decode(request.headers["authorization"].split()[1]) == b"u:p"
                return Response(200, {}, json.dumps({"token": "abc"}).encode())
            if request.headers.get("authorization") != "Bearer abc":
                realm = f"http://{request.headers['host']}/token"
                challenge = f'Bearer realm="{realm}",service="s",scope="repository:a:pull"'
                return Response(401, {"WWW-Authenticate": challenge})
            if busy:
                return Response(busy.pop(), {"Retry-After": "7"})
            return Response(307, {"Location": f"http://{other}/signed?key=hidden"})

        with served(handler) as address:
            transport = Transport(Endpoint(address, insecure=True), Credentials("u", "p"), sleep=waits.append)
            with transport.request("GET", "/v2/a/blobs/x", scope="repository:a:pull") as answer:
                assert answer.read(100) == b"content"
            transport.close()
    assert seen == [("/signed", None)]
    assert waits == [7.0, 7.0]


@pytest.mark.parametrize("trap", ["redirects", "challenges", "endless manifest", "no json", "schema 1"])
def test_traps(store: ImageStore, trap: str) -> None:
    def handler(request: Request) -> Response:
        if trap == "redirects":
            return Response(302, {"Location": request.target})
        if trap == "challenges":
            return Response(401, {"WWW-Authenticate": "Basic realm=x"})
        if trap == "endless manifest":
            return Response(200, {}, (bytes(1 << 16) for _ in range(1000)))
        if trap == "schema 1":
            return Response(200, {"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"}, b"{}")
        return Response(200, {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}, b"no json")

    with served(handler) as address:
        reference = Reference.parse(f"{address}/a")
        keep(address, Credentials("u", "p"))
        with pytest.raises((RegistryError, StoreDamaged)) as said:
            list(pull(store, reference, endpoint(reference)))
        assert address in str(said.value) or "manifest" in str(said.value) or "schema 1" in str(said.value)
        assert store.names() == []


def test_an_image_for_other_machines(engine: Engine, registry: Registry, store: ImageStore) -> None:
    with served(registry.answer) as address:
        reference = named(engine, address, "multi:v1")
        list(push(engine.images, reference, endpoint(reference)))
        image = engine.images.get(reference)
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json"}
        entries = {"amd64": "amd64", "arm64": "arm64"}
        for tag, names in (("all", list(entries)), ("other", ["s390x"])):
            manifests = [image.descriptor.to_json() | {"platform": {"os": "linux", "architecture": name}} for name in names]
            content = json.dumps(index | {"manifests": manifests}).encode()
            transport = Transport(Endpoint(address, insecure=True))
            headers = {"Content-Type": str(index["mediaType"])}
            transport.request("PUT", f"/v2/multi/manifests/{tag}", body=content, headers=headers, accepted=(201,)).close()
            transport.close()
        whole = Reference.parse(f"{address}/multi:all")
        list(pull(store, whole, endpoint(whole)))
        assert store.get(whole).descriptor == image.descriptor
        other = Reference.parse(f"{address}/multi:other")
        with pytest.raises(ImageNotFound, match="there is linux/s390x"):
            list(pull(store, other, endpoint(other)))


def test_a_limit_that_lasts_is_not_waited_for() -> None:
    """Docker Hub says so to a class that pulls too much: hours, which nobody waits."""
    waits: list[float] = []
    with served(lambda _: Response(429, {"Retry-After": "21600"}, b"{}")) as address:
        transport = Transport(Endpoint(address, insecure=True), sleep=waits.append)
        with pytest.raises(RegistryError, match=r"429: Too Many Requests\n  cure: wait; .*--proxy") as refused:
            transport.request("GET", "/v2/")
    assert (waits, refused.value.retry_after) == ([], "21600")


def test_nobody_is_there() -> None:
    """What cannot be reached is said soon, and not tried again and again."""
    waits: list[float] = []
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = f"127.0.0.1:{full.getsockname()[1]}"
        queue = [socket.socket() for _ in range(4)]  # what the kernel lets wait; more of them get no answer
        for each in queue:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        said_of = {
            address: "nothing answered within 1 s",
            "127.0.0.1:1": "nobody listens",
            "no.such.invalid": "no address is known",
        }
        for host, said in said_of.items():
            transport = Transport(Endpoint(host, insecure=True), timeout=1, sleep=waits.append)
            with pytest.raises(RegistryError, match=said):
                transport.request("GET", "/v2/")
        for each in queue:
            each.close()
    assert len(waits) <= 4  # a name server that is away may come back


def test_what_is_given_up_while_a_connection_comes_about_ends_then() -> None:
    """The registry's queue is full; it takes the connection when nobody wants that any more, and answers nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as opened:
        host, port = full.getsockname()
        for _ in range(2):
            each = opened.enter_context(socket.socket())
            each.setblocking(False)
            each.connect_ex((host, port))
        transport = Transport(Endpoint(f"{host}:{port}", insecure=True))

        def asks() -> None:
            with pytest.raises(RegistryError, match="it was given up"):
                transport.request("GET", "/v2/")

        connecting = f" {socket.inet_aton(host)[::-1].hex().upper()}:{port:04X} 02 "  # SYN_SENT, proc_net_tcp(5)
        with running(asks, seconds=30):
            assert eventually(lambda: Path("/proc/net/tcp").read_text().count(connecting) > 0)
            time.sleep(0.1)
            transport.stop()
            for _ in range(2):
                opened.enter_context(full.accept()[0])


def test_an_address_of_ipv6(engine: Engine, registry: Registry, store: ImageStore) -> None:
    try:
        server, port = registry.serve("::1")
    except OSError:
        pytest.skip("needs IPv6 on loopback")
    thread = server.start()
    reference = named(engine, f"[::1]:{port}")
    list(push(engine.images, reference, endpoint(reference)))
    list(pull(store, reference, endpoint(reference)))
    assert store.get(reference).name.startswith("[::1]:")
    server.close()
    thread.join(10)

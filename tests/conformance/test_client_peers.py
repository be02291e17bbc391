"""labcore's commands with docker's registry, and docker's commands with labcore's."""

import http.client
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt
import pytest
import trustme

from labcore.engine import Engine
from labcore.engine.image.endpoint import endpoint
from labcore.engine.image.pull import pull
from labcore.engine.image.push import push
from labcore.http import Request, Response
from labcore.images import ImageStore
from labcore.registry.credentials import Credentials, keep
from labcore.registry.server import Registry, Settings
from labcore.registry.server_auth import Htpasswd
from tests.conformance.conftest import dockers_registry, running_dockerd
from tests.daemon import own_daemon
from tests.peers import Peers
from tests.serving import named, served
from tests.threads import Started

Docker = Callable[..., str]


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@contextmanager
def dockerd(peer: Peers, home: Path, *options: str) -> Iterator[Docker]:
    """Run a dockerd, and yield docker's command for it."""
    with running_dockerd(peer, home, *options) as words:

        def docker(*command: str, given: str | None = None) -> str:
            done = subprocess.run([*words, *command], capture_output=True, text=True, timeout=60, input=given)
            assert done.returncode == 0, done.stderr
            return done.stdout

        yield docker


def labcore(root: Path, *words: str, given: str | None = None) -> str:
    command = [sys.executable, "-m", "labcore", "--root", str(root), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, input=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_dockers_registry_with_tls_and_a_password(peer: Peers, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    files = {name: str(tmp_path / name) for name in ("ca.crt", "server.crt", "server.key")}
    authority.cert_pem.write_to_path(files["ca.crt"])
    certificate.cert_chain_pems[0].write_to_path(files["server.crt"])
    certificate.private_key_pem.write_to_path(files["server.key"])
    (tmp_path / "htpasswd").write_text("anna:" + bcrypt.hashpw(b"hush-hush", bcrypt.gensalt(4)).decode() + "\n")
    tls = {"tls": {"certificate": files["server.crt"], "key": files["server.key"]}}
    auth: dict[str, object] = {"htpasswd": {"realm": "theirs", "path": str(tmp_path / "htpasswd")}}
    with dockers_registry(peer, tmp_path / "theirs", auth=auth, **tls) as address:
        name, one, two = f"{address}/team/busybox:v1", tmp_path / "one", tmp_path / "two"
        Engine(one).seed("busybox")
        two.mkdir()
        for root in (one, two):
            (root / "registries.toml").write_text(f'["{address}"]\nca = "{files["ca.crt"]}"\n')
        with own_daemon(one):
            labcore(one, "login", "-u", "anna", "--password-stdin", address, given="hush-hush\n")
            labcore(one, "tag", "busybox", name)
            labcore(one, "push", name)
        with own_daemon(two):
            labcore(two, "pull", name)
            assert labcore(two, "search", "--format", "{{.Name}}", f"{address}/box") == "team/busybox\n"


def test_dockers_registry_behind_a_proxy_that_takes_no_large_body(peer: Peers, engine: Engine, tmp_path: Path) -> None:
    """Pieces, as docker's registry wants them; one of them breaks off."""
    with dockers_registry(peer, tmp_path / "theirs") as theirs:
        sizes: list[int] = []
        broken: list[str] = []

        def forward(request: Request) -> Response:
            body = request.body.read_at_most(1 << 26)
            if len(body) > 200_000:
                return Response(413)
            sizes.append(len(body))
            if request.method == "PATCH" and not broken:
                broken.append(request.target)
                raise ConnectionError
            connection = http.client.HTTPConnection(theirs)
            hop = {"host", "connection", "transfer-encoding", "http-version", "content-length"}
            connection.request(request.method, request.target, body, {k: v for k, v in request.headers.items() if k not in hop})
            answer = connection.getresponse()
            content = answer.read()
            headers = {k: v for k, v in answer.getheaders() if k.lower() not in {*hop, "date"}}
            headers |= {"Location": headers["Location"].replace(theirs, proxy)} if "Location" in headers else {}
            headers |= {"Content-Length": answer.headers["Content-Length"]} if request.method == "HEAD" else {}
            return Response(answer.status, headers, content)

        with served(forward) as proxy:
            reference = named(engine, proxy, "pieces/busybox:v1")
            assert list(push(engine.images, reference, endpoint(reference)))[-1].status == "done"
        assert len([size for size in sizes if size > 10_000]) >= 3
        reference = named(engine, theirs, "pieces/busybox:v1")
        store = ImageStore(tmp_path / "images")
        list(pull(store, reference, endpoint(reference)))
        assert store.get(reference).layers == engine.images.get(reference).layers


def test_a_neighbours_blob_is_mounted_in_dockers_registry(peer: Peers, engine: Engine, tmp_path: Path) -> None:
    with dockers_registry(peer, tmp_path / "theirs") as address:
        first, second = named(engine, address, "one/busybox:v1"), named(engine, address, "two/busybox:v1")
        list(push(engine.images, first, endpoint(first)))
        said = list(push(engine.images, second, endpoint(second)))
        assert [progress.status for progress in said if progress.status != "waiting"] == ["mounted", "mounted", "done"]


def test_dockers_login_search_and_logout(peer: Peers, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "htpasswd").write_text("anna:" + bcrypt.hashpw(b"hush-hush", bcrypt.gensalt(4)).decode() + "\n")
    registry = Registry(tmp_path / "registry", Settings(Htpasswd(tmp_path / "htpasswd")))
    with served(registry.answer) as address, dockerd(peer, tmp_path / "d") as docker:
        docker("login", "-u", "anna", "--password-stdin", address, given="hush-hush")
        reference = named(engine, address)
        list(push(engine.images, reference, endpoint(reference)))  # with what docker has kept
        docker("pull", "-q", str(reference))
        assert docker("search", "--format", "{{.Name}}", f"{address}/busy").split() == ["team/busybox"]
        docker("logout", address)
        assert address not in (tmp_path / "docker/config.json").read_text()
        assert labcore(tmp_path, "logout", address) == f"{address}: nothing was kept\n"


# --- a cache of another registry


class Counted:
    """A registry that counts what is got from it."""

    def __init__(self, root: Path) -> None:
        self.registry = Registry(root)
        self.got: list[str] = []

    def __call__(self, request: Request) -> Response:
        if request.method == "GET" and not request.path.endswith("/v2/"):
            self.got.append(request.path)
        return self.registry.answer(request)


@contextmanager
def cache_of(upstream: str, root: Path) -> Iterator[str]:
    """Run labcore's cache as a user starts it."""
    command = [sys.executable, "-m", "labcore", "--root", str(root), "registry", "serve", "--listen", "127.0.0.1:0"]
    with Started([*command, "--proxy", upstream], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert f"a cache of {upstream}" in line
        try:
            yield line.split()[2].removeprefix("http://")
        finally:
            server.terminate()


def test_dockers_daemon_with_labcores_cache_as_its_mirror(peer: Peers, engine: Engine, tmp_path: Path) -> None:
    counted = Counted(tmp_path / "registry")
    with served(counted) as upstream, cache_of(upstream, tmp_path / "root") as mirror:
        original = named(engine, upstream, "library/busybox:labcore")
        list(push(engine.images, original, endpoint(original)))
        counted.got.clear()
        for learner in ("one", "two"):
            with dockerd(peer, tmp_path / learner, "--registry-mirror", f"http://{mirror}") as docker:
                docker("pull", "-q", "busybox:labcore")
                assert docker("image", "inspect", "-f", "{{.Id}}", "busybox:labcore").strip()
        assert len(counted.got) == len(set(counted.got)) == 3  # the manifest, the config and the layer


def test_skopeo_with_labcores_cache_as_a_mirror(peer: Peers, engine: Engine, tmp_path: Path) -> None:
    counted = Counted(tmp_path / "registry")
    with served(counted) as upstream, cache_of(upstream, tmp_path / "root") as mirror:
        original = named(engine, upstream, "library/busybox:v1")
        list(push(engine.images, original, endpoint(original)))
        counted.got.clear()
        (tmp_path / "registries.conf").write_text(
            f'[[registry]]\nlocation = "registry.example.com"\n[[registry.mirror]]\nlocation = "{mirror}"\ninsecure = true\n'
        )
        for number in range(2):
            words = peer("skopeo", "--registries-conf", str(tmp_path / "registries.conf"), "copy", "-q")
            words += ["docker://registry.example.com/library/busybox:v1", f"dir:{tmp_path}/copy{number}"]
            done = subprocess.run(words, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
        assert len(counted.got) == len(set(counted.got)) == 3


def test_labcore_with_a_mirror_and_without_it(engine: Engine, tmp_path: Path) -> None:
    """The mirror is asked first, and is told no password; when it is gone, the registry itself is asked."""
    (tmp_path / "htpasswd").write_text("anna:" + bcrypt.hashpw(b"hush-hush", bcrypt.gensalt(4)).decode() + "\n")
    counted = Counted(tmp_path / "registry")
    counted.registry.settings = Settings(Htpasswd(tmp_path / "htpasswd"))
    told: list[str | None] = []
    mirrored = Registry(tmp_path / "registry")

    def mirror(request: Request) -> Response:
        told.append(request.headers.get("authorization"))
        return mirrored.answer(request)

    with served(counted) as upstream:
        keep(upstream, Credentials("anna", "hush-hush"))
        original = named(engine, upstream)
        list(push(engine.images, original, endpoint(original)))
        counted.got.clear()
        with served(mirror) as address:
            (tmp_path / "registries.toml").write_text(f'["{upstream}"]\nmirrors = ["http://{address}"]\n')
            with own_daemon(tmp_path):
                labcore(tmp_path, "pull", str(original))
            assert (counted.got, set(told)) == ([], {None})
        again = tmp_path / "again"
        again.mkdir()
        (tmp_path / "registries.toml").rename(again / "registries.toml")
        with own_daemon(again):
            labcore(again, "pull", str(original))
        assert len(counted.got) >= 3

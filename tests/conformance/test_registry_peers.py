"""Tools that nobody here wrote push to and pull from labcore's registry."""

import json
import shutil
import subprocess
import sys
import tempfile
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
from labcore.images import ImageStore
from labcore.spec import Reference
from tests.conformance.conftest import dockers_registry, running_dockerd
from tests.conftest import needs_root
from tests.daemon import own_daemon
from tests.peers import Peers
from tests.threads import Started


@contextmanager
def serving(data: Path, *options: str) -> Iterator[str]:
    """A registry as a user starts it."""
    command = [sys.executable, "-m", "labcore", "registry", "serve", "--listen", "127.0.0.1:0", "--data", str(data)]
    with Started([*command, *options], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().split()[2].rpartition("/")[2]
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="module")
def layout(engine: Engine) -> str:
    return f"oci:{engine.root}/images:busybox:latest"


Skopeo = Callable[..., str]


@pytest.fixture(scope="module")
def skopeo(peer: Peers) -> Skopeo:
    peer.needs("skopeo")

    def run(*words: str) -> str:
        done = subprocess.run(peer("skopeo", *words), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_skopeo_there_and_back(skopeo: Skopeo, address: str, layout: str, tmp_path: Path) -> None:
    there = f"docker://{address}/team/busybox:v1"
    skopeo("copy", "-q", "--dest-tls-verify=false", layout, there)
    inspected = json.loads(skopeo("inspect", "--tls-verify=false", there))
    assert inspected["RepoTags"] == ["v1"]
    skopeo("copy", "-q", "--src-tls-verify=false", there, f"oci:{tmp_path}/back:v1")
    assert json.loads(skopeo("inspect", f"oci:{tmp_path}/back:v1"))["Digest"] == inspected["Digest"]
    skopeo("copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", there, f"docker://{address}/other/busybox:v2")
    skopeo("copy", "-q", "--dest-tls-verify=false", "--format", "v2s2", layout, f"docker://{address}/team/docker:v1")
    raw = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{address}/team/docker:v1"))
    assert raw["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    skopeo("delete", "--tls-verify=false", f"docker://{address}/team/docker:v1")
    assert json.loads(skopeo("list-tags", "--tls-verify=false", f"docker://{address}/team/docker"))["Tags"] == []


def test_skopeo_by_https_and_with_a_password(peer: Peers, skopeo: Skopeo, layout: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    both = tmp_path / "both.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(both))
    users = tmp_path / "users"
    users.write_text(f"anna:{bcrypt.hashpw(b'secret', bcrypt.gensalt(5)).decode()}\n")
    options = ("--tls-cert", str(both), "--tls-key", str(both), "--htpasswd", str(users))
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    authority.cert_pem.write_to_path(str(trusted / "ca.crt"))
    with serving(tmp_path / "data", *options) as address:
        name = f"docker://{address}/team/busybox:v1"
        skopeo("copy", "-q", f"--dest-cert-dir={trusted}", "--dest-creds=anna:secret", layout, name)
        skopeo("inspect", f"--cert-dir={trusted}", "--creds=anna:secret", name)
        for refused in (["--creds=anna:wrong"], ["--no-creds"]):
            words = peer("skopeo", "inspect", f"--cert-dir={trusted}", *refused, name)
            done = subprocess.run(words, capture_output=True, timeout=60)
            assert b"uthenti" in done.stderr or b"nauthorized" in done.stderr, done.stderr
    with serving(tmp_path / "data", "--read-only") as address:
        name = f"docker://{address}/team/busybox:v1"
        skopeo("inspect", "--tls-verify=false", name)
        words = peer("skopeo", "copy", "--dest-tls-verify=false", layout, name)
        done = subprocess.run(words, capture_output=True, timeout=60)
        assert b"not done here" in done.stderr, done.stderr


def test_podman_pushes_and_pulls(peer: Peers, address: str, layout: str) -> None:
    needs_root()
    home = tempfile.mkdtemp(prefix="pod")  # podman takes no longer name than 50 characters
    podman = peer("podman", "--root", f"{home}/root", "--runroot", f"{home}/run", "--tmpdir", f"{home}/tmp")
    podman += ["--storage-driver", "vfs", "--events-backend", "file"]
    name = f"{address}/podman/busybox:v1"

    def run(*words: str) -> str:
        done = subprocess.run([*podman, *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        identity = run("pull", "-q", layout).strip()
        run("push", "-q", "--tls-verify=false", identity, name)
        run("rmi", "-f", identity)
        assert run("pull", "-q", "--tls-verify=false", name).strip() == identity
    finally:
        subprocess.run([*podman, "system", "reset", "--force"], capture_output=True)
        shutil.rmtree(home, ignore_errors=True)


def test_docker_pushes_and_pulls(peer: Peers, skopeo: Skopeo, address: str, layout: str, tmp_path: Path) -> None:
    name = f"{address}/docker/busybox:v1"
    skopeo("copy", "-q", layout, f"docker-archive:{tmp_path}/image.tar:{name}")
    with running_dockerd(peer, tmp_path / "d") as words:

        def docker(*command: str) -> str:
            done = subprocess.run([*words, *command], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            return done.stdout

        docker("load", "-q", "-i", f"{tmp_path}/image.tar")
        before = docker("image", "inspect", "-f", "{{.Id}}", name)
        docker("push", "-q", name)
        docker("rmi", name)
        docker("pull", "-q", name)
        assert docker("image", "inspect", "-f", "{{.Id}}", name) == before


@pytest.fixture(scope="module")
def theirs(peer: Peers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with dockers_registry(peer, tmp_path_factory.mktemp("docker-registry")) as address:
        yield address


def test_labcore_pushes_to_and_pulls_from_dockers_registry(theirs: str, skopeo: Skopeo, engine: Engine, tmp_path: Path) -> None:
    reference = Reference.parse(f"{theirs}/team/busybox:v1")
    engine.images.tag(reference, engine.images.get(Reference.parse("busybox")).descriptor)
    assert list(push(engine.images, reference, endpoint(reference)))[-1].status == "done"
    store = ImageStore(tmp_path / "images")
    assert list(pull(store, reference, endpoint(reference)))[-1].status == "done"
    assert store.get(reference).descriptor == engine.images.get(reference).descriptor
    skopeo("inspect", "--tls-verify=false", f"docker://{theirs}/team/busybox:v1")


def test_the_commands(address: str, engine: Engine, tmp_path: Path) -> None:
    def labcore(root: Path, *words: str) -> str:
        command = [sys.executable, "-m", "labcore", "--root", str(root), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    needs_root()
    name = f"{address}/mine/busybox"
    with own_daemon(engine.root):
        labcore(engine.root, "tag", "busybox", name)
        assert "latest: digest: sha256:" in labcore(engine.root, "push", name).splitlines()[-1]
    with own_daemon(tmp_path):
        assert labcore(tmp_path, "pull", name).endswith(f"{name}:latest\n")
        assert name in labcore(tmp_path, "images")
        assert labcore(tmp_path, "run", "--rm", name, "echo", "from the registry") == "from the registry\n"

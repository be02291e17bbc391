"""Image benchmarks: pull, push, load, unpack, serve and fetch, each beside docker, umoci or docker-registry.

The image is a Debian base system. Every command starts with an empty store; the preparation is not measured.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from labcore.bench.measure import Result, Subject, environment, measure
from labcore.bench.memory import peak_kib
from labcore.bench.own_labcore import own_labcore
from labcore.bench.peers import PeerFailed, own_dockerd, timed, version
from labcore.bench.registries import Registry, docker_registry, own_registry
from labcore.bench.workspace import workspace
from labcore.engine import Engine
from labcore.errors import Unavailable
from labcore.images import Config
from labcore.images.builtin.apt_sources import sources_here, suite_here
from labcore.images.compressing import gzipped
from labcore.spec import Platform, Reference
from labcore.spec.media import LAYER_GZIP, MANIFESTS
from labcore.storage import LayerStore

NAME = "debian"
FETCHES, REQUESTS = 10, 500  # in one round
CHUNK_SIZE = 1 << 20
TIMEOUT_SECONDS = 30
PEERS = ("docker", "dockerd", "docker-registry", "skopeo", "umoci")


class Fixture:
    """The image in every form that a benchmark needs, and the running peers; all below one directory."""

    def __init__(self, work: Path, archive: Path, undo: ExitStack) -> None:
        self.work = work
        self.engine = Engine(work / "sample")
        self.layout = f"{self.engine.root}/images:{NAME}:latest"
        self.saved = work / "saved.tar"  # as docker save writes it
        self._fresh = work / "fresh"
        self.diff_id = self._take(archive)
        timed(["skopeo", "copy", "-q", f"oci:{self.layout}", f"docker-archive:{self.saved}:{NAME}:latest"])
        self.image = _describe(archive)
        self.docker = undo.enter_context(own_dockerd(work))

    def _take(self, archive: Path) -> str:
        with archive.open("rb") as file:
            diff_id = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        config = Config(architecture=Platform.here().architecture, diff_ids=(diff_id,), command=("bash",))
        with archive.open("rb") as file, self.engine.images.using():
            layer = self.engine.images.put_blob(gzipped(file), LAYER_GZIP)
            self.engine.images.put_image(Reference.parse(NAME), [layer], config)
        return diff_id

    def fresh_root(self) -> Path:
        """Return an empty state root; the last one is removed."""
        shutil.rmtree(self._fresh, ignore_errors=True)
        return self._fresh

    def give(self, registry: Registry) -> str:
        """Push the image to a registry; return its name there."""
        name = Reference.parse(f"{registry.address}/{NAME}")
        self.engine.images.tag(name, self.engine.images.get(Reference.parse(NAME)).descriptor)
        for _ in self.engine.push(name):
            pass
        return str(name)

    def have_docker_forget(self, name: str) -> None:
        """Remove an image from docker, with its layers."""
        subprocess.run([*self.docker, "rmi", "-f", name], capture_output=True)
        subprocess.run([*self.docker, "image", "prune", "-f"], capture_output=True)


class PeakMemory:
    """The peak memory of labcore's commands, and of the daemon that they talk to."""

    def __init__(self) -> None:
        self.most = 0

    @contextmanager
    def served(self, root: Path) -> Iterator[Callable[..., float]]:
        """Run the daemon of a state root; yield what times the root's commands."""
        with own_labcore(root) as pid:
            yield partial(self._timed, "--root", str(root))
            self.most = max(self.most, int(peak_kib([pid])))

    def _timed(self, *words: str) -> float:
        """Run a `labcore` command; return the seconds. Raises PeerFailed."""
        command = [sys.executable, "-m", "labcore", *words]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert process.stdout is not None
        with process.stdout as output:
            said = output.read()
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            raise PeerFailed(f"labcore {' '.join(words)}: {said.decode()[-400:]}")
        self.most = max(self.most, usage.ru_maxrss)
        return took

    def say(self) -> list[str]:
        """Return it as text, if there was such a command."""
        return [f"most memory of labcore's daemon, or of a command: {self.most / 1024:.0f} MiB"] if self.most else []


class Pairing(NamedTuple):
    """Two or more subjects that are measured against each other."""

    title: str
    baseline: str
    subjects: list[Subject]
    weight: PeakMemory


def bench_images(rounds: int, archive: Path | None = None) -> Iterator[Result]:
    """Measure each way of moving an image. `archive` is the tar of a root file system; without it mmdebstrap makes one.

    Raises Unavailable if a peer, or mmdebstrap where it is needed, is not installed.
    """
    if missing := [peer for peer in PEERS if shutil.which(peer) is None]:
        raise Unavailable(f"to compare with: {', '.join(missing)}: PEERS=1 make setup installs them")
    with ExitStack() as undo:
        if archive is None:  # fetched before the workspace, which has no way to the mirror
            archive = debian(Path(undo.enter_context(TemporaryDirectory(prefix="labcore-bench-"))))
        work = undo.enter_context(workspace())
        fixture = Fixture(work, archive, undo)
        about = environment(work, {name: version(name) for name in ("dockerd", "docker-registry", "skopeo", "umoci")})
        about["image"] = fixture.image
        for make in (_unpacking, _loading, _pulling, _pushing, _serving, _fetching, _asking):
            with ExitStack() as its_own:
                contest = make(fixture, its_own)
                for measured in measure(make.__name__.strip("_"), contest.subjects, rounds, contest.baseline):
                    remarks = [measured.quiet(), *contest.weight.say()]
                    yield Result(contest.title, contest.baseline, about, measured.rows(), remarks)


def _unpacking(fixture: Fixture, undo: ExitStack) -> Pairing:
    bundle = fixture.work / "bundle"
    undo.callback(shutil.rmtree, bundle, ignore_errors=True)
    (layer,) = fixture.engine.images.get(Reference.parse(NAME)).layers

    def umoci() -> float:
        shutil.rmtree(bundle, ignore_errors=True)
        return timed(["umoci", "unpack", "--image", fixture.layout, str(bundle)])

    def ours() -> float:
        layers = LayerStore(fixture.fresh_root())
        start = time.perf_counter()
        layers.add(fixture.diff_id, lambda: fixture.engine.images.blob_path(layer).open("rb"))
        return time.perf_counter() - start

    subjects = [Subject("labcore, in process", ours), Subject("umoci unpack", umoci)]
    return Pairing("unpack: a gzipped layer becomes files", "umoci unpack", subjects, PeakMemory())


def _loading(fixture: Fixture, undo: ExitStack) -> Pairing:
    weight = PeakMemory()
    undo.callback(fixture.have_docker_forget, NAME)

    def theirs() -> float:
        fixture.have_docker_forget(NAME)
        return timed([*fixture.docker, "load", "-i", str(fixture.saved)])

    def ours() -> float:
        with weight.served(fixture.fresh_root()) as timed_command:
            return timed_command("load", "-i", str(fixture.saved))

    subjects = [Subject("labcore load", ours), Subject("docker load", theirs)]
    return Pairing("load: an archive as docker save writes it", "docker load", subjects, weight)


def _pulling(fixture: Fixture, undo: ExitStack) -> Pairing:
    weight = PeakMemory()
    registry = undo.enter_context(docker_registry(fixture.work / "registry"))
    name = fixture.give(registry)
    undo.callback(fixture.have_docker_forget, name)

    def theirs() -> float:
        fixture.have_docker_forget(name)
        return timed([*fixture.docker, "pull", "-q", name])

    def ours() -> float:
        with weight.served(fixture.fresh_root()) as timed_command:
            return timed_command("pull", name)

    subjects = [Subject("labcore pull", ours), Subject("docker pull", theirs)]
    return Pairing("pull: from a docker-registry on this machine", "docker pull", subjects, weight)


def _pushing(fixture: Fixture, undo: ExitStack) -> Pairing:
    """Each push goes to an empty registry, for existing blobs are not pushed."""
    weight = PeakMemory()
    timed([*fixture.docker, "load", "-i", str(fixture.saved)])
    undo.callback(fixture.have_docker_forget, NAME)

    def theirs() -> float:
        with docker_registry(fixture.work / "empty") as registry:
            name = f"{registry.address}/{NAME}"
            timed([*fixture.docker, "tag", NAME, name])
            took = timed([*fixture.docker, "push", "-q", name])
        timed([*fixture.docker, "rmi", name])
        return took

    def ours() -> float:
        with docker_registry(fixture.work / "empty") as registry, weight.served(fixture.fresh_root()) as timed_command:
            name = f"{registry.address}/{NAME}"
            timed_command("load", "-i", str(fixture.saved))
            timed_command("tag", NAME, name)
            return timed_command("push", name)

    subjects = [Subject("labcore push", ours), Subject("docker push", theirs)]
    return Pairing("push: an image that was loaded, to a docker-registry that is empty", "docker push", subjects, weight)


def _serving(fixture: Fixture, undo: ExitStack) -> Pairing:
    """Skopeo pulls, whose own work is most of it; the two after this measure the registry alone."""
    target = fixture.work / "pulled"
    undo.callback(shutil.rmtree, target, ignore_errors=True)

    def pull(address: str) -> float:
        shutil.rmtree(target, ignore_errors=True)
        return timed(["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{address}/{NAME}", f"dir:{target}"])

    return _two_registries("serve: a pull by skopeo", fixture, undo, pull)


def _fetching(fixture: Fixture, undo: ExitStack) -> Pairing:
    (layer,) = fixture.engine.images.get(Reference.parse(NAME)).layers
    title = f"fetch: GET of the layer, {FETCHES} times on one connection ({FETCHES * layer.size / 1e6:.0f} MB)"
    path = f"/v2/{NAME}/blobs/{layer.digest}"
    return _two_registries(title, fixture, undo, lambda address: get(address, path, FETCHES))


def _asking(fixture: Fixture, undo: ExitStack) -> Pairing:
    title = f"ask: GET of the manifest, {REQUESTS} times on one connection"
    path = f"/v2/{NAME}/manifests/latest"
    return _two_registries(title, fixture, undo, lambda address: get(address, path, REQUESTS))


def _two_registries(title: str, fixture: Fixture, undo: ExitStack, do: Callable[[str], float]) -> Pairing:
    """Do the same with labcore's registry and with docker-registry, which hold the image; `do` takes an address."""
    both = [undo.enter_context(make(fixture.work / make.__name__)) for make in (own_registry, docker_registry)]
    for registry in both:
        fixture.give(registry)
    subjects = [Subject(f"from {registry.name}", partial(do, registry.address)) for registry in both]
    return Pairing(title, subjects[1].name, subjects, PeakMemory())


def get(address: str, path: str, times: int) -> float:
    """Ask for a resource again and again on one connection; return the seconds. Raises PeerFailed unless it is there."""
    buffer = bytearray(CHUNK_SIZE)
    with closing(HTTPConnection(address, timeout=TIMEOUT_SECONDS)) as connection:
        start = time.perf_counter()
        for _ in range(times):
            connection.request("GET", path, headers={"Accept": ", ".join(MANIFESTS)})
            answer = connection.getresponse()
            if answer.status != 200:
                raise PeerFailed(f"GET http://{address}{path}: {answer.status} {answer.reason}")
            while answer.readinto(buffer):
                pass
        return time.perf_counter() - start


def debian(work: Path) -> Path:
    """Make the root file system of this machine's release, as an archive. Raises Unavailable without mmdebstrap."""
    if shutil.which("mmdebstrap") is None:
        raise Unavailable("mmdebstrap makes the image: apt-get install mmdebstrap, or name a tar with --archive")
    archive = work / "debian.tar"
    timed(["mmdebstrap", "--quiet", "--variant=minbase", suite_here(), str(archive), *sources_here()])
    return archive


def _describe(archive: Path) -> str:
    listed = subprocess.run(["tar", "-tf", str(archive)], capture_output=True, check=True).stdout
    return f"{archive.stat().st_size / 1e6:.0f} MB, {len(listed.splitlines())} files"

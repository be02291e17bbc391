"""Layers that are unpacked while they come; and a pull that is killed at every one of its steps."""

import gzip
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

import labcore
from labcore.engine import Engine
from labcore.engine.image.streaming_unpack import StreamingUnpack
from labcore.errors import ImageNotFound, LabcoreError, StoreDamaged
from labcore.http import Request, Response
from labcore.images import Config
from labcore.images.builtin import LayerWriter, write_image
from labcore.images.gc import collect, find_damaged
from labcore.registry.server import Registry
from labcore.spec import Reference
from labcore.spec.media import LAYER_GZIP
from tests.conftest import needs, needs_root
from tests.serving import served

Change = Callable[[Request, Response], Response]


@contextmanager
def pushed(source: Engine, directory: Path, change: list[Change]) -> Iterator[Reference]:
    """Serve a registry that has busybox and a second layer on it; `change` may change its answers."""
    registry = Registry(directory)

    def handler(request: Request) -> Response:
        answer = registry.answer(request)
        for one in change:
            answer = one(request, answer)
        return answer

    with served(handler) as address:
        name = Reference.parse(f"{address}/team/two:v1")
        layer = LayerWriter()
        layer.directory("opt")
        layer.file("opt/noise", random.Random(1).randbytes(3 << 20))
        source.seed("busybox")
        below = source.images.get(Reference.parse("busybox"))
        plain = gzip.decompress(source.images.blob_path(below.layers[0]).read_bytes())
        write_image(source.images, str(name), [plain, layer.finish()], command=("sh",))
        for _ in source.push(name):
            pass
        yield name


@pytest.fixture
def change() -> list[Change]:
    return []


@pytest.fixture
def name(tmp_path: Path, change: list[Change]) -> Iterator[Reference]:
    needs_root()
    with pushed(Engine(tmp_path / "source"), tmp_path / "registry", change) as name:
        yield name


def unpacked(engine: Engine) -> list[str]:
    return sorted(path.name for path in (engine.root / "storage/layers").glob("*"))


def test_layers_are_ready_when_the_pull_is(name: Reference, tmp_path: Path) -> None:
    engine = Engine(tmp_path / "state")
    assert list(engine.pull(name))[-1].status == "done"
    assert len(unpacked(engine)) == 2
    assert labcore.run(str(name), ["wc", "-c", "/opt/noise"], root=engine.root).stdout.split()[0] == b"3145728"
    packed = Engine(tmp_path / "packed")
    list(packed.pull(name, unpack=False))
    assert not (packed.root / "storage").exists()


def test_it_breaks_off_and_goes_on(name: Reference, tmp_path: Path, change: list[Change]) -> None:
    """What has come is kept, though it was being unpacked; the second time it is unpacked from the store."""
    engine = Engine(tmp_path / "state")
    registry = Registry(tmp_path / "registry")

    def broken(request: Request, answer: Response) -> Response:
        if request.method == "GET" and "/blobs/" in request.path:
            if request.headers.get("range"):  # the same pull asks for the rest
                return Response(404)
            whole = registry.files.blob("team/two", request.path.rpartition("/")[2]).read_bytes()
            if len(whole) > 2 << 20:
                return Response(200, {}, whole[: 2 << 20])
        return answer

    change.append(broken)
    with pytest.raises(LabcoreError, match="404"):
        list(engine.pull(name))
    change.clear()
    assert not [path for path in unpacked(engine) if path.startswith(".incoming")]
    assert list(engine.pull(name))[-1].status == "done"
    assert len(unpacked(engine)) == 2


def test_a_layer_that_is_none_is_refused_though_its_digest_is_right(name: Reference, tmp_path: Path) -> None:
    source = Engine(tmp_path / "bad")
    for raw in (os.urandom(1 << 20), gzip.compress(b"no tar" * 100_000), gzip.compress(bytes(1024))[:-4]):
        layer = source.images.put_blob(raw, LAYER_GZIP)
        bad = Reference.parse(f"{name.registry}/team/bad")
        source.images.put_image(bad, [layer], Config(architecture="amd64", diff_ids=("sha256:" + "0" * 64,)))
        for _ in source.push(bad):
            pass
        engine = Engine(tmp_path / "state")
        with pytest.raises(StoreDamaged, match="layer"):
            list(engine.pull(bad))
        with pytest.raises(ImageNotFound):
            engine.images.get(bad)
        assert unpacked(engine) == []


STEPS = "rename,renameat,renameat2,fsync,syncfs,unlink,unlinkat,rmdir,mkdir,mkdirat,symlink,symlinkat,linkat,fchmod,flock"


def killed_at(step: int, root: Path, name: Reference) -> bool:
    """Pull in a process that is killed when one of its threads comes to its `step`th change; return whether it was."""
    injected = f"inject={STEPS}:signal=SIGKILL:when={step}"
    traced = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={STEPS}", "-e", injected]
    script = "import sys; from labcore import Engine, spec; list(Engine(sys.argv[1]).pull(spec.Reference.parse(sys.argv[2])))"
    command = [sys.executable, "-B", "-c", script, str(root), str(name)]
    done = subprocess.run([*traced, *command], capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, -9, 137), done.stderr
    return done.returncode != 0


def test_killed_at_many_steps(name: Reference, tmp_path: Path) -> None:
    """Whatever is left is consistent, the name is not given too early, and the next pull makes it whole."""
    needs("strace")
    steps = [*range(1, 25, 2), *range(25, 400, 50)]
    kills = 0
    for step in steps:
        root = tmp_path / str(step)
        if not killed_at(step, root, name):
            break
        kills += 1
        engine = Engine(root)
        if engine.images.directory.exists():
            assert find_damaged(engine.images) == []
        whole = str(name) in engine.images.names()
        list(engine.pull(name))
        assert find_damaged(engine.images) == []
        collect(engine.images)
        left = [path.name for path in engine.images.blobs.files() if path.name.startswith(".")]
        assert (left, list((engine.images.directory / "leases").glob("*"))) == ([], []), (step, whole)
        assert labcore.run(str(name), ["true"], root=root).exit_code == 0
    assert kills > 10


def test_the_end_of_a_layer_may_be_asked_for_again() -> None:
    """Whoever inflates reads on after the end, when the other side has long gone."""
    heard: list[bytes] = []

    def unpack(open_archive: Callable[[], BinaryIO]) -> None:
        with open_archive() as archive:
            while chunk := archive.read(100):
                heard.append(chunk)
            time.sleep(0.1)
            heard.append(archive.read(100))

    with StreamingUnpack(unpack) as arrival:
        assert list(arrival.passing(lambda _: [b"some", b"bytes"])(0)) == [b"some", b"bytes"]
    assert (heard, arrival.done) == ([b"some", b"bytes", b""], True)

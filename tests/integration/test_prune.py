"""Images, blobs and unpacked layers that go, and those that must not."""

import io
import multiprocessing
import os
import pty
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import labcore
from labcore.cli import main
from labcore.engine import Engine, create_options
from labcore.engine.container.create import create
from labcore.engine.fsck import check, repair
from labcore.engine.image.archives import import_root
from labcore.engine.image.remove import Gone, prune_images, remove_image
from labcore.engine.prune import stack_of
from labcore.errors import InUse
from labcore.images import Image
from labcore.spec import Reference
from labcore.spec.media import LAYER
from labcore.storage.gc import Reclaimed, using
from labcore.storage.tree import size_of
from tests.conftest import needs_root
from tests.daemon import RunningDaemon, own_daemon
from tests.threads import Started

LABCORE = [sys.executable, "-m", "labcore"]


@pytest.fixture
def engine(engine: Engine, tmp_path: Path) -> Engine:
    needs_root()
    made = Engine(tmp_path / "state")
    make(made, engine)
    return made


def make(made: Engine, source: Engine, name: str = "box") -> Image:
    """Make an image that no other store of this machine has: its layer is busybox's, and a file of its own."""
    found = source.spec("busybox", ["true"]).root
    layer = Path(found.directory, found.layers[0])  # type: ignore[union-attr]
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(layer, arcname=".")
        info = tarfile.TarInfo("own")
        info.size = 16
        tar.addfile(info, io.BytesIO(os.urandom(16)))
    archive.seek(0)
    return import_root(made.images, archive, "box.tar", name=Reference.parse(name), layers=made.layers)


@pytest.fixture
def asked(engine: Engine) -> Iterator[RunningDaemon]:
    """The daemon that commands ask."""
    with own_daemon(engine.root) as daemon:
        yield daemon


RUN = """
import sys, labcore
script = "echo ready; while [ ! -e /told/go ]; do sleep 0.05; done; wc -c < /own"
labcore.run("box", ["sh", "-c", script], root=sys.argv[1], volumes=[f"{sys.argv[2]}:/told"], stdout=1)
"""


@pytest.fixture
def container(engine: Engine, tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
    """A container of the library's, which runs until the file `go` is there."""
    command = [sys.executable, "-c", RUN, str(engine.root), str(tmp_path)]
    with Started(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline() == "ready\n"
        yield running
        (tmp_path / "go").touch()
        running.communicate(timeout=20)


def test_a_deep_layer_is_weighed_checked_and_removed(engine: Engine) -> None:
    """A registry may bring one: directories in directories, as deep as a layer may have them."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        info = tarfile.TarInfo("d/" * 1791 + "end")
        info.size = 1 << 16
        tar.addfile(info, io.BytesIO(os.urandom(1 << 16)))
    image = import_root(
        engine.images, io.BytesIO(archive.getvalue()), "deep.tar", name=Reference.parse("deep"), layers=engine.layers
    )  # fmt: skip
    (deep,) = stack_of(image)
    assert size_of(engine.layers.directory / "layers" / deep) >= 1 << 16
    assert check(engine).layers == ()
    assert remove_image(engine, "deep").untagged == ("deep:latest",)
    assert deep not in [path.name for path in (engine.layers.directory / "layers").iterdir()]
    assert prune_images(engine).layers == Reclaimed()


def test_names_go_and_the_image_with_the_last(engine: Engine) -> None:
    image = engine.images.find("box")
    engine.images.tag(Reference.parse("twin"), image.descriptor)
    assert remove_image(engine, "twin").gone == (Gone("twin:latest", untagged=True),)
    engine.images.tag(Reference.parse("twin"), image.descriptor)
    with pytest.raises(InUse, match=r"\(must be forced\) - image is referenced in multiple repositories"):
        remove_image(engine, image.id[7:19])
    removal = remove_image(engine, image.id[7:19], force=True)
    assert removal.untagged == ("box:latest", "twin:latest")
    assert removal.deleted == (image.id, image.config.diff_ids[0])
    assert list(engine.images.blobs.files()) == []
    assert engine.layers.ids() == []


def test_an_image_that_a_container_runs_on(
    engine: Engine, container: "subprocess.Popen[str]", tmp_path: Path
) -> None:  # fmt: skip
    with pytest.raises(InUse, match=r'remove repository reference "box" \(must force\) - container .* is using its referenced'):
        remove_image(engine, "box")
    assert prune_images(engine, every=True).gone == ()
    assert len(remove_image(engine, "box", force=True).deleted) == 2
    assert len(engine.layers.ids()) == 1  # the container's
    assert prune_images(engine).layers == Reclaimed()
    (tmp_path / "go").touch()
    assert container.communicate(timeout=20)[0].strip() == "16"
    assert prune_images(engine).layers.layers == 1
    assert engine.layers.ids() == []


def test_pruning(engine: Engine) -> None:
    image = engine.images.find("box")
    engine.images.put_blob(b"nobody's", LAYER)
    engine.images.keep(image.descriptor)
    engine.images.untag(Reference.parse("box"))
    engine.images.keep(image.descriptor)
    (layer,) = engine.layers.ids()
    blobs, unpacked = sizes_of_blobs(engine), size_of(engine.layers.directory / "layers" / layer)
    pruned = prune_images(engine)
    assert pruned.deleted == (image.id, image.config.diff_ids[0])
    assert (pruned.blobs.blobs, pruned.layers.layers) == (4, 1)
    assert (pruned.blobs.size, pruned.layers.size) == (blobs, unpacked)
    assert (sizes_of_blobs(engine), engine.layers.ids()) == (0, [])


def sizes_of_blobs(engine: Engine) -> int:
    return sum(path.stat().st_size for path in engine.images.blobs.files())


def another(engine: Engine, name: str) -> Image:
    """Make an image that shares nothing with others."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = 16
        tar.addfile(info, io.BytesIO(os.urandom(16)))
    archive.seek(0)
    return import_root(engine.images, archive, name, name=Reference.parse(name), layers=engine.layers)


def test_what_is_damaged_keeps_nothing_else_from_going(engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    """A container whose record is: what it needs stays, and why is said; all else goes on, and it can be removed."""
    other = another(engine, "other")
    for name in ("good", "bad"):
        create(engine, create_options("box", ["true"], name=name))
    with engine.records.writing() as database:
        database.execute("UPDATE containers SET record = '{' WHERE name = 'bad'")
    (engine.layers.directory / "layers/stray").write_text("x")
    (engine.images.directory / "blobs/sha256/stray").mkdir()
    (engine.images.directory / "blobs/sha256/left.tmp").write_text("x")
    assert check(engine).blobs == ()
    with pytest.raises(InUse, match="is using its referenced image"):
        remove_image(engine, "box")
    removal = remove_image(engine, "other")
    assert removal.untagged == ("other:latest",)
    assert any("unpacked layers stay" in why and "labcore rm -f" in why for why in removal.kept)
    assert engine.layers.has(other.config.diff_ids[0])
    state = ["--root", str(engine.root)]
    with own_daemon(engine.root) as daemon:
        assert main([*state, "ps", "-a"]) == 0
        assert "good" in capfd.readouterr().out
        assert "the record of container bad" in daemon.said()
        assert main([*state, "rm", "bad", "nowhere"]) == 1
        assert capfd.readouterr().err.count("labcore: ") == 2
        assert main([*state, "rm", "-f", "nowhere", "bad"]) == 0
        assert main([*state, "rmi", "-f", "nowhere", "box"]) == 0
        said = capfd.readouterr()
        assert said.err == "labcore: No such image: nowhere:latest\n"
        assert said.out.splitlines()[:2] == ["bad", "Untagged: box:latest"]
    assert [each.name for each in engine.records.whole()] == ["good"]
    assert not engine.layers.has(other.config.diff_ids[0])


def test_a_damaged_manifest_keeps_blobs_and_is_named(engine: Engine) -> None:
    """What it leads to is not known: nothing goes, until it is put aside."""
    another(engine, "other")
    engine.images.blob_path(engine.images.get(Reference.parse("other")).descriptor).write_text("{")
    another(engine, "third")
    assert any("blobs stay" in why and "is damaged" in why for why in remove_image(engine, "third").kept)
    assert engine.images.names() == ["box:latest", "other:latest"]
    repair(engine, check(engine))
    assert prune_images(engine).kept == ()
    remove_image(engine, "other")
    assert engine.images.names() == ["box:latest"]


def test_what_killed_unpackers_leave(engine: Engine) -> None:
    layers = engine.layers.directory / "layers"
    (layers / ".incoming-killed" / "usr").mkdir(parents=True)
    (layers / ".removed-killed").mkdir()
    assert prune_images(engine).layers.layers == 2
    assert [path.name for path in layers.iterdir()] == engine.layers.ids()


def _unpack(engine: Engine, fifo: str, diff_id: str) -> None:
    engine.layers.add(diff_id, lambda: Path(fifo).open("rb"))  # noqa: SIM115


def test_what_is_being_unpacked_stays(engine: Engine, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    unpacker = multiprocessing.get_context("fork").Process(
        target=_unpack, args=(engine, str(tmp_path / "fifo"), f"sha256:{0:064x}"), daemon=True
    )
    unpacker.start()
    with (tmp_path / "fifo").open("wb") as end:
        end.write(b"")
        layers = engine.layers.directory / "layers"
        assert prune_images(engine).layers == Reclaimed()
        assert len(list(layers.glob(".incoming-*"))) == 1
        assert unpacker.pid
        os.kill(unpacker.pid, signal.SIGKILL)
        unpacker.join()
        assert prune_images(engine).layers.layers == 1


def test_a_start_keeps_collections_out(engine: Engine) -> None:
    """While one looks for layers and mounts them, a collection waits; what is started by then runs."""
    script = "import sys; from labcore.engine import Engine; from labcore.engine.image.remove import prune_images; "
    script += "print(prune_images(Engine(sys.argv[1]), every=True).layers.layers)"
    with ExitStack() as kept, ExitStack() as starting:
        starting.enter_context(using(engine.layers.directory))
        pruning = kept.enter_context(
            Started([sys.executable, "-c", script, str(engine.root)], stdout=subprocess.PIPE, text=True)
        )
        time.sleep(0.7)
        assert (pruning.poll(), len(engine.layers.ids())) == (None, 1)
        starting.close()
        assert pruning.communicate(timeout=20)[0] == "1\n"
    assert engine.layers.ids() == []


def test_starts_and_collections_at_once(engine: Engine) -> None:
    """The image stays, so whatever a collection removes, no start fails and no layer that is needed goes."""
    script = "import sys; from labcore.engine import Engine; from labcore.engine.image.remove import prune_images\n"
    script += "while True: prune_images(Engine(sys.argv[1]))"
    with Started([sys.executable, "-c", script, str(engine.root)]) as pruning:
        for number in range(20):
            assert labcore.run("box", ["echo", str(number)], root=engine.root).stdout == f"{number}\n".encode()
        assert pruning.poll() is None
        pruning.kill()


def test_damage(engine: Engine) -> None:
    image = engine.images.find("box")
    assert check(engine).blobs == check(engine).layers == ()
    layer = engine.layers.directory / "layers" / engine.layers.ids()[0]
    (layer / "etc/passwd").write_bytes(b"root::0:0:::\n")
    (layer / "added").touch()
    (layer / "own").unlink()
    (changed,) = check(engine).layers
    assert sorted(changed.what) == ["/added was added", "/etc/passwd has another content", "/own is missing"]
    repair(engine, check(engine))
    assert engine.layers.ids() == []
    assert labcore.run("box", ["head", "-c", "6", "/etc/passwd"], root=engine.root).stdout == b"root:x"
    assert check(engine).layers == ()

    blob = engine.images.blob_path(image.layers[0])
    blob.write_bytes(bytes(blob.stat().st_size))
    found = check(engine)
    assert [damage.digest for damage in found.blobs] == [image.layers[0].digest]
    assert found.unchecked == tuple(engine.layers.ids())
    place = repair(engine, found)
    assert place
    assert len(list(place.iterdir())) == 1


def test_a_layer_that_is_changed_below_a_container_stays(engine: Engine, container: "subprocess.Popen[str]") -> None:
    layer = engine.layers.directory / "layers" / engine.layers.ids()[0]
    (layer / "etc/passwd").chmod(0o600)
    findings = check(engine)
    assert [(changed.what, changed.in_use) for changed in findings.layers] == [(("/etc/passwd has another mode",), True)]
    repair(engine, findings)
    assert len(engine.layers.ids()) == 1


def run(engine: Engine, *words: str, status: int = 0) -> str:
    done = subprocess.run([*LABCORE, "--root", str(engine.root), *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


@pytest.mark.usefixtures("asked")
def test_the_commands(engine: Engine) -> None:
    image = engine.images.find("box")
    assert run(engine, "run", "--rm", image.id[7:19], "echo", "by its ID") == "by its ID\n"
    assert run(engine, "fsck") == "nothing is damaged\n"
    lines = run(engine, "system", "df").splitlines()
    assert lines[0].split() == ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]
    assert [line.split()[0] for line in lines[1:]] == ["Images", "Containers", "Local", "Build"]
    assert image.id[7:19] in run(engine, "system", "df", "-v")
    assert run(engine, "system", "prune", "-f") == "Total reclaimed space: 0B\n"
    said = run(engine, "rmi", "box")
    assert said == f"Untagged: box:latest\nDeleted: {image.id}\nDeleted: {image.config.diff_ids[0]}\n"
    assert run(engine, "rmi", "box", status=1) == "labcore: No such image: box:latest\n"


@pytest.mark.usefixtures("asked")
def test_pruning_asks_on_a_terminal(engine: Engine) -> None:
    engine.images.put_blob(b"nobody's", LAYER)
    for answer, status, left in (("n", 1, 1), ("y", 0, 0)):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(sys.executable, [*LABCORE, "--root", str(engine.root), "system", "prune"])
        os.write(terminal, f"{answer}\n".encode())
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status
        os.close(terminal)
        assert len(list(engine.images.blobs.files())) == 3 + left


@pytest.mark.usefixtures("asked")
def test_fsck_says_so_by_its_status(engine: Engine) -> None:
    blob = engine.images.blob_path(engine.images.find("box").descriptor)
    blob.write_bytes(blob.read_bytes().replace(b"2", b"3", 1))
    assert "box:latest" in run(engine, "fsck", status=1)
    assert "labcore pull box:latest" in run(engine, "fsck", "--repair", status=1)
    assert "it is missing" in run(engine, "fsck", status=1)
    assert "Untagged: box:latest" in run(engine, "rmi", "box")
    assert run(engine, "fsck") == "nothing is damaged\n"

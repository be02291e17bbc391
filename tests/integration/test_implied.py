"""Directories that an archive has no entry for, and the root directory, are what was last said of them; both drivers."""

import io
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import labcore
from labcore.engine import Engine
from labcore.engine.container.files import container_files
from labcore.engine.container.state import get
from labcore.engine.containers import remove
from labcore.engine.fsck import check, repair
from labcore.engine.image.commit import commit
from labcore.engine.image.remove import prune_images, remove_image
from labcore.errors import InUse, StoreDamaged
from labcore.images import Image
from labcore.spec import IdRange, Reference
from labcore.spec.media import LAYER
from labcore.storage import overlay
from labcore.storage.fixup import add_fixup
from tests.conftest import needs_root
from tests.containers import changes, names, run_script
from tests.unit.test_unpack import archive, entry

pytestmark = pytest.mark.usefixtures("nothing_left")
DIRECTORY = tarfile.DIRTYPE
LOW = archive(
    entry("tmp", DIRECTORY, mode=0o1777, mtime=1000),
    entry("own", DIRECTORY, mode=0o750, uid=1000, gid=1001, mtime=2000, pax_headers={"SCHILY.xattr.user.kept": "yes"}),
    entry("own/deep", DIRECTORY, mode=0o700, uid=1002, mtime=3000),
    entry("own/file", content=b"low"),
)
SILENT = archive(entry("tmp/x", content=b"x"), entry("own/deep/x", content=b"x"))
SAID = ["/tmp 1777 0 0 1000", "/own 750 1000 1001 2000", "/own/deep 700 1002 0 3000"]
LOOK = "stat -c '%n %a %u %g %Y' /tmp /own /own/deep"


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    """A name for an image and a container, both of which are removed afterwards."""
    chosen = f"test-{os.urandom(4).hex()}"
    yield chosen
    if chosen in names(engine):
        remove(engine, chosen)
    for each in engine.images.names():
        if chosen in each:
            engine.images.untag(Reference.parse(each))


def image_of(engine: Engine, name: str, *layers: bytes) -> Image:
    """Make an image of busybox and layers more."""
    base = engine.images.get(Reference.parse("busybox"))
    with engine.images.using():
        blobs = [engine.images.put_blob(each, LAYER) for each in layers]
        config = base.config.replace(diff_ids=(*base.config.diff_ids, *(blob.digest for blob in blobs)), history=())
        return engine.images.put_image(Reference.parse(name), [*base.layers, *blobs], config)


def lines(engine: Engine, image: str | None, script: str, **options: object) -> list[str]:
    done = labcore.run(image, ["sh", "-c", script], root=engine.root, **options)  # type: ignore[arg-type]
    assert done.exit_code == 0, done.stderr
    return done.stdout.decode().splitlines()


def said_in(engine: Engine, name: str, script: str, image: str = "busybox") -> list[str]:
    done = run_script(engine, name, script, image)
    assert done.exit_code == 0, done.stderr
    return done.stdout.decode().splitlines()


def exported(engine: Engine, name: str) -> dict[str, tarfile.TarInfo]:
    with container_files(engine, name) as files, tarfile.open(fileobj=io.BytesIO(b"".join(files.export()))) as tar:
        return {member.name: member for member in tar.getmembers()}


def test_parents_are_what_lower_layers_say(engine: Engine, storage: str, name: str) -> None:
    image_of(engine, name, LOW, SILENT)
    assert lines(engine, name, LOOK) == SAID
    assert said_in(engine, name, LOOK, name) == SAID
    assert changes(engine, name) == []
    assert said_in(engine, name, "cat /own/file /own/deep/x /tmp/x; touch /tmp/y") == ["lowxx"]
    assert changes(engine, name) == ["C /tmp", "A /tmp/y"]
    assert [(each.mode, each.uid) for each in map(exported(engine, name).get, ("tmp", "own")) if each] == [
        (0o1777, 0),
        (0o750, 1000),
    ]


def test_a_commit_has_the_images_own_layers(engine: Engine, storage: str, name: str) -> None:
    image = image_of(engine, name, LOW, SILENT)
    said_in(engine, name, "touch /own/deep/y", name)
    committed = commit(engine, name, Reference.parse(f"{name}-b"))
    assert committed.layers[:-1] == image.layers
    assert lines(engine, f"{name}-b", LOOK)[:2] == SAID[:2]
    assert get(engine, name).layers[:-1] == tuple(engine.layers_of(image))[:-1]


@pytest.mark.parametrize("inside", [None, IdRange(inside=0, outside=200_000, size=65_536)])
def test_the_root_directory(engine: Engine, name: str, inside: IdRange | None) -> None:
    """Also below a layer that says nothing of it; and in a user namespace."""
    said = archive(entry("./", DIRECTORY, mode=0o2551, uid=7, gid=8, mtime=1_000_000_000))
    image_of(engine, name, said)
    assert lines(engine, name, "stat -c '%a %u:%g %Y' /", remap=inside) == ["2551 7:8 1000000000"]
    image_of(engine, name, said, archive(entry("x")))
    assert lines(engine, name, "stat -c '%a %u:%g' /", remap=inside) == ["2551 7:8"]
    image_of(engine, name, said, archive(entry("./", DIRECTORY, mode=0o755)))
    assert lines(engine, name, "stat -c '%a %u:%g' /", remap=inside) == ["755 0:0"]


def test_an_owner_that_a_user_namespace_does_not_have(engine: Engine, name: str) -> None:
    image_of(engine, name, archive(entry("./", DIRECTORY, mode=0o711, uid=70_000)))
    few = IdRange(inside=0, outside=200_000, size=65_536)
    assert lines(engine, name, "stat -c '%a %u' /", remap=few) == ["711 0"]


def test_the_root_directory_is_kept(engine: Engine, storage: str, name: str) -> None:
    """In a container, in an export, and in an image that is committed of it, also where nothing else was changed."""
    image_of(engine, name, archive(entry("./", DIRECTORY, mode=0o555, uid=7, gid=8)), archive(entry("x")))
    look = "stat -c '%a %u:%g' /"
    assert lines(engine, name, look) == ["555 7:8"]
    assert said_in(engine, name, look, name) == ["555 7:8"]
    unchanged = commit(engine, name, Reference.parse(f"{name}-same"))
    assert len(unchanged.layers) == 3
    assert said_in(engine, name, f"chmod 1711 /; chown 9:10 /; {look}") == ["1711 9:10"]
    assert changes(engine, name) == []
    assert len(commit(engine, name, Reference.parse(f"{name}-b")).layers) == 4
    assert lines(engine, f"{name}-b", look) == ["1711 9:10"]
    top = exported(engine, name)["."]
    assert (top.mode, top.uid, top.gid) == (0o1711, 9, 10)


def test_a_plain_root_directory_has_no_entry(engine: Engine, storage: str, name: str) -> None:
    said_in(engine, name, "touch /x")
    assert "." not in exported(engine, name)


def test_images_without_such_directories_are_their_layers(engine: Engine, name: str) -> None:
    image = image_of(engine, name, LOW, archive(entry("tmp", DIRECTORY), entry("tmp/x")))
    assert len(engine.layers_of(image)) == len(image.layers)
    assert not [op for op in labcore.plan(name, root=engine.root) if op.name == "chown"]


# --- which layer says it


def merged(engine: Engine, name: str, *layers: bytes) -> dict[str, str]:
    """Say what directories overlayfs shows of these layers."""
    ids = engine.layers_of(image_of(engine, name, *layers))
    with overlay.merged(engine.layers.overlay(ids), writable=False) as tree:
        top = Path(f"/proc/self/fd/{tree}")
        return {
            str(path.relative_to(top)): f"{stat.S_IMODE(path.lstat().st_mode):o}"
            for path in top.glob("own/**/")
            if path != top
        }  # fmt: skip


WHITED_OUT = archive(entry("own/.wh.deep"))
RELAY = archive(entry("own", DIRECTORY, mode=0o711), entry("own/deep", DIRECTORY, mode=0o770))


@pytest.mark.parametrize(
    ("layers", "seen"),
    [
        ([LOW, SILENT, archive(entry("own/deep/z"))], {}),
        ([LOW, RELAY, archive(entry("own/deep/x"))], {"own": "711", "own/deep": "770"}),
        ([LOW, SILENT, RELAY], {"own": "711", "own/deep": "770"}),
        ([LOW, WHITED_OUT, archive(entry("own/deep/x"))], {"own/deep": "755"}),
        ([LOW, archive(entry("own/.wh.deep"), entry("own/deep/x"))], {"own/deep": "755"}),
        ([LOW, archive(entry("own/deep/x"), entry("own/.wh.deep"))], {"own/deep": "755"}),
        ([LOW, archive(entry("own/deep/.wh..wh..opq"))], {}),
        ([LOW, archive(entry("own/deep/new/x"), entry("own/deep/new", DIRECTORY, mode=0o500))], {"own/deep/new": "500"}),
        ([LOW, archive(entry("l", tarfile.SYMTYPE, linkname="own"), entry("own/a"), entry("l/deep/x"))], {}),
        ([LOW, SILENT, WHITED_OUT], {"own/deep": ""}),
    ],
)
def test_the_topmost_entry_counts(engine: Engine, name: str, layers: list[bytes], seen: dict[str, str]) -> None:
    expected = {"own": "750", "own/deep": "700"} | seen
    assert merged(engine, name, *layers) == {path: mode for path, mode in expected.items() if mode}


def test_attributes_too(engine: Engine, name: str) -> None:
    ids = engine.layers_of(image_of(engine, name, LOW, SILENT))
    assert os.getxattr(engine.layers.directory / "layers" / ids[-1] / "own", "user.kept") == b"yes"


def test_a_stack_deeper_than_python_calls_itself(engine: Engine, name: str) -> None:
    deep = archive(entry("d/" * 1791 + "end"))
    image_of(engine, name, archive(entry("d", DIRECTORY, mode=0o700)), deep)
    assert lines(engine, name, "stat -c %a /d /d/d") == ["700", "755"]


def test_a_list_of_directories_without_end(engine: Engine, name: str) -> None:
    """A few bytes of an archive name thousands of directories with long paths: they are refused before memory ends."""
    image_of(engine, name, archive(*(entry(f"{number}/" + "d/" * 1780 + "end") for number in range(8))))
    with pytest.raises(StoreDamaged, match="more directories without an entry"):
        engine.layers_of(engine.images.find(name))


def test_a_layer_that_hides_all_that_lies_below(engine: Engine, name: str) -> None:
    """Overlayfs heeds an opaque directory everywhere but at a layer's root: such a layer is where the stack begins."""
    anew = archive(entry(".wh..wh..opq"), entry("new", content=b"new"))
    image = image_of(engine, name, LOW, anew, SILENT)
    ids = engine.layers_of(image)
    root = engine.layers.overlay(ids)
    with overlay.merged(root, writable=False) as tree:
        assert sorted(os.listdir(f"/proc/self/fd/{tree}")) == ["new", "own", "tmp"]
        assert not Path(f"/proc/self/fd/{tree}/own/file").exists()
    prune_images(engine)
    assert engine.layers_of(image) == ids
    assert not check(engine).layers


# --- it goes with the image


def test_it_stays_as_long_as_it_is_needed(engine: Engine, name: str) -> None:
    image = image_of(engine, name, LOW, SILENT, archive(entry("./", DIRECTORY, mode=0o700), entry("own/z")))
    ids = engine.layers_of(image)
    said_in(engine, name, "true", name)
    prune_images(engine)
    assert set(ids) <= set(engine.layers.ids())
    assert ids[-1] not in check(engine).unchecked
    with pytest.raises(InUse, match="is using its referenced image"):
        remove_image(engine, name)
    remove(engine, name)
    remove_image(engine, name)
    left = {path.name for kind in ("layers", "implied", "says-root") for path in (engine.layers.directory / kind).iterdir()}
    assert not left & (set(ids) - set(engine.layers_of(engine.images.find("busybox"))))


def test_what_was_changed_there_is_found_and_mended(engine: Engine, name: str) -> None:
    top = engine.layers_of(image_of(engine, name, LOW, SILENT))[-1]
    (engine.layers.directory / "layers" / top / "tmp").chmod(0o755)
    assert [found.layer for found in check(engine).layers] == [top]
    repair(engine, check(engine))
    assert lines(engine, name, LOOK) == SAID
    assert check(engine).layers == ()


def test_several_settle_a_stack_at_once(engine: Engine, name: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    ids = engine.layers_of(image_of(engine, name, LOW, SILENT))[:-1]
    (engine.layers.directory / "layers" / add_fixup(engine.layers.directory, ids)).rename(engine.root / f"gone-{name}")
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: add_fixup(engine.layers.directory, ids), range(16)))) == 1
    assert not [path for path in (engine.layers.directory / "layers").iterdir() if path.name.startswith(".")]

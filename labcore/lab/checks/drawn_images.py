"""Random images for checks: three layers whose files, whiteouts and digests are new each time."""

import gzip
import hashlib
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labcore.images import Config, Descriptor, ImageStore, Manifest
from labcore.images.builtin import LayerWriter, find_busybox
from labcore.images.builtin.layer import Entry
from labcore.lab.checks.scenario import GATE, LOOKED_UP, Draw
from labcore.lab.solutions import solution
from labcore.spec import OverlayRoot, Platform, Reference
from labcore.spec.media import CONFIG, LAYER_GZIP, MANIFEST

APPLETS = ("sh", "cat", "echo", "rm", "ls", "true")


def content(draw: Draw, name: str, layer: int) -> str:
    """Return what a file holds in a layer, 0 being the lowest."""
    return f"{name} of layer {layer}, {draw.token}\n"


def layers(draw: Draw) -> list[bytes]:
    """Return three layers, the lowest first, uncompressed.

    etc/top is in all, etc/middle in two, etc/base in one; etc/gone is deleted by the second, etc/back too, and comes back.
    """
    files = ({"top", "middle", "base", "gone", "back"}, {"top", "middle"}, {"top", "back"})
    writers = [LayerWriter() for _ in files]
    _programs(writers[0], draw)
    for number, (writer, names) in enumerate(zip(writers, files, strict=True)):
        writer.directory("etc")
        for name in sorted(names):
            writer.file(f"etc/{name}", content(draw, name, number).encode())
    for name in ("gone", "back"):
        writers[1].file(f"etc/.wh.{name}", b"")
    return [writer.finish() for writer in writers]


def _programs(writer: LayerWriter, draw: Draw) -> None:
    for path in ("bin", "dev", "proc", "srv"):
        writer.directory(path)
    writer.directory("tmp", 0o1777)
    writer.file("bin/busybox", Path(find_busybox()).read_bytes(), 0o755)
    for applet in APPLETS:
        writer.link(f"bin/{applet}", "bin/busybox")
    writer.link(f"srv/{LOOKED_UP}", "bin/busybox")
    writer.add(Entry(GATE, tarfile.FIFOTYPE, 0o644))
    writer.file("dev/null", b"")
    writer.file(draw.mark, b"")


def make_image(store: Path, draw: Draw, *names: str) -> dict[str, Any]:
    """Put the image that was drawn into a store, under these names; return its manifest."""
    for part in ("layers", "scratch"):
        (store / part).mkdir(parents=True, exist_ok=True)
    images, made = ImageStore(store), layers(draw)
    parts = [images.put_blob(gzip.compress(each, 1, mtime=0), LAYER_GZIP) for each in made]
    diff_ids = tuple(f"sha256:{hashlib.sha256(each).hexdigest()}" for each in made)
    config = Config(architecture=Platform.here().architecture, diff_ids=diff_ids, environment=(f"TOKEN={draw.token}",))
    manifest = Manifest(images.put_blob(config.to_bytes(), CONFIG), tuple(parts))
    kept = images.put_blob(manifest.to_bytes(), MANIFEST)
    for name in names:
        images.admit(Reference.parse(name), kept)
    value: dict[str, Any] = json.loads(manifest.to_bytes())
    return value


def put_image(store: Path, name: str, config: Mapping[str, Any], layer: bytes = b"") -> None:
    """Put an image of one layer into a store, its config written as it is given."""
    images = ImageStore(store)
    blob = images.put_blob(gzip.compress(layer, 1, mtime=0), LAYER_GZIP)
    diff_id = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    whole = {
        "architecture": Platform.here().architecture,
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
    }
    kept = images.put_blob(json.dumps(whole).encode(), CONFIG)
    manifest = images.put_blob(Manifest(kept, (blob,)).to_bytes(), MANIFEST)
    images.admit(Reference.parse(name), manifest)


def descriptors(manifest: Mapping[str, Any]) -> list[Descriptor]:
    """Return an image's parts: the config, and the layers from the lowest up."""
    return [Descriptor.from_json(part) for part in (manifest["config"], *manifest["layers"])]


def store_of(draw: Draw) -> Path:
    """Return where a check's store is."""
    return Path(draw.root, "store")


@contextmanager
def an_image(draw: Draw) -> Iterator[dict[str, Any]]:
    """Make the image in a store, not unpacked, until the block ends."""
    manifest = make_image(store_of(draw), draw)
    draw.hand_in("manifest", manifest)
    draw.keep("prints", prints(store_of(draw)))
    yield manifest


@contextmanager
def an_unpacked_image(draw: Draw) -> Iterator[None]:
    """Make the image in a store with its layers unpacked, until the block ends; `stack` returns its root."""
    with an_image(draw) as manifest:
        names = solution("layers")(manifest, str(store_of(draw)))
        draw.hand_in("stack", names)
        draw.keep("prints", prints(store_of(draw)))
        yield


def manifest_of(draw: Draw) -> Any:
    """Return the manifest of `an_image`."""
    return draw.handed_in("manifest")


def stack(draw: Draw) -> OverlayRoot:
    """Return the root that `an_unpacked_image` has made."""
    return OverlayRoot(str(store_of(draw)), tuple(draw.handed_in("stack")), "scratch")


def prints(directory: Path) -> dict[str, str]:
    """Return a directory's content: for each path its type, mode and owner, and the digest of its content."""
    found = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        held = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
        found[str(path.relative_to(directory))] = f"{status.st_mode:o} {status.st_uid} {status.st_rdev} {held}"
    return found


def writes_and_deletes(draw: Draw) -> tuple[str, ...]:
    """A program that waits at the gate, changes a file and deletes one, and ends as it was drawn."""
    change = f"echo {draw.token} > /etc/base && rm /etc/middle || exit 1"
    return draw.script(f"read go < /{GATE}; {change}; exit {draw.exit_code}")

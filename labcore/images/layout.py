"""OCI image layout on disk: index.json, which names manifests, and their blobs (image-spec, image-layout.md)."""

from __future__ import annotations

import os

from labcore.atomic import atomic_write
from labcore.disk_space import room_for
from labcore.errors import ImageNotFound, StoreDamaged
from labcore.images.blobs import Blobs
from labcore.images.config import Config
from labcore.images.index import manifest_for
from labcore.images.model import REF_NAME, Descriptor, Image
from labcore.json_codec import dumps, loads
from labcore.locks import Lock
from labcore.record import Record
from labcore.spec import Platform
from labcore.spec.media import INDEX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path
    from typing import Any, Final, TypeAlias

    from labcore.spec import Reference

Version: TypeAlias = "tuple[int, int, int] | None"
LAYOUT_VERSION: Final = "1.0.0"
TAGGED: Final = "io.labcore.image.tagged"  # when a name was given here, by RFC 3339
PARENT: Final = "io.labcore.image.parent"  # the ID of the image that this one was committed on


class Listed(Record):
    """A line of the index: a name, or None, and when it was given here, if so; `parent` is an image's ID."""

    name: str | None
    descriptor: Descriptor
    tagged: str = ""
    parent: str = ""


class ImageLayout:
    """The images below one directory: their tags, manifests and configs. `note` is `Blobs`'."""

    def __init__(self, directory: Path, note: Callable[[str], None]) -> None:
        self.directory = directory
        self.blobs = Blobs(directory, note)

    def read(self, descriptor: Descriptor, name: str = "", platform: Platform | None = None) -> Image:
        """Return the image of a manifest; of an index the one for the platform, by default this machine's.

        `name` is its name, by default the head of its digest. Raises StoreDamaged, ImageNotFound.
        """
        name = name or descriptor.digest[:19]
        found = manifest_for(platform or Platform.here(), descriptor, self.blobs.read, name)
        manifest = found.manifest
        config = Config.parse(self.blobs.read(manifest.config), f"{name}: {manifest.config.digest}")
        manifest.check_layers(config, name)
        return Image(name, found.descriptor, manifest.layers, config, manifest.config)

    # --- names

    def tag(self, reference: Reference, manifest: Descriptor, *, at: str = "", instead: bool = False, parent: str = "") -> None:
        """Tag a manifest or index; the tag is taken from the image that had it, which stays without one, unless `instead`.

        `at` is when, if that is to be remembered: a pull and a load give names without it. `parent` is the ID of the image
        below, if that is not known yet.
        """
        self.prepare()
        with Lock(self.directory).acquire():
            self.entries()  # refuses an index that is damaged
            named = _entry(manifest, {REF_NAME: str(reference), TAGGED: at, PARENT: self._parent(manifest) or parent})
            others = self._others(reference)
            last = [entry for entry in self._index()["manifests"] if _name_of(entry) == str(reference)]
            kept = [] if instead else _nameless(last, [*others, named])
            others = [entry for entry in others if _name_of(entry) or entry["digest"] != manifest.digest]
            self._write_index([*others, *kept, named])

    def keep(self, manifest: Descriptor, *, parent: str = "") -> None:
        """Add an image without a tag, until `tag` gives it one or `drop` removes it; `parent` is the ID of the one below."""
        self.prepare()
        with Lock(self.directory).acquire():
            if manifest.digest not in (descriptor.digest for _, descriptor in self.entries()):
                self._write_index([*self._index()["manifests"], _entry(manifest, {PARENT: parent})])

    def drop(self, digests: Collection[str]) -> None:
        """Remove manifests and indexes with all their tags; their blobs stay until they are collected."""
        with Lock(self.directory).acquire():
            self.entries()
            self._write_index([entry for entry in self._index()["manifests"] if entry["digest"] not in digests])

    def untag(self, reference: Reference) -> None:
        """Remove a tag; its blobs stay until they are collected. Raises ImageNotFound."""
        self.prepare()
        with Lock(self.directory).acquire():
            if str(reference) not in self.names():
                raise ImageNotFound(f"no image {reference} in {self.directory} (there: {', '.join(self.names()) or 'none'})")
            self._write_index(self._others(reference))

    def untag_all(self, names: Collection[str]) -> None:
        """Remove those of the names that exist, digest references too; an image stays without the last."""
        with Lock(self.directory).acquire():
            self.entries()
            others = [entry for entry in self._index()["manifests"] if _name_of(entry) not in names]
            gone = {entry["digest"]: entry for entry in self._index()["manifests"] if _name_of(entry) in names}
            self._write_index([*others, *_nameless(list(gone.values()), others)])

    def names(self) -> list[str]:
        """Return all tags, sorted; digest references are not among them."""
        return sorted(name for name, _ in self.entries() if name and "@" not in name)

    def entries(self) -> list[tuple[str | None, Descriptor]]:
        """Return the index as names with descriptors; an entry may have no name. Raises StoreDamaged."""
        try:
            return [(_name_of(entry), Descriptor.from_json(entry)) for entry in self._index()["manifests"]]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreDamaged(f"{self.directory / 'index.json'} is no image index: {error!r}") from error

    def listed(self) -> list[Listed]:
        """Return the index as it stands, with what it remembers. Raises StoreDamaged."""
        entries = zip(self.entries(), self._index()["manifests"], strict=True)
        said = [(name, descriptor, entry.get("annotations") or {}) for (name, descriptor), entry in entries]
        return [
            Listed(name, descriptor, str(about.get(TAGGED) or ""), str(about.get(PARENT) or ""))
            for name, descriptor, about in said
        ]

    # --- files

    def version(self) -> Version:
        """Return what is another after each change of the index; None if there is none yet."""
        try:
            status = os.stat(f"{self.directory}/index.json")  # noqa: PTH116 - every start asks
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def prepare(self) -> None:
        """Make what is missing."""
        self.directory.mkdir(parents=True, exist_ok=True)
        layout = self.directory / "oci-layout"
        if not layout.exists():
            atomic_write(layout, dumps({"imageLayoutVersion": LAYOUT_VERSION}).encode())

    def _index(self) -> Any:
        try:
            return loads((self.directory / "index.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
        except ValueError as error:
            raise StoreDamaged(f"{self.directory / 'index.json'} is no JSON: {error}") from error

    def _others(self, reference: Reference) -> list[Any]:
        return [entry for entry in self._index()["manifests"] if _name_of(entry) != str(reference)]

    def _parent(self, manifest: Descriptor) -> str:
        return next((one.parent for one in self.listed() if one.parent and one.descriptor.digest == manifest.digest), "")

    def _write_index(self, entries: list[Any]) -> None:
        import json  # which is not needed to read it

        index = self._index() | {"manifests": entries}
        with room_for("the index of images", self.directory):
            atomic_write(self.directory / "index.json", json.dumps(index, indent=1).encode())


def _name_of(entry: Any) -> str | None:
    """Return the name that an entry of the index has, if it has one."""
    name = (entry.get("annotations") or {}).get(REF_NAME)
    return None if name is None else str(name)


def _entry(manifest: Descriptor, annotations: dict[str, str]) -> dict[str, Any]:
    """Return an entry of the index; annotations that are empty are left out."""
    said = {key: value for key, value in annotations.items() if value}
    return manifest.to_json() | ({"annotations": said} if said else {})


def _nameless(displaced: list[Any], others: list[Any]) -> list[Any]:
    """Return the entries that have lost their name, without it, unless the index has others of the same image."""
    digests = {entry["digest"] for entry in others}
    left = [entry for entry in displaced if entry["digest"] not in digests]
    for entry in left:
        entry["annotations"].pop(REF_NAME)
    return left

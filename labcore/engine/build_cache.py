"""Build cache: records of steps that were carried out, by their keys; what a build needs is kept from `prune` meanwhile.

::

    ROOT/builder/cache/KEY.json   a record: what the step's layer is
                 leases/…         keys of records, and layers, that builds under way use: `labcore.images.leases`
                 mounts/…         cache mounts: `labcore.engine.cache_mounts`

A record that cannot be read, or is of another format, or whose blob is gone, is as if it was not there.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from typing import Literal

from labcore.atomic import atomic_write, remove_if_abandoned
from labcore.disk_space import room_for
from labcore.engine.cache_mounts import CacheMounts
from labcore.errors import InvalidInput
from labcore.files import read_text
from labcore.images.leases import Leases
from labcore.images.model import Descriptor  # a field's type is read
from labcore.json_codec import dumps, loads
from labcore.locks import Lock
from labcore.record import Record
from labcore.record_json import from_json, to_json
from labcore.spec import checked_digest
from labcore.storage.layers import layer_id
from labcore.timestamps import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Final

    from labcore.engine.cache_mounts import CacheMount
    from labcore.images import ImageStore

CacheKind = Literal["regular", "source.local", "exec.cachemount"]  # BuildKit's words; a field's type is read
FORMAT: Final = 1
KEY: Final = re.compile(r"[0-9a-z][0-9a-z:._-]{0,199}", re.ASCII)
SUFFIX: Final = ".json"
LAYER: Final = "layer:"  # before the layers in a lease
MOUNT: Final = "mount-"  # before the keys of cache mounts, among those of records


class CacheRecord(Record):
    """What a step of a build has come to, by its key: a layer (with its blob), or None if it changed no file.

    `parent_key` is that of the step before. `created` and `last_used` are RFC 3339. `size` is that of the layer's files, in
    bytes.
    """

    key: str
    parent_key: str = ""
    layer: Descriptor | None = None
    diff_id: str = ""
    description: str = ""
    kind: CacheKind = "regular"
    created: str = ""
    last_used: str = ""
    uses: int = 0
    size: int = 0


class BuildCache:
    """The build cache below a directory, of layers whose blobs are in an image store."""

    def __init__(self, directory: Path, images: ImageStore) -> None:
        self.directory = directory
        self._records = directory / "cache"
        self._images = images
        self.leases = Leases(directory)
        self.mounts = CacheMounts(directory / "mounts")

    @contextmanager
    def using(self) -> Iterator[None]:
        """Keep what is found, put or named in the block (`keep_layers`) from pruning and from collections until its end."""
        self._records.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.leases.using():
            yield

    def keep_layers(self, ids: Iterable[str]) -> None:
        """Keep unpacked layers, by their IDs, as long as the block of `using` lasts."""
        for id in ids:
            self.leases.note(LAYER + id)

    def find(self, key: str) -> CacheRecord | None:
        """Return the record of that key, now used once more; None if there is none, or its blob is not here."""
        path = self._path(key)
        self.leases.note(key)
        record = _read(path)
        if record is None or record.key != key:
            return None
        if record.layer and not self._images.has_blob(record.layer.digest, record.layer.size):
            return None
        used = record.replace(last_used=now(), uses=record.uses + 1)
        with suppress(OSError):  # a full disk: it was used all the same
            self._write(path, used)
        return used

    def put(self, record: CacheRecord) -> None:
        """Add a record, or replace one; what has no time yet gets this moment's. Raises StoreFull.

        Its blob and its layer have to be kept until it is there: `ImageStore.using`, `LayerStore.using`.
        """
        path, at = self._path(record.key), now()
        record = record.replace(created=record.created or at, last_used=record.last_used or at)
        self.leases.note(record.key)
        with room_for("a record of the build cache", self.directory):
            self._records.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write(path, record)

    def steps(self) -> list[CacheRecord]:
        """Return the records of steps that can be read, sorted by their keys."""
        found = (_read(self._records / name) for name in self._names())
        return [record for record in found if record is not None]

    def records(self) -> list[CacheRecord]:
        """Return the same, and behind them one for each cache mount, which is measured."""
        return [*self.steps(), *(self._of_mount(mount) for mount in self.mounts.mounts())]

    def in_use(self) -> set[str]:
        """Return the keys that builds under way use, and of the mounts that their steps have."""
        mounts = {_mount_key(mount) for mount in self.mounts.mounts() if self.mounts.is_in_use(mount)}
        return mounts | {name for name in self._noted() if not name.startswith(LAYER)}

    def remove(self, keys: Iterable[str]) -> list[CacheRecord]:
        """Remove records that no build under way uses, nor one that stays was made on; return those that went.

        Their blobs and layers are for collections; cache mounts go with their files.
        """
        wanted = set(keys)
        with self._locked() as is_there:
            used = self.leases.noted() if is_there else set()
            steps = {record.key: record for record in self.steps()}
            going = wanted & steps.keys() - used
            while needed := {record.parent_key for key, record in steps.items() if key not in going} & going:
                going -= needed
            for key in going:
                self._path(key).unlink(missing_ok=True)
        mounts = [mount for mount in self.mounts.mounts() if _mount_key(mount) in wanted]
        found = [(self._of_mount(mount), mount) for mount in mounts]
        self._sweep()
        return [*(steps[key] for key in sorted(going)), *(record for record, mount in found if self.mounts.remove(mount))]

    def _sweep(self) -> None:
        """Remove files that can be read as no record, and what killed writers have left."""
        for name in os.listdir(self._records) if self._records.is_dir() else ():  # noqa: PTH208
            path = self._records / name
            if name.startswith("."):
                remove_if_abandoned(path)
            elif not name.endswith(SUFFIX) or _read(path) is None:
                with suppress(OSError):
                    path.unlink()

    def needed_blobs(self) -> set[str]:
        """Return the digests of all records' blobs, which are kept as images' are."""
        return {record.layer.digest for record in self.steps() if record.layer}

    def needed_layers(self) -> set[str]:
        """Return the IDs of the unpacked layers of all records, and of builds under way."""
        kept = {name.removeprefix(LAYER) for name in self._noted() if name.startswith(LAYER)}
        return kept | {layer_id(record.diff_id) for record in self.steps() if record.diff_id}

    def _noted(self) -> set[str]:
        with self._locked() as is_there:
            return self.leases.noted() if is_there else set()

    def _of_mount(self, mount: CacheMount) -> CacheRecord:
        from labcore.storage.tree import size_of  # which nothing but a list of all needs

        return CacheRecord(
            _mount_key(mount),
            description=f"cache mount {mount.id}",
            kind="exec.cachemount",
            created=mount.created,
            last_used=mount.last_used,
            uses=mount.uses,
            size=size_of(self.mounts.place(mount)),
        )

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """Have new leases wait as long as the block lasts; yield whether there is a cache at all."""
        try:
            lock = Lock(self.directory, os.O_DIRECTORY)
        except FileNotFoundError:
            yield False
            return
        with lock.acquire():
            yield True

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise InvalidInput(f"{key!r:.80} is no key of the build cache")
        return self._records / f"{key}{SUFFIX}"

    def _names(self) -> Iterator[str]:
        try:
            names = sorted(os.listdir(self._records))  # noqa: PTH208
        except OSError:
            return
        yield from (name for name in names if name.endswith(SUFFIX) and not name.startswith("."))

    @staticmethod
    def _write(path: Path, record: CacheRecord) -> None:
        text = dumps({"format": FORMAT, "record": to_json(record)})
        atomic_write(path, text.encode(), mode=0o600, durable=False)  # lost in a crash, it is carried out again


def _mount_key(mount: CacheMount) -> str:
    return MOUNT + mount.key.replace("/", "-")


def _read(path: Path) -> CacheRecord | None:
    try:
        value = loads(read_text(str(path)))
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            return None
        record = from_json(CacheRecord, value["record"])
        for digest in filter(None, (record.diff_id, record.layer.digest if record.layer else "")):
            checked_digest(digest)
    except (OSError, ValueError, LookupError, RecursionError):
        return None
    return record

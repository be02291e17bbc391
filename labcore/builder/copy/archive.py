"""COPY and ADD: what was selected becomes a layer's archive, written straight out of its source.

The destination is resolved inside the image, its links followed but never out of it. Directories on the way that the image has
are in the layer as they are there; new ones are root's, or --chown's, and 0755, or what --chmod says in octal.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import NamedTuple

from labcore.builder.copy.destination import Image
from labcore.builder.copy.download import UNNAMED
from labcore.builder.copy.file_mode import octal, parse_mode
from labcore.builder.copy.sources import IMPLIED, Item, encoded, parents
from labcore.errors import InvalidInput
from labcore.storage.whiteouts import WHITEOUT_PREFIX
from labcore.tar.reading import BLOCK, DIRECTORY, FILE, HARD_LINK, SYMLINK
from labcore.tar.writing import SECOND, header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from labcore.builder.copy.selection import Named, Selection
    from labcore.builder.copy.sources import Source
    from labcore.storage.files import Files

BATCH: Final = 1 << 17  # bytes that are yielded at once
WHITEOUT: Final = os.fsencode(WHITEOUT_PREFIX)


class Planned(NamedTuple):
    """A file of the new layer: what it is, and where its content comes from; no source: it is the image's, or new."""

    item: Item
    source: Source | None = None
    path: bytes = b""


def layer_archive(
    selections: Sequence[Selection],
    root: Files,
    destination: str,
    *,
    owner: str = "",
    mode: str = "",
    unpack: bool | None = False,
    linked: bool = False,
    epoch: int | None = None,
    command: str = "COPY",
) -> Iterator[bytes]:
    """Yield the archive of the layer that a copy of `selections` into an image makes; `root` is the image's file system.

    `destination` is absolute; one that ends in a slash is a directory. `owner` is --chown's, or WORKDIR's USER: its names are
    looked up in the image; `mode` is --chmod's. `unpack`: are archives unpacked; None: if they are no downloads. `linked`: the
    image plays no part in where the destination is. No time in the layer is later than `epoch`, in seconds.
    Raises InvalidInput.
    """
    with ExitStack() as undo:
        named_by = "USER " if command == "WORKDIR" else "--chown="
        whom = _owner(root, owner, named_by) if owner else None
        layer = _Layer(root, destination, whom, mode, linked=linked)
        if sum(len(each.named) for each in selections) > 1 and not layer.is_directory:
            raise InvalidInput(
                f"When using {command} with more than one source file, the destination must be a directory and end with a /"
            )
        for selection in selections:
            for named in selection.named:
                layer.add(selection.source, named, unpack, undo)
        yield from _packed(layer.finished(), epoch)


def _owner(root: Files, text: str, named_by: str) -> tuple[int, int]:
    """Return whom --chown or USER names; a number alone is the group's, too. Raises InvalidInput."""
    from labcore.engine.options.users import user_in
    from labcore.spec.isolation import parse_id

    if text.isascii() and text.isdecimal():
        return parse_id(text), parse_id(text)
    try:
        user = user_in(root, text)
    except InvalidInput as error:
        raise InvalidInput(f"{named_by}{text}: {error}") from None
    return user.uid, user.gid


class _Layer:
    """A layer's files, by their paths."""

    def __init__(self, root: Files, destination: str, owner: tuple[int, int] | None, mode: str, *, linked: bool) -> None:
        encoded(destination)
        self._image = None if linked else Image(root)
        self._base = self._image.resolve(destination) if self._image else _plain(destination)
        self.is_directory = destination.endswith("/") or not self._base  # as it is written
        self._owner = owner
        self._planned: dict[bytes, Planned] = {}
        self._change = parse_mode(mode) if mode else None
        self._time = 0  # of new directories on the way
        self._new_mode = octal(mode) if mode else None  # theirs, too, as BuildKit has it: but not a symbolic one

    def add(self, source: Source, named: Named, unpack: bool | None, undo: ExitStack) -> None:
        """Add what was named. Raises InvalidInput."""
        self._time = max(self._time, named.item.mtime)
        if named.item.kind == DIRECTORY:
            self._add_directory(source, named)
            return
        if named.item.kind == FILE and unpack is not False and not (source.is_remote and unpack is None):
            from labcore.builder.copy.unpacking import archive_in

            if (archive := archive_in(source, named, undo)) is not None:
                self._add_directory(*archive, unpacked=True)
                return
        if source.is_remote and self.is_directory and os.fsdecode(named.name) == UNNAMED:
            raise InvalidInput(f"cannot determine filename for source {source.name}: name a file as the destination")
        into = self.is_directory or self._kind(self._base) == DIRECTORY
        path = _join(self._base, named.name) if into else self._base
        self._put(path, Planned(self._changed(named.item), source, named.path))

    def _add_directory(self, source: Source, named: Named, *, unpacked: bool = False) -> None:
        """Add what is in a directory, or in an archive, which takes the place of what is not of its kind."""
        if self._kind(self._base) not in (DIRECTORY, None):
            raise InvalidInput(f"cannot copy to non-directory: /{os.fsdecode(self._base)}")
        self._planned.setdefault(self._base, self._parent(self._base))
        places = {b"": self._base}  # where directories are put
        for relative, item in named.entries:
            above, _, name = relative.rpartition(b"/")
            path = _join(places[above], name)
            if item.kind == DIRECTORY:
                if item.place is IMPLIED:
                    path = places[relative] = self._followed(path) if unpacked else path
                    if (there := self._image.directory(path) if self._image else None) is not None:
                        self._planned.setdefault(path, Planned(there))
                        continue
                places[relative] = path
            changed = item if unpacked and item.place is IMPLIED else self._changed(item)
            self._put(path, Planned(changed, source, named.path_of(relative)), replaces=unpacked)

    def finished(self) -> list[tuple[bytes, Planned]]:
        """Return all files in order, with the directories above them."""
        seen = {b""}
        for path in list(self._planned):
            for above in parents(path) if path.rpartition(b"/")[0] not in seen else ():
                seen.add(above)
                if above not in self._planned:
                    self._planned[above] = self._parent(above)
        self._planned.pop(b"", None)
        return sorted(self._planned.items())

    def _parent(self, path: bytes) -> Planned:
        """Return a directory on the way: as it is in the image, or new."""
        if self._kind(path) not in (DIRECTORY, None):
            raise InvalidInput(f"/{os.fsdecode(path)} is no directory in the image: nothing can be copied into it")
        there = self._image.directory(path) if self._image else None
        mode = 0o755 if self._new_mode is None else self._new_mode
        return Planned(there or Item(DIRECTORY, mode, self._owner or (0, 0), self._time))

    def _put(self, path: bytes, planned: Planned, *, replaces: bool = False) -> None:
        name = path.rpartition(b"/")[2]
        if name.startswith(WHITEOUT):
            raise InvalidInput(f"/{os.fsdecode(path)}: in a layer this name would delete another file: rename it")
        old = self._planned.get(path)
        if old is None and replaces:
            self._planned[path] = planned
            return
        there = self._kind(path) if old is None else old.item.kind
        if there is not None and (there == DIRECTORY) != (planned.item.kind == DIRECTORY):
            problem = "cannot replace to directory {} with file" if there == DIRECTORY else "cannot copy to non-directory: {}"
            raise InvalidInput(problem.format(f"/{os.fsdecode(path)}"))
        self._planned[path] = planned

    def _kind(self, path: bytes) -> bytes | None:
        return self._image.kind(path) if self._image else None

    def _followed(self, path: bytes) -> bytes:
        """Return where a directory is that an archive has no entry for: behind the image's link, if there is one."""
        if self._image and self._image.kind(path) == SYMLINK:
            return self._image.resolve(os.fsdecode(path))
        return path

    def _changed(self, item: Item) -> Item:
        """Return a file with the owner and mode that are wanted for it."""
        if self._change and item.kind != SYMLINK:
            item = item._replace(mode=self._change(item.mode, item.kind == DIRECTORY))
        return item._replace(owner=self._owner) if self._owner and item.owner != self._owner else item


def _plain(path: str) -> bytes:
    return b"/".join(part for part in os.fsencode(os.path.normpath(path)).split(b"/") if part)


def _join(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name


def _packed(files: list[tuple[bytes, Planned]], epoch: int | None) -> Iterator[bytes]:
    """Yield the archive, in pieces of some size."""
    latest = None if epoch is None else epoch * SECOND
    links: dict[object, bytes] = {}  # files that have further names -> the first
    pieces: list[bytes] = []
    size = 0
    for path, (item, source, place) in files:
        time = item.mtime if latest is None or item.mtime <= latest else latest
        first = path if item.identity is None else links.setdefault((id(source), item.identity), path)
        if first is not path:
            pieces.append(header(path, HARD_LINK, item.mode, item.owner, time, link=first))
            continue
        pieces.append(
            header(
                path, item.kind, item.mode, item.owner, time,
                size=item.size, link=item.link, device=item.device, attributes=item.attributes,
            )
        )  # fmt: skip
        if item.size and source is not None:
            for chunk in source.content(place, item):
                pieces.append(bytes(chunk))
                size += len(chunk)
                if size > BATCH:
                    yield b"".join(pieces)
                    pieces.clear()
                    size = 0
            pieces.append(bytes(-item.size % BLOCK))
        size += BLOCK
    pieces.append(bytes(2 * BLOCK))
    yield b"".join(pieces)

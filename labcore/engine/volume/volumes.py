"""Volumes of a container: created, filled from the image, held, and turned into mounts."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from labcore.engine.records.records import Records
from labcore.engine.volume.mounting import source_of
from labcore.errors import InvalidInput
from labcore.options.mounts import PROPAGATION
from labcore.spec import Mount, MountPoint, Root
from labcore.storage.files import of_root
from labcore.storage.subpath import opened
from labcore.storage.volumes import Volume, VolumeStore, fill_directory

QUIET = ("noexec", "nosuid", "nodev")
KERNELS = (("proc",), ("sys",), ("dev",))


def completed(attachments: Sequence[Mount], image_volumes: Sequence[str]) -> list[Mount]:
    """Return the attachments and, for those paths that the image wants a volume at, anonymous ones; outer ones first.

    Raises InvalidInput for two at one place, and for an image that would cover the kernel's files.
    """
    places: dict[str, Mount] = {}
    for attachment in attachments:
        if places.setdefault(os.path.normpath(attachment.target), attachment) is not attachment:
            raise InvalidInput(f"Duplicate mount point: {attachment.target}")
    for path in image_volumes:
        if Path(os.path.normpath(path)).parts[1:2] in KERNELS:
            raise InvalidInput(f"the image wants a volume at {path}, where the kernel's files are: do not run it")
        places.setdefault(os.path.normpath(path), Mount("volume", path))
    return sorted(places.values(), key=lambda each: os.path.normpath(each.target).count("/"))


def with_drawn_names(mounts: Sequence[Mount]) -> tuple[Mount, ...]:
    """Return mounts with names for the volumes that have none."""
    return tuple(
        each.replace(source=os.urandom(32).hex(), is_drawn=True) if each.kind == "volume" and not each.source else each
        for each in mounts
    )


@contextmanager
def attached(
    volumes: VolumeStore, records: Records, attachments: Sequence[Mount], root: Root, *, mapped: bool, devices: bool
) -> Iterator[tuple[MountPoint, ...]]:
    """Yield the mounts for a container that runs inside the block.

    Its volumes, which have names, are made if they are missing, and hold what `root` has at their places if they are empty;
    nobody removes them meanwhile. `mapped`: its users are others outside, and a volume's are its own.
    Device nodes work only where `devices` are the container's. Raises InvalidInput, NotFound.
    """
    flags = () if devices else ("nodev", "rnodev")
    with ExitStack() as undo:
        mounts = []
        for each in attachments:
            below = each.recursive and each.write_protects_below
            read_only = ("ro", "rro") if each.read_only and below else ("ro",) if each.read_only else ()
            if each.kind == "tmpfs":
                mounts.append(MountPoint(each.target, "tmpfs", "tmpfs", (*QUIET, *each.options, *read_only[:1])))
                continue
            binding = "rbind" if each.recursive else "bind"
            if each.kind == "volume":
                source = undo.enter_context(_volume(volumes, records, each, root))
                options = (binding, *flags, *read_only, *(("idmap",) if mapped else ()))
            else:
                source = _bound(each)
                options = (binding, *flags, *read_only, *(each.options or ("rprivate",)))
            mounts.append(MountPoint(each.target, "bind", source, options))
        yield tuple(mounts)


@contextmanager
def _volume(volumes: VolumeStore, records: Records, attachment: Mount, root: Root) -> Iterator[str]:
    with ExitStack() as undo:
        volume = volumes.create(attachment.source)
        source = undo.enter_context(source_of(volumes, records, volume))
        if attachment.copy:
            _copy_up(volumes, volume, source, root, attachment)
        if attachment.subpath:
            source = Path(f"/proc/self/fd/{undo.enter_context(opened(source, attachment.subpath))}")
        yield str(source)


def _copy_up(volumes: VolumeStore, volume: Volume, source: Path, root: Root, attachment: Mount) -> None:
    """Fill an empty volume with what the root has at its place.

    Not a tmpfs: docker fills one when a container is created, and it is a new one by the start.
    """
    with of_root(root) as files:
        if not volume.options:
            volumes.fill(volume, files, attachment.target, attachment.subpath)
        elif not attachment.subpath and dict(volume.options).get("type") != "tmpfs":
            fill_directory(source, files, attachment.target)


def check_source(attachment: Mount) -> None:
    """Raise InvalidInput if what is to be bound is not there, and is not to be made."""
    if not attachment.make and not os.path.lexists(attachment.source):
        raise InvalidInput(
            f'invalid mount config for type "bind": bind source path does not exist: {attachment.source}: make it, or use '
            f"-v {attachment.source}:{attachment.target}, which does"
        )


def with_propagation(attachment: Mount, state_root: Path) -> Mount:
    """Return a bind of what holds the state root, or lies in it, as docker mounts it: the host's later mounts come, none goes.

    Raises InvalidInput, in docker's words, for a propagation that would keep what is mounted there.
    """
    if attachment.kind != "bind" or not _is_related(Path(os.path.normpath(attachment.source)), state_root):
        return attachment
    said = next((word for word in attachment.options if word in PROPAGATION), "")
    if said not in ("", "rslave", "rshared"):
        raise InvalidInput(
            'invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the '
            f'daemon root, daemon root: "{state_root}", bind mount source: "{attachment.source}", propagation: "{said}"'
        )
    return attachment if said else attachment.replace(options=(*attachment.options, "rslave"))


def _is_related(path: Path, other: Path) -> bool:
    return path.is_relative_to(other) or other.is_relative_to(path)


def _bound(attachment: Mount) -> str:
    check_source(attachment)
    if not os.path.lexists(attachment.source):
        Path(attachment.source).mkdir(parents=True)
    return attachment.source

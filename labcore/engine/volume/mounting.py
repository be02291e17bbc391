"""Volume sources: the directory of a volume's files, and the file system that is mounted there while a container has it."""

from __future__ import annotations

import errno
import os
import re
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from labcore.engine.volume.local_driver import file_system, host_directory
from labcore.errors import LabcoreError, NotFound, StoreDamaged, SystemCallError
from labcore.native import MountFlag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from labcore.engine.records.records import Container, Records
    from labcore.storage.volume_mounts import FileSystem
    from labcore.storage.volumes import Volume, VolumeStore

ACTIVE: Final = ("starting", "running")
PASSWORD: Final = re.compile(r"(?<![^,])password=[^,]*")


@contextmanager
def source_of(volumes: VolumeStore, records: Records, volume: Volume) -> Iterator[Path]:
    """Yield the directory where a volume's files are, with what is to be mounted there; nobody removes it inside the block.

    A container that is started inside the block, and runs after it, has it until `unmount_unused`.
    Raises NotFound, LabcoreError.
    """
    place = volumes.data(volume)
    if directory := host_directory(volume):
        with volumes.use(volume):
            if not os.path.isdir(directory):  # noqa: PTH112
                raise _refused(errno.ENOTDIR if os.path.lexists(directory) else errno.ENOENT, place, _wanted(place, volume))
            yield Path(directory)
        return
    wanted = _wanted(place, volume)
    if wanted is None:
        with volumes.use(volume):
            yield place
        return
    with ExitStack() as undo:
        undo.callback(unmount_unused, volumes, records, [volume.name])
        try:
            undo.enter_context(volumes.mounted(volume, wanted))
        except SystemCallError as error:
            raise _refused(error.errno or 0, place, wanted) from None
        yield place


def _wanted(place: Path, volume: Volume) -> FileSystem | None:
    try:
        return file_system(volume)
    except LabcoreError as error:
        raise LabcoreError(f"error while mounting volume '{place}': {error}") from None


def _refused(number: int, place: Path, wanted: FileSystem | None) -> LabcoreError:
    """Return docker's words for what could not be mounted, without the password in its options; and the cure."""
    assert wanted
    flags = f", flags: {wanted.flags:#x}" if wanted.flags else ""
    data = f", data: {PASSWORD.sub('password=********', wanted.data)}" if wanted.data else ""
    what = f"mount {wanted.device}:{place}{flags}{data}: {os.strerror(number).lower()}"
    cure = f": {_cure(number, wanted)}".rstrip(": ")
    return LabcoreError(f"error while mounting volume '{place}': failed to mount local volume: {what}{cure}")


def _cure(number: int, wanted: FileSystem) -> str:
    if number == errno.ENODEV:
        return f"this kernel has no file system {wanted.kind}: /proc/filesystems lists them"
    if number == errno.ENOENT and wanted.flags & MountFlag.BIND:
        is_absolute = os.path.isabs(wanted.device)  # noqa: PTH117
        return f"make {wanted.device}" if is_absolute else "write the device as an absolute path"
    if number == errno.EINVAL:
        return "an option is wrong: dmesg may say which"
    return ""


def unmount_unused(volumes: VolumeStore, records: Records, names: Iterable[str]) -> None:
    """Unmount the file systems of those volumes that no container has which runs or is being started."""

    def is_used(name: str) -> bool:
        try:
            return any(records.find(id).state.status in ACTIVE for id in records.volume_users().get(name, ()))
        except (NotFound, StoreDamaged):  # removed just now, or nobody knows: the next who looks decides
            return True

    for name in names:
        with suppress(NotFound):
            volumes.unmount_unused(name, lambda name=name: is_used(name))  # type: ignore[misc]


def unmount_volumes_of(volumes: VolumeStore, records: Records, container: Container) -> None:
    """Do the same for a container that has just ended, or whose start came to nothing."""
    unmount_unused(volumes, records, {mount.source for mount in container.mounts if mount.kind == "volume"})

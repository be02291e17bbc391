"""A layer's archive becomes a directory that overlayfs can use (image-spec, layer.md)."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from labcore.disk_space import FULL, room_for
from labcore.errors import StoreDamaged, Unavailable
from labcore.native import syncfs
from labcore.storage.extract import Extractor, has_own_ids_only, in_user_namespace
from labcore.storage.gc import incoming, using
from labcore.storage.implied import Described
from labcore.storage.inflate import inflated_ahead
from labcore.tar import Archive, BadArchive

NOT_THE_ARCHIVES_FAULT: Final = {errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, *FULL}


class Unpacked(NamedTuple):
    """A layer's files, which have no name yet; `diff_id` is None for a plain archive that nobody has hashed."""

    place: Path
    diff_id: str | None
    described: Described

    def keep_as(self, name: str) -> None:
        """Give the layer its name."""
        layers = self.place.parent
        with using(layers.parent):  # what is noted of a layer of that name that goes at this moment goes first
            self.described.note(layers.parent, name)
            named(self.place, name)


def named(place: Path, name: str) -> None:
    """Give a directory that was filled its name, unless somebody else was faster."""
    try:
        place.rename(place.with_name(name))
    except OSError:
        if not place.with_name(name).is_dir():
            raise


@contextmanager
def unpacked(
    layers: Path, open_archive: Callable[[], BinaryIO], what: str, algorithm: str, *, hash_plain: bool = True
) -> Iterator[Unpacked]:
    """Unpack an archive, compressed with gzip or zstd or plain, in `layers`; what has got no name by the block's end goes.

    `what` names it in errors. Raises StoreDamaged if it is no layer's archive; StoreFull; Unavailable in a user namespace where
    its files' owners are not mapped.
    """
    with incoming(layers) as place:
        with room_for(what, layers):
            place.chmod(0o755)  # unless the archive says otherwise
            diff_id, described = _unpack(open_archive, place, what, algorithm if hash_plain else "", algorithm)
        yield Unpacked(place, diff_id, described)


def _unpack(
    open_archive: Callable[[], BinaryIO], directory: Path, what: str, plain: str, compressed: str
) -> tuple[str | None, Described]:
    root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with open_archive() as raw, inflated_ahead(raw, what, plain=plain, compressed=compressed) as (chunks, digest):
            archive = Archive(chunks)
            with Extractor(root) as extractor:
                extractor.extract(archive)
            archive.drain()
        syncfs(root)  # the name must not outlive a crash that the content did not
        return digest(), extractor.described
    except OSError as error:
        if error.errno in NOT_THE_ARCHIVES_FAULT or (os.geteuid() and isinstance(error, PermissionError)):
            raise
        if error.errno == errno.EINVAL and in_user_namespace():
            raise _not_mapped(what) from error
        raise StoreDamaged(f"{what} asks for what cannot be: {error}") from error
    except BadArchive as error:
        raise StoreDamaged(f"{what} is no archive that can be unpacked: {error}") from error
    except (ValueError, OverflowError) as error:
        raise StoreDamaged(f"{what} is damaged: {error}") from error
    finally:
        os.close(root)


def _not_mapped(what: str) -> Unavailable:
    """Return why a file cannot be given to its owner, in a user namespace: user_namespaces(7)."""
    if has_own_ids_only():
        return Unavailable(
            f"{what} has files of several users, and to you only your own number is mapped\n"
            "  cure: apt-get install uidmap, and have a line for you in /etc/subuid and /etc/subgid (adduser writes it)"
        )
    return Unavailable(
        f"{what} has files of a user or group whose number is larger than those that are mapped to you\n"
        "  cure: have larger ranges in /etc/subuid and /etc/subgid, or do it as root"
    )

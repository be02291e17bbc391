"""Images' lines in a list: one for each of their names, with docker's fields for `--format`."""

from __future__ import annotations

from labcore.cli.formatting import ago, local_time, short_id, size
from labcore.cli.listing import Listing
from labcore.cli.template.values import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from labcore.client.images import ImageSummary

NONE: Final = "<none>"
UNKNOWN: Final = "N/A"
HEADS: Final = {
    "ID": "IMAGE ID", "Repository": "REPOSITORY", "Tag": "TAG", "Digest": "DIGEST", "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT", "Size": "SIZE", "Containers": "CONTAINERS", "VirtualSize": "SIZE",
    "SharedSize": "SHARED SIZE", "UniqueSize": "UNIQUE SIZE",
}  # fmt: skip


def listing(*, digests: bool = False) -> Listing:
    """Return the list of images, with a column of digests if it is wanted."""
    return Listing(HEADS, ("Repository", "Tag", *(["Digest"] if digests else []), "ID", "CreatedSince", "Size"))


def rows(images: Iterable[ImageSummary], *, whole: bool = False, digests: bool = False) -> Iterator[Row]:
    """Yield the lines; `digests`: one for each digest of a name, too."""
    for image in images:
        for name in _names(image, digests=digests):
            yield _row(image, *name, whole=whole)


def _row(image: ImageSummary, repository: str, tag: str, digest: str, *, whole: bool) -> Row:
    return Row(
        {
            "ID": lambda: image.id if whole else short_id(image.id),
            "Repository": lambda: repository,
            "Tag": lambda: tag,
            "Digest": lambda: digest,
            "CreatedSince": lambda: ago(image.created),
            "CreatedAt": lambda: local_time(image.created),
            "Size": lambda: size(image.size),
            "VirtualSize": lambda: size(image.size, digits=4),
            "SharedSize": lambda: _known(image.shared_size, image.shared_size),
            "UniqueSize": lambda: _known(image.size - image.shared_size, image.shared_size, image.size),
            "Containers": lambda: UNKNOWN if image.containers < 0 else str(image.containers),
        }
    )


def _known(shown: int, *counts: int) -> str:
    return UNKNOWN if min(counts) < 0 else size(shown, digits=4)


def _names(image: ImageSummary, *, digests: bool) -> Iterator[tuple[str, str, str]]:
    """Yield an image's names: repository, tag and digest. A digest has its own line where nothing else names the repository."""
    by_repository: dict[str, list[str]] = {}
    for name in image.digests:
        repository, _, digest = name.partition("@")
        by_repository.setdefault(repository, []).append(digest)
    tagged = [name.rpartition(":") for name in image.tags if name != f"{NONE}:{NONE}"]
    if not tagged and not by_repository.keys() - {NONE}:
        yield NONE, NONE, NONE
        return
    for repository, _, tag in tagged:
        for digest in (by_repository.get(repository) if digests else None) or [NONE]:
            yield repository, tag, digest
    for repository in by_repository.keys() - {name for name, _, _ in tagged}:
        for digest in by_repository[repository] if digests else [""]:
            yield repository, NONE, digest

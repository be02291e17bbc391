"""Image indexes: the descent from an index to the manifest for a platform (image-index.md).

Entries that name a platform come first, the best match before the others; then those that name none, of which the image's
config says it. Signatures, attestations and other artifacts beside images are passed over.
"""

from __future__ import annotations

from labcore.errors import ImageNotFound, StoreDamaged
from labcore.images.config import Config
from labcore.images.model import Manifest, read_index
from labcore.record import Record
from labcore.spec import Platform
from labcore.spec.media import INDEXES, MANIFESTS
from labcore.spec.platform import ranked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

    from labcore.images.model import Descriptor

DEPTH_MAX: Final = 4  # indexes in indexes
READS_MAX: Final = 64  # of manifests and configs, for one image
NO_IMAGE: Final = "unknown"  # the platform's os where an entry is an attestation


class Resolved(Record):
    """A manifest that was resolved, with the bytes that it was read from."""

    descriptor: Descriptor
    manifest: Manifest
    content: bytes


def manifest_for(platform: Platform, descriptor: Descriptor, read: Callable[[Descriptor], bytes], name: str) -> Resolved:
    """Return a manifest itself, whatever its platform, or of an index the one for the platform.

    `read` returns a manifest's, an index's or a config's bytes; `name` is the image's in errors.
    Raises ImageNotFound, also for an artifact; StoreDamaged.
    """
    return _Descent(platform, read, name).manifest(descriptor, DEPTH_MAX)


class _Descent:
    def __init__(self, platform: Platform, read: Callable[[Descriptor], bytes], name: str) -> None:
        self._platform = platform
        self._read_blob = read
        self._name = name
        self._reads_left = READS_MAX

    def manifest(self, descriptor: Descriptor, depth: int) -> Resolved:
        content = self._read(descriptor)
        what = f"{self._name}: {descriptor.digest}"
        if descriptor.media_type not in INDEXES:
            manifest = Manifest.parse(content, what)
            manifest.check_image(self._name)
            return Resolved(descriptor, manifest, content)
        if not depth:
            raise StoreDamaged(f"{self._name}: an index leads to an index, {DEPTH_MAX} times")
        return self._of_index(read_index(content, what), depth - 1)

    def _of_index(self, entries: Sequence[Descriptor], depth: int) -> Resolved:
        offered = [entry for entry in entries if entry.media_type in (*MANIFESTS, *INDEXES)]
        failed: ImageNotFound | StoreDamaged | None = None
        for place in ranked([entry.platform or Platform("", "") for entry in offered], self._platform):
            try:
                return self.manifest(offered[place], depth)
            except ImageNotFound as error:
                failed = failed or error
        for entry in offered:
            if entry.platform is None:
                try:
                    return self._checked(self.manifest(entry, depth))
                except (ImageNotFound, StoreDamaged) as error:  # another may be meant; if none is, this is said
                    failed = failed or error
        raise failed or self._nothing(entries, offered)

    def _checked(self, found: Resolved) -> Resolved:
        """Return a manifest if it is for the platform by its config; a config that does not say it is for all."""
        config = found.manifest.config
        platform = Config.parse(self._read(config), f"{self._name}: {config.digest}").platform
        if platform.architecture and not platform.suits(self._platform):
            raise self._not_for_platform([platform])
        return found

    def _read(self, descriptor: Descriptor) -> bytes:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise StoreDamaged(f"{self._name}: its index leads to more than {READS_MAX} manifests that name no platform")
        return self._read_blob(descriptor)

    def _nothing(self, entries: Sequence[Descriptor], offered: Sequence[Descriptor]) -> ImageNotFound:
        if entries and not offered:
            kinds = ", ".join(sorted({entry.media_type for entry in entries}))[:200]
            return ImageNotFound(f"{self._name} is an index without an image: it lists {kinds!r}")
        return self._not_for_platform([entry.platform for entry in offered if entry.platform])

    def _not_for_platform(self, platforms: Sequence[Platform]) -> ImageNotFound:
        there = ", ".join(sorted({str(platform) for platform in platforms if platform.os != NO_IMAGE})) or "nothing"
        return ImageNotFound(f"{self._name} is not made for {self._platform}: there is {there}")

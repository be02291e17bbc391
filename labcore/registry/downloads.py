"""The downloads of a cache: one for each blob, whoever wants it, and no more kept of all than may be."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from labcore.registry.client import Client
from labcore.registry.download import Download
from labcore.registry.endpoint import RegistryError
from labcore.registry.store import Files
from labcore.registry.upload_store import drop_abandoned

LOG: Final = logging.getLogger(__name__)


class Downloads:
    """`client_of` gives what asks for a repository's blobs; `most` is how many bytes may be kept."""

    def __init__(self, files: Files, client_of: Callable[[str], Client], most: int | None) -> None:
        drop_abandoned(files.uploads)
        self._files = files
        self._client_of = client_of
        self._most = most
        self._lock = threading.Lock()
        self._under_way: dict[str, Download] = {}

    def of(self, name: str, digest: str, *, anew: bool) -> Download | None:
        """Return the download, begun if nobody has; None if the blob is here, unless it is wanted `anew`."""
        with self._lock:
            download = self._under_way.get(digest)
            if download and not download.has_failed:
                return download
            if self._files.blob_path(digest).exists() and not anew:
                return None
            path = self._files.uploads / digest.replace(":", "-")
            download = self._under_way[digest] = Download(self._client_of(name), name, digest, path)
        threading.Thread(target=self._run, args=(download,), daemon=True).start()
        return download

    def _run(self, download: Download) -> None:
        try:
            download.run(lambda path: self._files.adopt_blob(download.name, download.digest, path))
            self._make_room(download.digest)
        except RegistryError:
            pass  # whoever waits for it hears of that
        except OSError as error:
            LOG.error("blob %s was not kept: %s", download.digest, error)
        finally:
            with self._lock:
                if self._under_way.get(download.digest) is download:
                    del self._under_way[download.digest]

    def _make_room(self, new: str) -> None:
        """Remove what was not wanted for the longest time, until no more is kept than may be."""
        if self._most is None:
            return
        kept = []
        for path in (self._files.root / "blobs").glob("*/*"):
            with suppress(FileNotFoundError):
                status = path.stat()
                kept.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in kept)
        with self._files.changing(alone=True):
            for _, size, path in sorted(kept):
                if total > self._most and f"{path.parent.name}:{path.name}" != new:
                    path.unlink(missing_ok=True)
                    total -= size

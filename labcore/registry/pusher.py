"""Blob uploads of the client: monolithic or chunked, and resumable (distribution-spec, pushing blobs).

Some registries, and proxies before them, limit the size of a body: after an answer 413 the upload is chunked.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Final

from labcore.registry.endpoint import RegistryError
from labcore.registry.retry import number_in
from labcore.registry.transport import RETRIED_STATUSES, Answer, Transport

CHUNK_SIZE: Final = 8 << 20  # bytes of a piece, if the whole is too much
SMALLEST: Final = 64 << 10
REST: Final = 64 << 20  # bytes of a piece, if the whole broke off
ANSWER_MAX: Final = 1 << 20
OCTETS: Final = {"Content-Type": "application/octet-stream"}
Tell = Callable[[int], None]


class BlobUpload:
    """The upload of one blob. `content` opens its bytes; `tell` is called with progress, and cancels by raising."""

    def __init__(
        self, transport: Transport, uploads: str, scope: str, size: int, content: Callable[[], IO[bytes]], tell: Tell
    ) -> None:  # fmt: skip
        self._transport = transport
        self._uploads = uploads
        self._scope = scope
        self._size = size
        self._content = content
        self._tell = tell
        self._place = ""
        self._least = 0  # bytes that a piece must have, unless it is the last

    def begun_by(self, answer: Answer) -> None:
        """Read the answer to the POST that began the upload: its Location is the upload's URL."""
        self._move(answer)
        self._least = number_in(answer, "OCI-Chunk-Min-Length") or 0

    def send(self, digest: str) -> None:
        """Upload the blob and finish. Raises RegistryError; after any exception the upload is cancelled at the registry."""
        try:
            self._send(digest)
        except BaseException:
            with suppress(RegistryError):
                self._ask("DELETE", self._place, accepted=(200, 202, 204, 404)).close()
            raise

    def _send(self, digest: str) -> None:
        done, piece, failed = 0, 0, 0
        while True:
            try:
                if not piece:
                    self._finish(digest, self._size)
                    return
                while done < self._size:
                    done = self._patch(done, min(piece, self._size - done))
                    failed = 0
                self._finish(digest, 0)
                return
            except RegistryError as error:
                failed += 1
                if error.status == 413:
                    piece = self._smaller(piece, error)
                elif error.status in (0, 404, 416, *RETRIED_STATUSES) and failed < self._transport.attempts:
                    piece = max(min(REST, (piece or self._size) // failed), self._least, SMALLEST)  # some just hang up
                    self._transport.wait(failed, error.retry_after)
                else:
                    raise
            done = self._received()

    def _smaller(self, piece: int, error: RegistryError) -> int:
        """Return a smaller chunk size after a refusal. Raises the refusal if it is the smallest already."""
        smaller = max(min(CHUNK_SIZE, (piece or self._size) // 2), self._least, SMALLEST)
        if piece and smaller >= piece:  # some take no whole, however small
            raise error
        return smaller

    def _patch(self, done: int, size: int) -> int:
        """Send the chunk at this offset; return how many bytes the registry has then."""
        headers = {**OCTETS, "Content-Range": f"{done}-{done + size - 1}"}
        with self._ask("PATCH", self._place, headers, self._part(done, size), size, accepted=(202, 204)) as answer:
            self._move(answer)
            return _received_in(answer, done + size, self._size)

    def _finish(self, digest: str, size: int) -> None:
        """Finish the upload by PUT, with the whole blob as the body if nothing was sent yet."""
        where = f"{self._place}{'&' if '?' in self._place else '?'}digest={digest}"
        body = self._part(0, size) if size else b""
        with self._ask("PUT", where, OCTETS, body, size, accepted=(201, 204)) as answer:
            answer.read_at_most(ANSWER_MAX)

    def _received(self) -> int:
        """Ask how many bytes the registry has; begin a new upload if it has forgotten this one or does not know."""
        with self._ask("GET", self._place, accepted=(200, 204, 404), retry=True) as answer:
            if answer.status != 404 and (come := _received_in(answer, 0, self._size)) > 1:  # `0-0` stands for none, too
                self._move(answer, required=False)
                return come
            answer.read_at_most(ANSWER_MAX)
        if answer.status != 404:
            self._ask("DELETE", self._place, accepted=(200, 202, 204, 404)).close()
        with self._ask("POST", self._uploads, length=0, accepted=(202,), retry=True) as answer:
            self.begun_by(answer)
        return 0

    def _ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | Callable[[], IO[bytes]] | None = None,
        length: int | None = None,
        *,
        accepted: tuple[int, ...],
        retry: bool = False,
    ) -> Answer:
        return self._transport.request(
            method, path, headers=headers, body=body, length=length, scope=self._scope, accepted=accepted, retry=retry
        )

    def _part(self, begin: int, size: int) -> Callable[[], IO[bytes]]:
        return lambda: _FilePart(self._content(), begin, size, self._tell)  # type: ignore[return-value]

    def _move(self, answer: Answer, *, required: bool = True) -> None:
        """Continue at the answer's Location: an absolute or a relative URL, which may have a query."""
        location = answer.headers.get("Location")
        answer.read_at_most(ANSWER_MAX)
        if location is None and required:
            raise RegistryError(f"{answer.url}: the registry does not say where to send the blob")
        self._place = self._transport.resolve(answer.url, location or self._place)


class _FilePart:
    """A range of a file, read once."""

    def __init__(self, file: IO[bytes], begin: int, size: int, tell: Tell) -> None:
        self._file = file
        self._at = begin
        self._end = begin + size
        self._tell = tell
        file.seek(begin)

    def read(self, size: int) -> bytes:
        self._tell(self._at)
        chunk = self._file.read(min(size, self._end - self._at))
        self._at += len(chunk)
        return chunk

    def __enter__(self) -> "_FilePart":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()


def _received_in(answer: Answer, otherwise: int, most: int) -> int:
    """Return how many bytes the registry has by an answer's Range. Raises RegistryError if it cannot be so many."""
    match = re.fullmatch(r"(?:bytes=)?0-(\d{1,18})", answer.headers.get("Range", ""))
    come = int(match[1]) + 1 if match else otherwise
    if come > most:
        raise RegistryError(f"{answer.url}: it says that {come} bytes have come, and the blob has {most}", 400)
    return come

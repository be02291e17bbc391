"""The context of a build: a tar that is sent, or what a URL has; its Dockerfile, and what .dockerignore leaves out.

Docker's clients leave out what it names, and send it all the same: here it says only whether it and the Dockerfile are in the
context. labcore's own also sends what its patterns do not know of, other contexts and a Dockerfile of elsewhere.
"""

from __future__ import annotations

import os
import posixpath
import re
from contextlib import ExitStack, contextmanager, nullcontext
from http.client import HTTPException
from io import BytesIO
from typing import cast

from labcore.builder.copy.context import ContextArchive
from labcore.builder.copy.sources import InlineFiles
from labcore.builder.learners import parsed
from labcore.engine.image.import_source import opened_source
from labcore.errors import InvalidInput, NotFound, Unavailable
from labcore.options.dockerignore import Patterns
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any, BinaryIO, Final

    from labcore.builder.copy.sources import Source
    from labcore.builder.parser.instructions import Dockerfile

DOCKERFILE, IGNORE_FILE = "Dockerfile", ".dockerignore"
ELSEWHERE: Final = ".dockerfile."  # begins the name that clients give a Dockerfile which is not in the context
DOCKERFILE_BYTES: Final = 16 << 20
HEAD_BYTES: Final = 512
ARCHIVES: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")  # gzip, bzip2, xz, zstd
SPECIAL: Final = re.compile(r"[*?\[\\]")  # in patterns
GIT: Final = re.compile(r"(?:git://|git@|github\.com/).*|https?://.*\.git(?:#.*)?", re.DOTALL)


class BuildContext(Record):
    """What an image is built from: a Dockerfile, where COPY takes files from, and the named contexts."""

    dockerfile: Dockerfile
    source: Source
    named: Mapping[str, Source] = {}


@contextmanager
def opened_context(
    directory: Path,
    sent: BinaryIO,
    *,
    dockerfile: str = "",
    remote: str = "",
    parts: Sequence[tuple[str, str]] = (),
    applies_ignore: bool = False,
    learners: Mapping[str, Callable[..., Any]] = {},
) -> Iterator[BuildContext]:
    """Yield the context that is sent, or that a URL has: an archive, or a Dockerfile alone. It is kept in `directory`.

    `dockerfile` is a path in it. `parts` are the names of contexts, and directories of the archive that they are; the directory
    at the top that one is in is no part of the main context. With `applies_ignore` all is left out that .dockerignore names.
    `learners`: `labcore.builder.learners`.
    Raises InvalidInput, Unavailable; DockerfileError.
    """
    with _fetched(remote) if remote else nullcontext(sent) as stream:
        if isinstance(stream, _Fetched) and not stream.is_archive:
            text = stream.text(remote)
            yield BuildContext(parsed(text, DOCKERFILE, learners), InlineFiles({DOCKERFILE: text}, "the build context"))
            return
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ContextArchive.spooled(cast("BinaryIO", stream), directory) as archive:
            name, text = _dockerfile(archive, dockerfile or DOCKERFILE)
            shown = DOCKERFILE if name.startswith(ELSEWHERE) else name
            main = _main(archive, name, parts) if applies_ignore or parts else _without_its_own(archive, name)
            yield BuildContext(parsed(text, shown, learners), main, dict(_named(archive, parts)))


@contextmanager
def _fetched(url: str) -> Iterator[_Fetched]:
    if GIT.fullmatch(url):
        raise InvalidInput(
            f"remote {url:.200}: git repositories are not fetched\n  cure: clone it, and build from the directory"
        )
    if not url.startswith(("http://", "https://")):
        raise InvalidInput(f"remoteURL ({url:.200}) could not be recognized as URL")
    with ExitStack() as undo:
        try:
            stream = undo.enter_context(opened_source(url, BytesIO()))
        except Unavailable as error:
            raise Unavailable(f"error downloading remote context {error}") from None
        yield _Fetched(stream, url)


class _Fetched:
    """What a URL has, as a stream whose head was looked at. Raises Unavailable if it breaks off."""

    def __init__(self, stream: BinaryIO, url: str) -> None:
        self._stream = stream
        self._url = url
        self._head = b""
        self._head = self._exactly(HEAD_BYTES)

    @property
    def is_archive(self) -> bool:
        """Whether it is an archive, and no text, which has no NUL bytes."""
        return self._head.startswith(ARCHIVES) or b"\0" in self._head

    def text(self, name: str) -> bytes:
        """Return all of it, which is a Dockerfile. Raises InvalidInput."""
        text = self._exactly(DOCKERFILE_BYTES + 1)
        _check_dockerfile(text, name)
        return text

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; nothing at the end."""
        taken, self._head = self._head[:size], self._head[size:]
        try:
            found = taken or self._stream.read(size)
        except (OSError, HTTPException) as error:
            raise self._broken_off(str(error)) from None
        if not found and (missing := getattr(self._stream, "length", None)):
            raise self._broken_off(f"{missing} bytes are missing")
        return found

    def _broken_off(self, how: str) -> Unavailable:
        return Unavailable(f"error downloading remote context {self._url:.200}: it breaks off: {how}")

    def _exactly(self, size: int) -> bytes:
        """Return that many bytes, or all there are."""
        found = b""
        while len(found) < size and (piece := self.read(size - len(found))):
            found += piece
        return found


def _dockerfile(archive: ContextArchive, name: str) -> tuple[str, bytes]:
    """Return the Dockerfile's name and text; docker's words say what is wrong with it. Raises InvalidInput, Unavailable."""
    path = posixpath.normpath(name.lstrip("/") or ".")
    if path == ".." or path.startswith("../"):
        raise InvalidInput(f"forbidden path outside the build context: {name:.200}")
    for each in (path, DOCKERFILE.lower()) if path == DOCKERFILE else (path,):
        try:
            text = archive.read(each, DOCKERFILE_BYTES)
        except NotFound:
            continue
        _check_dockerfile(text, each)
        return each, text
    raise Unavailable(f"Cannot locate specified Dockerfile: {name:.200}")


def _check_dockerfile(text: bytes, name: str) -> None:
    if not text:
        raise InvalidInput(f"the Dockerfile ({name:.200}) cannot be empty")
    if len(text) > DOCKERFILE_BYTES:
        raise InvalidInput(f"the Dockerfile ({name:.200}) has more than {DOCKERFILE_BYTES >> 20} MiB")


def _without_its_own(archive: ContextArchive, dockerfile: str) -> ContextArchive:
    """Return the context that a client of docker's has sent, without those of its own files that it names as left out."""
    try:
        patterns = Patterns.parse(archive.read(IGNORE_FILE, DOCKERFILE_BYTES))
    except (NotFound, InvalidInput):  # patterns that mean nothing are the client's affair, as for dockerd
        return archive
    hidden = [name for name in (IGNORE_FILE, dockerfile) if patterns.matches(name)]
    return archive.without(_exactly_these(hidden)) if hidden else archive


def _exactly_these(names: Sequence[str]) -> Patterns:
    return Patterns([SPECIAL.sub(r"\\\g<0>", name) for name in names])


def _main(archive: ContextArchive, dockerfile: str, parts: Sequence[tuple[str, str]]) -> ContextArchive:
    """Return the main context: what is sent, but for other contexts, and what `NAME.dockerignore` or .dockerignore names."""
    patterns = _ignored(archive, dockerfile).patterns
    hidden = {place.lstrip("/").partition("/")[0] for _, place in parts}
    if not patterns and not hidden:
        return archive
    return archive.without(Patterns([*patterns, *_exactly_these(sorted(hidden)).patterns]))


def _ignored(archive: ContextArchive, dockerfile: str) -> Patterns:
    for name in (f"{dockerfile}{IGNORE_FILE}", IGNORE_FILE):
        try:
            return Patterns.parse(archive.read(name, DOCKERFILE_BYTES))
        except NotFound:
            continue
        except InvalidInput as error:
            raise InvalidInput(f"{name}: {error}") from None
    return Patterns(())


def _named(archive: ContextArchive, parts: Sequence[tuple[str, str]]) -> Iterator[tuple[str, Source]]:
    for name, place in parts:
        path = posixpath.normpath(place.strip("/") or ".")
        if path.startswith("..") or path == ".":
            raise InvalidInput(f"context {name!r:.80}: {place!r:.200} is no directory below the top of what is sent")
        yield name, archive.part(os.fsencode(path), f"the context {name}")

"""Sources of a build: a directory with its Dockerfile, an archive, a Dockerfile alone, or a URL that the daemon fetches."""

from __future__ import annotations

import os

from labcore.client.build_context import Packer
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Final

    from labcore.options.dockerignore import Patterns

DOCKERFILE: Final = "Dockerfile"
ELSEWHERE: Final = ".dockerfile."  # begins the name in the archive of one that is not in the context
IGNORE_FILE: Final = ".dockerignore"
DOCKERFILE_BYTES: Final = 16 << 20  # of one that is read
CONTEXTS: Final = ".labcore-contexts"
FROM_CONTEXT: Final = "context:"


class BuildSource:
    """What is sent: iterate for the archive's pieces, once.

    `dockerfile` is the file's name in it, and `shown` its name for people; `text` is what is in it, where that is known,
    and `ignored` what is in its .dockerignore.
    `remote` is the URL that the daemon fetches instead. `contexts` are the named ones, as the daemon is told of them.
    With `compresses` it is sent compressed.
    `sent` counts the bytes; `error` is why it broke off.
    """

    def __init__(
        self,
        pieces: Callable[[], Iterable[bytes]] | None = None,
        *,
        remote: str = "",
        dockerfile: str = DOCKERFILE,
        shown: str = DOCKERFILE,
        text: bytes = b"",
        ignored: bytes = b"",
        contexts: Mapping[str, str] = {},
    ) -> None:
        self._pieces = pieces
        self.ignored = ignored
        self.remote = remote
        self.dockerfile = dockerfile
        self.shown = shown
        self.text = text
        self.contexts = contexts
        self.compresses = False
        self.sent = 0
        self.is_sent = False
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            pieces = self._pieces() if self._pieces else ()
            for piece in compressed(pieces) if self.compresses else pieces:
                self.sent += len(piece)
                yield piece
            self.is_sent = True
        except Exception as error:
            self.error = error
            raise


def compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces compressed by gzip (RFC 1952)."""
    import zlib

    compressor = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for piece in pieces:
        if found := compressor.compress(piece):
            yield found
    yield compressor.flush()


def of_url(url: str, *, dockerfile: str = "", contexts: Mapping[str, str] = {}) -> BuildSource:
    """Have the daemon fetch a tar archive, or a Dockerfile alone."""
    _, others = _named(contexts)
    name = dockerfile or DOCKERFILE
    return BuildSource(remote=url, dockerfile=name, shown=name, contexts=others)


def of_archive(pieces: Iterable[bytes], *, dockerfile: str = "", contexts: Mapping[str, str] = {}) -> BuildSource:
    """Send a tar archive as it is, compressed or not."""
    directories, others = _named(contexts)
    if directories:
        raise InvalidInput(
            f"--build-context {next(iter(directories))}: an archive as context cannot have a directory beside it"
        )
    name = dockerfile or DOCKERFILE
    return BuildSource(lambda: pieces, dockerfile=name, shown=name, contexts=others)


def of_dockerfile(text: bytes, *, contexts: Mapping[str, str] = {}) -> BuildSource:
    """Send a Dockerfile alone, without any context but the named ones."""
    directories, others = _named(contexts)

    def pieces() -> Iterator[bytes]:
        packer = Packer()
        packer.file(DOCKERFILE, text)
        packer.file(f"{DOCKERFILE}{IGNORE_FILE}", b"*\n")
        yield from _pack_named(packer, directories)
        yield packer.finish()

    return BuildSource(pieces, text=_not_empty(text, DOCKERFILE), contexts=others | _told(directories))


def of_directory(
    path: str, *, dockerfile: str = "", text: bytes | None = None, contexts: Mapping[str, str] = {}
) -> BuildSource:
    """Send a directory, without what its .dockerignore names. The Dockerfile may lie elsewhere, or be a `text`.

    `NAME.dockerignore` beside the Dockerfile NAME goes before .dockerignore. `contexts` are named: a directory each, or what
    the daemon knows (`docker-image://…`). Raises InvalidInput.
    """
    if not os.path.isdir(path):
        raise InvalidInput(
            f"the build context {path}: {'it is no directory' if os.path.exists(path) else 'there is no such directory'}"
        )
    directories, others = _named(contexts)
    found = _Dockerfile(path, dockerfile, text)
    others |= _told(directories)
    return BuildSource(
        lambda: _pieces(path, found, directories),
        dockerfile=found.name, shown=found.shown, text=found.text, ignored=found.ignored, contexts=others,
    )  # fmt: skip


def _pieces(path: str, dockerfile: _Dockerfile, directories: Mapping[str, str]) -> Iterator[bytes]:
    packer = Packer()
    if dockerfile.is_elsewhere:
        packer.file(dockerfile.name, dockerfile.text)
        own = f"{dockerfile.name}{IGNORE_FILE}"
        packer.file(own, dockerfile.ignored + f"\n{dockerfile.name}\n{own}\n".encode())
    kept = (dockerfile.name, f"{dockerfile.name}{IGNORE_FILE}", IGNORE_FILE)
    yield from packer.directory(path, ignored=_patterns(dockerfile.ignored), kept=kept)
    yield from _pack_named(packer, directories)
    yield packer.finish()


def _pack_named(packer: Packer, directories: Mapping[str, str]) -> Iterator[bytes]:
    for name, path in directories.items():
        ignored = _patterns(_read(os.path.join(path, IGNORE_FILE)) or b"")
        yield from packer.directory(path, prefix=_place(name), ignored=ignored)


def _named(contexts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the named contexts that are directories, and the others. Raises InvalidInput."""
    directories: dict[str, str] = {}
    others: dict[str, str] = {}
    for name, where in contexts.items():
        kind, colons, _ = where.partition("://")
        if colons and kind != "docker-image":
            raise InvalidInput(
                f"--build-context {name}={where}: {kind}:// is not known here; docker-image://IMAGE is, and a directory"
            )
        if not colons and not os.path.isdir(where):
            raise InvalidInput(f"--build-context {name}={where}: there is no such directory")
        (others if colons else directories)[name] = where
    return directories, others


def _place(name: str) -> str:
    from binascii import hexlify

    return f"{CONTEXTS}/{hexlify(name.encode()).decode()}/"  # a name may have any letters


def _told(directories: Mapping[str, str]) -> dict[str, str]:
    return {name: f"{FROM_CONTEXT}{_place(name)}" for name in directories}


def _patterns(text: bytes) -> Patterns | None:
    """Read a .dockerignore. Raises InvalidInput."""
    if not text.strip():
        return None
    from labcore.options.dockerignore import Patterns  # most contexts have none

    try:
        return Patterns.parse(text)
    except InvalidInput as error:
        raise InvalidInput(f"{IGNORE_FILE}: {error}") from None


def _read(path: str) -> bytes | None:
    """Return what is in a file, None if there is none. Raises InvalidInput for a file that cannot be read, or is too large."""
    try:
        with open(path, "rb") as file:
            content = file.read(DOCKERFILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from None
    if len(content) > DOCKERFILE_BYTES:
        raise InvalidInput(f"{path}: it has more than {DOCKERFILE_BYTES >> 20} MiB, and is read whole")
    return content


class _Dockerfile:
    """A context's Dockerfile: its name in the archive, what is in it, and what is ignored for it. Raises InvalidInput."""

    def __init__(self, context: str, named: str, text: bytes | None) -> None:
        self.shown = named or DOCKERFILE
        path = named or _default(context)
        read = _read(path) if text is None else text
        if read is None:
            raise InvalidInput(f"{path}: there is no such Dockerfile\n  cure: name the one that is meant: -f FILE")
        self.text = _not_empty(read, self.shown)
        inside = None if text is not None else _inside(context, path)
        self.is_elsewhere = inside is None
        self.name = inside or f"{ELSEWHERE}{os.urandom(8).hex()}"
        own = _read(f"{path}{IGNORE_FILE}") if text is None else None
        self.ignored = own if own is not None else _read(os.path.join(context, IGNORE_FILE)) or b""


def _not_empty(text: bytes, shown: str) -> bytes:
    if not text:
        raise InvalidInput(f"the Dockerfile ({shown}) cannot be empty")
    return text


def _default(context: str) -> str:
    """Return the Dockerfile of a context; `dockerfile` is one, too, where there is no other."""
    path, other = os.path.join(context, DOCKERFILE), os.path.join(context, DOCKERFILE.lower())
    return other if os.path.lexists(other) and not os.path.lexists(path) else path


def _inside(context: str, path: str) -> str | None:
    """Return where a file is in a context, None if it is elsewhere."""
    top, real = os.path.realpath(context), os.path.realpath(path)
    return os.path.relpath(real, top) if real.startswith(top.rstrip("/") + "/") else None

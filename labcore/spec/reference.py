"""References: the names of images, parsed as Docker does."""

from __future__ import annotations

import re
from functools import lru_cache

from labcore.errors import InvalidInput
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Self

HUB: Final = "docker.io"
LONGEST: Final = 255  # characters of a repository
EXAMPLES: Final = "for example busybox, alpine:3.20 or localhost:5000/team/app:v1"


class InvalidReference(InvalidInput):
    """What is no image name; `format_error` says why in docker's words."""

    def __init__(self, message: str, format_error: str) -> None:
        super().__init__(message)
        self.format_error = format_error


class Reference(Record):
    """The name of an image: `[registry/]repository[:tag][@digest]`, as Docker reads it.

    `Reference.parse("busybox")` is `docker.io/library/busybox:latest`; `str()` gives the short form back.
    """

    registry: str
    repository: str
    tag: str | None
    digest: str | None = None

    @classmethod
    @lru_cache(maxsize=256)
    def parse(cls, text: str) -> Self:
        """Parse a name. Raises InvalidInput with examples of names."""
        match = re.fullmatch(_REFERENCE, text, re.ASCII)
        if match is None:
            raise _refused(text, "it is [registry/]name[:tag][@digest], the name in lower case")
        if _is_identity(text):
            raise _refused(text, "64 hex digits are an image's identity; docker.io/library/… before them makes them a name")
        registry, repository = split_registry(match["path"])
        if problem := _wrong_with(registry) or _wrong_in(repository):
            raise _refused(text, problem)
        return cls(registry, repository, match["tag"] or (None if match["digest"] else "latest"), match["digest"])

    def __str__(self) -> str:
        suffix = (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")
        full = f"{self.registry}/{self.repository}"
        if self.registry != HUB:
            return full + suffix
        short = self.repository.removeprefix("library/")
        for name in (short, self.repository):
            if split_registry(name) == (HUB, self.repository) and not _is_identity(name):
                return name + suffix
        return full + suffix


def split_registry(path: str) -> tuple[str, str]:
    """Return the registry and the repository that a name without tag means, neither of them checked.

    The first part is a registry if it looks like a host: with a dot, a colon or an upper-case letter, or `localhost`.
    """
    first, slash, rest = path.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        first, rest = HUB, path
    registry = HUB if first == "index.docker.io" else first
    return registry, f"library/{rest}" if registry == HUB and "/" not in rest else rest


def check_registry(text: str) -> str:
    """Return a registry's host, with its port if it has one. Raises InvalidInput."""
    if problem := _wrong_with(text):
        raise InvalidInput(f"{text!r} is no registry: {problem}")
    return text


def _refused(text: str, problem: str) -> InvalidReference:
    return InvalidReference(f"{text!r} is no image name: {problem}, {EXAMPLES}", _format_error(text))


def _format_error(text: str) -> str:
    """Return what docker says of a text that is no image name."""
    if _is_identity(text):
        return f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
    match = re.fullmatch(_REFERENCE, text, re.ASCII)
    repository = split_registry(match["path"])[1] if match else ""
    if repository != repository.lower():
        return f"invalid reference format: repository name ({repository}) must be lowercase"
    head, _, tag = text.rpartition(":")
    if head and "/" not in tag and "@" not in text and not re.fullmatch(r"\w[\w.-]{0,127}", tag, re.ASCII):
        return "invalid tag format"
    if len(repository) > LONGEST:
        return f"invalid reference format: repository name must not be more than {LONGEST} characters"
    return "invalid reference format"


def _is_identity(text: str) -> bool:
    return len(text) == 64 and not text.strip("0123456789abcdef")


def _wrong_with(registry: str) -> str | None:
    if registry == HUB:
        return None
    match = re.fullmatch(_HOST, registry)
    if match is None:
        return f"{registry!r} is no host[:port]"
    if match["port"] and not 0 < int(match["port"]) < 65536:
        return f"{match['port']} is no port"
    if match["six"]:
        import socket  # which costs 5 ms

        try:
            socket.inet_pton(socket.AF_INET6, match["six"])
        except OSError:
            return f"{match['six']} is no address of IPv6"
    return None


def _wrong_in(repository: str) -> str | None:
    if len(repository) > LONGEST:
        return f"its repository has {len(repository)} characters, and {LONGEST} are the most"
    if not re.fullmatch(_REPOSITORY, repository):
        return f"{repository!r} must be lower case, without empty parts"
    return None


# Each is compiled when the first name is read that needs it.
_REFERENCE = r"(?P<path>[^@\s]+?)(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[(?P<six>[0-9a-fA-F:]+)\])(?::(?P<port>[0-9]{{1,5}}))?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_REPOSITORY = rf"{_COMPONENT}(?:/{_COMPONENT})*"

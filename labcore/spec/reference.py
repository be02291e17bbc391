"""The names of images."""

import re
from typing import Self

from labcore.errors import InvalidInput
from labcore.record import Record


class Reference(Record):
    """The name of an image: `[registry/]repository[:tag][@digest]`, as Docker reads it.

    `Reference.parse("busybox")` is `docker.io/library/busybox:latest`; `str()` gives the short form back.
    """

    registry: str
    repository: str
    tag: str | None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a name. Raises InvalidInput, saying what a name looks like."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise InvalidInput(
                f"{text!r} is no image name: it is [registry/]name[:tag][@digest], the name in lower case, "
                "for example busybox, alpine:3.20 or localhost:5000/team/app:v1"
            )
        path, tag, digest = match["path"], match["tag"], match["digest"]
        first, slash, rest = path.partition("/")
        if slash and ("." in first or ":" in first or first == "localhost"):
            registry, repository = first, rest
        else:
            registry, repository = "docker.io", path if slash else f"library/{path}"
        if not _REPOSITORY.fullmatch(repository):
            raise InvalidInput(f"{text!r} is no image name: {repository!r} must be lower case, without empty parts")
        return cls(registry, repository, tag or (None if digest else "latest"), digest)

    def __str__(self) -> str:
        familiar = self.repository.removeprefix("library/") if self.registry == "docker.io" else None
        name = familiar or (self.repository if self.registry == "docker.io" else f"{self.registry}/{self.repository}")
        return name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


_REFERENCE = re.compile(
    r"(?P<path>(?:[a-zA-Z0-9.-]+(?::[0-9]+)?/)?[a-z0-9._/-]+)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-f]{32,}))?",
    re.ASCII,
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")

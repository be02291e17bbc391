"""What a registry holds, as values."""

from collections.abc import Sequence
from typing import Protocol

from labcore.record import Record


class Kept(Record):
    """An image that a repository has: its manifest's digest, the tags that stand for it now, its layers from the lowest up."""

    digest: str
    tags: tuple[str, ...]
    layers: tuple[str, ...]


class Repository(Record):
    """A repository by its name, and what is in it."""

    name: str
    images: tuple[Kept, ...]


class HasContents(Protocol):
    """A registry that can say what is in it."""

    @property
    def address(self) -> str:
        """Where it is."""

    def contents(self) -> Sequence[Repository]:
        """Return its repositories."""

"""What is said while a comparison is made, and what it is to be."""

from typing import Final

from labcore.record import Record

ROUNDS: Final = 5
QUICK_ROUNDS: Final = 2


class Progress(Record):
    """What is being done, the `done`-th thing of `total`."""

    what: str
    done: int
    total: int


class Options(Record):
    """What to compare. `rounds` 0: as many as are usual.

    `quick`: fewer rounds, no other engines, no Debian. `cold`: also with no file remembered (root only).
    """

    rounds: int = 0
    quick: bool = False
    cold: bool = False

    @property
    def times(self) -> int:
        """How many rounds it is."""
        return self.rounds or (QUICK_ROUNDS if self.quick else ROUNDS)

"""Learner: whose draws are made, by LABCORE_LEARNER; with one seed two learners draw differently, and each the same again."""

import hashlib
import os
from typing import Final

VARIABLE: Final = "LABCORE_LEARNER"


def learner() -> str:
    """Return the learner's name, empty if none is given."""
    return os.environ.get(VARIABLE, "").strip()


def learners_seed(seed: int, name: str) -> int:
    """Return the seed of a learner's draws; without a name it is the seed itself."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8], "big") if name else seed

"""Names of containers: docker's rule, and an adjective and a surname drawn for one that nobody has named."""

from __future__ import annotations

import os
import re

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}")
ADJECTIVES: Final = (
    "agile amber ample apt avid bold brave brief bright brisk calm candid clear clever cosy crisp curious daring deft eager "
    "earnest easy exact fair famous fast fine firm fond frank fresh gentle glad golden grand happy hardy honest humble ideal "
    "jolly keen kind lively loyal lucid lucky mellow merry mild modest neat nimble noble patient plain polite prime proud "
    "quick quiet rapid ready robust serene sharp silent sincere sober solid steady sturdy subtle sunny swift tidy tranquil "
    "upbeat vital vivid warm wise witty zealous"
)
SURNAMES: Final = (
    "abel agnesi aiken avogadro babbage backus banach bardeen bell bernoulli boole born bose cantor cerf chandra church "
    "codd cohn conway cray curie darwin descartes dijkstra dirac eckert erdos euclid euler faraday fermat fermi feynman floyd "
    "fourier franklin galois gauss germain godel goldberg granville hamilton hamming haroche hertz hilbert hoare hopper hubble "
    "huygens hypatia jacobi jones joule kay keller kepler khorana kilby knuth kolmogorov lamarr lamport laplace leavitt "
    "lehmann liskov lovelace lumiere maxwell mayer mccarthy mendel mirzakhani moser naur newell noether nobel nyquist "
    "pascal perlman planck poincare ptolemy ramanujan ritchie rubin sammet shannon spence sutherland tesla thompson torvalds "
    "turing volta wescoff wiles wilkes wirth wu yalow zuse"
)


def checked_name(name: str) -> str:
    """Return a name that a container can have. Raises InvalidInput."""
    if not NAME.fullmatch(name):
        raise InvalidInput(f"Invalid container name ({name[:140]}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
    return name


def drawn_name(attempt: int = 0) -> str:
    """Return a name by chance, such as `calm_hopper`; at a further attempt with a digit behind, for the plain one was taken."""
    number = int.from_bytes(os.urandom(8), "big")
    adjectives, surnames = ADJECTIVES.split(), SURNAMES.split()
    number, adjective = divmod(number, len(adjectives))
    number, surname = divmod(number, len(surnames))
    return f"{adjectives[adjective]}_{surnames[surname]}{number % 10 if attempt else ''}"

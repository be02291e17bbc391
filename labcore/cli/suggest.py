"""Errors for unknown commands, with the likely one, or what there is instead of docker's. Imported for an error only."""

from collections.abc import Iterable
from difflib import get_close_matches

from labcore.cli.absent import instead_of
from labcore.cli.commands import ALIASES, COMMANDS, NOUNS, SHORT
from labcore.errors import InvalidInput

WORD_CUTOFF = 0.66  # a command has few letters, of which one may be wrong


def unknown_command(noun: str, word: str) -> InvalidInput:
    """Return the error for a word that is no command, or no verb of a noun."""
    name = f"{noun} {word}".strip()
    help_of = f"labcore {noun} --help".replace("  ", " ")
    if word.startswith("-"):
        return InvalidInput(f"unknown option {word}\n  cure: {help_of}")
    if instead := instead_of(name):
        return InvalidInput(f"{name!r} is a command of docker's that is not here\n  cure: {instead}")
    if noun:
        verbs = [path.removeprefix(f"{noun} ") for path in (*COMMANDS, *ALIASES) if path.startswith(f"{noun} ")]
        found = [f"{noun} {verb}" for verb in likely(word, verbs)]
    else:
        found = [path for path in COMMANDS if path.endswith(f" {word}")]
        found = found or likely(word, [*NOUNS, *SHORT, *(path for path in COMMANDS if " " not in path)], WORD_CUTOFF)
    meant = f"did you mean `labcore {'`, `labcore '.join(found)}`?" if found else help_of
    return InvalidInput(f"unknown command {name!r}\n  cure: {meant}")


def likely(word: str, known: Iterable[str], cutoff: float = 0.7) -> list[str]:
    """Return what is known and looks like a word, at most two, the likeliest first."""
    return get_close_matches(word, list(known), n=2, cutoff=cutoff)

"""`labcore build --check`: a Dockerfile is read and looked at, and nothing is built."""

from __future__ import annotations

from importlib import import_module

from labcore.builder.parser import parse  # the language is read here: what is looked at need not be sent
from labcore.cli.builder.failure import excerpt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, TextIO

RULES: Final = "https://docs.docker.com/go/dockerfile/rule/"


def check(text: bytes, name: str, arguments: Sequence[tuple[str, str | None]], target: str, out: TextIO) -> int:
    """Print each warning with its rule, its line and an excerpt; return 1 if there are any. Raises DockerfileError."""
    lint = import_module("labcore.builder.lint")
    dockerfile = parse(text, name=name)
    warnings = lint.check(dockerfile, arguments=arguments, target=target)
    for each in warnings:
        address = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in each.rule).lstrip("-")
        print(f"\nWARNING: {each.rule}" + (f" - {RULES}{address}/" if each.rule else ""), each.text, sep="\n", file=out)
        for line in excerpt(text, each.line, name=name):
            print(line, file=out)
    if not warnings:
        print("Check complete, no warnings found.", file=out)
        return 0
    print(f"\nCheck complete, {len(warnings)} warning{'s' * (len(warnings) > 1)} found!", file=out)
    return 1

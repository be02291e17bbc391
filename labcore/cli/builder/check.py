"""`labcore build --check`: a Dockerfile is read and looked at, and nothing is built."""

from __future__ import annotations

import re

from labcore.builder import lint
from labcore.builder.parser import parse  # the language is read here: what is looked at need not be sent
from labcore.cli.builder.failure import excerpt
from labcore.options.dockerignore import Patterns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, TextIO

    from labcore.client.build_sources import BuildSource

WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")  # begins in a rule's name
RULES: Final = "https://docs.docker.com/go/dockerfile/rule/"


def check(source: BuildSource, arguments: Sequence[tuple[str, str | None]], target: str, out: TextIO) -> int:
    """Print each warning with its rule, its line and an excerpt; return 1 if there are any. Raises DockerfileError."""
    dockerfile = parse(source.text, name=source.shown)
    ignored = Patterns.parse(source.ignored) if source.ignored else None
    warnings = lint.check(dockerfile, arguments=arguments, target=target, ignored=ignored)
    for each in warnings:
        print(f"\nWARNING: {each.rule} - {RULES}{WORD.sub('-', each.rule).lower()}/", each.text, sep="\n", file=out)
        for line in excerpt(source.text, each.line, name=source.shown):
            print(line, file=out)
    if not warnings:
        print("Check complete, no warnings found.", file=out)
        return 0
    print(f"\nCheck complete, {len(warnings)} warning{'s' * (len(warnings) > 1)} found!", file=out)
    return 1

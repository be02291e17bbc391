"""`labcore build --check`: a Dockerfile is read and looked at, and nothing is built."""

from __future__ import annotations

from labcore.builder import lint
from labcore.builder.lint.rules import RULES
from labcore.builder.parser import parse  # the language is read here: what is looked at need not be sent
from labcore.cli.builder.failure import excerpt
from labcore.cli.formatting import printable
from labcore.options.dockerignore import Patterns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from labcore.client.build_sources import BuildSource


def check(source: BuildSource, arguments: Sequence[tuple[str, str | None]], target: str, out: TextIO) -> int:
    """Print each warning with an excerpt, its reason and its cure; return 1 if there are any. Raises DockerfileError."""
    dockerfile = parse(source.text, name=source.shown)
    ignored = Patterns.parse(source.ignored) if source.ignored else None
    warnings = lint.check(dockerfile, arguments=arguments, target=target, ignored=ignored)
    for each in warnings:
        rule = RULES[each.rule]
        print(f"\nWARNING: {' - '.join(filter(None, (rule.name, rule.url)))}", printable(each.text), sep="\n", file=out)
        print(*excerpt(source.text, each.line, name=source.shown), sep="\n", file=out)
        print(f"  reason: {rule.reason}", f"  cure: {rule.cure}", sep="\n", file=out)
    if not warnings:
        print("Check complete, no warnings found.", file=out)
        return 0
    print(f"\nCheck complete, {len(warnings)} warning{'s' * (len(warnings) > 1)} found!", file=out)
    return 1

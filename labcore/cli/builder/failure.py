"""Messages of a build that has failed: the last lines of its step, and where that stands in the Dockerfile."""

from __future__ import annotations

from labcore.cli.builder.vertices import ERROR, showable
from labcore.cli.formatting import printable
from labcore.client.build_sources import DOCKERFILE, ELSEWHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from labcore.cli.builder.vertices import Vertex
    from labcore.client.build_events import BuildFailed, FailureDetails, Warned

AROUND: Final = 2  # lines before and behind the one that is meant
RULE: Final = "-" * 20
OUTPUT_RULE: Final = "-" * 6


def line_of(details: FailureDetails) -> int:
    """Return the line of the Dockerfile that has failed, 0 if that is not known."""
    number = details.place.rpartition(":")[2]
    return details.line or (int(number) if number.isascii() and number.isdecimal() and len(number) < 8 else 0)


def report(error: BuildFailed, vertices: Sequence[Vertex], text: bytes, *, shown: str, sent: str) -> Iterator[str]:
    """Yield what is said; `text` is the Dockerfile, where it is known, `shown` its name, and `sent` that in the archive."""
    details = error.details
    failed = next((vertex for vertex in vertices if vertex.state == ERROR), None)
    output = [showable(line) for line in details.output] or (list(failed.last) if failed else [])
    if failed and output:
        yield from (OUTPUT_RULE, f" > {failed.title}:", *output, OUTPUT_RULE)
    if details.code and text:
        yield from excerpt(text, line_of(details), name=shown)
    elif details.excerpt:
        yield from (printable(_called(details.place, shown, sent)), *map(printable, details.excerpt))
    yield "labcore: " + "\n".join(map(printable, _called(error.message, shown, sent).splitlines()))


def _called(message: str, shown: str, sent: str) -> str:
    """Return what a daemon says of the Dockerfile, which it knows under the name in the archive, with its own name."""
    name = DOCKERFILE if sent.startswith(ELSEWHERE) else sent
    return f"{shown}{message.removeprefix(name)}" if message.startswith(f"{name}:") else message.replace(sent, shown)


def excerpt(text: bytes, line: int, *, name: str) -> Iterator[str]:
    """Yield a line of a Dockerfile between its neighbours, as BuildKit shows it: with `>>>` before those of its instruction."""
    lines = text.decode(errors="replace").splitlines()
    if not 0 < line <= len(lines):
        return
    last = line
    while last < len(lines) and lines[last - 1].rstrip().endswith(("\\", "`")) and last - line < 2 * AROUND:
        last += 1
    yield from (f"{name}:{line}", RULE)
    for number in range(max(line - AROUND, 1), min(last + AROUND, len(lines)) + 1):
        mark = ">>>" if line <= number <= last else "   "
        yield f"{number:4} | {mark} {printable(lines[number - 1].expandtabs(4))}".rstrip()
    yield RULE


def warning_lines(warnings: Sequence[Warned]) -> Iterator[str]:
    """Yield what is said of warnings at the end of a build."""
    if warnings:
        yield f"\n {len(warnings)} warning{'s' * (len(warnings) > 1)} found:"
    for each in warnings:
        rule = f"{each.rule}: " if each.rule else ""
        yield f" - {printable(rule + each.text)}" + (f" (line {each.line})" if each.line else "")

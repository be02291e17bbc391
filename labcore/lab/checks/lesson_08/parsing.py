"""Check of `parse`: the article's Dockerfile, and drawn ones, which are written down in drawn ways."""

import json
import random
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

from labcore.lab.article import FLASK
from labcore.lab.checks.lesson_08.cases import PARSERS, Case, Pair, compared, use_others
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say

ARTICLES: Final[list[Pair]] = [
    ["FROM", "python:2.7"],
    ["MAINTAINER", "Angel_Kitty <angelkitty6698@gmail.com>"],
    ["COPY", ". /app"],
    ["WORKDIR", "/app"],
    ["RUN", "pip install -r requirements.txt"],
    ["EXPOSE", "5000"],
    ["ENTRYPOINT", ["python"]],
    ["CMD", ["app.py"]],
]
DRAWN: Final = 3  # Dockerfiles
BROKEN: Final = 0.3  # of their blanks


def drawn_pairs(lots: random.Random, words: list[str]) -> list[Pair]:
    """Draw a Dockerfile's instructions, of these words."""

    def word() -> str:
        return lots.choice(words)

    middle: list[Pair] = [
        ["RUN", f"echo {word()} > /{word()} && cat /{word()} # {word()}"],
        ["RUN", ["/bin/sh", "-c", f'echo "{word()}"']],
        ["RUN", f"[ -f /{word()} ] || echo '{word()}'"],
        ["ENV", f'{word()}="{word()} {word()}"'],
        ["LABEL", f"maintainer={word()}"],
        ["COPY", f"{word()} {word()} /{word()}/"],
        ["COPY", [f"{word()} {word()}", f"/{word()}"]],
        ["WORKDIR", f"/{word()}"],
        ["USER", word()],
        ["EXPOSE", f"{lots.randint(1, 9999)}/udp"],
        ["VOLUME", [f"/{word()}"]],
    ]
    end: list[Pair] = [["ENTRYPOINT", ["echo", word()]], ["CMD", lots.choice([[word()], f"echo {word()}", f"['{word()}']"])]]
    return [["FROM", word()], *lots.sample(middle, lots.randint(4, 7)), *end]


def written(pairs: list[Pair], lots: random.Random) -> str:
    """Write instructions down: names in any case, comments and blank lines between them, lines continued at a blank."""
    lines = [f"# {lots.choice(pairs)[0]}"]
    for name, value in pairs:
        text = json.dumps(value) if isinstance(value, list) else value
        spelled = lots.choice([name, name.lower(), name.title()])
        lines += lots.choice([[], [""], [f"  # {spelled} {text}"], ["\t", "#"]])
        lines.append(f"{lots.choice(['', '  '])}{spelled}{lots.choice([' ', '   ', chr(9)])}{_continued(text, lots)}")
    return "\n".join([*lines, ""])


def _continued(text: str, lots: random.Random) -> str:
    """Break a text at some of its blanks, but not before `#`; comments and blank lines may stand in between."""
    broken = [" \\\n", " \\\n# and\n", " \\  \n\n"]
    return re.sub(r" (?=[^#])", lambda _: lots.choice(broken) if lots.random() < BROKEN else " ", text)


def _cases(draw: Draw) -> list[Case]:
    lots = random.Random(draw.token + str(draw.again))
    words = [draw.mark, draw.hostname, f"w{draw.number}", draw.token, f"x{draw.exit_code}"]
    found = [Case(say("the article's own Dockerfile"), (FLASK,), ARTICLES)]
    for _ in range(DRAWN):
        pairs = drawn_pairs(lots, words)
        found.append(Case(say("a drawn Dockerfile"), (written(pairs, lots),), pairs))
    return found


def _perform(mine: ModuleType, draw: Draw) -> list[Any]:
    use_others(mine, "parse")
    return [list(mine.parse(*case.given)) for case in _cases(draw)]


def _conclude(returned: Any, draw: Draw) -> Iterator[Claim]:
    cases = _cases(draw)
    for case, back in zip(cases, returned, strict=True):
        names = [pair[0] if isinstance(pair, list) and pair else pair for pair in back]
        if names != (wanted := [name for name, _ in case.wanted]):
            yield equal(say("{what}: its instructions, in order", what=case.claim), " ".join(wanted), " ".join(map(str, names)))
            return
    yield Claim(say("all instructions are there, in order, with their names in upper case"), True)
    values = [Case(case.claim, (" ".join(map(str, pair)),), pair) for case in cases for pair in case.wanted]
    yield from compared(values, [pair for back in returned for pair in back])


PARSE = Scenario(_perform, None, _conclude, None, twice=True, forbidden=PARSERS)

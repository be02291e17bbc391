"""Check of `expand`: texts with variables that were drawn, beside what labcore's builder makes of them."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from labcore.builder.parser import words
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say


def _variables(draw: Draw) -> dict[str, str]:
    """Return what was drawn: a usual value, a longer name that begins as another, an empty one, and one with traps."""
    name = f"V{draw.number}"
    return {name: draw.mark, f"{name}_LONG": draw.token, "EMPTY": "", "TRAP": f"${name} \\1 \\g<0>", "PATH": "/srv:/bin"}


def _texts(draw: Draw) -> dict[str, str]:
    """Return texts by what they are about."""
    name, other = f"V{draw.number}", f"W{draw.number}"
    return {
        say("a text without variables"): f"/srv/{draw.hostname} 5%",
        say("a plain `$NAME`"): f"/app/${name}/x",
        say("`${NAME}`, with letters behind it"): f"${{{name}}}LONG-${{{name}}}",
        say("several in one text"): f"${name}_LONG:${name}:$PATH",
        say("one that is not set"): f"<${other}${{{other}}}>",
        say("`${NAME:-word}` of one that is set"): f"${{{name}:-{draw.token}}}",
        say("`${NAME:-word}` of one that is not"): f"${{{other}:-{draw.token} twice}}/y",
        say("`${NAME:-word}` of an empty one"): f"${{EMPTY:-{draw.hostname}}}",
        say("`${NAME:-}`, with no word"): f"<${{{other}:-}}>",
        say("a value that looks like a variable stays as it is"): "$TRAP",
        say("a dollar sign behind a backslash is meant so"): f"\\${name} and \\${{{name}}}",
    }


def _perform(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    variables = _variables(draw)
    found = [mine.expand(text, variables) for text in _texts(draw).values()]
    return {"found": found, "kept": variables == _variables(draw)}


def _conclude(returned: Any, draw: Draw) -> Iterator[Claim]:
    for (what, text), found in zip(_texts(draw).items(), returned["found"], strict=True):
        wanted = words.expand(text, _variables(draw))
        yield equal(what, wanted, found)
    yield Claim(say("the variables are as they were"), returned["kept"])


EXPAND = Scenario(_perform, None, _conclude, None, forbidden=(words,))

"""Check of `cache_key`: steps that differ in one thing alone, and the same steps in another process."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from labcore.builder.cache_key import key_of
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say

Step = tuple[str, tuple[str, Any], str]


def _steps(draw: Draw) -> dict[str, Step]:
    """Return steps by the claim that their keys differ from the first one's."""
    parent, text, content = f"sha256:{draw.token}", f"echo {draw.mark} > /{draw.hostname}", f"sha256:{draw.number}"
    return {
        "": (parent, ("COPY", text), content),
        say("another step below, another key"): (f"sha256:{draw.hostname}", ("COPY", text), content),
        say("another instruction, another key"): (parent, ("RUN", text), content),
        say("another value, another key"): (parent, ("COPY", f"{text} "), content),
        say("other content of what it reads, another key"): (parent, ("COPY", text), f"{content}0"),
        say("nothing that is read, another key"): (parent, ("COPY", text), ""),
        say("the exec form is another instruction than the shell form"): (parent, ("COPY", [text]), content),
        say("one word is not two"): (parent, ("COPY", text.split(" ")), content),
        say("what ends the one does not begin the other"): (parent, ("COPY", f"{text}{content[:4]}"), content[4:]),
        say("the key below ends where the instruction begins"): (f"{parent}CO", ("PY", text), content),
    }


def _perform_cache_key(mine: ModuleType, draw: Draw) -> list[Any]:
    found = [[mine.cache_key(*step) for _ in range(2)] for step in _steps(draw).values()]
    mine.__dict__["hash"] = lambda value: hash((draw.token, value))  # as it is in another process: PYTHONHASHSEED
    keys = [[*keys, mine.cache_key(*step)] for keys, step in zip(found, _steps(draw).values(), strict=True)]
    return [[key if isinstance(key, str) else None for key in each] for each in keys]  # bytes would arrive as a text


def _conclude_cache_key(returned: Any, draw: Draw) -> Iterator[Claim]:
    keys = [first for first, _, _ in returned]
    yield Claim(
        say("a key is a text"),
        all(isinstance(key, str) and key for key in keys),
        repr(keys[0]) if keys[0] else say("something else"),
    )
    yield Claim(say("for the same step it is the same"), all(first == second for first, second, _ in returned))
    for text, key in list(zip(_steps(draw), keys, strict=True))[1:]:
        yield Claim(text, key != keys[0], str(key))
    elsewhere = [key for _, _, key in returned]
    same = keys == elsewhere and keys == draw.kept("keys", keys)
    yield Claim(say("in another process, too: a cache outlives the one that filled it"), same, str(elsewhere[0]))
    draw.keep("keys", keys)


CACHE_KEY = Scenario(_perform_cache_key, None, _conclude_cache_key, None, twice=True, forbidden=(key_of,))

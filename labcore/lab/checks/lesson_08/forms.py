"""Checks of `value_of` and `instruction`: the exec form and what only looks like it, names in any case, white space."""

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from labcore.lab.checks.lesson_08.cases import PARSERS, Case, compared, use_others
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say

HAVE_EXEC_FORM = ("RUN", "CMD", "ENTRYPOINT", "SHELL", "VOLUME", "COPY", "ADD")
HAVE_NONE = ("FROM", "ENV", "LABEL", "WORKDIR", "USER", "EXPOSE", "MAINTAINER", "STOPSIGNAL", "ARG", "HEALTHCHECK")


def _values(draw: Draw) -> list[Case]:
    words = ["/bin/echo", f"{draw.mark} and", draw.hostname, f'"{draw.number}"']
    form, text = say("an array of strings, in JSON, is a list of words"), say("what is no such array is a text, as it stands")
    cases: list[tuple[str, str, str, Any]] = [(form, name, json.dumps(words), words) for name in HAVE_EXEC_FORM]
    cases += [
        (form, "CMD", f'[ "{draw.mark}"  ,"b" ]', [draw.mark, "b"]),
        (form, "ENTRYPOINT", "[]", []),
    ]
    plain = [f"echo {draw.mark}  {draw.number}", f"['{draw.mark}', 'b']", f'["{draw.mark}", "b"', f'["{draw.mark}"] && b']
    plain += [f"[ -f /{draw.mark} ] || true", f'["{draw.mark}", {draw.number}]', f'"{draw.mark}"', "true", ""]
    plain += [f'{{"{draw.mark}": "b"}}', f'"{draw.mark}", "b"', str(draw.number), f'[["{draw.mark}"]]']
    cases += [(text, HAVE_EXEC_FORM[place % 2], rest, rest) for place, rest in enumerate(plain)]
    alone = say("only these seven instructions have that form")
    cases += [(alone, name, f'["{draw.mark}"]', f'["{draw.mark}"]') for name in HAVE_NONE]
    return [Case(claim, (name, rest), wanted) for claim, name, rest, wanted in cases]


def _perform_value_of(mine: ModuleType, draw: Draw) -> list[Any]:
    use_others(mine, "value_of")
    return [mine.value_of(*case.given) for case in _values(draw)]


def _conclude_value_of(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from compared(_values(draw), returned)


def _lines(draw: Draw) -> list[Case]:
    mark, word = draw.mark, draw.hostname
    pair, name = (
        say("a line is a pair: the name, and what stands behind it"),
        say("the name is in upper case, as written or not"),
    )
    blanks = say("white space parts them, however much; more of it within the value stays")
    cases = [
        (pair, f"FROM {word}", ["FROM", word]),
        (pair, f"ENV {mark}=a b={word}", ["ENV", f"{mark}=a b={word}"]),
        (name, f"workdir /{mark}", ["WORKDIR", f"/{mark}"]),
        (name, f"CoPy {mark} /{word}", ["COPY", f"{mark} /{word}"]),
        (blanks, f"RUN \t  echo  {mark}   {word}  ", ["RUN", f"echo  {mark}   {word}"]),
        (blanks, f"USER\t{word}", ["USER", word]),
        (say("the exec form gives its words"), f'CMD ["{mark}", "{word}"]', ["CMD", [mark, word]]),
        (say("also where the name is in lower case"), f'entrypoint  ["{mark}"]', ["ENTRYPOINT", [mark]]),
        (say("a name alone has an empty text"), "CMD", ["CMD", ""]),
    ]
    return [Case(claim, (line,), wanted) for claim, line, wanted in cases]


def _perform_instruction(mine: ModuleType, draw: Draw) -> list[Any]:
    use_others(mine, "instruction")
    return [mine.instruction(*case.given) for case in _lines(draw)]


def _conclude_instruction(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from compared(_lines(draw), returned)


VALUE_OF = Scenario(_perform_value_of, None, _conclude_value_of, None, twice=True, forbidden=PARSERS)
INSTRUCTION = Scenario(_perform_instruction, None, _conclude_instruction, None, twice=True, forbidden=PARSERS)

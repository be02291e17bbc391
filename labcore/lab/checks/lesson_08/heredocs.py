"""Check of `heredoc`: instructions with none, one and two, whose ends have drawn names; what follows stays."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from labcore.lab.checks.lesson_08.cases import PARSERS, Case, compared, use_others
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say


def _cases(draw: Draw) -> list[Case]:
    end, other, after = f"END{draw.number}", f"W{draw.exit_code}", [f"CMD {draw.mark}", f"END{draw.number}"]
    body = [f"echo {draw.mark}", "", "# no comment", "  a \\", f" {end}", f"{end} {end}", f"<<{other}"]
    plain = say("the lines up to the end, and that, belong to it; what follows does not")
    none = say("without one the line is as it was, and nothing is taken")
    tabs = say("with `<<-` tabs may stand before the end, and only then")
    cases: list[tuple[str, str, list[str]]] = [
        (plain, f"RUN <<{end}", [*body, end]),
        (plain, f"copy <<{end} /{draw.mark}", [*body, f"\t{end}", end]),
        (plain, f"ADD <<{end} /{draw.mark}", [end]),
        (plain, f"RUN cat <<{end} > /{draw.mark}", [*body, end]),
        (say("its end may stand in quotes, in the first line"), f"RUN <<'{end}'", [*body, end]),
        (say("its end may stand in quotes, in the first line"), f'RUN <<"{end}"', [*body, end]),
        (tabs, f"RUN <<-{end}", [*body, f"\t\t{end}"]),
        (say("two of them follow one another"), f"COPY <<{end} <<{other} /{draw.mark}/", [*body, end, "x", other]),
        (none, f"RUN echo {draw.mark}", []),
        (none, f"RUN echo $((1<<{draw.exit_code}))", []),
        (say("only RUN, COPY and ADD have one"), f"CMD cat <<{end}", []),
        (say("only RUN, COPY and ADD have one"), f"ENV A=b <<{end}", []),
    ]
    return [Case(claim, (line, [*taken, *after]), ["\n".join([line, *taken]), after]) for claim, line, taken in cases]


def _perform(mine: ModuleType, draw: Draw) -> list[Any]:
    use_others(mine, "heredoc")
    found = []
    for case in _cases(draw):
        line, following = case.given
        lines = iter(following)
        found.append([mine.heredoc(line, lines), list(lines)])
    return found


def _conclude(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from compared(_cases(draw), returned)


HEREDOC = Scenario(_perform, None, _conclude, None, forbidden=PARSERS)

"""Command: `python -m tests.mutation`, for all mutants or a sample.

Exits with 1 if a mutant was accepted that is not in the list of equivalent ones, or one of the list was rejected.
"""

import argparse
import random
import sys
import time
from collections import defaultdict

from tests.mutation.mutants import Mutant, all_steps, mutants_of
from tests.mutation.run import Outcome, equivalents, outcomes
from tests.mutation.sandbox import warm_up
from tests.mutation.table import table


def main() -> int:
    """Run, print the table, and name what is wrong."""
    options = _options()
    known = equivalents()
    mutants = {(lesson, step): mutants_of(lesson, step) for lesson, step in all_steps()}
    wrong = [f"no longer there: {key}" for key in known if key[2] not in {each.change for each in mutants.get(key[:2], ())}]
    chosen = [
        mutant
        for (lesson, step), each in mutants.items()
        if not options.steps or f"{lesson}:{step}" in options.steps
        for mutant in each
    ]
    chosen = [mutant for mutant in chosen if options.only in mutant.change]
    if options.seconds:
        chosen = _mixed(chosen, options.seed)
    until = time.monotonic() + options.seconds if options.seconds else None
    warm_up()
    found: dict[tuple[int, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes(chosen, options.workers, options.draw, until):
        found[outcome.mutant.lesson, outcome.mutant.step].append(outcome)
        if options.verbose:
            print(outcome.verdict, outcome.mutant.change, flush=True)
        key = (outcome.mutant.lesson, outcome.mutant.step, outcome.mutant.change)
        if outcome.unknown or outcome.accepted != (key in known and not outcome.too_slow):
            verb = "accepted" if outcome.accepted else "no verdict" if outcome.unknown else "rejected, though in the list"
            line = f"{verb}: lesson {key[0]}, {key[1]} (seed {outcome.verdict.seed}): {key[2]}"
            print(line, *([] if outcome.accepted else [outcome.verdict]), flush=True)
            wrong.append(line)
    print(table({key: _row(each, known) for key, each in found.items()}), flush=True)
    print(f"sample drawn with --seed {options.seed}" if options.seconds else "all mutants")
    print("\n".join(wrong))
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("steps", nargs="*", metavar="LESSON:STEP", help="these steps only")
    parser.add_argument("--seconds", type=float, help="a sample: as many mutants as can be begun in this time")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32), help="which sample")
    parser.add_argument("--draw", type=int, help="the checks' own seed; else each has its own")
    parser.add_argument("--workers", type=int, default=2, help="checks at once")
    parser.add_argument("--only", default="", metavar="TEXT", help="mutants whose change has this in it")
    parser.add_argument("--verbose", action="store_true", help="print each verdict")
    return parser.parse_args()


def _mixed(mutants: list[Mutant], seed: int) -> list[Mutant]:
    """Return them in an order that was drawn, with each step's next before any step's next but one."""
    lots = random.Random(seed)
    by_step: dict[tuple[int, str], list[Mutant]] = defaultdict(list)
    for mutant in lots.sample(mutants, len(mutants)):
        by_step[mutant.lesson, mutant.step].append(mutant)
    rounds = max(map(len, by_step.values()), default=0)
    return [each[number] for number in range(rounds) for each in by_step.values() if number < len(each)]


def _row(found: list[Outcome], known: dict[tuple[int, str, str], str]) -> dict[str, int]:
    """Return what became of a step's mutants, counted."""
    accepted = [(each.mutant.lesson, each.mutant.step, each.mutant.change) for each in found if each.accepted]
    equivalent = sum(key in known for key in accepted)
    return {
        "mutants": len(found),
        "rejected": len(found) - len(accepted),
        "equivalent": equivalent,
        "accepted": len(accepted) - equivalent,
    }


if __name__ == "__main__":
    sys.exit(main())

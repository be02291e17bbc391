"""Table of a mutation run: for each step how many mutants there are, and what became of them."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from tests.mutation.mutants import all_steps, mutants_of
from tests.mutation.run import equivalents

COLUMNS: Final = {"mutants": 8, "rejected": 9, "equivalent": 11, "accepted": 9}  # the last are those that are wrongly so


def table(rows: Mapping[tuple[int, str], Mapping[str, int]]) -> str:
    """Return a line for each step that has a row, in the lessons' order, and one for all."""
    total: Counter[str] = Counter()
    lines = [f"{'step':16}" + "".join(f" {column:>{width}}" for column, width in COLUMNS.items())]
    for key in all_steps():
        if key in rows:
            total.update(rows[key])
            lines.append(_line(f"{key[0]} {key[1]}", rows[key]))
    return "\n".join([*lines, _line("all", total)])


def _line(name: str, row: Mapping[str, int]) -> str:
    return f"{name:16}" + "".join(f" {row.get(column, 0):{width}}" for column, width in COLUMNS.items())


def whole() -> str:
    """Return the table of a whole run in which nothing is wrong."""
    known = Counter((lesson, step) for lesson, step, _ in equivalents())
    counts = {key: (len(mutants_of(*key)), known[key]) for key in all_steps()}
    return table(
        {
            key: {"mutants": mutants, "rejected": mutants - equivalent, "equivalent": equivalent}
            for key, (mutants, equivalent) in counts.items()
        }
    )

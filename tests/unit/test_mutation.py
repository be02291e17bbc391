"""Mutants differ from the solution in one place, and the list of equivalent ones names such as there are."""

import ast

import pytest

from labcore.lab.solutions import source_of
from tests.mutation.mutants import all_steps, mutants_of
from tests.mutation.run import LIST, equivalents
from tests.mutation.slots import slots
from tests.mutation.table import whole

# What was accepted once: every one of these is made.
MADE = {
    (1, "rootfs"): [
        "ops.Mount(root, root, flags=MountFlag.BIND | MountFlag.REC) → nothing",
        "MountFlag.PRIVATE → MountFlag.SLAVE",
        "ops.Chdir(root) ↔ ops.PivotRoot('.', '.')",
        "'/proc' → nothing",
        "ops.PivotRoot → ops.",
    ],
    (1, "run"): [
        "Exception: return 0",
        "tuple(argv) → argv",
        "*hostname(spec) → nothing",
        "hostname=name → nothing",
    ],
    (1, "outside_pid"): ["return None", "'NSpid:' → ''"],
    (2, "limits"): ["spec.resources == Resources() → False", "spec.resources.pids → spec.resources.memory"],
    (2, "confine"): ["ops.SetCapabilities(keep, keep) → nothing", "lab.seccomp() → nothing"],
    (3, "pull"): ["digest(blob) != part['digest'] → True", "print(", "manifest['layers'][:1]"],
    (3, "run"): ["**more → nothing", "*limits(spec) → nothing"],
    (4, "preflight"): ["error.cure → str(error)", "except ValueError"],
    (4, "main"): ["125 → ", "words[2:] → words"],
}


@pytest.mark.parametrize(("lesson", "step"), all_steps())
def test_mutants_are_told_apart_and_differ_from_the_solution(lesson: int, step: str) -> None:
    mutants = mutants_of(lesson, step)
    assert len({mutant.change for mutant in mutants}) == len({mutant.source for mutant in mutants}) == len(mutants)
    solution = ast.dump(ast.parse(source_of(step, lesson)))
    assert all(ast.dump(ast.parse(mutant.source)) != solution for mutant in mutants)


@pytest.mark.parametrize(("lesson", "step"), MADE)
def test_the_usual_mistakes_are_made(lesson: int, step: str) -> None:
    changes = [mutant.change for mutant in mutants_of(lesson, step)]
    for wanted in MADE[lesson, step]:
        assert any(wanted in change for change in changes), wanted


def test_the_list_names_mutants_that_there_are_each_with_a_reason() -> None:
    for (lesson, step, change), reason in equivalents().items():
        assert change in {mutant.change for mutant in mutants_of(lesson, step)}, (lesson, step, change)
        assert len(reason.split()) > 3


def test_the_table_in_the_readme_is_that_of_todays_mutants() -> None:
    """If it is not: run `make mutants`, and put there what it prints."""
    assert whole() in LIST.with_name("README.md").read_text(encoding="utf-8")


def test_a_tree_is_whole_again_after_each_change() -> None:
    tree = ast.parse(source_of("rootfs", 4))
    before = ast.dump(tree)
    for slot in slots(tree.body[0]):
        with slot.holding([ast.Constant(1)]):
            pass
    assert ast.dump(tree) == before

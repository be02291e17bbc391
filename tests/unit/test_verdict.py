"""Verdicts: a failed line names what was expected and what was seen, and two draws stand apart."""

import pytest

from labcore.lab.checks.verdict import SHOWN, Claim, State, Verdict, equal

FIRST = (Claim("its mounts are private", holds=True, seen="shared"), equal("host name", "tin-x", "tin-x"))


@pytest.mark.parametrize(
    ("claim", "line"),
    [
        (equal("host name", "tin-x", "tin-x"), "✓ host name: tin-x"),
        (equal("host name", "tin-x", "box"), "✗ host name: expected tin-x, saw box"),
        (equal("host name", "tin-x", ""), "✗ host name: expected tin-x, saw nothing"),
        (equal("exit code", 7, None), "✗ exit code: expected 7, saw None"),
        (FIRST[0], "✓ its mounts are private"),
        (FIRST[0].replace(holds=False), "✗ its mounts are private: saw shared"),
        (Claim("it ended", holds=False), "✗ it ended"),
    ],
)
def test_a_claim_is_one_line(claim: Claim, line: str) -> None:
    assert str(claim) == line


def test_a_long_value_is_cut() -> None:
    assert len(equal("host name", "tin-x", "y" * 9999).line) < SHOWN + 60


def test_two_draws_stand_apart() -> None:
    second = tuple(claim.replace(draw=2) for claim in FIRST)
    assert repr(Verdict("run", "passed", FIRST + second)).splitlines() == [
        "✓ run: passed",
        "  first draw:",
        "  ✓ its mounts are private",
        "  ✓ host name: tin-x",
        "  second draw, with other values:",
        "  ✓ its mounts are private",
        "  ✓ host name: tin-x",
    ]


def test_a_draw_that_holds_is_one_line_beside_one_that_does_not() -> None:
    verdict = Verdict("run", "failed", (*FIRST, equal("host name", "tin-y", "tin-x").replace(draw=2)))
    assert repr(verdict).splitlines()[1:] == [
        "  first draw: ✓ all 2 hold",
        "  second draw, with other values:",
        "  ✗ host name: expected tin-y, saw tin-x",
    ]
    assert "<div>✗ host name: expected tin-y, saw tin-x</div>" in verdict._repr_html_()


def test_one_draw_has_no_heading() -> None:
    assert "draw" not in repr(Verdict("run", "failed", FIRST))


def test_a_check_that_has_passed_is_folded_to_one_line() -> None:
    folded = Verdict("run", "passed", FIRST)._repr_html_()
    before, _, inside = folded.partition("</summary>")
    assert "<details><summary>" in before
    assert "run: passed" in before
    assert "(2 claims hold)" in before
    assert "host name: tin-x" not in before
    assert "<div>✓ host name: tin-x</div>" in inside


@pytest.mark.parametrize("state", ["failed", "blank"])
def test_one_that_has_not_is_open(state: State) -> None:
    assert "<details" not in Verdict("run", state, FIRST)._repr_html_()

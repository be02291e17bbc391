"""Several names of one command line, side by side."""

from threading import Barrier, Event

import pytest

from labcore.cli.at_once import MOST_AT_ONCE, for_each_at_once
from labcore.errors import NotFound


def test_nobody_waits_for_another_and_the_names_come_in_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    meet, last = Barrier(3, timeout=60), Event()

    def act(name: str) -> None:
        meet.wait()
        if name == "c":
            last.set()
        last.wait(60)

    assert for_each_at_once(["a", "b", "c"], act) == 0
    assert capsys.readouterr().out == "a\nb\nc\n"


def test_what_fails_is_said_and_the_others_are_done(capsys: pytest.CaptureFixture[str]) -> None:
    def act(name: str) -> bool:
        if name == "lost":
            raise NotFound("No such container: lost")
        return name != "quiet"

    assert for_each_at_once(["lost", "quiet", "a"], act) == 1
    assert capsys.readouterr() == ("a\n", "labcore: No such container: lost\n")


def test_there_are_never_more_than_so_many(capsys: pytest.CaptureFixture[str]) -> None:
    now: set[str] = set()
    most = []

    def act(name: str) -> None:
        now.add(name)
        most.append(len(now))
        now.discard(name)

    names = [str(number) for number in range(3 * MOST_AT_ONCE)]
    assert for_each_at_once(names, act) == 0
    assert max(most) <= MOST_AT_ONCE
    assert capsys.readouterr().out.split() == names


def test_what_is_no_error_of_a_command_is_raised() -> None:
    def act(name: str) -> None:
        raise ZeroDivisionError(name)

    with pytest.raises(ZeroDivisionError, match="a"):
        for_each_at_once(["a", "b"], act)

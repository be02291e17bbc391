"""Progress of a work in rounds says an honest time."""

from labcore.lab.pace import Pace


def test_what_is_left_is_told_from_the_second_round_on() -> None:
    times = iter([0.0, 0.0, 1.0, 5.0, 6.0])
    pace = Pace(lambda: next(times))
    assert pace.line("container", 1, 5) == "1 of 5: container (0 s so far)"
    assert pace.line("machine", 2, 5) == "2 of 5: machine (1 s so far)"
    assert pace.line("container", 3, 5) == "3 of 5: container (about 8 s left)"  # 1 s and 4 s: three more, 2.5 s each
    assert pace.line("machine", 4, 5) == "4 of 5: machine (about 5 s left)"

"""Times as docker's clients write them, in nanoseconds since 1970."""

import time

import pytest

from labcore.errors import InvalidInput
from labcore.timestamps import parse_rfc3339, parse_time, rfc3339

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1.5", 1_500_000_000),
        ("1700000000.0000000019", 1_700_000_000_000_000_001),
        ("-5", -5 * SECOND),
        ("2023-11-14T22:13:20Z", 1_700_000_000 * SECOND),
        ("2023-11-14T23:13:20.000000001+01:00", 1_700_000_000 * SECOND + 1),
    ],
)
def test_times_that_are_named(text: str, nanoseconds: int) -> None:
    assert parse_time(text) == nanoseconds


def test_durations_count_back_from_now() -> None:
    for text, seconds in (("1h30m", 5400), ("1.5m", 90), ("2000ms", 2)):
        assert abs(time.time_ns() - seconds * SECOND - parse_time(text)) < 5 * SECOND


def test_where_no_zone_is_said_it_is_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XYZ-2")
    time.tzset()
    try:
        assert parse_time("2023-11-15") == parse_time("2023-11-15T00:00:00") == parse_time("2023-11-14T22:00:00Z")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "x", "1x", "1h30", "1.2.3h", "1" * 40, "9" * 400 + "h", "0001-01-01", "20231114T1"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InvalidInput, match=r'failed to parse value as time or duration: ".*1h30m'):
        parse_time(text)


def test_rfc_3339_is_read_as_it_is_written() -> None:
    for nanoseconds in (0, 1, 1_700_000_000 * SECOND + 123_456_789):
        assert parse_rfc3339(rfc3339(nanoseconds)) == nanoseconds

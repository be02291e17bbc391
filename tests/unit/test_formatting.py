"""Tables, sizes, durations and ports as docker writes them; on a terminal the elastic column gets the room that is left."""

import fcntl
import os
import struct
import subprocess
import sys
import termios

import pytest

from labcore.cli.container.rows import ports_text
from labcore.cli.formatting import aligned, binary_size, duration, local_moment, natural_order, size
from labcore.cli.moments import moment
from labcore.client.container_values import Port
from labcore.errors import InvalidInput

TABLE = """from labcore.cli.formatting import show_table
show_table(["ID", "COMMAND", "NAMES"], [["1", "sleep for ever and a day", "page"], ["2", "sh", "work"]], elastic={!r})"""


def shown(columns: int, elastic: str) -> list[str]:
    """Print the table on a terminal so wide; return its lines."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with open(ours, "rb", buffering=0) as terminal:
        subprocess.run([sys.executable, "-c", TABLE.format(elastic)], stdout=theirs, check=True, timeout=30)
        os.close(theirs)
        return terminal.read(10_000).decode().split("\r\n")[:-1]


@pytest.mark.parametrize(
    ("columns", "elastic", "row"),
    [
        (80, "COMMAND", "1         sleep for ever and a day   page"),
        (35, "COMMAND", "1         sleep for ever a…   page"),
        (9, "COMMAND", "1         sleep …   page"),
        (24, "", "1         sleep for ever and a day   page"),
    ],
)
def test_the_elastic_column_gets_what_room_is_left(columns: int, elastic: str, row: str) -> None:
    heads, first, second = shown(columns, elastic)
    assert first == row
    assert heads.index("NAMES") == first.index("page") == second.index("work")


def test_columns_are_those_of_neighbouring_lines() -> None:
    """As text/tabwriter has it: a line with fewer cells ends a column."""
    lines = [["a", "b", "c"], ["long enough", "d", "e"], ["alone"], ["f", "g"]]
    assert aligned(lines) == [
        "a             b         c",
        "long enough   d         e",
        "alone",
        "f         g",
    ]
    assert aligned([[""] * 10_000]) == [" " * 99_990]


@pytest.mark.parametrize(
    ("count", "short", "long", "binary"),
    [
        (0, "0B", "0B", "0B"), (999, "999B", "999B", "999B"), (1000, "1kB", "1kB", "1000B"),
        (1024, "1.02kB", "1.024kB", "1KiB"),
        (999_949, "1MB", "999.9kB", "976.5KiB"), (2_036_000, "2.04MB", "2.036MB", "1.942MiB"),
        (25_276_063_744, "25.3GB", "25.28GB", "23.54GiB"),
    ],
)  # fmt: skip
def test_sizes(count: int, short: str, long: str, binary: str) -> None:
    assert (size(count), size(count, digits=4), binary_size(count)) == (short, long, binary)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "Less than a second"), (0.9, "Less than a second"), (1.5, "1 second"), (59, "59 seconds"), (60, "About a minute"),
        (119, "About a minute"), (120, "2 minutes"), (3599, "59 minutes"), (3600, "About an hour"), (5400, "2 hours"),
        (47 * 3600, "47 hours"), (48 * 3600, "2 days"), (14 * 86400, "2 weeks"), (60 * 86400, "2 months"),
        (730 * 86400, "2 years"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_names_are_sorted_with_their_numbers() -> None:
    assert sorted(["web10", "web9", "a", "10", "9"], key=natural_order) == ["9", "10", "a", "web9", "web10"]


@pytest.mark.parametrize(
    ("ports", "text"),
    [
        ([], ""),
        ([("", 80, 0, "tcp")], "80/tcp"),
        ([("", 80, 0, "tcp"), ("", 81, 0, "tcp"), ("", 90, 0, "udp")], "80-81/tcp, 90/udp"),
        ([("0.0.0.0", 80, 8080, "tcp"), ("::", 80, 8080, "tcp")], "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"),
        ([("127.0.0.1", 9001, 9001, "udp"), ("127.0.0.1", 9000, 9000, "udp")], "127.0.0.1:9000-9001->9000-9001/udp"),
        ([("", 5, 0, "tcp"), ("", 7, 0, "tcp"), ("", 8, 0, "tcp")], "5/tcp, 7-8/tcp"),
    ],
)
def test_ports(ports: list[tuple[str, int, int, str]], text: str) -> None:
    keys = ("IP", "PrivatePort", "PublicPort", "Type")
    assert ports_text([Port(dict(zip(keys, port, strict=True))) for port in ports]) == text


def test_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_000_000.0)
    assert [moment(text) for text in ("", "12.5", "10m", "1h30m", "0s")] == [
        "", "12.5", "999400.000000000", "994600.000000000", "1000000.000000000",
    ]  # fmt: skip
    assert moment("1970-01-02T00:00:00Z") == "86400.000000000"
    for wrong in ("x", "5x", "1970-13-01"):
        with pytest.raises(InvalidInput, match="is no time"):
            moment(wrong)


def test_moments_as_go_prints_them(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert local_moment("2026-11-30T01:35:57.729800+00:00") == "2026-11-30 01:35:57.7298 +0000 UTC"
    assert local_moment("2026-11-30T01:35:57Z") == "2026-11-30 01:35:57 +0000 UTC"

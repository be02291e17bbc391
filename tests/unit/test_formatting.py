"""Tables on a terminal: the elastic column gets the room that is left, and no other one is cut."""

import fcntl
import os
import struct
import subprocess
import sys
import termios

import pytest

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
        (80, "COMMAND", "1   sleep for ever and a day  page"),
        (24, "COMMAND", "1   sleep for ev…  page"),
        (9, "COMMAND", "1   sleep …  page"),
        (24, "", "1   sleep for ever and a day  page"),
    ],
)
def test_the_elastic_column_gets_what_room_is_left(columns: int, elastic: str, row: str) -> None:
    heads, first, second = shown(columns, elastic)
    assert first == row
    assert heads.index("NAMES") == first.index("page") == second.index("work")

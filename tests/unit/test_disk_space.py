"""Disk space: what is said where something cannot be kept for want of room, or on a read-only file system."""

import errno
from pathlib import Path

import pytest

from labcore.disk_space import room_for
from labcore.errors import StoreFull


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "no room for a layer in /store: no space left on device"),
        (errno.EDQUOT, "no room for a layer in /store: no space left on device"),
        (errno.EROFS, "no room for a layer in /store: read-only file system"),
    ],
)
def test_what_needed_room_and_where(number: int, said: str) -> None:
    with pytest.raises(StoreFull) as caught, room_for("a layer", Path("/store")):
        raise OSError(number, "")
    assert str(caught.value).startswith(said)
    assert caught.value.errno == number


def test_another_error_is_as_it_was() -> None:
    with pytest.raises(IsADirectoryError), room_for("a layer", Path("/store")):
        raise IsADirectoryError(errno.EISDIR, "")

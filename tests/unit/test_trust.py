"""Directories in which only this user, or root, can have put something."""

import os
from pathlib import Path

import pytest

from labcore.errors import InvalidInput
from labcore.paths import default_root
from labcore.trust import trusted
from tests.conftest import needs_root

STRANGER = 4242


def test_ones_own_and_what_is_not_there(tmp_path: Path) -> None:
    assert trusted(str(tmp_path)) == str(tmp_path)
    assert trusted(str(tmp_path / "nothing")) == str(tmp_path / "nothing")
    (tmp_path / "link").symlink_to(tmp_path)
    assert trusted(str(tmp_path / "link")) == str(tmp_path / "link")


def test_somebody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_root()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "later").symlink_to(tmp_path / "what they will make")
    for name in ("theirs", "link", "later"):
        os.chown(tmp_path / name, STRANGER, STRANGER, follow_symlinks=False)
        with pytest.raises(InvalidInput, match="could have put anything there: name another"):
            trusted(str(tmp_path / name))
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path / "theirs"))
    with pytest.raises(InvalidInput, match="it is another user's"):
        default_root()


def test_what_everybody_may_write_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(InvalidInput, match="chmod o-w"):
        trusted(str(tmp_path))
    tmp_path.chmod(0o700)

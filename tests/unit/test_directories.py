"""Atomic creation of directories, while others remove what killed processes have left."""

from pathlib import Path

import pytest

from labcore.locks import Lock
from labcore.storage import directories
from labcore.storage.directories import created_whole, sweep


@pytest.mark.parametrize("moment", ["before it is opened", "before it is locked"])
def test_a_new_directory_may_be_swept_away_until_it_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Whoever sweeps cannot tell it from one that a killed process has left: it is made again."""
    swept: list[Path] = []

    class Late(Lock):
        def __init__(self, path: Path, flags: int = 0) -> None:
            is_first, makers = not swept, [*tmp_path.iterdir()]
            swept.extend(makers)
            if is_first and moment == "before it is opened":
                sweep(tmp_path)
            super().__init__(path, flags)
            if is_first and moment == "before it is locked":
                sweep(tmp_path)

    monkeypatch.setattr(directories, "Lock", Late)
    with created_whole(tmp_path, "made", "directory") as place:
        (place / "file").write_text("whole")
    assert swept
    assert not swept[0].exists()
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    assert (tmp_path / "made/file").read_text() == "whole"

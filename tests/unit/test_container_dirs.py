"""Locks on containers' directories: who has waited in vain is remembered for a moment alone."""

from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.engine.records import container_dirs
from labcore.errors import InUse


def test_who_has_waited_in_vain_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dirs = Engine(tmp_path).container_dirs
    for moment, remembered in ((60.0, 3), (0.0, 1)):
        monkeypatch.setattr(container_dirs, "ASKS_AGAIN_SECONDS", moment)
        for id in "abc":
            dirs.path(id).mkdir(parents=True, exist_ok=True)
            with dirs.locked(id, id), pytest.raises(InUse), dirs.locked_once(id, id, seconds=0):
                raise AssertionError
        assert len(dirs._ran_out) == remembered

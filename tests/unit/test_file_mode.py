"""Modes of --chmod: octal, and chmod(1)'s symbolic ones, compared with what that program does."""

import subprocess
from pathlib import Path

import pytest

from labcore.builder.copy.file_mode import parse_mode
from labcore.errors import InvalidInput

MODES = [
    "0", "755", "4755", "07777", "u+x", "a+x", "+x", "-x", "=r", "go=", "u=rwx,go=rx", "g=u", "o=g", "u=o", "a+X", "-X",
    "u+s", "g+s", "ug+s", "+t", "o+t", "u-s,g-s", "a=rwX", "u+r-w+x", "=,u+rw", "ugo+w", "g+s,o-r",
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_as_chmod_does_it(tmp_path: Path, mode: str) -> None:
    """It runs with no umask, as the builder has none; a mode in digits leaves a directory's own setgid bit alone there."""
    file, directory = tmp_path / "file", tmp_path / "directory"
    file.touch()
    directory.mkdir()
    for before in (0o000, 0o644, 0o751, 0o4710, 0o1777):
        for path in (file, directory):
            if mode.isdigit() and path is directory and before & 0o6000:
                continue
            path.chmod(before)
            subprocess.run(["sh", "-c", 'umask 0; exec chmod -- "$@"', "sh", mode, path], check=True)
            wanted = path.stat().st_mode & 0o7777
            assert f"{parse_mode(mode)(before, path is directory):o}" == f"{wanted:o}", (f"{before:o}", path.name)


@pytest.mark.parametrize(
    "mode", ["8", "10000", "99999", "x", "u", "u+q", "+rwz", "755,", ",u+x", "u+x,", "²", "0x1", "-1", " 755"]
)
def test_what_is_no_mode(mode: str) -> None:
    with pytest.raises(InvalidInput, match="invalid chmod parameter: "):
        parse_mode(mode)

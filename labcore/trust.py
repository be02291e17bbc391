"""Directories that can be trusted: short commands import no more."""

import os

from labcore.errors import InvalidInput


def trusted(path: str) -> str:
    """Return a directory's path, if nobody but this user and root could have put into it what is found there.

    It need not be there yet. Raises InvalidInput if it, or a link in its place, is somebody else's, or others may write to it.
    """
    ours = (os.geteuid(), 0)
    try:
        itself, behind = os.lstat(path), os.stat(path)  # noqa: PTH116
    except OSError:  # what cannot be reached is missed by whoever wants to have it
        return path
    if itself.st_uid not in ours or behind.st_uid not in ours:
        raise InvalidInput(f"{path}: it is another user's, who could have put anything there: name another directory")
    if behind.st_mode & 0o002:
        raise InvalidInput(f"{path}: everybody may write to it, and could have put anything there: chmod o-w {path}")
    return path

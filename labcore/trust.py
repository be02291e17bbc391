"""Trusted directories: owned by this user or root, and writable by nobody else."""

from __future__ import annotations

import os

from labcore.errors import InvalidInput


def trusted(path: str) -> str:
    """Return a directory's path, if only this user and root can write to it.

    It need not exist. Raises InvalidInput if it, or a link in its place, belongs to another user, or others may write to it.
    """
    ours = (os.geteuid(), 0)
    for look in (os.lstat, os.stat):  # the link itself first: where it leads to may come to be later
        try:
            found = look(path)
        except OSError:  # what cannot be reached is missed by whoever wants to have it
            return path
        if found.st_uid not in ours:
            raise InvalidInput(f"{path}: it is another user's, who could have put anything there: name another directory")
    if found.st_mode & 0o002:
        raise InvalidInput(f"{path}: everybody may write to it, and could have put anything there: chmod o-w {path}")
    return path

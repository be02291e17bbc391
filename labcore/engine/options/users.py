"""Users by name: whom a container's program runs as, by the root file system's own passwd(5) and group(5).

`USER[:GROUP]`, each a name or a number, is read as docker reads it (image-spec, config.md, User): a number is never looked for
among the names, the first entry of several wins, and a group that is named takes the place of all that the user has.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final

from labcore.errors import InvalidInput, NotFound, SystemCallError, Unavailable
from labcore.record import Record
from labcore.spec import OverlayRoot, Root, User
from labcore.spec.isolation import parse_id
from labcore.storage.files import Files, of_root

MOST: Final = 16 << 20  # bytes of a file that a stranger has written
NUMBER_MAX: Final = (1 << 31) - 1  # of a user or group that a program is started as


def account(text: str, root: Root, more: Sequence[str] = ()) -> tuple[User, str]:
    """Return whom `USER[:GROUP]` means in a root file system that the caller has to itself, and the user's home directory.

    `more` are further groups of the user, names or numbers.

    Its files are found and read inside of it, whatever links it holds. Raises InvalidInput, Unavailable.
    """
    if isinstance(root, OverlayRoot) and not _has_written(root):
        return _of_layers(text, root.replace(writable="", read_only=False, volatile=False, devices=False), tuple(more))
    return _looked_up(text, root, more)


def default_account(text: str, root: Root) -> tuple[User, str]:
    """Return the same for whom nobody has asked for: root as it always is, where a container has spoilt its passwd(5)."""
    try:
        return account(text, root)
    except InvalidInput:
        return User(), "/root"


def _has_written(root: OverlayRoot) -> bool:
    """Return whether the container has files of its own in which users are found."""
    upper = f"{root.directory}/{root.writable}/upper/etc"
    return bool(root.writable) and (os.path.lexists(f"{upper}/passwd") or os.path.lexists(f"{upper}/group"))


@lru_cache(maxsize=256)
def _of_layers(text: str, root: OverlayRoot, more: tuple[str, ...]) -> tuple[User, str]:
    """Look for a user in layers alone, which never change: once."""
    return _looked_up(text, root, more)


def _looked_up(text: str, root: Root, more: Sequence[str]) -> tuple[User, str]:
    name, _, group = text.partition(":")
    if ":" in group or "\0" in text or text in ("", ":"):
        raise InvalidInput(f"user {text!r}: it is USER or USER:GROUP, each a name or a number")
    for each in (name, group, *more):
        _check_range(each)
    try:
        with of_root(root) as files:
            user, home = _account(files, name or "0", group)
            groups = (*(user.groups or (user.gid,)), *(_group(files, each) for each in more)) if more else user.groups
            return user.replace(groups=tuple(dict.fromkeys(groups))), home
    except SystemCallError as error:
        if error.errno != errno.EPERM:
            raise
        raise Unavailable(
            f"user {text}: looking into the root file system takes root's rights: sudo labcore …, or labcore rootless PROGRAM …"
        ) from None


def user_in(files: Files, text: str) -> User:
    """Return whom `USER[:GROUP]` means among the files of a root file system. Raises InvalidInput."""
    name, _, group = text.partition(":")
    return _account(files, name or "0", group)[0]


def _account(files: Files, name: str, group: str) -> tuple[User, str]:
    number = _number(name)
    entry = next((each for each in _users(files) if (each.uid == number if number is not None else each.name == name)), None)
    if entry is None:
        if number is None:
            raise InvalidInput(
                f"unable to find user {name}: no matching entries in passwd file: name one that is there, or a number"
            )
        entry = _Entry("", number, 0, "/")
    if group:
        return _user(entry.uid, _group(files, group)), entry.home
    others = [gid for _, gid, members in _groups(files) if entry.name and entry.name in members]
    return _user(entry.uid, entry.gid, *others), entry.home


def _user(uid: int, gid: int, *others: int) -> User:
    """Return the user with its own group among the supplementary ones, for a setgid program must not take it out of them."""
    return User(uid, gid, tuple(dict.fromkeys((gid, *others))))


class _Entry(Record):
    """A line of passwd(5)."""

    name: str
    uid: int
    gid: int
    home: str


def _users(files: Files) -> Iterator[_Entry]:
    for fields in _lines(files, "/etc/passwd"):
        with suppress(ValueError, IndexError):  # no line of passwd(5), which names nobody
            home = fields[5] if len(fields) > 5 else ""
            yield _Entry(fields[0], parse_id(fields[2]), parse_id(fields[3]), home or "/")


def _groups(files: Files) -> Iterator[tuple[str, int, list[str]]]:
    for fields in _lines(files, "/etc/group"):
        with suppress(ValueError, IndexError):
            yield fields[0], parse_id(fields[2]), fields[3].split(",") if len(fields) > 3 else []


def _group(files: Files, text: str) -> int:
    number = _number(text)
    found = number if number is not None else next((gid for name, gid, _ in _groups(files) if name == text), None)
    if found is None:
        why = "no matching entries in group file: name one that is there, or a number"
        raise InvalidInput(f"unable to find group {text}: {why}")
    return found


def _number(text: str) -> int | None:
    return parse_id(text) if text.isascii() and text.isdecimal() else None


def _check_range(text: str) -> None:
    """Raise InvalidInput, in docker's words, if a text is a number that no program is started by."""
    if not (text.isascii() and text.removeprefix("-").isdecimal()):
        return
    if text.startswith("-") or len(text.lstrip("0")) > len(str(NUMBER_MAX)) or int(text) > NUMBER_MAX:
        raise InvalidInput(f"uids and gids must be in range 0-{NUMBER_MAX}: no user or group is {text[:80]}")


def _lines(files: Files, path: str) -> Iterator[list[str]]:
    for line in os.fsdecode(_read(files, path)).split("\n"):
        yield line.strip().split(":")


def _read(files: Files, path: str) -> bytes:
    """Return a regular file's bytes; nothing, if it is not there. Nothing else is opened: it might wait, or be a device."""
    with suppress(NotFound), files.entry(path, follow=True) as entry:
        if not stat.S_ISREG(entry.status.st_mode):
            raise InvalidInput(f"{path} of the root file system is no file, and a user is looked for in it")
        if entry.status.st_size > MOST:
            raise InvalidInput(f"{path} of the root file system has {entry.status.st_size} bytes: {MOST} are the most")
        with open(entry.open(), "rb") as file:  # noqa: PTH123
            return file.read(MOST)
    return b""

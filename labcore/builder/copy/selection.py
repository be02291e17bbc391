"""Selections of COPY and ADD: files of a source by docker's patterns, with a digest of all that a copy depends on."""

from __future__ import annotations

import os
import posixpath
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from labcore.builder.copy.download import is_git, is_url
from labcore.builder.copy.sources import Item, encoded, not_ignored, parents, resolve
from labcore.errors import InvalidInput
from labcore.options.dockerignore import Patterns, matcher
from labcore.tar.reading import DIRECTORY, FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labcore.builder.copy.sources import Source


class Named(NamedTuple):
    """One file or directory that was named: its last name, its path without links, what it is.

    `entries` is what is copied of a directory: each path from there, and the file.
    """

    name: bytes
    path: bytes
    item: Item
    entries: tuple[tuple[bytes, Item], ...] = ()

    def path_of(self, relative: bytes) -> bytes:
        """Return the path in the source of one of the entries."""
        return self.path + b"/" + relative if self.path else relative


class Selection:
    """What was selected of a source."""

    def __init__(self, source: Source, named: Sequence[Named]) -> None:
        self.source = source
        self.named = tuple(named)

    @cached_property
    def digest(self) -> str:
        """The digest of names, types, modes, owners, links, contents and attributes; a time alone changes nothing."""
        digest = sha256()
        for each in self.named:
            if each.item.kind != DIRECTORY:
                digest.update(self._record(each.name, each.path, each.item))
                continue
            digest.update(b"/\0")  # which is no file's name
            for relative, item in each.entries:
                digest.update(self._record(relative, each.path_of(relative), item))
        return f"sha256:{digest.hexdigest()}"

    def _record(self, name: bytes, path: bytes, item: Item) -> bytes:
        content = item.digest or (self._hashed(path, item) if item.kind == FILE else b"")
        record = b"%s\0%s %o %d:%d %d:%d %s\0%s" % (name, item.kind, item.mode, *item.owner, *item.device, item.link, content)
        for key, value in sorted(item.attributes.items()):
            record += b"%d:%s=%d:%s" % (len(key), key, len(value), value)
        return record + b"\0"

    def _hashed(self, path: bytes, item: Item) -> bytes:
        digest = sha256()
        for piece in self.source.content(path, item):
            digest.update(piece)
        return digest.digest()


def select(
    source: Source,
    patterns: Sequence[str],
    *,
    excluded: Sequence[str] = (),
    keeps_parents: bool = False,
    command: str = "COPY",
) -> Selection:
    """Select files by paths and patterns; a directory stands for what is in it.

    `excluded` are patterns as in a .dockerignore, from a named directory, or for a named file's name. With `keeps_parents`
    files have their paths from the source's top, or from where a pattern has `/./`. Raises InvalidInput in docker's words;
    `command` is whose they are.
    """
    left_out = Patterns(excluded)
    try:
        found = [
            named
            for pattern in patterns
            for named in (_with_parents(source, pattern) if keeps_parents else _matching(source, pattern))
            if named.item.kind == DIRECTORY or not left_out.matches(os.fsdecode(named.name))
        ]
        if not found:
            raise InvalidInput("no source files were specified")
    except InvalidInput as error:
        raise InvalidInput(f"{command} failed: {error}") from None
    if left_out:
        found = [each._replace(entries=tuple(not_ignored(each.entries, left_out))) for each in found]
    return Selection(source, found)


def has_wildcards(path: str) -> bool:
    """Does a path hold `*`, `?` or `[`, without a backslash before it?"""
    plain = iter(path)
    for character in plain:
        if character == "\\":
            next(plain, None)
        elif character in "*?[":
            return True
    return False


def _cleaned(source: Source, pattern: str) -> str:
    """Return a path from the source's top. Raises InvalidInput if it leads out of a context."""
    encoded(pattern)
    cleaned = posixpath.normpath(pattern.lstrip("/") or ".")
    if cleaned.split("/")[0] == ".." and source.is_context:
        raise InvalidInput(f"forbidden path outside the build context: {pattern} ()")
    return posixpath.normpath(f"/{cleaned}").lstrip("/")


def _matching(source: Source, pattern: str) -> Iterator[Named]:
    if is_git(pattern) or is_url(pattern):
        raise InvalidInput(f"source can't be a {'git ref' if is_git(pattern) else 'URL'} for COPY")
    cleaned = _cleaned(source, pattern)
    paths = _expanded(source, cleaned) if has_wildcards(cleaned) else [os.fsencode(cleaned)]
    for path in paths:
        real, item = _there(source, path)
        entries: tuple[tuple[bytes, Item], ...] = ()
        if item.kind == DIRECTORY:
            start = len(real) + 1 if real else 0
            entries = tuple(sorted((each[start:], inner) for each, inner in source.below(real)))
        yield Named(path.rpartition(b"/")[2], real, item, entries)


def _there(source: Source, path: bytes) -> tuple[bytes, Item]:
    found = resolve(source, path)
    if found is None:
        raise _missing(source, os.fsdecode(path))
    return found


def _missing(source: Source, path: str) -> InvalidInput:
    reason = "file not found in build context or excluded by .dockerignore: " if source.is_context else ""
    return InvalidInput(f"{reason}stat {path}: file does not exist")


def _expanded(source: Source, pattern: str) -> list[bytes]:
    """Return the paths that a pattern matches, name by name; links before the first wildcard are followed."""
    parts = pattern.split("/")
    plain = next(depth for depth, part in enumerate(parts) if has_wildcards(part))
    above = resolve(source, os.fsencode("/".join(parts[:plain])))
    found = [above[0]] if above is not None and above[1].kind == DIRECTORY else []
    for depth, part in enumerate(parts[plain:], plain):
        expression = matcher(part)
        found = [
            directory + b"/" + name if directory else name
            for directory in found
            if depth == plain or _is_directory(source, directory)
            for name in source.names(directory)
            if expression.fullmatch(os.fsdecode(name))
        ]
    return found


def _is_directory(source: Source, path: bytes) -> bool:
    item = source.find(path)
    return item is not None and item.kind == DIRECTORY


def _with_parents(source: Source, pattern: str) -> Iterator[Named]:
    """Select files with the directories above them; no link in what comes behind the pivot is followed."""
    before, pivot, behind = pattern.partition("/./")
    base = _cleaned(source, before if pivot else "")
    wanted = _cleaned(source, behind if pivot else pattern)
    tops = _expanded(source, base) if has_wildcards(base) else [os.fsencode(base)]
    found = False
    for top in tops:
        real, item = _there(source, top)
        if entries := _below_top(source, real, wanted):
            found = True
            yield Named(real.rpartition(b"/")[2], real, item, entries)
    if not found and not has_wildcards(wanted):
        raise _missing(source, posixpath.join(base, wanted))


def _below_top(source: Source, top: bytes, pattern: str) -> tuple[tuple[bytes, Item], ...]:
    parts = pattern.split("/") if pattern else []
    plain = next((depth for depth, part in enumerate(parts) if has_wildcards(part)), len(parts))
    start = b"/".join(filter(None, (top, *map(os.fsencode, parts[:plain]))))
    item = source.find(start)
    if item is None:
        return ()
    included = Patterns([pattern])
    skipped = len(top) + 1 if top else 0
    found = {start[skipped:]: item} if plain == len(parts) and pattern else {}
    if item.kind == DIRECTORY:
        found.update((path[skipped:], each) for path, each in source.below(start) if _is_included(included, path[skipped:]))
    for directory in {above for path in found for above in parents(path)} - found.keys():
        above = source.find(top + b"/" + directory if top else directory)
        if above is not None:
            found[directory] = above
    return tuple(sorted(found.items()))


def _is_included(included: Patterns, path: bytes) -> bool:
    return not included or included.matches(os.fsdecode(path))

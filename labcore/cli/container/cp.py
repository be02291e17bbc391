"""`labcore container cp`: copy files between a container and this machine."""

from __future__ import annotations

import os
import posixpath
import stat
import sys
from pathlib import Path

from labcore.cli.connection import client_of
from labcore.errors import InvalidInput, NotFound
from labcore.storage.copy_in import extract_into  # which keeps hostile archives from leading out of a directory
from labcore.storage.files import Files, ResolvedPath, of_machine
from labcore.storage.metadata import SPECIAL
from labcore.storage.tree import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from labcore.cli.flags import Arguments, Parser
    from labcore.client import Client
    from labcore.client.container_files import Archive
    from labcore.client.container_values import PathStat

PIECE_BYTES: Final = 1 << 18
ROOT: Final = (0, 0)


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    called = f"{parser.prog} [OPTIONS]"
    parser.usage = f"{called} CONTAINER:PATH DEST|-\n        {called} SRC|- CONTAINER:PATH"
    parser.epilog = (
        "As docker cp: a directory is copied into one that is there, or becomes what is not there yet; SRC/. is what is in "
        "it. - is an archive (tar) on standard input or output. The container may run meanwhile."
    )
    parser.add_argument("-a", "--archive", action="store_true", help="keep owners (default: copies belong to whoever copies)")
    parser.add_argument("-L", "--follow-link", action="store_true", help="copy what a link SRC leads to, not the link")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not say what was copied, as is done at a terminal")
    parser.add_argument("source", metavar="SRC", help="what is copied")
    parser.add_argument("target", metavar="DEST", help="where it goes")


def main(args: Arguments) -> int:
    """Copy."""
    if not args.source or not args.target:
        raise InvalidInput("SRC or DEST is empty, and names no file: the directory one is in is .")
    source, target = _inside(args.source), _inside(args.target)
    with client_of(args) as client:
        if source and not target:
            _copy_out(client, args, *source)
        elif target and not source:
            _copy_in(client, args, *target)
        else:
            raise InvalidInput("one of SRC and DEST is in a container, CONTAINER:PATH, and the other is not")
    if not args.quiet and "-" not in (args.source, args.target) and sys.stderr.isatty():
        print(f"Successfully copied to {args.target}", file=sys.stderr)
    return 0


def _inside(text: str) -> tuple[str, str] | None:
    """Return container and path, if that is meant: a path of this machine with a colon begins with / or a dot."""
    name, colon, path = text.partition(":")
    if not colon or text.startswith(("/", ".")):
        return None
    return name, path if path.startswith("/") else f"/{path}"


def _absolute(path: str) -> str:
    return f"{Path.cwd()}/{path}" if not path.startswith("/") else path  # its end, a slash or /., has a meaning


def _copy_out(client: Client, args: Arguments, name: str, path: str) -> None:
    """Copy from a container to this machine."""
    source = client.containers.stat_path(name, path)
    called = source.name
    if args.follow_link and source.link_target:
        path = source.link_target
        source = client.containers.stat_path(name, path)
    if args.target == "-":
        with client.containers.get_archive(name, path).content as content:
            sys.stdout.buffer.writelines(content)
        return
    with of_machine() as here, here.resolve(_absolute(args.target), follow=True) as found:
        _check_target(args.target, source.is_directory, None if found.status is None else found.is_directory)
        _check_not_special(args.target, found)
        directory, new = _opened(found, called)
        try:
            _extract(client.containers.get_archive(name, path), Files(directory, ""), new, keeps_owners=args.archive)
        finally:
            os.close(directory)


def _extract(archive: Archive, files: Files, name: str, *, keeps_owners: bool) -> None:
    """Extract an archive under a name, `.` for what is in a directory, into the root of `files`."""
    content: Any = archive.content
    owner = None if keeps_owners else (os.geteuid(), os.getegid())
    with content:
        extract_into(content, files, "/", owner=owner, keeps_special=True, renamed=_renaming(archive.stat.name, name))


def _opened(found: ResolvedPath, name: str) -> tuple[int, str]:
    """Return the open directory that a copy goes into, and its name there; `.` is what is in it."""
    if found.is_directory:
        return found.open_directory(), name
    return os.open(".", DIRECTORY, dir_fd=found.parent), found.name


def _check_target(target: str, source_is_directory: bool, target_is_directory: bool | None) -> None:
    """Refuse what docker cp refuses; `target_is_directory` is None where there is nothing. Raises NotFound, InvalidInput."""
    if target_is_directory is None and not source_is_directory and target.endswith("/"):
        raise NotFound(f"{target}: there is no such directory to copy into")
    if target_is_directory is False and source_is_directory:
        raise InvalidInput(f"{target}: a directory cannot be copied to what is no directory")
    if target_is_directory is False and target.endswith("/"):
        raise InvalidInput(f"{target}: it is no directory to copy into")


def _check_not_special(target: str, found: ResolvedPath) -> None:
    if found.status is not None and (kind := SPECIAL.get(stat.S_IFMT(found.status.st_mode))):
        raise InvalidInput(f"{target} is {kind}, and no copy takes its place: remove it first")


def _renaming(base: str, new: str) -> Callable[[bytes], bytes]:
    """Return what gives the entries of an archive of `base` their names below `new`. That raises InvalidInput for others."""
    old, to = os.fsencode(base.strip("/")), os.fsencode(new.strip("/"))

    def renamed(name: bytes) -> bytes:
        rest = name.strip(b"/")
        if old in (b"", b"."):
            inner = rest.removeprefix(b"./").removeprefix(b".") if rest in (b".",) or rest.startswith(b"./") else rest
        elif rest == old:
            inner = b""
        elif rest.startswith(old + b"/"):
            inner = rest[len(old) + 1 :]
        else:
            raise InvalidInput(f"the archive's entry {name!r} is not of what was asked for, {base!r}")
        return b"/".join(part for part in (to, inner) if part) or b"."

    return renamed


def _copy_in(client: Client, args: Arguments, name: str, path: str) -> None:
    """Copy from this machine into a container."""
    there, path = _destination(client, name, path)
    called = f"{name}:{path}"
    if args.source == "-":
        if there is None or not there.is_directory:
            raise NotFound(f"{called}: there is no such directory to put an archive's files into")
        pieces = iter(lambda: sys.stdin.buffer.read(PIECE_BYTES), b"")
        client.containers.put_archive(name, path, pieces, no_overwrite_dir_non_dir=True)
        return
    source = _absolute(args.source)
    with of_machine() as here:
        with here.entry(source, follow=args.follow_link) as entry:
            _check_target(called, entry.is_directory, there.is_directory if there else None)
        into, new = (path, "") if there and there.is_directory else posixpath.split(path.rstrip("/"))
        owner = None if args.archive else ROOT
        pieces = here.archive(source, follow=args.follow_link, name=new, owner=owner)
        client.containers.put_archive(name, into, pieces, no_overwrite_dir_non_dir=True)


def _destination(client: Client, name: str, path: str) -> tuple[PathStat | None, str]:
    """Return what is at a path in a container, None for nothing, and the path, that of a link's target for a link."""
    try:
        found = client.containers.stat_path(name, path)
        if found.link_target:
            path = posixpath.join(posixpath.dirname(path.rstrip("/")), found.link_target)
            found = client.containers.stat_path(name, path)
    except NotFound as error:
        if "No such container" in str(error):
            raise
        return None, path
    return found, path

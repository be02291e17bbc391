"""`labcore container cp`: copy files between a container and this machine."""

import argparse
import os
import sys
from pathlib import Path

from labcore.disk_space import room_for
from labcore.engine import Engine
from labcore.engine.container.files import container_files
from labcore.errors import InvalidInput
from labcore.storage.files import copy, of_machine


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.usage = "%(prog)s [OPTIONS] CONTAINER:PATH DEST|-\n        %(prog)s [OPTIONS] SRC|- CONTAINER:PATH"
    parser.epilog = (
        "As docker cp: a directory is copied into one that is there, or becomes what is not there yet; SRC/. is what is in "
        "it. - is an archive (tar) on standard input or output. The container may run meanwhile."
    )
    parser.add_argument("-a", "--archive", action="store_true", help="keep owners (default: copies belong to whoever copies)")
    parser.add_argument("-L", "--follow-link", action="store_true", help="copy what a link SRC leads to, not the link")
    parser.add_argument("source", metavar="SRC", help="what is copied")
    parser.add_argument("target", metavar="DEST", help="where it goes")


def main(args: argparse.Namespace) -> int:
    """Copy."""
    if not args.source or not args.target:
        raise InvalidInput("SRC or DEST is empty, and names no file: the directory one is in is .")
    source, target = _inside(args.source), _inside(args.target)
    if (source is None) == (target is None):
        raise InvalidInput("one of SRC and DEST is in a container, CONTAINER:PATH, and the other is not")
    engine = Engine(args.root)
    owner = None if args.archive else (os.geteuid(), os.getegid())
    if source is not None:
        name, path = source
        with container_files(engine, name) as files, of_machine() as here:
            if args.target == "-":
                sys.stdout.buffer.writelines(files.archive(path, follow=args.follow_link))
            else:
                copy(files, path, here, _absolute(args.target), owner=owner, follow=args.follow_link)
    elif target is not None:
        name, path = target
        with (
            room_for(args.target, engine.layers.directory),
            container_files(engine, name, writable=True) as files,
            of_machine() as here,
        ):
            if args.source == "-":
                from labcore.storage.copy_in import extract_into

                extract_into(sys.stdin.buffer, files, path, owner=owner)
            else:
                copy(here, _absolute(args.source), files, path, owner=owner, follow=args.follow_link)
    return 0


def _inside(text: str) -> tuple[str, str] | None:
    """Return container and path, if that is meant: a path of this machine with a colon begins with / or a dot."""
    name, colon, path = text.partition(":")
    if not colon or text.startswith(("/", ".")):
        return None
    return name, path if path.startswith("/") else f"/{path}"


def _absolute(path: str) -> str:
    return f"{Path.cwd()}/{path}" if not path.startswith("/") else path  # its end, a slash or /., has a meaning

"""The `labcore` command: one module for each subcommand, imported only when it is asked for."""

import argparse
import codecs
import errno
import gc
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from labcore.errors import LabcoreError
from labcore.paths import closed_directory
from labcore.streams import open_standard_streams

# subcommand -> its line in the help; the module of the same name has `arguments(parser)` and `main(args) -> exit status`
COMMANDS = {
    "run": "run a program in a new container",
    "plan": "print what `run` would do, op by op, and start nothing",
    "pull": "get an image from a registry",
    "push": "send an image to the registry of its name",
    "login": "keep a user and a password for a registry, once it has let them in",
    "logout": "forget them",
    "search": "find images in a registry by a part of their names",
    "images": "list the images that are here",
    "inspect": "say all that is known of images",
    "history": "say how an image was made",
    "tag": "give an image a further name",
    "rmi": "remove images",
    "save": "write images into an archive that docker, podman and skopeo read too",
    "load": "get images from an archive",
    "import": "make an image of a root file system's archive",
    "df": "say what takes how much of the disk",
    "prune": "remove what no image and no container needs",
    "fsck": "look for damage in what is kept",
    "seed": "make images on the spot: busybox and hello-world; alpine, debian, nginx, python too",
    "snapshot": "what containers have written and is kept: list, remove",
    "diff": "list what was changed in a snapshot's files",
    "cp": "copy files out of a snapshot, or into one",
    "export": "write all files of a snapshot as one archive",
    "commit": "make an image of an image and what was changed in a snapshot",
    "volume": "directories that containers share and that outlive them: list, make, look at, remove",
    "registry": "serve a registry, for docker, podman, skopeo and labcore to push to and pull from",
    "doctor": "try what this machine can do, and say how to mend what is missing",
    "vm": "a virtual machine, to compare containers with: setup, run, list",
    "bench": "measure labcore and its peers side by side",
    "lesson": "the lessons: list, start, status, check, solve, reset, demo",
    "rootless": "run any program as root of a new user namespace, in which an ordinary user can make containers",
    "lab": "start a first container, then JupyterLab with the lessons",
}

# Those that make containers, or reach for their files: an ordinary user becomes root of a user namespace for them.
MAKES_CONTAINERS = {"run", "plan", "lesson", "lab", "bench", "snapshot", "diff", "cp", "export", "commit", "volume"}

# What docker answers when the failure is not the program's own.
LABCORE_FAILED = 125


def _as_bytes(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write what came in as bytes as the same bytes, and what this terminal's encoding has no sign for as `?`."""
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return b"".join(bytes([ord(each) & 0xFF]) if "\udc80" <= each <= "\udcff" else b"?" for each in letters), error.end


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    open_standard_streams()
    codecs.register_error("labcore", _as_bytes)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="labcore")
    words = sys.argv[1:] if argv is None else argv
    if not (wanted := os.environ.get("LABCORE_LANG") or "en").startswith(("en", "zh")):
        print(f"labcore: LABCORE_LANG={wanted}: there is en and zh; this is English", file=sys.stderr)
    try:
        return _carry_out(words)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except LabcoreError as error:
        print(f"labcore: {error}", file=sys.stderr)
        return LABCORE_FAILED
    except OSError as error:
        print(f"labcore: {_said(error)}", file=sys.stderr)
        if error.errno == errno.EADDRINUSE:
            print("  cure: end what listens there, or name another address", file=sys.stderr)
        if isinstance(error, NotADirectoryError):
            print("  cure: name a directory where one is wanted; the state root (--root, LABCORE_ROOT) is one", file=sys.stderr)
        if isinstance(error, PermissionError):
            print(f"  cure: {_way_in(error)}", file=sys.stderr)
        return LABCORE_FAILED
    except KeyboardInterrupt:
        return 130


def _carry_out(words: list[str]) -> int:
    """Do what the words say. What was printed is out then, or OSError is raised: for `--help` too, which ends by SystemExit."""
    try:
        args = _without_collecting(words)
        if os.geteuid() and _command_word(words) in MAKES_CONTAINERS:
            from labcore.cli.rootless import become_root

            become_root()
        return int(args.main(args)) if args.main else 0
    finally:
        sys.stdout.flush()


def for_each(names: Sequence[str], act: Callable[[str], None]) -> int:
    """Do it for each name, and return the exit status. If one cannot be, why is said, and the others go on."""
    status = 0
    for name in names:
        try:
            act(name)
        except LabcoreError as error:
            print(f"labcore: {error}", file=sys.stderr)
            status = LABCORE_FAILED
    return status


def _said(error: OSError) -> str:
    """Say what the kernel has refused as people do, without its number: `work.tar: No such file or directory`."""
    return f"{os.fsdecode(error.filename)}: {error.strerror}" if error.filename else error.strerror or str(error)


def _way_in(error: PermissionError) -> str:
    """Say how to come where one was not let in; if it is a directory on the way that is closed, which."""
    closed = closed_directory(Path(os.fsdecode(error.filename))) if error.filename else None
    opened = f"{closed} is closed to you: chmod o+x {closed}, or " if closed else ""
    return f"{opened}run it as root: sudo labcore …, or choose a --root of your own"


def _without_collecting(words: list[str]) -> argparse.Namespace:
    """Parse, and import what the command needs: nothing of that is garbage, and looking for some costs 4 ms of each start."""
    gc.disable()
    try:
        return _parse(words)
    finally:
        gc.freeze()
        gc.enable()


class _Help(argparse.HelpFormatter):
    """Knows the terminal's width without `shutil`, which argparse would import, with three compressors, for that alone."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    if (wanted := os.environ.get("COLUMNS", "")).isdecimal() and len(wanted) < 6:
        return max(int(wanted), 40)
    try:
        return max(os.get_terminal_size(sys.stdout.fileno()).columns, 40)
    except (OSError, ValueError):  # no terminal, or a closed one
        return 80


class _Parser(argparse.ArgumentParser):
    """A parser whose errors end with docker's status for a command line that cannot be. No option is known by its beginning."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False} | options)

    def _print_message(self, message: str, file: Any = None) -> None:  # argparse's own passes a full disk over
        (file or sys.stderr).write(message)

    def error(self, message: str) -> NoReturn:
        from labcore.cli.unknown import cure_of

        self.print_usage(sys.stderr)
        cure = cure_of(message, self.prog) or f"{self.prog} --help"
        self.exit(LABCORE_FAILED, f"{self.prog}: {message}\n  cure: {cure}\n")


def _command_word(words: list[str]) -> str | None:
    """Return the first word that is neither an option nor the value of `--root`."""
    value_follows = False
    for word in words:
        if not value_follows and not word.startswith("-"):
            return word
        value_follows = word == "--root"
    return None


def _listed(words: list[str], wanted: str | None) -> dict[str, str]:
    """Return the commands that the parser must know: all if it is to list them, or else the one.

    argparse looks in the file system for a translation of each one's help; for all of them that takes 5 ms.
    """
    if wanted not in COMMANDS or {"-h", "--help"} & set(words[: words.index(wanted)]):
        return COMMANDS
    return {wanted: COMMANDS[wanted]}


def _parse(words: list[str]) -> argparse.Namespace:
    parser, chosen = parser_of(words)
    args, more = parser.parse_known_args(words)
    if more:
        chosen.error(f"unrecognized arguments: {' '.join(more)}")
    if args.main is None:
        parser.print_help()
    return args


def _directory(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("a directory is wanted, not ''")
    return Path(text)


def parser_of(words: list[str]) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """Return the parser for a command line, and that of the command which stands there."""
    parser = _Parser(
        prog="labcore",
        description="Containers, small and complete: learn Docker by building it.",
        formatter_class=_Help,
        epilog="Begin with: labcore seed; labcore run --rm hello-world. Each command explains itself: labcore run --help.",
    )
    parser.add_argument(
        "--root",
        type=_directory,
        metavar="DIR",
        help="where images and everything else lie (default: $LABCORE_ROOT, else /var/lib/labcore for root, "
        "~/.local/share/labcore for a user)",
    )
    parser.set_defaults(main=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    wanted = _command_word(words)
    chosen: argparse.ArgumentParser = parser
    for name, line in _listed(words, wanted).items():
        command = commands.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".", formatter_class=_Help)
        if name == wanted:
            module = import_module(f"labcore.cli.{name}")
            module.arguments(command)
            command.set_defaults(main=module.main)
            chosen = command
    return parser, chosen

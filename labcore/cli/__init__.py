"""The `labcore` command: docker's grammar, one module for each verb, imported only when it is asked for."""

from __future__ import annotations

import codecs
import gc
import io
import os
import sys

import labcore
from labcore.cli import command_line
from labcore.cli.commands import AS_ROOT, DOCKERS
from labcore.errors import InvalidInput, LabcoreError
from labcore.streams import open_standard_streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from labcore.cli.flags import Arguments

FAILED = 1  # of commands that docker has too, as there
RUN_FAILED = 125  # of `run`, whose other statuses are the program's own, and of options that `create` refuses: docker's
OWN_FAILED = 125  # of the commands that docker has not: 1 is an answer there, such as a step that is not passed


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
        from signal import SIGPIPE

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + SIGPIPE
    except LabcoreError as error:
        print(f"labcore: {said(error)}", file=sys.stderr)
        return _status_of(words, error)
    except OSError as error:
        cure = _cure_of(error)
        print(f"labcore: {_said(error)}" + (f"\n  cure: {cure}" if cure else ""), file=sys.stderr)
        return _status_of(words, error)
    except KeyboardInterrupt:
        return 130


def said(error: Exception) -> str:
    """Return an error's words; those of a daemon alone, without the call that it has answered.

    Names of strangers' files are among them: what a terminal would obey is left out.
    """
    text = str(getattr(error, "message", error))
    return "".join(
        letter if letter.isprintable() or letter in "\t\n" or "\ud800" <= letter <= "\udfff" else " " for letter in text
    )


def _status_of(words: list[str], error: Exception) -> int:
    """Return the exit status of a command that has failed."""
    try:
        path = command_line.read(words).path or ""
    except LabcoreError:  # it is no command
        return FAILED
    if not {path, path.partition(" ")[0]} & DOCKERS:
        return OWN_FAILED
    is_refused = path == "container create" and isinstance(error, InvalidInput)
    return RUN_FAILED if path == "container run" or is_refused else FAILED


def _carry_out(words: list[str]) -> int:
    """Do what the words say. What was printed is out then, or OSError is raised: for `--help` too, which ends by SystemExit."""
    try:
        line = command_line.read(words)
        if line.path is None:
            sys.stdout.write(_about(line))
            return 0
        main, args = _without_collecting(line)
        if "root" in line.options and line.path.startswith("lesson "):  # the lessons' toolkit knows no other
            os.environ["LABCORE_ROOT"] = os.path.abspath(line.options["root"])  # noqa: PTH100
        if os.geteuid() and {line.path, line.path.partition(" ")[0]} & AS_ROOT:
            from labcore.cli.rootless import become_root

            become_root(line.options.get("root"))
        return main(args)
    finally:
        sys.stdout.flush()


def _about(line: command_line.Line) -> str:
    if line.name == "--version":
        return f"labcore version {labcore.__version__}\n"
    if line.name == command_line.COMPLETE:
        from labcore.cli.complete import answer

        return answer(line.words)
    from labcore.cli.help import help_of

    return help_of(line.name)


def _without_collecting(line: command_line.Line) -> tuple[Callable[[Arguments], int], Arguments]:
    """Parse, and import what the command needs: nothing of that is garbage, and looking for some costs 4 ms of each start."""
    from labcore.cli.parser import parsed

    gc.disable()
    try:
        return parsed(line)
    finally:
        gc.freeze()
        gc.enable()


def for_each(names: Sequence[str], act: Callable[[str], None]) -> int:
    """Do it for each name, and return the exit status. If one cannot be, why is said, and the others go on."""
    status = 0
    for name in names:
        try:
            act(name)
        except LabcoreError as error:
            print(f"labcore: {said(error)}", file=sys.stderr)
            status = FAILED
    return status


def _said(error: OSError) -> str:
    """Say what the kernel has refused as people do, without its number: `work.tar: No such file or directory`."""
    return f"{os.fsdecode(error.filename)}: {error.strerror}" if error.filename else error.strerror or str(error)


def _cure_of(error: OSError) -> str | None:
    import errno

    if error.errno == errno.EADDRINUSE:
        return "end what listens there, or name another address"
    if isinstance(error, NotADirectoryError):
        return "name a directory where one is wanted; the state root (--root, LABCORE_ROOT) is one"
    return _way_in(error) if isinstance(error, PermissionError) else None


def _way_in(error: PermissionError) -> str:
    """Say how to come where one was not let in; if it is a directory on the way that is closed, which."""
    from labcore.paths import closed_directory

    closed = closed_directory(os.fsdecode(error.filename)) if error.filename else None
    opened = f"{closed} is closed to you: chmod o+x {closed}, or " if closed else ""
    return f"{opened}run it as root: sudo labcore …, or choose a --root of your own"

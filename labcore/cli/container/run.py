"""`labcore run`: a program in a new container, with this terminal's streams."""

import argparse
import errno
import sys

from labcore.cli import LABCORE_FAILED
from labcore.cli.container import options as container
from labcore.cli.container.signals import Signals
from labcore.engine import Engine, exit_code
from labcore.engine.preparing import Prepared, prepared
from labcore.errors import StepFailed
from labcore.native import DEVNULL
from labcore.runtime import make_plan, spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.spec import CreateOptions, Mount

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # what a shell answers, and docker


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "Exit status: the program's own; 125 if labcore failed, 126 if the program cannot be executed, 127 if it is not "
        "there, 128 + N if signal N killed it. Signals are passed on to the program; a second Ctrl-C, or SIGTERM, kills it."
    )
    parser.add_argument("-d", "--detach", action="store_true", help="run it in the background, and print its ID")
    parser.add_argument("--rm", action="store_true", help="remove it when it has ended")
    container_arguments(parser)


def container_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `create` takes too."""
    parser.add_argument("--name", default="", metavar="NAME", help="its name (default: one is drawn)")
    parser.add_argument("-i", "--interactive", action="store_true", help="let the program read this standard input")
    parser.add_argument("-t", "--tty", action="store_true", help="give it a terminal")
    parser.add_argument(
        "-v",
        "--volume",
        action="append",
        default=[],
        metavar="[SOURCE:]PATH[:OPTIONS]",
        help="mount a volume (SOURCE is its name, or nothing), or a directory or file of this machine (SOURCE begins with /); "
        "OPTIONS: ro, nocopy, rslave, …",
    )
    parser.add_argument("--mount", action="append", default=[], metavar="type=…,src=…,dst=…", help="the same in many words")
    parser.add_argument("--tmpfs", action="append", default=[], metavar="PATH[:OPTIONS]", help="mount an empty tmpfs")
    container.arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Run it to its end and return its exit code; with -d return at once."""
    if args.rm and not (args.name or args.detach or args.tty):
        image = None if args.rootfs else args.image
        options = container.options_of(args)
        with prepared(Engine(args.root), image, args.argv, volumes=_volumes(args), **options) as made:
            return _run(args, made)
    from labcore.cli.container.kept import run

    return run(Engine(args.root), args, create_options_of(args))


def create_options_of(args: argparse.Namespace) -> "CreateOptions":
    from labcore.spec import CreateOptions

    words = container.options_of(args)
    return CreateOptions(
        image="" if args.rootfs else args.image,
        rootfs=words["rootfs"] or "",
        command=tuple(args.argv),
        entrypoint=None if words["entrypoint"] is None else (words["entrypoint"],) if words["entrypoint"] else (),
        name=args.name,
        hostname="" if args.hostname == "labcore" else args.hostname,
        environment=tuple(words["env"].items()),
        workdir=words["workdir"] or "",
        user=words["user"] or "",
        tty=args.tty,
        open_stdin=args.interactive,
        stdin_once=args.interactive and not getattr(args, "detach", False),
        auto_remove=getattr(args, "rm", False),
        init=words["init"],
        privileged=words["privileged"],
        userns_remap=words["remap"],
        mounts=tuple(_volumes(args)),
    )


def _volumes(args: argparse.Namespace) -> "list[Mount]":
    if not (args.volume or args.mount or args.tmpfs):
        return []
    from labcore.engine.mount_options import from_long, from_short, from_tmpfs

    return [*map(from_short, args.volume), *map(from_long, args.mount), *map(from_tmpfs, args.tmpfs)]


def _run(args: argparse.Namespace, made: Prepared) -> int:
    plan = make_plan(made.spec, None, Engine(args.root).launch_options)
    sys.stdout.flush()
    with Signals() as signals:
        try:
            process = spawn(plan, stdin=None if args.interactive else DEVNULL)
        except StepFailed as error:
            print(f"labcore: {error}", file=sys.stderr)
            if error.call != "execve":
                return LABCORE_FAILED
            return NOT_FOUND if error.errno in (errno.ENOENT, errno.ENOTDIR) else NOT_EXECUTABLE
        with process:
            made.runs(process)
            signals.go_to(process)
            return exit_code(process)

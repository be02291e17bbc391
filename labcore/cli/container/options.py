"""The arguments that `run` and `plan` share."""

import argparse
import os
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any, Final

from labcore.engine import Engine
from labcore.errors import InvalidInput
from labcore.runtime import Plan, make_plan
from labcore.spec import IdRange
from labcore.spec.isolation import parse_id

ENV_FILE_MAX: Final = 4 << 20  # bytes; the kernel gives a program 6 MB of arguments and variables at most
REMAPPED: Final = 65536  # users, if nobody says how many


def arguments(parser: argparse.ArgumentParser, *, needs_image: bool = True) -> None:
    """Declare them."""
    parser.add_argument("--hostname", default="labcore", metavar="NAME", help="the host name inside (default: labcore)")
    parser.add_argument(
        "-e",
        "--env",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="set an environment variable, without VALUE to that of this environment; may be repeated",
    )
    parser.add_argument(
        "--env-file", action="append", default=[], metavar="FILE", help="the same from a file's lines; -e overrules it"
    )
    parser.add_argument(
        "-u", "--user", metavar="USER[:GROUP]", help="whom it runs as, by name or number (default: as the image says)"
    )
    parser.add_argument("-w", "--workdir", metavar="DIR", help="where the program starts (default: as the image says)")
    parser.add_argument(
        "--entrypoint", metavar="PROGRAM", help="run this instead of the image's entry point and command; '' clears both"
    )
    parser.add_argument(
        "--privileged", action="store_true", help="leave it all of root's power, as containers inside of it need (see README)"
    )
    parser.add_argument(
        "--userns-remap", metavar="FIRST[:SIZE]", help=f"its users are others outside: root is FIRST (SIZE: {REMAPPED} of them)"
    )
    parser.add_argument("--init", action="store_true", help="start a process before the program that reaps its orphans")
    parser.add_argument("--rootfs", action="store_true", help="IMAGE is a directory, used as root file system as it is")
    parser.add_argument(
        "image",
        metavar="IMAGE",
        nargs=None if needs_image else "?",
        help="an image's name, such as busybox or hello-world:latest, or its ID",
    )
    parser.add_argument(
        "argv",
        nargs=argparse.REMAINDER,
        metavar="ARG",
        help="the program and its arguments (default: as the image says)",
    )


def _ids(text: str | None) -> IdRange | None:
    if text is None:
        return None
    first, colon, size = text.partition(":")
    try:
        return IdRange(inside=0, outside=parse_id(first), size=parse_id(size) if colon else REMAPPED)
    except InvalidInput as error:
        raise InvalidInput(f"--userns-remap {text}: {error}; FIRST or FIRST:SIZE is wanted, such as 100000:65536") from None


def _variables(args: argparse.Namespace) -> dict[str, str | None]:
    """Return the variables of --env-file and then -e; None takes the image's away: docker does so if nobody here has set it."""
    found: dict[str, str | None] = {}
    for path in args.env_file:
        found |= _from_file(Path(path))
    for text in args.env:
        name, equals, value = text.partition("=")
        if not name:
            raise InvalidInput(f"-e {text}: NAME=VALUE is wanted, or NAME for what it is here")
        found[name] = value if equals else os.environ.get(name)
    return found


def _from_file(path: Path) -> dict[str, str]:
    """Read docker's format: a variable on each line, its value as it stands there; `#` begins a comment."""
    found = {}
    with path.open("rb") as file:
        content = file.read(ENV_FILE_MAX + 1)
    if len(content) > ENV_FILE_MAX:
        raise InvalidInput(f"--env-file {path}: it has more than {ENV_FILE_MAX} bytes, which no program can be given")
    for number, line in enumerate(os.fsdecode(content.removeprefix(BOM_UTF8)).split("\n"), 1):
        name, equals, value = line.removesuffix("\r").lstrip().partition("=")
        if (not name and not equals) or name.startswith("#"):
            continue
        if not name or name.split() != [name]:
            raise InvalidInput(f"--env-file {path}, line {number}: NAME=VALUE is wanted, or NAME for what it is here")
        if equals or name in os.environ:
            found[name] = value if equals else os.environ[name]
    return found


def options_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the arguments say, as `Engine.spec` takes it beside the image and its command."""
    return {
        "rootfs": args.image if args.rootfs else None,
        "hostname": args.hostname,
        "env": _variables(args),
        "workdir": args.workdir,
        "entrypoint": args.entrypoint,
        "user": args.user,
        "privileged": args.privileged,
        "init": args.init,
        "remap": _ids(args.userns_remap),
    }


def plan_of(args: argparse.Namespace) -> Plan:
    """Return the plan that the arguments ask for."""
    image = None if args.rootfs else args.image
    engine = Engine(args.root)
    return make_plan(engine.spec(image, args.argv, **options_of(args)), None, engine.launch_options)

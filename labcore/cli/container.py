"""The arguments that `run` and `plan` share."""

import argparse
from typing import Any

from labcore.engine import Engine
from labcore.errors import InvalidInput
from labcore.runtime import Plan, make_plan
from labcore.spec import IdRange


def arguments(parser: argparse.ArgumentParser, *, needs_image: bool = True) -> None:
    """Declare them."""
    parser.add_argument("--hostname", default="labcore", metavar="NAME", help="the host name inside (default: labcore)")
    parser.add_argument(
        "-e",
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set an environment variable; may be repeated",
    )
    parser.add_argument("-w", "--workdir", metavar="DIR", help="where the program starts (default: as the image says)")
    parser.add_argument("--entrypoint", metavar="PROGRAM", help="run this instead of the image's own entry point")
    parser.add_argument(
        "--privileged", action="store_true", help="leave it all of root's power, as containers inside of it need (see README)"
    )
    parser.add_argument(
        "--userns-remap", metavar="FIRST[:SIZE]", help="its users are others outside: root is FIRST (SIZE: 65536 of them)"
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
    first, _, size = text.partition(":")
    if not first.isdigit() or not (size or "1").isdigit():
        raise InvalidInput(f"--userns-remap {text}: two numbers are wanted, such as 100000:65536")
    return IdRange(inside=0, outside=int(first), size=int(size or 65536))


def options_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the arguments say, as `Engine.spec` takes it beside the image and its command."""
    return {
        "rootfs": args.image if args.rootfs else None,
        "hostname": args.hostname,
        "env": args.env,
        "workdir": args.workdir,
        "entrypoint": args.entrypoint,
        "privileged": args.privileged,
        "init": args.init,
        "remap": _ids(args.userns_remap),
    }


def plan_of(args: argparse.Namespace) -> Plan:
    """Return the plan that the arguments ask for."""
    image = None if args.rootfs else args.image
    return make_plan(Engine(args.root).spec(image, args.argv, **options_of(args)))

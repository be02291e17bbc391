"""The arguments that `run` and `plan` share."""

import argparse

from labcore.engine import Engine
from labcore.runtime import Plan, make_plan


def arguments(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument("--init", action="store_true", help="start a process before the program that reaps its orphans")
    parser.add_argument("--rootfs", action="store_true", help="IMAGE is a directory, used as root file system as it is")
    parser.add_argument("image", metavar="IMAGE", help="an image's name, such as busybox or hello-world:latest")
    parser.add_argument(
        "argv",
        nargs=argparse.REMAINDER,
        metavar="ARG",
        help="the program and its arguments (default: as the image says)",
    )


def plan_of(args: argparse.Namespace) -> Plan:
    """Return the plan that the arguments ask for."""
    spec = Engine(args.root).spec(
        None if args.rootfs else args.image,
        args.argv,
        rootfs=args.image if args.rootfs else None,
        hostname=args.hostname,
        env=args.env,
        workdir=args.workdir,
        entrypoint=args.entrypoint,
        privileged=args.privileged,
        init=args.init,
    )
    return make_plan(spec)

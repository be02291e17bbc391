"""`labcore image pull`: download an image from a registry."""

import sys
from typing import TextIO

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.cli.progress import show
from labcore.client import Client
from labcore.errors import InvalidInput
from labcore.spec import Reference


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("-a", "--all-tags", action="store_true", help="get all images of the repository")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not show how far it is")
    parser.add_argument("--platform", default="", metavar="OS/ARCH", help="of several, the image for this machine")
    parser.add_argument("image", metavar="IMAGE", help="[REGISTRY/]NAME[:TAG|@DIGEST]")
    parser.epilog = "Registries without TLS, or of an authority of your own: registries.toml in the state root."


def main(args: Arguments) -> int:
    """Get it, showing how far it is; then print its whole name."""
    reference = Reference.parse(args.image)
    is_tagged = "@" in args.image or ":" in args.image.rpartition("/")[2]
    if args.all_tags and is_tagged:
        raise InvalidInput("tag can't be used with --all-tags/-a")
    if not (is_tagged or args.all_tags or args.quiet):
        print(f"Using default tag: {reference.tag}")
    wanted = reference.replace(tag=None) if args.all_tags else reference
    with client_of(args) as client:
        pull(client, wanted, platform=args.platform, out=None if args.quiet else sys.stdout)
    print(full_name(wanted))
    return 0


def pull(client: Client, reference: Reference, *, platform: str = "", out: TextIO | None) -> None:
    """Have the daemon get an image, or without a tag all of a repository, and show how far it is. Raises APIError."""
    from labcore.cli.image.auth import registry_auth  # which `run` needs for an image that is not here, only

    is_repository = reference.tag is None and reference.digest is None
    auth = registry_auth(reference.registry, reference.repository)
    coming = client.images.pull(full_name(reference), all_tags=is_repository, platform=platform, auth=auth)
    if out is None:
        for _ in coming:
            pass
    else:
        show(coming, out)


def full_name(reference: Reference) -> str:
    """Return an image's name with its registry: `docker.io/library/busybox:latest`."""
    tag = f":{reference.tag}" if reference.tag else ""
    digest = f"@{reference.digest}" if reference.digest else ""
    return f"{reference.registry}/{reference.repository}{tag}{digest}"

"""`labcore image push`: upload an image to a registry."""

import sys

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.cli.image.auth import registry_auth
from labcore.cli.image.pull import full_name
from labcore.cli.progress import show
from labcore.errors import InvalidInput
from labcore.spec import Reference


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("-a", "--all-tags", action="store_true", help="push all images of that repository which are here")
    parser.add_argument("--platform", default="", metavar="OS/ARCH", help="of several, the image for this machine alone")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not show how far it is")
    parser.add_argument("image", metavar="IMAGE", help="[REGISTRY/]NAME[:TAG]")
    parser.epilog = "Registries without TLS, or of an authority of your own: registries.toml in the state root."


def main(args: Arguments) -> int:
    """Send it, showing how far it is."""
    reference = Reference.parse(args.image)
    is_tagged = ":" in args.image.rpartition("/")[2]
    if args.all_tags and is_tagged:
        raise InvalidInput("tag can't be used with --all-tags/-a")
    if not (is_tagged or args.all_tags or args.quiet):
        print(f"Using default tag: {reference.tag}")
    tag = "" if args.all_tags else reference.tag or ""
    repository = str(reference.replace(tag=None))
    with client_of(args) as client:
        auth = registry_auth(reference.registry, reference.repository)
        going = client.images.push(repository, tag=tag, platform=args.platform, auth=auth)
        if args.quiet:
            for _ in going:
                pass
            print(full_name(reference.replace(tag=tag or None)))
        else:
            show(going, sys.stdout)
    return 0

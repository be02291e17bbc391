"""`labcore image history`: the steps that made an image."""

from __future__ import annotations

from labcore.cli.connection import client_of
from labcore.cli.formatting import ago, short_id, shortened, size
from labcore.cli.listing import Listing, add_format, show
from labcore.cli.template.values import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.cli.flags import Arguments, Parser
    from labcore.client.images import HistoryEntry

NARROW: Final = 45  # characters of a command
MISSING: Final = "<missing>"
HEADS: Final = {
    "ID": "IMAGE", "CreatedSince": "CREATED", "CreatedAt": "CREATED AT", "CreatedBy": "CREATED BY", "Size": "SIZE",
    "Comment": "COMMENT",
}  # fmt: skip


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "The last step stands first; a step that has changed no file has 0B."
    add_format(parser)
    parser.add_argument("-H", "--human", action="store_true", default=True, help="print sizes and times for people (default)")
    parser.add_argument("--no-trunc", action="store_true", help="print IDs and commands whole")
    parser.add_argument("--platform", default="", metavar="OS/ARCH", help="of several, the image for this machine")
    parser.add_argument("-q", "--quiet", action="store_true", help="print IDs only")
    parser.add_argument("image", metavar="IMAGE", help="a name, or an ID")


def main(args: Arguments) -> int:
    """Print it."""
    with client_of(args) as client:
        steps = client.images.history(args.image, platform=args.platform)
    created = "CreatedSince" if args.human else "CreatedAt"
    listing = Listing(HEADS, ("ID", created, "CreatedBy", "Size", "Comment"), elastic="" if args.no_trunc else "CreatedBy")
    show(listing, [_row(each, whole=args.no_trunc, human=args.human) for each in steps], args.format, quiet=args.quiet)
    return 0


def _row(step: HistoryEntry, *, whole: bool, human: bool) -> Row:
    by = step.created_by.replace("\t", " ")
    return Row(
        {
            "ID": lambda: step.id if whole or step.id == MISSING else short_id(step.id),
            "CreatedSince": lambda: _since(step.created) if human else _moment(step.created),
            "CreatedAt": lambda: _moment(step.created),
            "CreatedBy": lambda: by if whole else shortened(by, NARROW),
            "Size": lambda: size(step.size) if human else str(step.size),
            "Comment": lambda: step.comment,
        }
    )


def _since(seconds: int) -> str:
    return ago(seconds) if seconds > 0 else "N/A"


def _moment(seconds: int) -> str:
    """Write a time as RFC 3339 has it."""
    import time

    zone = time.strftime("%z", local := time.localtime(seconds))
    return time.strftime("%Y-%m-%dT%H:%M:%S", local) + ("Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}")

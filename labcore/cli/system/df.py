"""`labcore system df`: disk usage of images, containers and volumes."""

from __future__ import annotations

import sys

from labcore.cli.connection import client_of
from labcore.cli.formatting import size
from labcore.cli.listing import Listing, add_format, show, text_of
from labcore.cli.template.values import Row
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from labcore.cli.flags import Arguments, Parser
    from labcore.client.system import DiskUsage

RUNNING: Final = ("running", "paused", "restarting")
HEADS: Final = {
    "Type": "TYPE", "TotalCount": "TOTAL", "Active": "ACTIVE", "Size": "SIZE", "Reclaimable": "RECLAIMABLE",
}  # fmt: skip
LISTING: Final = Listing(HEADS, tuple(HEADS))
CACHE_COLUMNS: Final = ("ID", "CacheType", "Size", "CreatedSince", "LastUsedSince", "UsageCount", "Shared")


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "RECLAIMABLE is what `labcore system prune -a --volumes` would free."
    add_format(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="list each image, container and volume")


def main(args: Arguments) -> int:
    """Print a table; with -v one for each kind."""
    with client_of(args) as client:
        usage = client.system.disk_usage()
    if args.verbose:
        _show_each(usage, args.format)
    else:
        show(LISTING, [_images(usage), _containers(usage), _volumes(usage), _cache(usage)], args.format)
    return 0


def _images(usage: DiskUsage) -> Row:
    used = [image for image in usage.images if image.containers]
    kept = sum(image.size - image.shared_size for image in used if image.size >= 0 and image.shared_size >= 0)
    return _row("Images", len(usage.images), len(used), usage.layers_size, usage.layers_size - kept)


def _containers(usage: DiskUsage) -> Row:
    active = [each for each in usage.containers if each.state in RUNNING]
    taken = sum(each.size_rw for each in usage.containers)
    return _row("Containers", len(usage.containers), len(active), taken, taken - sum(each.size_rw for each in active))


def _volumes(usage: DiskUsage) -> Row:
    known = [(each.usage.containers, max(each.usage.size, 0)) for each in usage.volumes if each.usage]
    taken, free = sum(size for _, size in known), sum(size for users, size in known if not users)
    return _row("Local Volumes", len(usage.volumes), sum(users > 0 for users, _ in known), taken, free)


def _cache(usage: DiskUsage) -> Row:
    """Return the row of the build cache: what it shares with images is theirs."""
    used = [each for each in usage.build_cache if each.is_in_use]
    own = [each for each in usage.build_cache if not each.is_shared]
    free = sum(each.size for each in own if not each.is_in_use)
    return _row("Build Cache", len(usage.build_cache), len(used), sum(each.size for each in own), free)


def _row(kind: str, total: int, active: int, taken: int, free: int) -> Row:
    part = f" ({free * 100 // taken}%)" if taken > 0 else ""
    cells = (kind, str(total), str(active), size(taken, digits=4), size(free, digits=4) + part)
    return Row({name: lambda cell=cell: cell for name, cell in zip(HEADS, cells, strict=True)})


def _show_each(usage: DiskUsage, form: str) -> None:
    from labcore.cli.builder import rows as cache
    from labcore.cli.container import rows as containers
    from labcore.cli.image import rows as images
    from labcore.cli.volume import rows as volumes

    whole = bool(form)
    image_rows = list(images.rows(usage.images, whole=whole))
    container_rows = [containers.row(each, whole=whole, virtual=False) for each in usage.containers]
    volume_rows = [volumes.row(each) for each in usage.volumes]
    cache_rows = [cache.row(each, whole=whole) for each in usage.build_cache]
    if form:
        _show_by_format(form, image_rows, container_rows, volume_rows, cache_rows)
        return
    image_columns = ("Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers")
    container_columns = ("ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names")
    parts = (
        ("Images space usage:", text_of(Listing(images.HEADS, image_columns), image_rows)),
        ("Containers space usage:", text_of(Listing(containers.HEADS, container_columns), container_rows)),
        ("Local Volumes space usage:", text_of(Listing(volumes.HEADS, ("Name", "Links", "Size")), volume_rows)),
        (
            f"Build cache usage: {size(sum(each.size for each in usage.build_cache if not each.is_shared))}",
            text_of(Listing(cache.HEADS, CACHE_COLUMNS), cache_rows),
        ),
    )
    sys.stdout.write("\n".join(f"{title}\n\n{text}" for title, text in parts))


def _show_by_format(
    form: str, images: Sequence[Row], containers: Sequence[Row], volumes: Sequence[Row], cache: Sequence[Row]
) -> None:
    if form.startswith("table"):
        raise InvalidInput("the verbose option (-v) has tables of its own: leave out the format, or give json or a template")
    from labcore.cli.listing import template_of
    from labcore.cli.template.values import Struct, html_safe, json_text

    found = Struct(Images=list(images), Containers=list(containers), Volumes=list(volumes), BuildCache=list(cache))
    print(html_safe(json_text(found)) if form == "json" else template_of(form).render(found))

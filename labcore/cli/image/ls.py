"""`labcore image ls`: list images, under each of their names."""

import argparse
from collections.abc import Iterator

from labcore.cli.formatting import ago, printable, show_table, size
from labcore.cli.stores import image_store
from labcore.images import ImageStore
from labcore.images.resolve import SHOWN, Entry, entries, image_here
from labcore.record import Record
from labcore.spec import Reference


class Line(Record):
    """An image under one of its names."""

    repository: str
    tag: str
    digest: str
    id: str
    created: str
    size: str


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "SIZE is what an image's layers take as they are kept, compressed or not; images may share some."
    parser.add_argument("-q", "--quiet", action="store_true", help="print IDs only, each once")
    parser.add_argument("--digests", action="store_true", help="print the digests of the manifests too")
    parser.add_argument("--no-trunc", action="store_true", help="print IDs whole")
    parser.add_argument("--format", choices=["table", "json"], default="table", help="json: an object on each line")
    parser.add_argument("name", nargs="?", metavar="NAME[:TAG]", help="only these")


def main(args: argparse.Namespace) -> int:
    """List them, newest names last as they came; of several machines' images this one's."""
    lines = [line for line in _lines(image_store(args.root)) if _is_wanted(line, args.name)]
    length = None if args.no_trunc else SHOWN
    if args.quiet:
        for identity in dict.fromkeys(line.id for line in lines):
            print(_short(identity, length))
        return 0
    if args.format == "json":
        import json  # which a table does without

        for line in lines:
            print(json.dumps(_as_json(line)))
        return 0
    heads = ["REPOSITORY", "TAG", *(["DIGEST"] if args.digests else []), "IMAGE ID", "CREATED", "SIZE"]
    rows = [
        [line.repository, line.tag, *([line.digest] if args.digests else []), _short(line.id, length), line.created, line.size]
        for line in lines
    ]
    show_table(heads, rows, right=["SIZE"])
    return 0


def _as_json(line: Line) -> dict[str, str]:
    """Return docker's names and values."""
    return {
        "Repository": line.repository,
        "Tag": line.tag,
        "Digest": line.digest,
        "ID": line.id,
        "CreatedSince": line.created,
        "Size": line.size,
    }


def _lines(store: ImageStore) -> Iterator[Line]:
    for entry in sorted(entries(store), key=lambda entry: entry.names or ("~",)):
        yield from _lines_of(store, entry)


def _lines_of(store: ImageStore, entry: Entry) -> Iterator[Line]:
    image = image_here(store, entry.descriptor)
    about = (
        (image.id, ago(image.config.created), size(image.size))
        if image
        else (entry.descriptor.digest, "damaged", "labcore fsck")
    )
    for name in entry.names or ("",):
        try:
            reference = Reference.parse(name)
        except ValueError:  # another tool has named it in the store, by a word that is no name here
            yield Line(printable(name) or "<none>", "<none>", entry.descriptor.digest, *about)
            continue
        tag = reference.tag or "<none>"
        repository = str(reference.replace(tag=None, digest=None))
        yield Line(repository, tag, entry.descriptor.digest, *about)


def _is_wanted(line: Line, name: str | None) -> bool:
    if name is None:
        return True
    reference = Reference.parse(name)
    wanted = str(reference.replace(tag=None, digest=None))
    return line.repository == wanted and (reference.tag == line.tag or ":" not in name.rpartition("/")[2])


def _short(identity: str, length: int | None) -> str:
    return identity if length is None else identity.partition(":")[2][:length]

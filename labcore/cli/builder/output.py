"""--output: what becomes of what was built: an image here, an archive of it, or its files."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path

from labcore.cli.image.save import output
from labcore.errors import InvalidInput, LabcoreError
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from labcore.client import Client
    from labcore.client.transport import Response

IMAGE, REGISTRY, DOCKER, OCI, TAR, LOCAL = "image", "registry", "docker", "oci", "tar", "local"
KINDS: Final = (IMAGE, REGISTRY, DOCKER, OCI, TAR, LOCAL)
STDOUT: Final = "-"
TRUTHS: Final = {"true": True, "1": True, "": True, "false": False, "0": False}
KNOWN: Final = ("type", "dest", "name", "push", "load", "tar")
# Of BuildKit's, what makes no difference here: layers are compressed as they are, and nothing is attested.
WITHOUT_EFFECT: Final = (
    "oci-mediatypes",
    "compression",
    "compression-level",
    "force-compression",
    "unpack",
    "store",
    "attestation",
)


class Output(Record):
    """An `--output`: its kind, where it goes (a path, `-`, or nothing), further names, and whether it is pushed."""

    kind: str
    destination: str = ""
    names: tuple[str, ...] = ()
    pushes: bool = False
    is_archive: bool = True

    @property
    def keeps_image(self) -> bool:
        """Whether the image itself is wanted here."""
        return self.kind in (IMAGE, REGISTRY) or (self.kind == DOCKER and not self.destination)


def parse(text: str) -> Output:
    """Read `DIRECTORY`, `-`, or `type=KIND,dest=PATH,…`. Raises InvalidInput."""
    if "=" not in text:
        if text == STDOUT:
            return Output(TAR, STDOUT)
        if not text:
            raise InvalidInput("--output: a directory is wanted, -, or type=…")
        return Output(LOCAL, text)
    fields = _fields(text)
    kind, destination = fields.get("type", ""), fields.get("dest", "")
    if kind not in KINDS:
        raise InvalidInput(f"--output {text}: type is one of {', '.join(KINDS)}")
    if kind in (OCI, TAR, LOCAL) and not destination:
        raise InvalidInput(
            f"--output {text}: dest=PATH is wanted" + ("" if kind == LOCAL else ", or dest=- for standard output")
        )
    if kind in (IMAGE, REGISTRY) and destination:
        raise InvalidInput(f"--output {text}: an image has no dest; docker and oci do")
    if kind == LOCAL and destination == STDOUT:
        raise InvalidInput(f"--output {text}: a directory cannot be written to standard output: type=tar can")
    return Output(
        kind, destination, tuple(name for name in fields.get("name", "").split(",") if name),
        pushes=kind == REGISTRY or _truth(fields, "push", text, otherwise=False),
        is_archive=_truth(fields, "tar", text, otherwise=True),
    )  # fmt: skip


def _fields(text: str) -> dict[str, str]:
    import csv  # as BuildKit reads it: a value with commas stands in quotes

    try:
        [words] = csv.reader([text], strict=True)
    except (ValueError, csv.Error):
        raise InvalidInput(f"--output {text}: NAME=VALUE,… is wanted") from None
    fields = {name.strip().lower(): value for name, _, value in (word.partition("=") for word in words)}
    for name in fields:
        if name not in (*KNOWN, *WITHOUT_EFFECT):
            raise InvalidInput(f"--output {text}: {name} is not known here; there are {', '.join(KNOWN)}")
    return fields


def _truth(fields: dict[str, str], name: str, text: str, *, otherwise: bool) -> bool:
    if name not in fields:
        return otherwise
    if fields[name].lower() not in TRUTHS:
        raise InvalidInput(f"--output {text}: {name} is true or false")
    return TRUTHS[fields[name].lower()]


def check(outputs: Sequence[Output]) -> None:
    """Raise InvalidInput for what cannot be written, before anything is built."""
    if sum(each.destination == STDOUT for each in outputs) > 1:
        raise InvalidInput("--output: two archives cannot both be written to standard output")
    for each in outputs:
        if each.destination == STDOUT and sys.stdout.isatty():
            raise InvalidInput("--output -: an archive is nothing for a terminal: labcore build -o - … > FILE")


def write(client: Client, each: Output, image_id: str, names: Sequence[str]) -> None:
    """Write one output of an image. Raises InvalidInput, APIError."""
    path = None if each.destination == STDOUT else Path(each.destination)
    if each.kind in (DOCKER, OCI) and each.destination:
        archive = client.images.save(*(names or (image_id,)))
        if each.is_archive:
            _archive(path, archive)
        else:
            _extract(archive, each.destination)
    elif each.kind == TAR:
        with _files(client, image_id) as files:
            _archive(path, files)
    elif each.kind == LOCAL:
        with _files(client, image_id) as files:
            _extract(files, each.destination)


def _archive(path: Path | None, content: Response) -> None:
    with content, output(path, "build") as out:
        out.writelines(content)


@contextmanager
def _files(client: Client, image_id: str) -> Iterator[Response]:
    """Yield the files of an image as an archive: those of a container of it, which never starts."""
    made = client.containers.create(image=image_id, command=["/"])
    try:
        yield client.containers.export(made)
    finally:
        client.containers.remove(made, force=True, volumes=True)


def _extract(content: Any, destination: str) -> None:
    """Extract an archive into a directory, which is made: nothing in it leads out of there."""
    from labcore.storage.copy_in import extract_into
    from labcore.storage.files import Files

    try:
        Path(destination).mkdir(exist_ok=True, parents=True)
        directory = os.open(destination, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidInput(f"--output {destination}: {error.strerror}") from None
    try:
        with content:
            extract_into(content, Files(directory, ""), "/", owner=(os.geteuid(), os.getegid()), keeps_special=True)
    finally:
        os.close(directory)


def push(client: Client, names: Sequence[str]) -> None:
    """Upload an image under each of its names. Raises APIError."""
    from labcore.cli.image.auth import registry_auth
    from labcore.cli.progress import show
    from labcore.spec import Reference

    for name in names:
        reference = Reference.parse(name)
        auth = registry_auth(reference.registry, reference.repository)
        show(client.images.push(str(reference.replace(tag=None)), tag=reference.tag or "", auth=auth), sys.stderr)


def drop_unnamed(client: Client, image_id: str) -> None:
    """Remove an image that only its files were wanted of, unless it has a name or a container."""
    from contextlib import suppress

    with suppress(LabcoreError):
        if not client.images.inspect(image_id).tags:
            client.images.remove(image_id)

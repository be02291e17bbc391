"""Lesson registry: a registry that lives as long as the notebook, its contents as values, and a push to it."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Protocol, Self

import bcrypt

from labcore.engine import default_root
from labcore.engine.image.endpoint import endpoint
from labcore.engine.image.push import push as push_image
from labcore.http import FilePart, Request, Response
from labcore.images import ImageStore, Manifest
from labcore.lab.exchange import Exchange, Row, row
from labcore.record import Record
from labcore.registry.server import Registry, Settings
from labcore.registry.server_auth import Access, AllowAll, Htpasswd
from labcore.spec import Reference


class TaggedImage(Record):
    """An image in a repository: its manifest's digest, its tags, its layers from the lowest up."""

    digest: str
    tags: tuple[str, ...]
    layers: tuple[str, ...]


class Repository(Record):
    """A repository: its name and its images."""

    name: str
    images: tuple[TaggedImage, ...]


class HasContents(Protocol):
    """A registry that can list its contents."""

    @property
    def address(self) -> str:
        """Where it is."""

    def contents(self) -> Sequence[Repository]:
        """Return its repositories."""


class LessonRegistry(Registry):
    """A registry on the loopback, served from a thread of this process, at `url` and `address`."""

    def __init__(self, root: Path, access: Access | None = None) -> None:
        super().__init__(root, Settings(access or AllowAll()))
        self._rows: list[Row] = []
        self._server, port = self.serve()
        self._thread = self._server.start()
        self.url = f"http://127.0.0.1:{port}"

    @property
    def address(self) -> str:
        """Where it is, as it stands in the names of images."""
        return self.url.removeprefix("http://")

    def __repr__(self) -> str:
        return f"<registry at {self.url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, and return when its port is free."""
        self._server.close()
        self._thread.join()

    def access_log(self) -> Exchange:
        """Return the exchanges since the last call; they are shown as a table."""
        rows, self._rows = tuple(self._rows), []
        return Exchange(rows)

    def contents(self) -> list[Repository]:
        """Return its repositories."""
        return [Repository(name, tuple(self._images(name))) for name in self.files.repositories()]

    def _images(self, name: str) -> Iterator[TaggedImage]:
        tags: dict[str, list[str]] = {}
        for tag in self.files.tags(name):
            tags.setdefault(self.files.tagged(name, tag), []).append(tag)
        entries = (self.files.repository(name) / "_manifests").iterdir()
        for entry in sorted(entries, key=lambda path: path.stat().st_mtime_ns):
            manifest = Manifest.parse(self.files.manifest(name, entry.name)[2], f"{name}@{entry.name}")
            yield TaggedImage(entry.name, tuple(tags.get(entry.name, ())), tuple(layer.digest for layer in manifest.layers))

    def private(self, user: str, password: str) -> "LessonRegistry":
        """Serve the same repositories behind a password."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="labcore-htpasswd-") as file:
            file.write(f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n")
            file.flush()
            return LessonRegistry(self.files.root, Htpasswd(Path(file.name)))

    def tampering(self, *digests: str) -> "LessonRegistry":
        """Serve the same repositories, but send other bytes in the place of these blobs (of all, if none is named)."""
        return _Tampering(self.files.root, digests)

    def answer(self, request: Request) -> Response:
        """Answer a request, and take it down."""
        response = self.changed(request, super().answer(request))
        self._rows.append(row(request, response))
        return response

    def changed(self, request: Request, response: Response) -> Response:  # noqa: ARG002  one that tampers looks at the request
        """Return the response that is really sent."""
        return response


class _Tampering(LessonRegistry):
    def __init__(self, root: Path, digests: tuple[str, ...]) -> None:
        self._digests = digests
        super().__init__(root)

    def changed(self, request: Request, response: Response) -> Response:
        if not isinstance(response.body, FilePart) or response.status != HTTPStatus.OK:
            return response
        if self._digests and not request.path.endswith(self._digests):
            return response
        with response.body.file as file:
            content = bytearray(file.read())
        content[len(content) // 2] ^= 1
        return response.replace(body=bytes(content))


def registry() -> LessonRegistry:
    """Start an empty registry, which ends with this process. The content of an earlier one is removed."""
    directory = default_root() / "lab" / "registry"
    shutil.rmtree(directory, ignore_errors=True)
    return LessonRegistry(directory)


def push(store: str, name: str, registry: LessonRegistry) -> str:
    """Push an image of a store to a registry, as `docker push` does; return its full name.

    Raises ImageNotFound, RegistryError.
    """
    images = ImageStore(Path(store))
    full = Reference.parse(f"{registry.address}/{name}")
    images.tag(full, images.get(Reference.parse(name)).descriptor)
    for _ in push_image(images, full, endpoint(full)):
        pass
    return str(full)

"""Images come from a registry, and go to one: the only place where `registry` and `images` meet."""

import json
import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, Final

from labcore.errors import ImageNotFound, LabcoreError, StoreDamaged
from labcore.images import ImageStore
from labcore.images.model import ARCHITECTURES, Descriptor
from labcore.record import Record
from labcore.registry import credentials
from labcore.registry.client import Client, Fetched
from labcore.registry.manifests import DOCKER_INDEX, OCI_INDEX
from labcore.registry.transport import Endpoint, Transport
from labcore.spec import Reference

AT_ONCE: Final = 3  # layers, as docker
HUB: Final = "registry-1.docker.io"  # where docker.io's registry really is
LOOPBACK: Final = ("127.", "localhost", "[::1]")


class Progress(Record):
    """What becomes of one part of an image: `waits`, `comes`, `goes`, `is there`, `done`; how much of how many bytes."""

    digest: str
    what: str
    done: int = 0
    total: int = 0


def endpoint(reference: Reference, *, insecure: bool | None = None) -> Endpoint:
    """Return where an image's registry is; one on this machine's loopback is spoken to without TLS, unless told otherwise."""
    host = HUB if reference.registry == "docker.io" else reference.registry
    return Endpoint(host, host.startswith(LOOPBACK) if insecure is None else insecure)


def pull(store: ImageStore, reference: Reference, where: Endpoint) -> Iterator[Progress]:
    """Get an image and give it its name, saying how far it is. What breaks off goes on the next time.

    Raises RegistryError, StoreDamaged; ImageNotFound if there is none for this machine.
    """
    with closing(Transport(where, credentials.find(reference.registry))) as transport:
        client = Client(transport, reference.repository)
        manifest = _for_this_machine(client, client.manifest(reference.digest or reference.tag or "latest"), reference)
        parts = _parts(manifest)
        yield from _side_by_side(parts, lambda part, tell: _fetch(store, client, part, tell))
    descriptor = store.put_blob(manifest.content, manifest.media_type)
    store.tag(reference, descriptor)
    store.get(reference)  # whatever is wrong with it, it is said now
    yield Progress(descriptor.digest, "done", descriptor.size, descriptor.size)


def push(store: ImageStore, reference: Reference, where: Endpoint) -> Iterator[Progress]:
    """Send an image to the registry of its name, saying how far it is. Raises ImageNotFound, RegistryError."""
    image = store.get(reference)
    content = store.blob_path(image.descriptor).read_bytes()
    with closing(Transport(where, credentials.find(reference.registry))) as transport:
        client = Client(transport, reference.repository)
        parts = _parts(Fetched(content, image.descriptor.media_type, image.descriptor.digest))
        yield from _side_by_side(parts, lambda part, tell: _send(store, client, part, tell))
        client.push_manifest(reference.tag or image.descriptor.digest, content, image.descriptor.media_type)
    yield Progress(image.descriptor.digest, "done", len(content), len(content))


def _for_this_machine(client: Client, manifest: Fetched, reference: Reference) -> Fetched:
    """Return the manifest itself, or of an index that for this machine."""
    if manifest.media_type not in (OCI_INDEX, DOCKER_INDEX):
        return manifest
    machine = os.uname().machine
    wanted = ("linux", ARCHITECTURES.get(machine, machine))
    try:
        entries = [(e.get("platform") or {}, Descriptor.from_json(e)) for e in json.loads(manifest.content)["manifests"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreDamaged(f"{reference}: its index cannot be read: {error!r}") from None
    for platform, descriptor in entries:
        if (platform.get("os"), platform.get("architecture")) == wanted:
            return client.manifest(descriptor.digest)
    there = ", ".join(sorted({f"{p.get('os')}/{p.get('architecture')}" for p, _ in entries})) or "nothing"
    raise ImageNotFound(f"{reference} is not made for {'/'.join(wanted)}: there is {there}")


def _parts(manifest: Fetched) -> list[Descriptor]:
    """Return the config and the layers, each once. Raises StoreDamaged."""
    try:
        value: dict[str, Any] = json.loads(manifest.content)
        found = [Descriptor.from_json(entry) for entry in (value["config"], *value["layers"])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreDamaged(f"manifest {manifest.digest} cannot be read: {error!r}") from None
    return list({part.digest: part for part in found}.values())


def _fetch(store: ImageStore, client: Client, part: Descriptor, tell: Callable[[Progress], None]) -> None:
    def chunks(offset: int) -> Iterator[bytes]:
        come = offset
        for chunk in client.blob(part.digest, part.size, offset):
            come += len(chunk)
            tell(Progress(part.digest, "comes", come, part.size))
            yield chunk

    got = store.fetch_blob(part, chunks)
    tell(Progress(part.digest, "done" if got else "is there", part.size, part.size))


def _send(store: ImageStore, client: Client, part: Descriptor, tell: Callable[[Progress], None]) -> None:
    tell(Progress(part.digest, "goes", 0, part.size))
    path = store.blob_path(part)
    how = client.push_blob(part.digest, part.size, lambda: path.open("rb"))
    tell(Progress(part.digest, "done" if how == "sent" else "is there", part.size, part.size))


def _side_by_side(
    parts: list[Descriptor], work: Callable[[Descriptor, Callable[[Progress], None]], None]
) -> Iterator[Progress]:
    """Do the work for a few parts at a time, and yield what it tells. The first that fails ends all; its error is raised."""
    told: queue.SimpleQueue[Progress | Exception | None] = queue.SimpleQueue()
    left = iter(parts)
    lock, stop = threading.Lock(), threading.Event()

    def tell(progress: Progress) -> None:
        if stop.is_set():
            raise _Stopped
        told.put(progress)

    def worker() -> None:
        try:
            while not stop.is_set():
                with lock:
                    part = next(left, None)
                if part is None:
                    break
                work(part, tell)
        except _Stopped:
            pass
        except Exception as error:
            told.put(error)
        finally:
            told.put(None)

    threads = [threading.Thread(target=worker, daemon=True) for _ in range(min(AT_ONCE, len(parts)))]
    for thread in threads:
        thread.start()
    try:
        running = len(threads)
        while running:
            item = told.get()
            if isinstance(item, Exception):
                raise item
            if item is None:
                running -= 1
            else:
                yield item
    finally:
        stop.set()
        for thread in threads:
            thread.join()


class _Stopped(LabcoreError):
    """Nobody wants to hear more."""

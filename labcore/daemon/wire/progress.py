"""Progress of pulls, pushes and loads as lines of JSON, with docker's statuses, ids and progressDetail."""

import logging
import time
from collections.abc import Generator, Iterable, Iterator
from itertools import chain, islice
from typing import Any, Final, TypeVar

from labcore.daemon.wire.codec import json_lines
from labcore.engine.image.progress import Progress
from labcore.engine.image.pull import Pulled
from labcore.engine.image.push import Pushed
from labcore.errors import LabcoreError
from labcore.http import Response
from labcore.http.exceptions import ClientDisconnect
from labcore.images import Image
from labcore.images.archive.reading import ArchivedImage
from labcore.spec import Platform, Reference

T = TypeVar("T")
LOG: Final = logging.getLogger(__name__)
Line = dict[str, Any]
SHOWN: Final = 12  # hex digits of a digest
BAR: Final = 50
PULL_STATUSES: Final = {"waiting": "Pulling fs layer", "downloaded": "Download complete", "done": "Pull complete"}
PUSH_STATUSES: Final = {"waiting": "Preparing", "done": "Pushed", "exists": "Layer already exists"}
OFTEN_SECONDS: Final = 0.1  # between two lines of one part
UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")


def streamed(lines: Iterable[Line], *, head_first: bool = False) -> Response:
    """Return an answer of lines. What fails before the first is raised, unless the head is to come first.

    What fails later is the last line, as docker does it.
    """
    rest = iter(lines)
    first = [] if head_first else list(islice(rest, 1))
    return json_lines(chain(first, _to_the_end(rest)))


def _to_the_end(lines: Iterator[Line]) -> Iterator[Line]:
    try:
        yield from lines
    except LabcoreError as error:
        yield error_line(error)
    except ClientDisconnect:  # nobody is there to read of it
        raise
    except Exception as error:
        LOG.exception("an answer that is a stream has failed")
        yield error_line(LabcoreError(failed(error)))


def failed(error: Exception) -> str:
    """Return what a client is told of a fault of ours; the log has its traceback."""
    return f"the daemon has failed ({type(error).__name__}); its log says how"


def error_line(error: Exception) -> Line:
    """Return the line that ends a stream which has failed, with the exit code of the program whose failure it is."""
    code = getattr(error, "code", None)
    detail = {"code": code} if isinstance(code, int) else {}
    return {"errorDetail": {**detail, "message": str(error)}, "error": str(error)}


def pull_lines(
    reference: Reference, pulling: Generator[Progress, None, Pulled], platform: Platform | None = None
) -> Iterator[Line]:
    """Yield what docker says of a pull; `platform` is what was asked for."""
    said = _Pull()
    repository = reference.repository
    told = values(pulling)
    first = next(told)  # the manifest is there now
    yield {"status": f"Pulling from {repository}", "id": str(reference if reference.digest else reference.tag)}
    for value in chain([first], told):
        if isinstance(value, Progress):
            yield from said.lines(value)
            continue
        yield {"status": f"Digest: {value.digest}"}
        what = "Downloaded newer image for" if value.is_newer else "Image is up to date for"
        yield {"status": f"Status: {what} {reference}"}
        if platform and not (found := value.image.config.platform).suits(platform):
            yield {
                "status": f"WARNING: image with reference {reference} was found but its platform ({found}) does not match "
                f"the specified platform ({platform})"
            }


def push_lines(reference: Reference, pushing: Generator[Progress, None, Pushed]) -> Iterator[Line]:
    """Yield what docker says of the push of one reference."""
    said = _Push()
    for value in values(pushing):
        if isinstance(value, Progress):
            yield from said.lines(value)
            continue
        descriptor = value.image.descriptor
        yield {"status": f"{reference.tag}: digest: {descriptor.digest} size: {descriptor.size}"}
        about = {"Tag": reference.tag, "Digest": descriptor.digest, "Size": descriptor.size}
        yield {"progressDetail": {}, "aux": about}


def load_lines(loaded: Iterable[ArchivedImage], new: Iterable[Image], *, quiet: bool) -> Iterator[Line]:
    """Yield what docker says of images that were loaded; `new` are those that were not here before."""
    for image in () if quiet else new:
        for layer, diff_id in zip(image.layers, image.config.diff_ids, strict=True):
            yield _progress("Loading layer", short(diff_id), layer.size, layer.size)
    for entry in loaded:
        for name in entry.names:
            yield {"stream": f"Loaded image: {name}\n"}
        if not entry.names:
            yield {"stream": f"Loaded image ID: {entry.images[0].id}\n"}


def values(steps: Generator[Progress, None, T]) -> Iterator[Progress | T]:
    """Yield what a generator yields, and in the end what it returns."""
    result = yield from steps
    yield result


class _Transfer:
    """The layers of an image on their way. Its config and its manifest are no layers, and docker says nothing of them."""

    def __init__(self) -> None:
        self._layers: set[str] = set()
        self._told: dict[str, float] = {}  # when, of each layer

    def _is_layer(self, progress: Progress) -> bool:
        if progress.diff_id:
            self._layers.add(progress.digest)
        return progress.digest in self._layers

    def _is_due(self, progress: Progress) -> bool:
        """Return whether there is to be a line: the last one, and others not too often."""
        now = time.monotonic()
        if progress.done < progress.total and now - self._told.get(progress.digest, 0.0) < OFTEN_SECONDS:
            return False
        self._told[progress.digest] = now
        return True


class _Pull(_Transfer):
    """What is said of a pull: of an image that is here already, nothing of its layers."""

    def __init__(self) -> None:
        super().__init__()
        self._is_new = False

    def lines(self, progress: Progress) -> Iterator[Line]:
        id = short(progress.digest)
        if not self._is_layer(progress):
            self._is_new = self._is_new or (not self._layers and progress.status == "done")
        elif progress.status == "downloading" and self._is_due(progress):
            yield _progress("Downloading", id, progress.done, progress.total)
        elif progress.status == "exists":
            if self._is_new:
                yield _progress("Already exists", id)
        elif progress.status == "extracting":
            yield _progress("Extracting", id, progress.done, progress.total)
        elif progress.status in PULL_STATUSES:
            yield _progress(PULL_STATUSES[progress.status], id)


class _Push(_Transfer):
    """What is said of a push, in which layers are called by their diff_ids."""

    def __init__(self) -> None:
        super().__init__()
        self._ids: dict[str, str] = {}

    def lines(self, progress: Progress) -> Iterator[Line]:
        if not self._is_layer(progress):
            return
        id = self._ids.setdefault(progress.digest, short(progress.diff_id))
        if progress.status == "uploading":
            if self._is_due(progress):
                yield _progress("Pushing", id, progress.done, progress.total)
        elif progress.status == "mounted":
            yield _progress(f"Mounted from {progress.mounted_from}", id)
        else:
            yield _progress(PUSH_STATUSES[progress.status], id)


def short(digest: str) -> str:
    """Return the head of a digest, as it is shown."""
    return digest.partition(":")[2][:SHOWN]


def _progress(status: str, id: str, current: int | None = None, total: int = 0) -> Line:
    if current is None:
        return {"status": status, "progressDetail": {}, "id": id}
    detail = {"current": current, "total": total}
    return {"status": status, "progressDetail": detail, "progress": _bar(current, total), "id": id}


def _bar(current: int, total: int) -> str:
    """Return the bar that clients of old show as it is."""
    filled = min(BAR, current * BAR // total if total else 0)
    return f"[{'=' * filled}>{' ' * (BAR - filled)}] {_size(current):>8}/{_size(total)}"


def _size(count: float) -> str:
    """Return a number of bytes with at most four digits and its unit, as docker's units.HumanSize does."""
    unit = 0
    while count >= 1000 and unit < len(UNITS) - 1:
        count, unit = count / 1000, unit + 1
    return f"{count:.4g}{UNITS[unit]}"

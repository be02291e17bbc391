"""Check of `images_create`: from a registry that keeps it waiting, from one that lies, and for a tag that is not there."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from threading import Event
from typing import Any, Final

from labcore.engine.image.endpoint import endpoint
from labcore.engine.image.push import push as engine_push
from labcore.errors import LabcoreError
from labcore.http import FilePart, Request, Response
from labcore.images import ImageStore
from labcore.lab.checks.drawn_images import make_image
from labcore.lab.checks.lesson_03.pulling import PULLING
from labcore.lab.checks.lesson_03.running import state_store
from labcore.lab.checks.lesson_05.serving import runtime
from labcore.lab.checks.lesson_06.serving import performing
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.checks.wire import Answer, Wire
from labcore.lab.messages import say
from labcore.lab.registries import LessonRegistry
from labcore.spec import Reference

HELD_SECONDS: Final = 3.0  # that the registry waits for the answer to begin
LIES: Final = "lies"  # in the names of images whose layers come damaged
FILE: Final = "my_runtime.py"


class _Slow(LessonRegistry):
    """A registry that sends nothing until it is let go, and damages the layers of some images."""

    def __init__(self, root: Path) -> None:
        self.go = Event()
        super().__init__(root)

    def answer(self, request: Request) -> Response:
        """Answer a request, later."""
        if not self.go.wait(HELD_SECONDS):
            self.go.set()
        return super().answer(request)

    def changed(self, request: Request, response: Response) -> Response:
        """Return the response that is really sent."""
        if LIES not in request.path or not isinstance(response.body, FilePart):
            return response
        with response.body.file as file:
            content = bytearray(file.read())
        content[len(content) // 2] ^= 1
        return response.replace(body=bytes(content))


def _repository(draw: Draw) -> str:
    return f"{draw.hostname}/app"


@contextmanager
def _registry(draw: Draw) -> Iterator[None]:
    (state_store(draw) / "blobs" / "sha256").mkdir(parents=True)
    source = Path(draw.root, "source")
    with ExitStack() as undo:
        registry = undo.enter_context(_Slow(Path(draw.root, "registry")))
        registry.go.set()
        for repository in (_repository(draw), f"{LIES}/{draw.hostname}"):
            name = Reference.parse(f"{registry.address}/{repository}:{draw.mark}")
            make_image(source, draw, str(name))
            for _ in engine_push(ImageStore(source), name, endpoint(name)):
                pass
        registry.access_log()
        registry.go.clear()
        draw.keep("registry", registry)
        draw.hand_in("registry", registry.url)
        yield


def _target(repository: str, tag: str) -> str:
    """Return the request's target, with the name in full, as newer clients send it."""
    return f"/v1.47/images/create?fromImage=docker.io%2F{repository.replace('/', '%2F')}&tag={tag}"


def _whole(draw: Draw, repository: str) -> str:
    """Return what an image of the store lacks; nothing if it is whole."""
    try:
        images = ImageStore(state_store(draw))
        image = images.get(Reference.parse(f"{repository}:{draw.mark}"))
        for layer in image.layers:
            images.blobs.read(layer)
    except LabcoreError as error:
        return str(error)
    return ""


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _told(answer: Answer) -> str:
    return answer.body[-80:].decode(errors="replace")


def _error_of(lines: list[Any]) -> str:
    """Return what a line tells of an error, in both its forms; empty if one of them is missing."""
    for line in filter(_is_object, lines):
        detail = line.get("errorDetail")
        both = (line.get("error"), detail.get("message") if _is_object(detail) else None)
        if all(isinstance(text, str) and text for text in both):
            return str(min(both, key=len))
    return ""


def _words(lines: list[Any]) -> list[str]:
    """Return what lines say to people, but for those that tell of an error."""
    return [line["status"] for line in lines if _is_object(line) and isinstance(line.get("status"), str)]


def _converse_pull(wire: Wire, draw: Draw) -> Iterator[Claim]:
    registry: _Slow = draw.kept("registry")
    status, first, rest = _begun(wire, draw, registry)
    yield Claim(say("the answer begins before the pull: the Reply is returned first, and its generator pulls"), status > 0)
    if not status:
        return
    lines = [_parsed(line) for line in (first, *rest.splitlines()) if line.strip()]
    yield equal(say("with status 200, and a line of JSON"), 200, status)
    spoken = len(_words(lines)) == len(lines) and all(_words(lines))
    yield Claim(say("each line is a JSON object with a text, `status`"), spoken, first[:60].decode(errors="replace"))
    missing = _whole(draw, _repository(draw))
    yield Claim(say("the image is in the store, whole and under its name"), not missing, missing[:120])
    yield Claim(say("and no line tells of an error"), not _error_of(lines), _error_of(lines)[:120])
    yield from _fails(wire, draw, len(lines))


def _begun(wire: Wire, draw: Draw, registry: _Slow) -> tuple[int, bytes, bytes]:
    """Pull; return the status and the first line, which came while the registry waited (0 if they did not), and the rest."""
    with wire.asked("POST", _target(_repository(draw), draw.mark)) as response:
        first = response.readline()
        held = not registry.go.is_set() and not registry.access_log().rows
        registry.go.set()
        rest = response.read()
    return (response.status if held and first else 0), first, rest


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _fails(wire: Wire, draw: Draw, told: int) -> Iterator[Claim]:
    """An image whose layers come damaged, and one that is not there; `told` lines told of one that came."""
    damaged = wire.ask("POST", _target(f"{LIES}/{draw.hostname}", draw.mark))
    error = _error_of(damaged.lines())
    yield Claim(say("what fails later is a line with `error` and `errorDetail`"), bool(error), _told(damaged))
    yield Claim(
        say("that says what went wrong, and not where in your file"), "sha256:" in error and FILE not in error, error[:80]
    )
    last = damaged.lines()[-1:]
    yield Claim(say("the error is the last line"), bool(_error_of(last)), _told(damaged))
    early = len(_words(damaged.lines())) >= told
    yield Claim(say("success is told of what has come, and only then"), not early, _told(damaged))
    nowhere = wire.ask("POST", _target(f"{draw.hostname}/nowhere", draw.mark))
    error = _error_of(nowhere.lines())
    refused = nowhere.status >= HTTPStatus.BAD_REQUEST or (bool(error) and FILE not in error)
    yield Claim(say("an image that the registry has not is an error, too"), refused, _told(nowhere))
    named = _whole(draw, f"{LIES}/{draw.hostname}")
    yield Claim(say("and none of both has a name in the store"), bool(named))


def _conclude_pull(returned: Any, draw: Draw) -> Iterator[Claim]:  # noqa: ARG001  all is known by now
    yield from ()


IMAGES_CREATE = Scenario(
    performing("images_create", runtime, lambda draw: str(draw.handed_in("registry"))),
    None,
    _conclude_pull,
    None,
    prepare=_registry,
    converse=_converse_pull,
    forbidden=PULLING,
)

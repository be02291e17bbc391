"""Check of `create`: an image that is missing, one that is here, and the same one once it has come."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from labcore.engine.image.endpoint import endpoint
from labcore.engine.image.push import push as engine_push
from labcore.images import ImageStore
from labcore.lab.checks.drawn_images import put_image
from labcore.lab.checks.lesson_03.running import state_store
from labcore.lab.checks.lesson_05.serving import ID, id_of, runtime, words_of
from labcore.lab.checks.lesson_06.serving import performing
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.checks.wire import Answer, Wire
from labcore.lab.messages import say
from labcore.lab.registries import LessonRegistry
from labcore.spec import Reference


def _here(draw: Draw) -> str:
    return f"{draw.hostname}/here"


def _missing(draw: Draw) -> str:
    return f"{draw.hostname}/missing"


def _damaged(draw: Draw) -> str:
    return f"{draw.hostname}/damaged"


def _config(draw: Draw) -> dict[str, Any]:
    """Return the part `config` of both images: an exit code is the entry point, a FIFO to wait at the command."""
    return {"Entrypoint": [str(draw.exit_code)], "Cmd": [f"{draw.root}/gate-1"]}


@contextmanager
def _images(draw: Draw) -> Iterator[None]:
    """Put one image into the daemon's store, and serve the other from a registry that notes who asks."""
    (state_store(draw) / "scratch").mkdir(parents=True)
    put_image(state_store(draw), _here(draw), _config(draw))
    put_image(state_store(draw), _damaged(draw), {"Cmd": [draw.token]})
    config = ImageStore(state_store(draw)).get(Reference.parse(_damaged(draw))).config_descriptor
    ImageStore(state_store(draw)).blob_path(config).unlink()
    os.mkfifo(f"{draw.root}/gate-1")
    source = Path(draw.root, "source")
    with LessonRegistry(Path(draw.root, "registry")) as registry:
        name = f"{registry.address}/{_missing(draw)}"
        put_image(source, name, _config(draw))
        for _ in engine_push(ImageStore(source), Reference.parse(name), endpoint(Reference.parse(name))):
            pass
        registry.access_log()
        draw.keep("registry", registry)
        draw.hand_in("registry", registry.url)
        yield


def _create(wire: Wire, image: str, name: str, command: list[str] | None = None) -> Answer:
    body = {"Image": image, "Cmd": command, "Tty": False, "HostConfig": {"NetworkMode": "default"}}
    return wire.ask("POST", f"/v1.47/containers/create?name={name}", body)


def _converse_create(wire: Wire, draw: Draw) -> Iterator[Claim]:
    refused = _create(wire, _missing(draw), "never")
    yield equal(say("the status for an image that is not here"), 404, refused.status)
    said = refused.json()
    message = said.get("message", "") if isinstance(said, dict) else ""
    named = message in (f"No such image: {_missing(draw)}", f"No such image: {_missing(draw)}:latest")
    yield Claim(say("the message, in JSON: `No such image: ` and the name"), named, refused.body[:80].decode(errors="replace"))
    asked = [row.request for row in draw.kept("registry").access_log().rows]
    yield Claim(say("the daemon pulls nothing by itself"), not asked, ", ".join(asked[:1]))
    made = _create(wire, _here(draw), draw.mark)
    yield equal(say("the status for one that is here"), 201, made.status)
    yield Claim(say("it has an Id of 64 hexadecimal digits"), bool(ID.fullmatch(id_of(made))), id_of(made))
    warnings = made.json().get("Warnings", "") if isinstance(made.json(), dict) else ""
    yield Claim(say("and Warnings, an empty list"), warnings in ([], None), repr(warnings))
    started = wire.ask("POST", f"/v1.47/containers/{id_of(made)[:12] or 'none'}/start")
    yield equal(say("its id leads to it"), 204, started.status)
    wanted = ["run", _here(draw), *_config(draw)["Entrypoint"], *_config(draw)["Cmd"]]
    wire.until(lambda: any(words[-len(wanted) :] == wanted for words in map(words_of, wire.below)))
    ran = [words for words in map(words_of, wire.below) if draw.token in words]
    seen = " ".join(ran[0][ran[0].index(draw.token) + 1 :]) if ran else ""
    yield Claim(say("and runs the image's own program"), any(words[-len(wanted) :] == wanted for words in ran), seen)
    again = wire.ask("POST", f"/containers/{draw.mark}/start")
    yield Claim(say("the container has the name that was asked for"), again.status != 404, str(again.status))
    broken = _create(wire, _damaged(draw), "broken")
    text = say("one that is damaged is an error, and not missing: no pull is wanted")
    yield Claim(text, broken.status >= HTTPStatus.BAD_REQUEST and broken.status != HTTPStatus.NOT_FOUND, str(broken.status))
    put_image(state_store(draw), _missing(draw), _config(draw))
    come = _create(wire, _missing(draw), "now", ["one", draw.token])
    yield equal(say("once the image has come, it is"), 201, come.status)


def _conclude_create(returned: Any, draw: Draw) -> Iterator[Claim]:
    kept = sorted([image, words] for image, words, _ in returned.values())
    own = [_config(draw)["Entrypoint"][0], _config(draw)["Cmd"][0]]
    wanted = sorted([[_here(draw), own], [_missing(draw), [own[0], "one", draw.token]]])
    text = say("`daemon.containers` holds these two, each with its image and what it runs")
    yield Claim(text, kept == wanted, str(kept)[:120])


CREATE = Scenario(
    performing("create", runtime, lambda draw: str(draw.handed_in("registry"))),
    None,
    _conclude_create,
    None,
    prepare=_images,
    converse=_converse_create,
)

"""Check of `image`: a state with a drawn config and a layer of its own becomes an image, read with labcore's own eyes."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore.images import ImageStore
from labcore.images.builtin import LayerWriter
from labcore.images.store import ImageStore as Store
from labcore.lab.checks.lesson_03.running import state_store
from labcore.lab.checks.lesson_10.state import a_context, begun, enter
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.image_steps import blob
from labcore.lab.messages import say
from labcore.spec import Reference
from labcore.spec.media import CONFIG, MANIFEST


def _layer(draw: Draw) -> bytes:
    writer = LayerWriter()
    writer.file(f"srv-{draw.mark}", draw.token.encode())
    return writer.finish()


def _state(draw: Draw) -> dict[str, Any]:
    """Return a state: the drawn image's, with one layer more, as lesson 9 keeps it: not compressed."""
    config = {"Env": [f"SAYS={draw.token}"], "Cmd": ["cat", draw.mark], "ExposedPorts": {f"{draw.number}/tcp": {}}}
    state = begun(draw, **config)
    state["layers"].append(blob(str(state_store(draw)), _layer(draw)))
    state["history"].append({"created_by": f"COPY {draw.mark} /"})
    state["history"].append({"created_by": f"CMD {draw.mark}", "empty_layer": True})
    return state


def _name(draw: Draw) -> str:
    return f"{draw.hostname}/made:{draw.number}"


def _perform_image(mine: ModuleType, draw: Draw) -> list[Any]:
    store = enter(draw)
    return [mine.image(_state(draw), _name(draw), store), mine.image(_state(draw), f"{draw.hostname}/plain", store)]


def _conclude_image(returned: Any, draw: Draw) -> Iterator[Claim]:
    images = ImageStore(state_store(draw))
    names = images.names()
    yield Claim(say("the image has its name in the store"), _reference(draw) in names, ", ".join(sorted(names))[:100])
    if _reference(draw) not in names:
        return
    found, state = images.get(Reference.parse(_name(draw))), _state(draw)
    yield equal(say("what is returned, the manifest's digest"), found.descriptor.digest, returned[0])
    yield Claim(say("a name without a tag is `latest`"), f"{draw.hostname}/plain:latest" in names)
    wanted = [layer["digest"] for layer in state["layers"]]
    yield equal(say("the layers, the lowest first"), wanted, [layer.digest for layer in found.layers])
    yield equal(say("diff_ids: each layer's digest, not compressed"), _diff_ids(draw, found), list(found.config.diff_ids))
    yield equal(say("its command"), ("cat", draw.mark), found.config.command)
    yield Claim(say("its variables"), f"SAYS={draw.token}" in found.config.environment, str(found.config.environment))
    yield equal(say("its platform"), state["architecture"], found.config.architecture)
    told = [entry.created_by for entry in found.config.history]
    yield Claim(say("its history"), told[-2:] == [f"COPY {draw.mark} /", f"CMD {draw.mark}"], str(told[-2:]))
    types = (found.descriptor.media_type, found.config_descriptor.media_type)
    yield equal(say("the media types of manifest and config"), (MANIFEST, CONFIG), types)
    manifest = json.loads(images.blobs.read(found.descriptor))
    stated = (manifest.get("schemaVersion"), manifest.get("mediaType"))
    yield equal(say("schemaVersion and mediaType in the manifest"), (2, MANIFEST), stated)
    whole = json.loads(images.blobs.read(found.config_descriptor))
    yield equal(
        say("os, and the type of rootfs, in the config"), ("linux", "layers"), (whole.get("os"), whole["rootfs"].get("type"))
    )
    size = len(images.blobs.read(found.config_descriptor))
    yield equal(say("the config's size, as the manifest has it"), size, found.config_descriptor.size)


def _reference(draw: Draw) -> str:
    return _name(draw)


def _diff_ids(draw: Draw, found: Any) -> list[str]:
    """Return the digests of the layers, unpacked."""
    contents = [Path(state_store(draw), "blobs", *layer.digest.split(":")).read_bytes() for layer in found.layers]
    plain = [gzip.decompress(each) if each[:2] == b"\x1f\x8b" else each for each in contents]
    return [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in plain]


IMAGE = Scenario(_perform_image, None, _conclude_image, None, prepare=a_context, forbidden=(Store.put_image,))

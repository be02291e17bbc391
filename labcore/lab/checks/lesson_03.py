"""Checks of lesson 3: digests, layers, overlay, pull."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore.engine.endpoint import endpoint
from labcore.engine.pull import pull as engine_pull
from labcore.engine.push import push as engine_push
from labcore.errors import InvalidInput, LabcoreError
from labcore.images import ImageStore
from labcore.images.blobs import Blobs
from labcore.lab import cgroups
from labcore.lab.checks import lesson_02
from labcore.lab.checks.drawn_images import (
    PRINTS,
    an_image,
    an_unpacked_image,
    content,
    descriptors,
    make_image,
    manifest_of,
    prints,
    stack,
    store_of,
    writes_and_deletes,
)
from labcore.lab.checks.lesson_01 import (
    by_default,
    ended_as_drawn,
    ended_or_failed,
    own_environment,
    own_name,
    own_number,
    own_root,
    run_missing,
    share_everything,
)
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import LOOKED_UP, REFERENCE, SECONDS, Draw, Scenario, carry_out
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.lab.registries import LessonRegistry
from labcore.native import MountFlag, UnmountFlag
from labcore.registry.client import Client
from labcore.registry.mirrors import Sources
from labcore.registry.transport import Transport
from labcore.runtime import ops
from labcore.runtime.ops import Op
from labcore.runtime.ops.fields import ops_of
from labcore.spec import BindRoot, ContainerSpec, OverlayRoot, Reference, Root
from labcore.storage import LayerStore, unpack
from labcore.storage import overlay as storage_overlay
from labcore.storage.unpack import Extractor
from labcore.tar import Archive

SHOWN = 8  # digits of a layer's name
DIGITS = 24  # letters of a digest


def _root_mount(seen: ProcessView) -> tuple[str, dict[str, str]]:
    """Return the type of the container's root, and its options."""
    fields = next(fields for fields in reversed(seen.mounts) if fields[4] == "/")
    options = dict(part.partition("=")[::2] for part in fields[-1].split(","))
    return fields[fields.index("-") + 1], options


def _stacked(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    """Look at a container on the image that was drawn, through the kernel's eyes."""
    kind, options = _root_mount(seen)
    yield Claim(say("its root is an overlay"), kind == "overlay", kind)
    yield Claim(say("with a layer on top that can be written to"), "upperdir" in options)
    yield from _layered(seen, draw)


def _layered(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    found = {name: seen.text(f"/etc/{name}") for name in ("top", "middle", "base")}
    wanted = {"top": content(draw, "top", 2), "middle": content(draw, "middle", 1), "base": content(draw, "base", 0)}
    wrong = [f"/etc/{name}: {(text or '').partition(',')[0]!r}" for name, text in found.items() if text != wanted[name]]
    yield Claim(say("each file is that of the topmost layer that has it"), not wrong, ", ".join(wrong))
    yield Claim(say("/etc/gone, which a layer deletes, is not to be seen"), not seen.holds("/etc/gone"))
    yield Claim(say("/etc/back, deleted and made again, is"), seen.text("/etc/back") == content(draw, "back", 2))


def _in_order(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    lower = [Path(name).name[:SHOWN] for name in _root_mount(seen)[1].get("lowerdir", "").split(":")]
    wanted = [Path(name).name[:SHOWN] for name in stack(draw).layers]
    yield Claim(say("its read-only layers are the image's, the topmost first"), lower == wanted, ":".join(lower) or say("none"))
    upper = _root_mount(seen)[1].get("upperdir", "")
    yield Claim(say("and its own lies in `root.scratch`"), stack(draw).scratch in Path(upper).parts, upper or say("none"))


def _image_is_whole(draw: Draw, store: Path) -> Iterator[Claim]:
    before, now = PRINTS.pop(draw.token), prints(store)
    layers = [path for path in before if Path(path).parent == Path("layers")]
    added = [path for path in now if path not in before and any(path.startswith(f"{layer}/") for layer in layers)]
    changed = [*added, *(path for path, held in before.items() if now.get(path) != held)]
    yield Claim(say("what lay in the store is as it was"), not changed, " ".join(path[-30:] for path in changed[:3]))


# --- digest


def _samples(draw: Draw) -> list[bytes]:
    return [draw.token.encode(), b"", draw.hostname.encode() * draw.number, bytes(range(256))]


def _perform_digest(mine: ModuleType, draw: Draw) -> Any:
    return [mine.digest(sample) for sample in _samples(draw)]


def _conclude_digest(returned: Any, draw: Draw) -> Iterator[Claim]:
    found = returned if isinstance(returned, list) else []
    texts = [item for item in found if isinstance(item, str)]
    yield Claim(say("it returns a text"), len(texts) == len(found) > 0, repr(found[:1])[1:-1])
    wanted = [f"sha256:{hashlib.sha256(sample).hexdigest()}" for sample in _samples(draw)]
    starts = bool(texts) and all(text.startswith("sha256:") for text in texts)
    yield Claim(say("which begins with sha256:"), starts, "".join(texts[:1])[:20])
    wrong = next(((each, right) for each, right in zip(found, wanted, strict=False) if each != right), (wanted[0], wanted[0]))
    text = say("and is the digest of the bytes that were given")
    yield Claim(text, found == wanted, expected=wrong[1][:DIGITS], seen=str(wrong[0])[:DIGITS])


# --- layers


def _perform_layers(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    manifest, store = manifest_of(draw), str(store_of(draw))
    cut = _unpack_cut(mine, draw)
    names = _names(mine.layers(manifest, store))
    again = _names(mine.layers(manifest, store))
    root = OverlayRoot(store, tuple(names), "scratch")
    code = carry_out(draw, writes_and_deletes(draw), REFERENCE.namespaces, REFERENCE.rootfs, root=root)
    return {"names": names, "again": again, "code": code, "cut": cut}


def _unpack_cut(mine: ModuleType, draw: Draw) -> str:
    """Have a layer unpacked that is cut off, in a store of its own; return what is raised, as it should be."""
    store, layer = Path(draw.root, "cut"), manifest_of(draw)["layers"][0]
    for part in ("blobs/sha256", "layers", "scratch"):
        (store / part).mkdir(parents=True)
    blob = Path("blobs", layer["digest"].replace(":", "/"))
    content = (store_of(draw) / blob).read_bytes()
    (store / blob).write_bytes(content[: len(content) // 2])
    try:
        mine.layers({"layers": [layer]}, str(store))
    except Exception as error:
        return type(error).__name__
    return ""


def _names(returned: Any) -> list[str]:
    """Return a list of names. Raises InvalidInput for what is none."""
    if returned is None:
        raise InvalidInput(say("{name} returned nothing: is `return` missing?", name="layers"))
    if not isinstance(returned, list | tuple) or not all(isinstance(name, str | Path) for name in returned):
        raise InvalidInput(
            say("layers returned {what}: it returns the names in a list, the topmost first", what=repr(returned))
        )
    return [str(name) for name in returned]


def _conclude_layers(returned: Any, draw: Draw) -> Iterator[Claim]:
    store, manifest = store_of(draw), manifest_of(draw)
    places = [store / name for name in returned["names"]]
    apart = len(set(places)) == len(manifest["layers"]) and all(store in place.parents for place in places)
    named = "" if apart else " ".join(returned["names"])[:80]
    yield Claim(say("each layer has a directory of its own in the store"), apart, named)
    own = [sorted(path.name for path in place.glob("etc/*")) for place in places]
    wanted = [["back", "top"], ["back", "gone", "middle", "top"], ["back", "base", "gone", "middle", "top"]]
    held = "" if own == wanted else " | ".join(map(" ".join, own))
    yield Claim(say("with that layer's files, and no other's"), own == wanted, held)
    yield Claim(say("unpacked once: the second time the same names come back"), returned["again"] == returned["names"])
    yield Claim(say("a layer that is cut off is an error"), returned["cut"] != "")
    yield from ended_as_drawn(returned["code"], draw)
    yield from _image_is_whole(draw, store)


# --- overlay


def _perform_overlay(mine: ModuleType, draw: Draw) -> int:
    def around(spec: ContainerSpec) -> list[Op]:
        return [
            ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
            *ops_of(mine.overlay, spec.root),
            ops.PivotRoot(".", "."),
            ops.Unmount(".", UnmountFlag.DETACH),
            ops.Chdir("/"),
        ]

    return carry_out(draw, writes_and_deletes(draw), REFERENCE.namespaces, around, root=stack(draw))


def _observe_overlay(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield from _stacked(seen, draw)
    yield from _in_order(seen, draw)


def _conclude_overlay(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from ended_as_drawn(returned, draw)
    yield from _image_is_whole(draw, store_of(draw))
    left = sorted(path.name for path in Path(store_of(draw), "scratch").iterdir())
    yield Claim(say("what the container wrote was in memory, and is gone with it"), not left, " ".join(left))


# --- rootfs: on layers, and again on a plain directory


def _root_of(draw: Draw) -> Root:
    return BindRoot(draw.root) if draw.again else stack(draw)


def _program(draw: Draw) -> tuple[str, ...]:
    return draw.waiting() if draw.again else writes_and_deletes(draw)


def _perform_rootfs(mine: ModuleType, draw: Draw) -> int:
    share_everything()
    return carry_out(draw, _program(draw), REFERENCE.namespaces, mine.rootfs, root=_root_of(draw))


def _observe_rootfs(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    if draw.again:
        yield Claim(say("on a plain directory, too: its root is no overlay"), _root_mount(seen)[0] != "overlay")
    else:
        yield from _observe_overlay(seen, draw)
    yield own_number(seen)
    yield from own_root(seen, draw)


def _conclude_rootfs(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from ended_as_drawn(returned, draw)
    yield from _image_is_whole(draw, store_of(draw))


# --- pull


@contextmanager
def _registries(draw: Draw) -> Iterator[None]:
    """Serve the image that was drawn: by an honest registry, and by one that lies about one part of it, another each time."""
    source = Path(draw.root, "source")
    with LessonRegistry(Path(draw.root, "registry")) as honest:
        name = Reference.parse(f"{honest.address}/{draw.hostname}/app:{draw.mark}")
        manifest = make_image(source, draw, str(name))
        for _ in engine_push(ImageStore(source), name, endpoint(name)):
            pass
        honest.access_log()
        tampering = [honest.tampering(part.digest) for part in descriptors(manifest)]
        try:
            for store in ("store", *(f"store{number}" for number in range(len(tampering)))):
                Path(draw.root, store, "blobs", "sha256").mkdir(parents=True)
            urls = [server.url for server in (honest, *tampering)]
            Path(draw.root, "pull.json").write_text(json.dumps([name.repository, name.tag, urls]), encoding="utf-8")
            _SERVED[draw.token] = (honest, manifest, str(ImageStore(source).get(name).descriptor.digest))
            yield
        finally:
            del _SERVED[draw.token]
            for each in tampering:
                each.close()


_SERVED: dict[str, Any] = {}  # by token: the registry, the manifest of what is in it, and that one's digest


def _perform_pull(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    repository, tag, (honest, *tampering) = json.loads(Path(draw.root, "pull.json").read_text(encoding="utf-8"))
    returned = mine.pull(honest, repository, tag, str(store_of(draw)))
    refused = []
    for number, url in enumerate(tampering):
        try:
            mine.pull(url, repository, tag, str(Path(draw.root, f"store{number}")))
            refused.append("")
        except Exception as error:
            refused.append(type(error).__name__)
    return {"manifest": returned, "refused": refused}


def _conclude_pull(returned: Any, draw: Draw) -> Iterator[Claim]:
    honest, manifest, served = _SERVED[draw.token]
    asked = [row.request for row in honest.access_log().rows]
    yield Claim(say("the manifest was asked for by its tag"), any(draw.mark in request for request in asked))
    yield Claim(say("the manifest came back"), returned["manifest"] == manifest)
    parts, blobs = descriptors(manifest), Path(store_of(draw), "blobs", "sha256")
    missing = [part for part in parts if _digest_of(blobs / part.digest[7:]) != part.digest]
    yield Claim(say("config and layers lie in the store, each under its digest"), not missing, _short(missing))
    repository, tag, _ = json.loads(Path(draw.root, "pull.json").read_text(encoding="utf-8"))
    named = Reference.parse(f"{repository}:{tag}")
    known = {name: descriptor.digest for name, descriptor in ImageStore(store_of(draw)).entries() if name}
    is_named = str(named) in known
    yield Claim(say("the image has its name there, {name}", name=str(named)), is_named, " ".join(known) or say("none"))
    if is_named:
        yield equal(say("the digest of the manifest that has that name"), served, known[str(named)])
    for number, what in enumerate((say("the config"), say("the lowest layer"), say("a layer"), say("the topmost layer"))):
        yield Claim(say("{what}: other bytes than were asked for are refused", what=what), returned["refused"][number] != "")
    stores = [Path(draw.root, f"store{number}") for number in range(len(parts))]
    wrong = [path for store in stores for path in _falsely_named(store)]
    yield Claim(say("and not kept"), not wrong, " ".join(path.name[:SHOWN] for path in wrong[:3]))
    named_there = [name for store in stores for name in ImageStore(store).names()]
    yield Claim(say("nor has an image a name there whose parts did not all come"), not named_there, " ".join(named_there[:1]))


def _digest_of(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" if path.is_file() else ""


def _falsely_named(store: Path) -> list[Path]:
    return [path for path in (store / "blobs" / "sha256").iterdir() if _digest_of(path) != f"sha256:{path.name}"]


def _short(parts: Any) -> str:
    return " ".join(part.digest[7 : 7 + SHOWN] for part in parts)


# --- run: by an image's name, and again on a plain directory


@contextmanager
def _state(draw: Draw) -> Iterator[None]:
    """Make a state root whose lesson's store has the image, without a tag its name means `latest`; and a place for cgroups."""
    store = Path(draw.root, "state", "lab", "store")
    make_image(store, draw.replace(token=f"other-{draw.token}"), f"{draw.hostname}:old")
    make_image(store, draw, f"{draw.hostname}:latest")
    PRINTS[draw.token] = prints(store)
    with ExitStack() as undo:
        with suppress(OSError, LabcoreError):  # an ordinary user, and a container, may have none
            undo.enter_context(cgroups.for_a_check())
        yield


def _may_limit() -> bool:
    """Return whether there is a place for cgroups: whoever has none can limit nothing, nor map users and give rights away."""
    return cgroups.VARIABLE in os.environ


def _turned(draw: Draw) -> Draw:
    """Return what lesson 2 draws for a container: users are mapped on the plain directory, for an image's files are root's."""
    return draw.replace(again=not draw.again)


def _found_in_path(draw: Draw) -> tuple[str, ...]:
    return (LOOKED_UP, *_program(draw)[1:])


def _perform_run(mine: ModuleType, draw: Draw) -> Any:
    share_everything()
    lesson_02.hand_on_capabilities()
    os.environ["LABCORE_ROOT"] = f"{draw.root}/state"
    root, name = (draw.root, ()) if draw.again else (draw.hostname, (draw.hostname,))
    further = lesson_02.further_fields(_turned(draw))
    if not _may_limit():
        further = {"environment": further["environment"]}
    code = mine.run(root, list(_found_in_path(draw)), *name, **further)
    missing = run_missing(mine, draw, root)
    return {"code": code, "missing": missing, "nowhere": run_missing(mine, draw, f"{draw.hostname}:nowhere")}


def _observe_run(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    turned = by_default(draw).replace(again=not draw.again)
    if _may_limit():
        yield from lesson_02.limited(seen, turned)
        yield from lesson_02.confined_as_drawn(seen, lesson_02.drawn_spec(turned))
    yield from own_environment(seen, lesson_02.own_path(draw))
    if draw.again:
        yield Claim(say("on a plain directory, too: its root is no overlay"), _root_mount(seen)[0] != "overlay")
    else:
        yield from _stacked(seen, draw)
    yield own_number(seen)
    yield from own_name(seen, by_default(draw))
    yield from own_root(seen, draw)


def _conclude_run(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from ended_or_failed(returned, draw)
    yield Claim(say("nor is an image that is not there"), returned["nowhere"] != 0, repr(returned["nowhere"]))
    yield from _image_is_whole(draw, Path(draw.root, "state", "lab", "store"))


# --- whiteouts


@contextmanager
def _marked(draw: Draw) -> Iterator[None]:
    """Make a layer that was unpacked as it is, with its marks, over one that has what they delete."""
    with an_unpacked_image(draw):
        names = list(stack(draw).layers)
        top = store_of(draw) / "layers" / draw.mark
        for path, text in {
            "etc/.wh.base": "", "etc/kept": draw.token, "tmp/.wh..wh..opq": "", "tmp/new": draw.token, ".wh.var": "",
        }.items():  # fmt: skip
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_text(text, encoding="utf-8")
        lowest = store_of(draw) / names[-1]
        (lowest / "var").mkdir()
        (lowest / "tmp" / "old").write_text(draw.token, encoding="utf-8")
        Path(draw.root, "stack.json").write_text(json.dumps([f"layers/{draw.mark}", *names]), encoding="utf-8")
        yield


def _perform_whiteouts(mine: ModuleType, draw: Draw) -> int:
    mine.whiteouts(store_of(draw) / "layers" / draw.mark)
    return carry_out(draw, draw.waiting(), REFERENCE.namespaces, REFERENCE.rootfs, root=stack(draw))


def _observe_whiteouts(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield Claim(say("a file that the layer deletes is not to be seen"), not seen.holds("/etc/base"))
    yield Claim(say("nor is a whole directory that it deletes"), not seen.holds("/var"))
    yield Claim(say("what stands beside the mark is"), seen.text("/etc/kept") == draw.token)
    yield Claim(say("an opaque directory shows what the layer has in it"), seen.text("/tmp/new") == draw.token)
    yield Claim(say("and nothing that lower layers have there"), not seen.holds("/tmp/old"))


def _conclude_whiteouts(returned: Any, draw: Draw) -> Iterator[Claim]:
    top = store_of(draw) / "layers" / draw.mark
    left = [str(path.relative_to(top)) for path in top.rglob(".wh.*")]
    yield Claim(say("no mark is left"), not left, " ".join(left))
    there = [path.lstat() for path in (top / "etc" / "base", top / "var") if os.path.lexists(path)]
    devices = len(there) == 2 and all(stat.S_ISCHR(status.st_mode) and status.st_rdev == 0 for status in there)
    yield Claim(say("a device 0/0 stands for what is deleted"), devices)
    yield from ended_as_drawn(returned, draw)


# --- dig


def _perform_dig(mine: ModuleType, draw: Draw) -> Any:
    found = []
    for path in ("etc/top", "etc/gone", "etc/base", "etc/nowhere"):
        returned = mine.dig(manifest_of(draw), str(store_of(draw)), path)
        found.append([item.decode() if isinstance(item, bytes) else repr(item) for item in returned])
    return found


def _conclude_dig(returned: Any, draw: Draw) -> Iterator[Claim]:
    top, gone, base, nowhere = returned
    yield Claim(say("a file that each layer has is found in each, the lowest first"), top == _held(draw, "top", 0, 1, 2))
    yield Claim(say("one that a layer deletes is found below"), gone == _held(draw, "gone", 0))
    yield Claim(say("one that is in one layer only, once"), base == _held(draw, "base", 0))
    yield Claim(say("one that there is not, nowhere"), nowhere == [])
    yield from _image_is_whole(draw, store_of(draw))


def _held(draw: Draw, name: str, *numbers: int) -> list[str]:
    return [content(draw, name, number) for number in numbers]


DIGESTING: tuple[Target, ...] = (Blobs,)
UNPACKING: tuple[Target, ...] = (unpack, Extractor, Archive, LayerStore.add, LayerStore.unpacked)
STACKING: tuple[Target, ...] = (storage_overlay, OverlayRoot.options)
PULLING: tuple[Target, ...] = (engine_pull, engine_push, Client, Transport, Sources)
SCENARIOS = {
    "digest": Scenario(_perform_digest, None, _conclude_digest, None, forbidden=DIGESTING),
    "layers": Scenario(_perform_layers, _layered, _conclude_layers, writes_and_deletes, prepare=an_image, forbidden=UNPACKING),
    "overlay": Scenario(
        _perform_overlay,
        _observe_overlay,
        _conclude_overlay,
        writes_and_deletes,
        prepare=an_unpacked_image,
        forbidden=STACKING,
    ),
    "rootfs": Scenario(
        _perform_rootfs,
        _observe_rootfs,
        _conclude_rootfs,
        _program,
        twice=True,
        prepare=an_unpacked_image,
        forbidden=STACKING,
    ),
    "pull": Scenario(_perform_pull, None, _conclude_pull, None, prepare=_registries, forbidden=PULLING),
    "run": Scenario(_perform_run, _observe_run, _conclude_run, _found_in_path, twice=True, prepare=_state, seconds=2 * SECONDS),
    "whiteouts": Scenario(
        _perform_whiteouts,
        _observe_whiteouts,
        _conclude_whiteouts,
        Draw.waiting,
        prepare=_marked,
        forbidden=UNPACKING,
    ),
    "dig": Scenario(_perform_dig, None, _conclude_dig, None, prepare=an_image, forbidden=UNPACKING),
}

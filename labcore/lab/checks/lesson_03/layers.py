"""Checks of `layers` and `whiteouts`: layers as directories, stacked below a container by labcore."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from labcore.errors import InvalidInput
from labcore.lab.checks.containers import ended_as_drawn
from labcore.lab.checks.drawn_images import an_image, an_unpacked_image, manifest_of, stack, store_of, writes_and_deletes
from labcore.lab.checks.image_claims import layered, store_is_whole
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import REFERENCE, Draw, Scenario, carry_out
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say
from labcore.spec import OverlayRoot
from labcore.storage import LayerStore, unpack
from labcore.storage.unpack import Extractor
from labcore.tar import Archive

UNPACKING: Final[tuple[Target, ...]] = (unpack, Extractor, Archive, LayerStore.add, LayerStore.unpacked)


# --- layers


def _perform_layers(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    manifest, store = manifest_of(draw), str(store_of(draw))
    cut = _unpack_cut(mine, draw)
    names = _names(mine.layers(manifest, store))
    again = _names(mine.layers(manifest, store))
    root = OverlayRoot(store, tuple(names), "scratch")
    code = carry_out(draw.spec(writes_and_deletes(draw), root=root), REFERENCE.namespaces, REFERENCE.rootfs)
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
    yield from store_is_whole(draw, store)


LAYERS = Scenario(_perform_layers, layered, _conclude_layers, writes_and_deletes, prepare=an_image, forbidden=UNPACKING)


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
        draw.hand_in("stack", [f"layers/{draw.mark}", *names])
        yield


def _perform_whiteouts(mine: ModuleType, draw: Draw) -> int:
    mine.whiteouts(store_of(draw) / "layers" / draw.mark)
    return carry_out(draw.spec(draw.waiting(), root=stack(draw)), REFERENCE.namespaces, REFERENCE.rootfs)


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


WHITEOUTS = Scenario(
    _perform_whiteouts, _observe_whiteouts, _conclude_whiteouts, Draw.waiting, prepare=_marked, forbidden=UNPACKING
)

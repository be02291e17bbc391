"""Claims about a container on the image that was drawn, and about the store in which that lies."""

from collections.abc import Iterator
from pathlib import Path

from labcore.lab.checks.drawn_images import content, prints, stack
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import Draw
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say

SHOWN = 8  # digits of a layer's name


def layered(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    """The files of the topmost layers, and nothing that a layer deletes."""
    found = {name: seen.text(f"/etc/{name}") for name in ("top", "middle", "base")}
    wanted = {"top": content(draw, "top", 2), "middle": content(draw, "middle", 1), "base": content(draw, "base", 0)}
    wrong = [f"/etc/{name}: {(text or '').partition(',')[0]!r}" for name, text in found.items() if text != wanted[name]]
    yield Claim(say("each file is that of the topmost layer that has it"), not wrong, ", ".join(wrong))
    yield Claim(say("/etc/gone, which a layer deletes, is not to be seen"), not seen.holds("/etc/gone"))
    yield Claim(say("/etc/back, deleted and made again, is"), seen.text("/etc/back") == content(draw, "back", 2))


def stacked(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    """The image's layers below one that can be written to."""
    root = seen.mount("/")
    yield Claim(say("its root is an overlay"), root.fstype == "overlay", root.fstype)
    yield Claim(say("with a layer on top that can be written to"), root.value("upperdir") != "")
    yield from layered(seen, draw)


def in_order(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    """The layers by their names, in the options of the overlay."""
    root = seen.mount("/")
    lower = [Path(name).name[:SHOWN] for name in root.value("lowerdir").split(":")]
    wanted = [Path(name).name[:SHOWN] for name in stack(draw).layers]
    yield Claim(say("its read-only layers are the image's, the topmost first"), lower == wanted, ":".join(lower) or say("none"))
    upper = root.value("upperdir")
    yield Claim(say("and its own lies in `root.scratch`"), stack(draw).scratch in Path(upper).parts, upper or say("none"))


def on_a_directory(seen: ProcessView) -> Claim:
    """No image at all."""
    return Claim(say("on a plain directory, too: its root is no overlay"), seen.mount("/").fstype != "overlay")


def store_is_whole(draw: Draw, store: Path) -> Iterator[Claim]:
    """What lay in the store before the step came, unchanged, and its unpacked layers without anything new."""
    before, now = draw.kept("prints"), prints(store)
    layers = [path for path in before if Path(path).parent == Path("layers")]
    added = [path for path in now if path not in before and any(path.startswith(f"{layer}/") for layer in layers)]
    changed = [*added, *(path for path, held in before.items() if now.get(path) != held)]
    yield Claim(say("what lay in the store is as it was"), not changed, " ".join(path[-30:] for path in changed[:3]))

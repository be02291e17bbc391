"""Check of lesson 9's `overlay`: with `root.writable` what a container writes stays there, and without it goes as before."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore.lab.checks.containers import ended_as_drawn
from labcore.lab.checks.drawn_images import an_unpacked_image, stack, store_of, writes_and_deletes
from labcore.lab.checks.image_claims import in_order, stacked, store_is_whole
from labcore.lab.checks.lesson_03.roots import STACKING
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import REFERENCE, Draw, Scenario, carry_out, turn
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.runtime.ops import Op
from labcore.runtime.ops.fields import ops_of
from labcore.spec import ContainerSpec, OverlayRoot


def _kept(draw: Draw) -> Path:
    """Return where the writable layer is to be, beside the image's."""
    return store_of(draw) / f"kept-{draw.mark}"


def _root(draw: Draw) -> OverlayRoot:
    return stack(draw) if draw.again else stack(draw).replace(writable=_kept(draw).name)


@contextmanager
def _with_a_place(draw: Draw) -> Iterator[None]:
    with an_unpacked_image(draw):
        for part in ("upper", "work"):
            (_kept(draw) / part).mkdir(parents=True)
        yield


def _perform(mine: ModuleType, draw: Draw) -> int:
    def around(spec: ContainerSpec) -> list[Op]:
        return turn(*ops_of(mine.overlay, spec.root))

    return carry_out(draw.spec(writes_and_deletes(draw), root=_root(draw)), REFERENCE.namespaces, around)


def _observe(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield from stacked(seen, draw)
    if draw.again:
        yield from in_order(seen, draw)
        return
    upper = seen.mount("/").value("upperdir")
    yield Claim(say("its own layer is `upper` in `root.writable`"), upper.endswith(f"{_kept(draw).name}/upper"), upper)


def _conclude(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from ended_as_drawn(returned, draw)
    yield from store_is_whole(draw, store_of(draw))
    upper, left = _kept(draw) / "upper", sorted(path.name for path in Path(store_of(draw), "scratch").iterdir())
    yield Claim(say("nothing is left in `root.scratch`"), not left, " ".join(left))
    if draw.again:
        found = sorted(str(path) for path in upper.rglob("*"))
        yield Claim(say("where there is no `root.writable`, what was written is gone with the container"), not found)
        return
    base, middle = upper / "etc" / "base", upper / "etc" / "middle"
    held = base.read_text(encoding="utf-8").strip() if base.is_file() else ""
    yield equal(say("what the container wrote is in `root.writable` when it has ended"), draw.token, held)
    status = middle.lstat() if os.path.lexists(middle) else None
    marked = status is not None and stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
    yield Claim(say("and so is the mark of what it deleted"), marked)


OVERLAY = Scenario(_perform, _observe, _conclude, writes_and_deletes, twice=True, prepare=_with_a_place, forbidden=STACKING)

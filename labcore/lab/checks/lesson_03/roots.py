"""Checks of `overlay` and `rootfs`: the root of a container, on an image's layers and on a directory."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from labcore.lab.checks.containers import ended_as_drawn, own_number, own_root
from labcore.lab.checks.drawn_images import an_unpacked_image, stack, store_of, writes_and_deletes
from labcore.lab.checks.image_claims import in_order, on_a_directory, stacked, store_is_whole
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import REFERENCE, Draw, Scenario, carry_out, turn
from labcore.lab.checks.surroundings import share_mounts
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say
from labcore.runtime.ops import Op
from labcore.runtime.ops.fields import ops_of
from labcore.spec import BindRoot, ContainerSpec, OverlayRoot
from labcore.storage import overlay as storage_overlay

STACKING: Final[tuple[Target, ...]] = (storage_overlay, OverlayRoot.options)


# --- overlay


def _perform_overlay(mine: ModuleType, draw: Draw) -> int:
    def around(spec: ContainerSpec) -> list[Op]:
        return turn(*ops_of(mine.overlay, spec.root))

    return carry_out(draw.spec(writes_and_deletes(draw), root=stack(draw)), REFERENCE.namespaces, around)


def _observe_overlay(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield from stacked(seen, draw)
    yield from in_order(seen, draw)


def _conclude_overlay(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from _ended(returned, draw)
    left = sorted(path.name for path in Path(store_of(draw), "scratch").iterdir())
    yield Claim(say("what the container wrote was in memory, and is gone with it"), not left, " ".join(left))


def _ended(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from ended_as_drawn(returned, draw)
    yield from store_is_whole(draw, store_of(draw))


OVERLAY = Scenario(
    _perform_overlay, _observe_overlay, _conclude_overlay, writes_and_deletes, prepare=an_unpacked_image, forbidden=STACKING
)


# --- rootfs: on layers, and again on a plain directory


def program(draw: Draw) -> tuple[str, ...]:
    """A program that waits at the gate; on an image it changes files then."""
    return draw.waiting() if draw.again else writes_and_deletes(draw)


def _perform_rootfs(mine: ModuleType, draw: Draw) -> int:
    share_mounts()
    root = BindRoot(draw.root) if draw.again else stack(draw)
    return carry_out(draw.spec(program(draw), root=root), REFERENCE.namespaces, mine.rootfs)


def _observe_rootfs(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    if draw.again:
        yield on_a_directory(seen)
    else:
        yield from _observe_overlay(seen, draw)
    yield own_number(seen)
    yield from own_root(seen, draw)


ROOTFS = Scenario(_perform_rootfs, _observe_rootfs, _ended, program, twice=True, prepare=an_unpacked_image, forbidden=STACKING)

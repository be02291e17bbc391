"""Origins: where COPY, ADD and RUN's mounts take files from: the build's context, a named one, a stage, or an image."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager

from labcore.builder.bases import DOCKER_IMAGE
from labcore.builder.copy.extraction import extracted
from labcore.builder.copy.root_tree import RootTree
from labcore.builder.copy.selection import select
from labcore.builder.events import StepOutput
from labcore.builder.run.mount_origins import MountOrigin
from labcore.builder.state import State
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import Any, Self

    from labcore.builder.copy.sources import Source
    from labcore.builder.events import Step
    from labcore.builder.parser.instructions import RunMount
    from labcore.builder.shared import Shared
    from labcore.builder.stages import Stage, Stages
    from labcore.images import Image
    from labcore.spec import Platform


class Origins:
    """What one build takes files from; a context manager, for the copy of a context that mounts need.

    `contexts` are sources by name, the build's own by an empty one. `state_of` builds a stage for another, if nobody has.
    """

    def __init__(
        self, shared: Shared, stages: Stages, contexts: Mapping[str, Source], state_of: Callable[[Stage, Stage], State]
    ) -> None:
        self._shared = shared
        self._stages = stages
        self._contexts = contexts
        self._named = dict(shared.options.contexts)
        self._state_of = state_of
        self._extracted: dict[str, Path] = {}
        self._lock = threading.Lock()
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: Any) -> None:
        self._undo.close()

    def renamed(self, name: str) -> str:
        """Return what stands for a name: an image that the caller has put in its place, or itself."""
        return self._named.get(name, name)

    def image(self, name: str, step: Step, platform: Platform | None = None) -> Image:
        """Return an image by its name, pulled if it is not here; the step is told of that."""
        tell = self._shared.tell
        return self._shared.bases.image(
            name.removeprefix(DOCKER_IMAGE), platform, lambda text: tell(StepOutput(step, "status", text.encode()))
        )

    @contextmanager
    def source(self, origin: str, stage: Stage, step: Step) -> Iterator[Source]:
        """Yield where a stage's COPY takes files from; `origin` is its `--from`."""
        if origin in self._contexts:
            yield self._contexts[origin]
            return
        state, whose = self._state(origin, stage, step)
        self._shared.unpacked(state)
        engine = self._shared.engine
        with RootTree(engine, engine.stack(state.layers, state.config.diff_ids), whose) as tree:
            yield tree

    def key(self, mount: RunMount, stage: Stage, step: Step) -> str:
        """Return what stands for the files of a mount in a step's key."""
        if mount.origin not in self._contexts:
            return self._state(mount.origin, stage, step)[0].key
        return select(self._contexts[mount.origin], [mount.source or "."], command="RUN --mount").digest

    def of_mount(self, origin: str, stage: Stage, step: Step) -> MountOrigin:
        """Return where the files of a mount are: a copy of the context, which is made once; a stage's or an image's layers."""
        if origin not in self._contexts:
            state, whose = self._state(origin, stage, step)
            return MountOrigin(whose, layers=tuple(self._shared.unpacked(state)), key=state.key)
        source = self._contexts[origin]
        with self._lock:
            if origin not in self._extracted:
                place = self._shared.engine.root / "builder"
                self._extracted[origin] = self._undo.enter_context(extracted(source, ".", place))
            return MountOrigin(source.name, directory=str(self._extracted[origin]))

    def _state(self, origin: str, stage: Stage, step: Step) -> tuple[State, str]:
        """Return the state of the stage or image of a `--from`, and what errors call it."""
        name = self.renamed(origin)
        if name != origin or (found := self._stages.origin(origin)) is None:
            return State.of_image(self.image(name, step)), f"image {name.removeprefix(DOCKER_IMAGE)}"
        if found.number == stage.number:
            raise InvalidInput(f"{origin}: a stage cannot take files from itself")
        return self._state_of(found, stage), f"stage {found.label}"

"""StageWork: one stage on its way: its state, its variables, and how a step adds a layer, from the cache if it is there."""

from __future__ import annotations

from labcore.builder.cache_key import key_of
from labcore.builder.learners import keyed
from labcore.engine.build_cache import CacheRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from labcore.builder.layers import NewLayer
    from labcore.builder.origins import Origins
    from labcore.builder.parser.instructions import Instruction
    from labcore.builder.shared import Shared
    from labcore.builder.stages import Stage
    from labcore.builder.state import State
    from labcore.builder.variables import Scope
    from labcore.engine.build_cache import CacheKind
    from labcore.spec import OverlayRoot


class StageWork:
    """A stage, and `state`, what it has come to."""

    def __init__(self, shared: Shared, origins: Origins, stage: Stage, state: State, scope: Scope) -> None:
        self.shared = shared
        self.origins = origins
        self.stage = stage
        self.state = state
        self.scope = scope

    def variables(self) -> dict[str, str]:
        """Return what the words of an instruction are expanded with."""
        return self.scope.variables(self.state.config)

    def expanded(self, word: str) -> str:
        """Return a word with its variables. Raises InvalidInput."""
        return self.shared.expand(word, self.variables())

    def unpacked(self) -> list[str]:
        """Return the unpacked layers so far, from the lowest up; they stay as long as the build lasts."""
        return self.shared.unpacked(self.state)

    def root(self) -> OverlayRoot:
        """Return the root file system so far. The caller keeps it until it is mounted: `LayerStore.using`."""
        self.unpacked()
        engine = self.shared.engine
        return engine.layers.overlay(engine.stack(self.state.layers, self.state.config.diff_ids))

    def key(
        self,
        instruction: Instruction,
        kind: str,
        parts: Sequence[Any],
        *,
        reads: Any = None,
        beside: Sequence[Any] = (),
        parent: str | None = None,
    ) -> str:
        """Return the key of a step that makes files: of the key below it, and of all that makes a difference, `parts`.

        A learner's `cache_key` is given the instruction, and a digest of what it `reads`; what stands in neither is `beside`.
        """
        below = self.state.key if parent is None else parent
        if own := self.shared.learners.get("cache_key"):
            return keyed(own, below, instruction, reads, beside)
        return key_of(below, kind, *parts)

    def pass_by(self, instruction: Instruction, reads: Any = None) -> None:
        """Have an instruction that makes no files in the keys of those to come, if a learner's `cache_key` makes them."""
        if own := self.shared.learners.get("cache_key"):
            self.state = self.state.replace(key=keyed(own, self.state.key, instruction, reads, ()))

    def add_layer(
        self,
        key: str,
        text: str,
        make: Callable[[], NewLayer | None],
        *,
        kind: CacheKind = "regular",
        is_linked: bool = False,
    ) -> bool:
        """Add the layer of a key, from the cache, or made and put there; return whether it was in the cache.

        `make` returns None if no file was changed. `text` is the history's. With `is_linked` the layer is the same whatever is
        below it, and so is the key.
        """
        found = self.shared.cached(key, self.stage)
        record = found or self._made(key, text, make, kind)
        after = key_of(self.state.key, "link", key) if is_linked else key
        self.state = self.state.with_layer(record.layer, record.diff_id, text, key=after, cached_as=key, created=record.created)
        return found is not None

    def _made(self, key: str, text: str, make: Callable[[], NewLayer | None], kind: CacheKind) -> CacheRecord:
        new = make()
        record = CacheRecord(
            key=key,
            parent_key=self.state.key,
            layer=new.descriptor if new else None,
            diff_id=new.diff_id if new else "",
            description=text,
            kind=kind,
            created=self.shared.created(),
            size=new.size if new else 0,
        )
        self.shared.engine.build_cache.put(record)
        return record

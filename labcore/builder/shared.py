"""Shared: what all stages of one build have in common: engine, cache and options, and who is told of what happens."""

from __future__ import annotations

import threading

from labcore.builder.events import Warned
from labcore.builder.parser.words import expand
from labcore.builder.shared_cache import imported
from labcore.errors import Cancelled
from labcore.storage.layers import layer_id
from labcore.timestamps import now, rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from labcore.builder.bases import Bases
    from labcore.builder.events import Event
    from labcore.builder.layers import NewLayer
    from labcore.builder.options import BuildOptions
    from labcore.builder.parser.instructions import Dockerfile, Heredoc
    from labcore.builder.stages import Stage
    from labcore.builder.state import State
    from labcore.cancellation import Cancellation
    from labcore.engine.build_cache import CacheRecord
    from labcore.engine.engine import Engine

SECOND = 10**9  # in nanoseconds


class Shared:
    """One build, as its stages see it; `note` takes what happens, from any thread."""

    def __init__(
        self,
        engine: Engine,
        dockerfile: Dockerfile,
        options: BuildOptions,
        bases: Bases,
        cancellation: Cancellation,
        note: Callable[[Event], None],
    ) -> None:
        self.engine = engine
        self.dockerfile = dockerfile
        self.options = options
        self.bases = bases
        self.cancellation = cancellation
        self.learners = engine.stages.of_builder() if engine.stages else {}
        self._note = note
        self._lock = threading.Lock()
        self._offered: Mapping[str, CacheRecord] | None = None

    def check(self) -> None:
        """Raise Cancelled if the build has been ended."""
        if self.cancellation.is_set:
            raise Cancelled("the build was cancelled")

    def tell(self, event: Event) -> None:
        """Have an event known. Raises Cancelled."""
        self.check()
        self._note(event)

    @property
    def escape(self) -> str:
        """The escape character of this Dockerfile."""
        return self.dockerfile.directives.escape

    def expand(self, word: str, variables: Mapping[str, str]) -> str:
        """Return a word with its variables, as this Dockerfile escapes them. Raises InvalidInput."""
        return expand(word, variables, escape=self.escape)

    def heredoc(self, heredoc: Heredoc, variables: Mapping[str, str]) -> bytes:
        """Return a heredoc's content as a file, its variables expanded unless its name is in quotes."""
        return (self.expand(heredoc.content, variables) if heredoc.expand else heredoc.content).encode()

    # --- the cache

    def cached(self, key: str, stage: Stage) -> CacheRecord | None:
        """Return the record of a step that was carried out before, here or where an imported cache comes from."""
        if self.options.no_cache or stage.label in self.options.uncached_stages:
            return None
        record = self.engine.build_cache.find(key)
        if self.options.cached_layers is not None:
            return record if record and record.diff_id in self.options.cached_layers else None
        if record is None and self.options.cache_from:
            record = self._imported().get(key)
        return record

    def _imported(self) -> Mapping[str, CacheRecord]:
        with self._lock:
            if self._offered is None:
                self._offered = imported(self.bases, self.options.cache_from, lambda text: self.tell(Warned(text)))
            return self._offered

    def created(self) -> str:
        """Return the time that a layer has which is made now: SOURCE_DATE_EPOCH, if that is said."""
        epoch = self.options.epoch
        return now() if epoch is None else rfc3339(epoch * SECOND)

    # --- layers

    def unpacked(self, state: State) -> list[str]:
        """Return the unpacked layers of a state, by their IDs, from the lowest up; they stay as long as the build lasts."""
        engine = self.engine
        with engine.layers.using():
            ids = engine.unpacked(state.layers, state.config.diff_ids)
            engine.build_cache.keep_layers(ids)
        return ids

    def kept(self, new: NewLayer | None) -> NewLayer | None:
        """Have a layer that was just made stay as long as the build lasts; the caller holds `LayerStore.using`."""
        if new is not None:
            self.engine.build_cache.keep_layers([layer_id(new.diff_id)])
        return new

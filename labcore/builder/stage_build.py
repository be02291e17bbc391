"""Building one stage: most instructions change its config alone; RUN, COPY, ADD and WORKDIR make layers."""

from __future__ import annotations

from labcore.builder import copy_step, run_step
from labcore.builder.cache_key import key_of
from labcore.builder.image_config import apply
from labcore.builder.parser.errors import DockerfileError
from labcore.builder.parser.instructions import Arg, Cmd, Copy, Env, Label, Run, Workdir
from labcore.builder.parser.words import expand
from labcore.builder.stages import refused
from labcore.builder.workdir import directory_layer
from labcore.engine.build_cache import CacheRecord
from labcore.errors import InvalidInput
from labcore.timestamps import now, rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from labcore.builder.build import Build
    from labcore.builder.events import Step
    from labcore.builder.layers import NewLayer
    from labcore.builder.parser.instructions import Instruction, Pair
    from labcore.builder.stages import Stage
    from labcore.builder.state import State
    from labcore.builder.variables import Scope
    from labcore.engine.build_cache import CacheKind
    from labcore.spec import OverlayRoot


class StageBuild:
    """One stage on its way; `state` is what it has come to."""

    def __init__(self, build: Build, stage: Stage, state: State, scope: Scope) -> None:
        self.build = build
        self.stage = stage
        self.state = state
        self.scope = scope

    def carry_out(self, instruction: Instruction, step: Step) -> bool:
        """Carry out an instruction; return whether its result was in the cache.

        Raises DockerfileError for what cannot be, at its line; RunFailed, and what stores and registries raise.
        """
        try:
            if isinstance(instruction, Run):
                return run_step.carry_out(self, instruction, step)
            if isinstance(instruction, Copy):
                return copy_step.carry_out(self, instruction, step)
            if isinstance(instruction, Arg):
                self._declare(instruction)
                return True
            self._configure(instruction)
            return self._make_workdir() if isinstance(instruction, Workdir) else True
        except DockerfileError:
            raise
        except InvalidInput as error:
            raise refused(self.build.dockerfile, instruction, str(error)) from error

    # --- words

    def variables(self) -> dict[str, str]:
        """Return what the words of an instruction are expanded with."""
        return self.scope.variables(self.state.config)

    def expanded(self, word: str) -> str:
        """Return a word with its variables. Raises InvalidInput."""
        return expand(word, self.variables(), escape=self.build.dockerfile.directives.escape)

    # --- the config

    def _declare(self, instruction: Arg) -> None:
        for pair in instruction.pairs:
            self.scope.declare(pair, self.state.config, self.build.expand)
        self.state = self.state.with_entry(instruction.source).replace(arguments=tuple(self.scope.declared.items()))

    def _configure(self, instruction: Instruction) -> None:
        config = apply(
            instruction,
            self.state.config,
            self.variables(),
            escape=self.build.dockerfile.directives.escape,
            has_command=self.state.has_command,
        )
        has_command = self.state.has_command or isinstance(instruction, Cmd)
        text = self._text(instruction, instruction.pairs) if isinstance(instruction, Env | Label) else instruction.source
        self.state = self.state.replace(config=config, has_command=has_command)
        if not isinstance(instruction, Workdir):
            self.state = self.state.with_entry(text)

    def _text(self, instruction: Instruction, pairs: tuple[Pair, ...]) -> str:
        """Return an instruction as history has it: its values expanded."""
        return " ".join([instruction.name, *(f"{pair.name}={self.expanded(pair.value or '')}" for pair in pairs)])

    def _make_workdir(self) -> bool:
        path = self.state.config.workdir
        key = key_of(self.state.key, "workdir", path, self.build.options.epoch)
        return self.layer(key, f"WORKDIR {path}", lambda: directory_layer(self, path))

    # --- layers

    def unpacked(self) -> list[str]:
        """Return the unpacked layers so far, from the lowest up; they stay as long as the build lasts."""
        return self.build.unpacked(self.state)

    def root(self) -> OverlayRoot:
        """Return the root file system so far. The caller keeps it until it is mounted: `LayerStore.using`."""
        self.unpacked()
        engine = self.build.engine
        return engine.layers.overlay(engine.stack(self.state.layers, self.state.config.diff_ids))

    def layer(
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
        build = self.build
        record = None if build.is_uncached(self.stage) else build.cached(key)
        hit = record is not None
        if record is None:
            new = make()
            record = CacheRecord(
                key=key,
                parent_key=self.state.key,
                layer=new.descriptor if new else None,
                diff_id=new.diff_id if new else "",
                description=text,
                kind=kind,
                created=now() if build.options.epoch is None else rfc3339(build.options.epoch * 10**9),
                size=new.size if new else 0,
            )
            build.engine.build_cache.put(record)
        after = key_of(self.state.key, "link", key) if is_linked else key
        self.state = self.state.with_layer(record.layer, record.diff_id, text, key=after, cached_as=key, created=record.created)
        return hit

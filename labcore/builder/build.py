"""build: a Dockerfile and a context become an image. Stages that do not need one another are built side by side."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from functools import partial
from os import cpu_count

from labcore.builder.bases import DOCKER_IMAGE, SCRATCH, Bases, scratch
from labcore.builder.copying import select
from labcore.builder.events import Built, Step, StepEnded, StepOutput, StepStarted, Warned
from labcore.builder.extraction import extracted
from labcore.builder.mount_origins import MountOrigin
from labcore.builder.parser import parse
from labcore.builder.parser.words import expand
from labcore.builder.shared_cache import imported
from labcore.builder.sources import RootTree
from labcore.builder.stage_build import StageBuild
from labcore.builder.stages import needed, refused, stages_of
from labcore.builder.state import State
from labcore.builder.variables import Arguments, Scope, platform_arguments
from labcore.cancellation import Cancellation
from labcore.engine.image.events import log_image_event
from labcore.errors import Cancelled, InvalidInput
from labcore.registry import credentials
from labcore.spec import Platform
from labcore.storage.layers import layer_id
from labcore.timestamps import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from pathlib import Path
    from typing import Final

    from labcore.builder.events import Event
    from labcore.builder.layers import NewLayer
    from labcore.builder.options import BuildOptions
    from labcore.builder.parser.instructions import Dockerfile, Heredoc, Instruction, RunMount
    from labcore.builder.sources import Source
    from labcore.builder.stages import Stage
    from labcore.engine.build_cache import CacheRecord
    from labcore.engine.engine import Engine
    from labcore.engine.image.pull import CredentialsOf
    from labcore.images import Image

STAGES_AT_ONCE: Final = (cpu_count() or 1) + 2


def build(
    engine: Engine,
    dockerfile: Dockerfile,
    context: Source,
    options: BuildOptions,
    *,
    contexts: Mapping[str, Source] = {},
    find: CredentialsOf = credentials.find,
    cancellation: Cancellation | None = None,
) -> Generator[Event, None, None]:
    """Build an image, and say what happens; the last event is `Built`.

    `context` is where COPY takes files from, `contexts` are further ones by name. Whoever sets the `cancellation` ends the
    build, and so does closing the iterator. What was built until then stays in the cache; no image is named.
    Raises DockerfileError, RunFailed, Cancelled; InvalidInput, ImageNotFound, RegistryError, StoreFull.
    """
    return Build(engine, dockerfile, context, options, contexts, find, cancellation or Cancellation()).events()


def _when_set(cancellation: Cancellation, stop: Callable[[], None]) -> None:
    """Have a function called once a cancellation is set, which it is at the end of each build at the latest."""

    def stop_then() -> None:
        cancellation.wait()
        stop()

    threading.Thread(target=stop_then, daemon=True).start()


class Build:
    """One build: what all of its stages share."""

    def __init__(
        self,
        engine: Engine,
        dockerfile: Dockerfile,
        context: Source,
        options: BuildOptions,
        contexts: Mapping[str, Source],
        find: CredentialsOf,
        cancellation: Cancellation,
    ) -> None:
        self.engine = engine
        self.dockerfile = dockerfile
        self.context = context
        self.options = options
        self.contexts = contexts
        self.cancellation = cancellation
        self.platform = options.platform or Platform.here()
        self.stages = stages_of(dockerfile)
        self.target = self.stages.target(options.target)
        self.arguments = Arguments(options.arguments, platform_arguments(self.platform, options.target))
        self.bases = Bases(engine, options, find, partial(_when_set, cancellation))
        self._steps: dict[tuple[int, int], Step] = {}
        self._queue: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
        self._states: dict[int, Future[State]] = {}
        self._waits: dict[int, int] = {}  # which stage waits for which
        self._lock = threading.Lock()
        self._named_contexts = dict(options.contexts)
        self._undo = ExitStack()
        self._extracted: dict[str, Path] = {}
        self._offered: Mapping[str, CacheRecord] | None = None

    def events(self) -> Generator[Event, None, None]:
        """Carry it out."""
        worker = threading.Thread(target=self._work, name="build", daemon=True)
        # All that is put into the stores stays until the image has it, or the cache.
        with self.engine.images.using(), self.engine.build_cache.using(), self._undo:
            worker.start()
            try:
                while (item := self._queue.get()) is not None:
                    if isinstance(item, BaseException):
                        try:
                            raise item
                        finally:
                            del item  # an error that knows this frame would keep itself, and all of the build, from going
                    yield item
            finally:
                self.cancellation.set()
                worker.join()
                self._states.clear()  # whose errors lead back here

    def tell(self, event: Event) -> None:
        """Have an event known, from any thread. Raises Cancelled."""
        if self.cancellation.is_set:
            raise Cancelled("the build was cancelled")
        self._queue.put(event)

    def _work(self) -> None:
        try:
            self._queue.put(self._built())
        except BaseException as error:
            self._queue.put(error)
        finally:
            self._queue.put(None)

    def _built(self) -> Built:
        order = self._plan()
        self._declare_globals()
        with ThreadPoolExecutor(min(len(order), STAGES_AT_ONCE), thread_name_prefix="stage") as pool:
            wait([pool.submit(self._or_cancel, stage) for stage in order])
        if self.cancellation.is_set:
            raise Cancelled("the build was cancelled")
        if spare := self.arguments.unconsumed():
            self.tell(Warned(f"One or more build-args [{' '.join(spare)}] were not consumed"))
        return self._image(self._labelled(self.state_of(self.target)))

    def _or_cancel(self, stage: Stage) -> None:
        """Build a stage; if that fails, say so, and end the others too."""
        try:
            self.state_of(stage)
        except BaseException as error:
            if not isinstance(error, Cancelled):
                self._queue.put(error)
            self.cancellation.set()

    # --- the steps

    def _plan(self) -> list[Stage]:
        """Number the steps of the stages that are needed; return those in an order in which they can be built."""
        for argument in self.stages.global_arguments:
            self.arguments.declare_global(argument, self.expand)
        self._bases = [self._base_of(stage) for stage in self.stages.stages]
        order = needed(
            self.stages,
            self.target,
            [self.stages.named(name, number) for number, name in enumerate(self._bases)],
            self.dockerfile,
        )
        wanted = sorted(order, key=lambda stage: stage.number)
        total = len(self.stages.global_arguments) + sum(1 + len(stage.instructions) for stage in wanted)
        self._total = total + bool(self.options.labels)
        number = len(self.stages.global_arguments)
        for stage in wanted:
            for at, instruction in enumerate((stage.base, *stage.instructions)):
                number += 1
                self._steps[stage.number, at] = self._step(number, stage, at + 1, instruction)
        return order

    def _base_of(self, stage: Stage) -> str:
        try:
            return self.expand(stage.base.image, self.arguments.before_from())
        except InvalidInput as error:
            raise refused(self.dockerfile, stage.base, str(error)) from None

    def _step(self, number: int, stage: Stage, at: int, instruction: Instruction) -> Step:
        total = 1 + len(stage.instructions)
        return Step(number, self._total, stage.label, at, total, instruction.source, instruction.location.line)

    def _declare_globals(self) -> None:
        for number, argument in enumerate(self.stages.global_arguments, 1):
            step = Step(number, self._total, "", number, 0, argument.source, argument.location.line)
            self.tell(StepStarted(step))

    def expand(self, word: str, variables: Mapping[str, str]) -> str:
        """Return a word with its variables, as this Dockerfile escapes them. Raises InvalidInput."""
        return expand(word, variables, escape=self.dockerfile.directives.escape)

    # --- stages

    def state_of(self, stage: Stage, by: Stage | None = None) -> State:
        """Return what a stage has come to; it is built by whoever asks first, for the stage `by`, if one needs it.

        Raises what building it raises, in whichever thread that was.
        """
        with self._lock:
            future = self._states.get(stage.number)
            mine = future is None
            if future is None:
                future = self._states[stage.number] = Future()
            if by is not None:
                self._wait(by, stage)
        if mine:
            try:
                future.set_result(self._stage_built(stage))
            except BaseException as error:
                future.set_exception(error)
        try:
            return future.result()
        finally:
            del future  # as in `events`
            if by is not None:
                self._waits.pop(by.number, None)

    def _wait(self, stage: Stage, wanted: Stage) -> None:
        """Note that a stage waits for another. Raises InvalidInput if that waits for the first: triggers can ask for it."""
        self._waits[stage.number] = at = wanted.number
        while at in self._waits:
            at = self._waits[at]
            if at == stage.number:
                raise InvalidInput(f"circular dependency detected on stage: {wanted.label}")

    def _stage_built(self, stage: Stage) -> State:
        step = self._steps.get((stage.number, 0)) or self._step(0, stage, 1, stage.base)
        self.tell(StepStarted(step))
        began = time.monotonic()
        state = self._begun(stage, step)
        self.tell(StepEnded(step, state.id, seconds=time.monotonic() - began))
        work = StageBuild(self, stage, state, Scope(self.arguments, dict(state.arguments)))
        for text in state.config.on_build:
            self._trigger(work, text, step)
        for at, instruction in enumerate(stage.instructions, 1):
            step = self._steps.get((stage.number, at)) or self._step(0, stage, at + 1, instruction)
            self._carry_out(work, instruction, step)
        return work.state

    def _begun(self, stage: Stage, step: Step) -> State:
        """Return the state that a stage begins with: another stage's, an image's, or an empty one."""
        name = self._bases[stage.number]
        if not name:
            raise refused(self.dockerfile, stage.base, f"base name ({stage.base.image}) should not be blank")
        name = self._named_contexts.get(name, name)
        if (base := self.stages.named(name, stage.number)) is not None:
            return self.state_of(base, stage)
        platform = self._platform_of(stage)
        if name == SCRATCH:
            return State(scratch(platform or self.platform))
        try:
            return State.of_image(self.image(name, step, platform))
        except InvalidInput as error:
            raise refused(self.dockerfile, stage.base, str(error)) from error

    def _platform_of(self, stage: Stage) -> Platform | None:
        text = self.expand(stage.base.platform, self.arguments.before_from())
        return Platform.parse(text) if text else self.options.platform

    def image(self, name: str, step: Step, platform: Platform | None = None) -> Image:
        """Return an image by its name, pulled if it is not here."""
        return self.bases.image(
            name.removeprefix(DOCKER_IMAGE), platform, lambda text: self.tell(StepOutput(step, "status", text.encode()))
        )

    @contextmanager
    def source(self, origin: str, stage: Stage, step: Step) -> Iterator[Source]:
        """Yield where files are taken from: the context, or the context, stage or image of a `--from`."""
        if not origin or origin in self.contexts:
            yield self.contexts[origin] if origin else self.context
            return
        state, whose = self._state_of_origin(origin, stage, step)
        self.unpacked(state)
        with RootTree(self.engine, self.engine.stack(state.layers, state.config.diff_ids), whose) as tree:
            yield tree

    def _state_of_origin(self, origin: str, stage: Stage, step: Step) -> tuple[State, str]:
        """Return the state of the stage or image of a `--from`, and what errors call it."""
        name = self._named_contexts.get(origin, origin)
        if name != origin or (found := self.stages.origin(origin)) is None:
            return State.of_image(self.image(name, step)), f"image {name.removeprefix(DOCKER_IMAGE)}"
        if found.number == stage.number:
            raise InvalidInput(f"{origin}: a stage cannot take files from itself")
        return self.state_of(found, stage), f"stage {found.label}"

    def content_key(self, mount: RunMount, stage: Stage, step: Step) -> str:
        """Return what stands for the files of a mount in a step's key."""
        if mount.origin and mount.origin not in self.contexts:
            return self._state_of_origin(mount.origin, stage, step)[0].key
        source = self.contexts[mount.origin] if mount.origin else self.context
        return select(source, [mount.source or "."], command="RUN --mount").digest

    def mount_origin(self, origin: str, stage: Stage, step: Step) -> MountOrigin:
        """Return where the files of a mount are: a copy of the context, which is made once; a stage's or an image's layers."""
        if origin and origin not in self.contexts:
            state, whose = self._state_of_origin(origin, stage, step)
            return MountOrigin(whose, layers=tuple(self.unpacked(state)), key=state.key)
        source = self.contexts[origin] if origin else self.context
        with self._lock:
            if origin not in self._extracted:
                self._extracted[origin] = self._undo.enter_context(extracted(source, ".", self.engine.root / "builder"))
            return MountOrigin(source.name, directory=str(self._extracted[origin]))

    def heredoc(self, heredoc: Heredoc, variables: Mapping[str, str]) -> bytes:
        """Return a heredoc's content as a file, its variables expanded unless its name is in quotes."""
        return (self.expand(heredoc.content, variables) if heredoc.expand else heredoc.content).encode()

    def _trigger(self, work: StageBuild, text: str, step: Step) -> None:
        """Carry out an instruction that the image below has left for whoever builds on it."""
        work.state = work.state.replace(config=work.state.config.replace(on_build=()))
        (instruction,) = parse(text, name=f"ONBUILD of {work.stage.base.image}").instructions
        step = step.replace(text=instruction.source)
        self.tell(StepStarted(step, trigger=True))
        work.carry_out(instruction, step)

    def _carry_out(self, work: StageBuild, instruction: Instruction, step: Step) -> None:
        self.tell(StepStarted(step))
        began = time.monotonic()
        is_cached = work.carry_out(instruction, step)
        self.tell(StepEnded(step, work.state.id, is_cached, time.monotonic() - began))

    # --- the cache

    def is_uncached(self, stage: Stage) -> bool:
        """Return whether the caller wants a stage to be built anew."""
        return self.options.no_cache or stage.label in self.options.uncached_stages

    def cached(self, key: str) -> CacheRecord | None:
        """Return the record of a step that was carried out before, here or where an imported cache comes from."""
        record = self.engine.build_cache.find(key)
        if record is None and self.options.cache_from:
            record = self._imported().get(key)
        return record

    def _imported(self) -> Mapping[str, CacheRecord]:
        with self._lock:
            if self._offered is None:
                self._offered = imported(self.bases, self.options.cache_from, lambda text: self.tell(Warned(text)))
            return self._offered

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

    # --- the image

    def _labelled(self, state: State) -> State:
        """Return the state with the labels that the caller gives, as a last step."""
        if not self.options.labels:
            return state
        text = " ".join(["LABEL", *(f"{name}={value}" for name, value in self.options.labels)])
        step = Step(self._total, self._total, self.target.label, 0, 0, text, 0)
        self.tell(StepStarted(step))
        labels = dict(state.config.labels) | dict(self.options.labels)
        state = state.replace(config=state.config.replace(labels=tuple(sorted(labels.items())))).with_entry(text)
        self.tell(StepEnded(step, state.id))
        return state

    def _image(self, state: State) -> Built:
        """Put the image into the store, and name it."""
        tags, store = self.options.tags, self.engine.images
        image = store.put_image(tags[0] if tags else None, state.layers, state.config, parent=state.image_id, at=now())
        for each in tags[1:]:
            store.tag(each, image.descriptor, at=now())
        for each in tags:
            log_image_event(self.engine, image, "tag", name=str(each))
        return Built(image, tuple(map(str, tags)))

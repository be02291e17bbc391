"""build: a Dockerfile and a context become an image. Stages that do not need one another are built side by side."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from itertools import count
from os import cpu_count

from labcore.builder.bases import SCRATCH, Bases, scratch
from labcore.builder.errors import note_place
from labcore.builder.events import Built, Step, StepEnded, StepStarted, Warned
from labcore.builder.image_config import with_path
from labcore.builder.instruction_steps import carry_out
from labcore.builder.learners import in_turn
from labcore.builder.lint import check, refuse
from labcore.builder.origins import Origins
from labcore.builder.parser import parse
from labcore.builder.shared import Shared
from labcore.builder.shared_cache import export
from labcore.builder.stage_work import StageWork
from labcore.builder.stages import needed, refused, stages_of
from labcore.builder.state import State
from labcore.builder.variables import Arguments, Scope, epoch_of, platform_arguments
from labcore.cancellation import Cancellation
from labcore.engine.image.events import log_image_event
from labcore.errors import Cancelled, InvalidInput, LabcoreError
from labcore.registry import credentials
from labcore.spec import Platform
from labcore.timestamps import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from typing import Final

    from labcore.builder.copy.sources import Source
    from labcore.builder.events import Event
    from labcore.builder.options import BuildOptions
    from labcore.builder.parser.instructions import Dockerfile, Instruction
    from labcore.builder.stages import Stage
    from labcore.engine.engine import Engine
    from labcore.engine.image.pull import CredentialsOf
    from labcore.images import Config

LOOKED_AT: Final = 1000  # instructions: what checks of more would take is not worth their warnings
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
    sources = {**contexts, "": context}
    return Build(engine, dockerfile, options, sources, find, cancellation or Cancellation()).events()


def _when_set(cancellation: Cancellation, stop: Callable[[], None]) -> None:
    """Have a function called once a cancellation is set, which it is at the end of each build at the latest."""

    def stop_then() -> None:
        cancellation.wait()
        stop()

    threading.Thread(target=stop_then, daemon=True).start()


class Build:
    """One build: its stages, which of them are needed, and the state that each has come to."""

    def __init__(
        self,
        engine: Engine,
        dockerfile: Dockerfile,
        options: BuildOptions,
        contexts: Mapping[str, Source],
        find: CredentialsOf,
        cancellation: Cancellation,
    ) -> None:
        if options.epoch is None:
            options = options.replace(epoch=epoch_of(options.arguments))
        self.engine = engine
        self.dockerfile = dockerfile
        self.options = options
        self.cancellation = cancellation
        self.platform = options.platform or Platform.here()
        self.stages = stages_of(dockerfile)
        self.target = self.stages.target(options.target)
        self.arguments = Arguments(options.arguments, platform_arguments(self.platform, options.target))
        self._find, self._on_cancel = find, partial(_when_set, cancellation)
        bases = Bases(engine, options, find, self._on_cancel)
        self._queue: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
        self.shared = Shared(engine, dockerfile, options, bases, cancellation, self._queue.put)
        self.origins = Origins(self.shared, self.stages, contexts, self.state_of)
        self._bases: list[str] = []
        self._steps: dict[tuple[int, int], Step] = {}
        self._total = 0
        self._states: dict[int, Future[State]] = {}
        self._waits: dict[int, int] = {}  # which stage waits for which
        self._lock = threading.Lock()

    def events(self) -> Generator[Event, None, None]:
        """Carry it out."""
        worker = threading.Thread(target=self._work, name="build", daemon=True)
        # All that is put into the stores stays until the image has it, or the cache.
        with self.engine.images.using(), self.engine.build_cache.using(), self.origins:
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
                while not self._queue.empty():
                    self._queue.get()  # errors of what was ended with the first one: they lead back here
                self._states.clear()  # so do these
                del self.origins  # which leads back here too

    def _work(self) -> None:
        try:
            self._queue.put(self._built())
        except BaseException as error:
            self._queue.put(error)
        finally:
            self._queue.put(None)

    def _built(self) -> Built:
        order = self._plan()
        self._look_at_it()
        for number, argument in enumerate(self.stages.global_arguments, 1):
            step = Step(number, self._total, "", number, 0, argument.source, argument.location.line)
            self.shared.tell(StepStarted(step))
        with ThreadPoolExecutor(min(len(order), STAGES_AT_ONCE), thread_name_prefix="stage") as pool:
            wait([pool.submit(self._or_cancel, stage) for stage in order])
        self.shared.check()
        if spare := self.arguments.unconsumed():
            self.shared.tell(Warned(f"One or more build-args [{' '.join(spare)}] were not consumed"))
        built = self._image(self._labelled(self.state_of(self.target)))
        if self.options.cache_to:
            self._export_cache(order)
        return built

    def _look_at_it(self) -> None:
        """Warn of what is doubtful; InvalidInput, if the Dockerfile wants that to be an error: `# check=error=true`."""
        if len(self.dockerfile.instructions) > LOOKED_AT or "parse" in self.shared.learners:
            return
        arguments, target = self.options.arguments, self.options.target
        warnings = check(self.dockerfile, arguments=arguments, target=target, config_of=self._config_here)
        for each in warnings:
            self.shared.tell(each)
        refuse(self.dockerfile, warnings, arguments=arguments)

    def _config_here(self, name: str) -> Config | None:
        """Return the config of an image that is here, for its variables."""
        try:
            return self.engine.images.find(name).config
        except LabcoreError:
            return None

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
            self.arguments.declare_global(argument, self.shared.expand)
        self._bases = [self._base_of(stage) for stage in self.stages.stages]
        bases = [self.stages.named(name, number) for number, name in enumerate(self._bases)]
        order = needed(self.stages, self.target, bases, self.dockerfile)
        number = len(self.stages.global_arguments)
        self._total = number + sum(1 + len(stage.instructions) for stage in order) + len(dict(self.options.labels))
        for stage in sorted(order, key=lambda stage: stage.number):
            for at, instruction in enumerate((stage.base, *stage.instructions)):
                number += 1
                self._steps[stage.number, at] = self._step(number, stage, at, instruction)
        return order

    def _base_of(self, stage: Stage) -> str:
        try:
            return self.shared.expand(stage.base.image, self.arguments.before_from())
        except InvalidInput as error:
            raise refused(self.dockerfile, stage.base, str(error)) from None

    def _step(self, number: int, stage: Stage, at: int, instruction: Instruction) -> Step:
        total = 1 + len(stage.instructions)
        return Step(number, self._total, stage.label, at + 1, total, instruction.source, instruction.location.line)

    def _step_at(self, stage: Stage, at: int, instruction: Instruction) -> Step:
        """Return a step; one of a stage that only a trigger has asked for has no number."""
        return self._steps.get((stage.number, at)) or self._step(0, stage, at, instruction)

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
        step = self._step_at(stage, 0, stage.base)
        self.shared.tell(StepStarted(step))
        began = time.monotonic()
        state = self._begun(stage, step)
        id = state.id if state.image_id or state.config.history else ""  # FROM scratch is no image
        self.shared.tell(StepEnded(step, id, seconds=time.monotonic() - began))
        work = StageWork(self.shared, self.origins, stage, state, Scope(self.arguments, dict(state.arguments)))
        triggers, work.state = state.config.on_build, state.replace(config=state.config.replace(on_build=()))
        for text in triggers:
            (instruction,) = parse(text, name=f"ONBUILD of {self._bases[stage.number]}").instructions
            self._carry_out(work, instruction, step.replace(text=instruction.source), triggers=len(triggers))
        numbers = count(1)

        def carried_out(instruction: Instruction) -> str:
            self._carry_out(work, instruction, self._step_at(stage, next(numbers), instruction))
            return work.state.id

        in_turn(stage.instructions, carried_out, self.shared.learners.get("build"))
        return work.state

    def _carry_out(self, work: StageWork, instruction: Instruction, step: Step, *, triggers: int = 0) -> None:
        self.shared.tell(StepStarted(step, bool(triggers), triggers))
        began = time.monotonic()
        is_cached = carry_out(work, instruction, step)
        self.shared.tell(StepEnded(step, work.state.id, is_cached, time.monotonic() - began))

    def _begun(self, stage: Stage, step: Step) -> State:
        """Return the state that a stage begins with: another stage's, an image's, or an empty one."""
        name = self.origins.renamed(self._bases[stage.number])
        if not name:
            raise refused(self.dockerfile, stage.base, f"base name ({stage.base.image}) should not be blank")
        if (base := self.stages.named(name, stage.number)) is not None:
            return self.state_of(base, stage).replace(has_command=False)
        try:
            text = self.shared.expand(stage.base.platform, self.arguments.before_from())
            platform = Platform.parse(text) if text else self.options.platform
            state = (
                State(scratch(platform or self.platform))
                if name == SCRATCH
                else State.of_image(self.origins.image(name, step, platform))
            )
        except InvalidInput as error:
            raise refused(self.dockerfile, stage.base, str(error)) from error
        except LabcoreError as error:
            note_place(error, self.dockerfile, stage.base)
            raise
        return state.replace(config=with_path(state.config))

    # --- the image

    def _labelled(self, state: State) -> State:
        """Return the state with the labels that the caller gives, each a step behind all others."""
        given = sorted(dict(self.options.labels).items())
        for number, (name, value) in enumerate(given, self._total - len(given) + 1):
            step = Step(number, self._total, self.target.label, 0, 0, f"LABEL {name}={value}", 0)
            self.shared.tell(StepStarted(step))
            labels = dict(state.config.labels) | {name: value}
            state = state.replace(config=state.config.replace(labels=tuple(sorted(labels.items())))).with_entry(step.text)
            self.shared.tell(StepEnded(step, state.id))
        return state

    def _image(self, state: State) -> Built:
        """Put the image into the store, and name it."""
        tags, store = self.options.tags, self.engine.images
        config = state.config.replace(cache_keys=state.keys) if self.options.inline_cache else state.config
        image = state.image  # one on which nothing was built stays what it is
        if image is None:
            image = store.put_image(tags[0] if tags else None, state.layers, config, parent=state.image_id, at=now())
        for each in tags[1:] if state.image is None else tags:
            store.tag(each, image.descriptor, at=now())
        for each in tags:
            log_image_event(self.engine, image, "tag", name=str(each))
        return Built(image, tuple(map(str, tags)))

    def _export_cache(self, order: list[Stage]) -> None:
        """Push what `--cache-to` asks for."""
        states = [self.state_of(stage) for stage in order]
        for _ in export(self.engine, self.options.cache_to, states, find=self._find, on_cancel=self._on_cancel):
            self.shared.check()

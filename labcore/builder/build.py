"""build: a Dockerfile and a context become an image. Stages that do not need one another are built side by side."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from os import cpu_count

from labcore.builder import stage_build
from labcore.builder.bases import Bases
from labcore.builder.events import Built, StepEnded, StepStarted, Warned
from labcore.builder.lint import check, refuse
from labcore.builder.origins import Origins
from labcore.builder.plan import Plan
from labcore.builder.shared import Shared
from labcore.builder.shared_cache import export
from labcore.builder.stage_states import StageStates
from labcore.builder.stages import stages_of
from labcore.builder.variables import Arguments, epoch_of, platform_arguments
from labcore.cancellation import Cancellation
from labcore.engine.image.events import log_image_event
from labcore.errors import Cancelled, LabcoreError
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
    from labcore.builder.parser.instructions import Dockerfile
    from labcore.builder.stages import Stage
    from labcore.builder.state import State
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
        self.stages = stages_of(dockerfile)
        self.target = self.stages.target(options.target)
        self.arguments = Arguments(options.arguments, platform_arguments(options.platform or Platform.here(), options.target))
        self._find, self._on_cancel = find, partial(_when_set, cancellation)
        bases = Bases(engine, options, find, self._on_cancel)
        self._queue: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
        self.shared = Shared(engine, dockerfile, options, bases, cancellation, self._queue.put)
        self.states = StageStates(self._stage_built)
        self.origins = Origins(self.shared, self.stages, contexts, self.states.of)

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
                self.states.forget()
                del self.states, self.origins  # which lead back here too

    def _work(self) -> None:
        try:
            self._queue.put(self._built())
        except BaseException as error:
            self._queue.put(error)
        finally:
            self._queue.put(None)

    def _built(self) -> Built:
        self.plan = plan = Plan(self.shared, self.stages, self.target, self.arguments)
        self._look_at_it()
        for step in plan.global_steps():
            self.shared.tell(StepStarted(step))
        with ThreadPoolExecutor(min(len(plan.order), STAGES_AT_ONCE), thread_name_prefix="stage") as pool:
            wait([pool.submit(self._or_cancel, stage) for stage in plan.order])
        self.shared.check()
        if spare := self.arguments.unconsumed():
            self.shared.tell(Warned(f"One or more build-args [{' '.join(spare)}] were not consumed"))
        built = self._image(self._labelled(self.states.of(self.target)))
        if self.options.cache_to:
            self._export_cache()
        return built

    def _stage_built(self, stage: Stage) -> State:
        return stage_build.built(stage, self.plan, self.shared, self.origins, self.states)

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
            self.states.of(stage)
        except BaseException as error:
            if not isinstance(error, Cancelled):
                self._queue.put(error)
            self.cancellation.set()

    def _labelled(self, state: State) -> State:
        """Return the state with the labels that the caller gives, each a step behind all others."""
        for step, name, value in self.plan.labels():
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

    def _export_cache(self) -> None:
        """Push what `--cache-to` asks for."""
        states = [self.states.of(stage) for stage in self.plan.order]
        for _ in export(self.engine, self.options.cache_to, states, find=self._find, on_cancel=self._on_cancel):
            self.shared.check()

"""A stage is built: begun by its FROM, then each instruction, those that its base has in ONBUILD before its own."""

from __future__ import annotations

import time
from itertools import count

from labcore.builder.bases import SCRATCH, scratch
from labcore.builder.errors import note_place
from labcore.builder.events import StepEnded, StepStarted
from labcore.builder.image_config import with_path
from labcore.builder.instruction_steps import carry_out
from labcore.builder.learners import in_turn
from labcore.builder.lint import check_base, refuse
from labcore.builder.parser import parse
from labcore.builder.stage_work import StageWork
from labcore.builder.stages import refused
from labcore.builder.state import State
from labcore.builder.variables import Scope
from labcore.errors import InvalidInput, LabcoreError
from labcore.spec import Platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.builder.events import Step
    from labcore.builder.origins import Origins
    from labcore.builder.parser.instructions import Instruction
    from labcore.builder.plan import Plan
    from labcore.builder.shared import Shared
    from labcore.builder.stage_states import StageStates
    from labcore.builder.stages import Stage
    from labcore.images import Image


def built(stage: Stage, plan: Plan, shared: Shared, origins: Origins, states: StageStates) -> State:
    """Build a stage, and return what it has come to. Raises DockerfileError, and what its instructions raise."""
    step = plan.step(stage, 0, stage.base)
    shared.tell(StepStarted(step))
    began = time.monotonic()
    state = _Beginning(stage, plan, shared, origins, step).state(states)
    id = state.id if state.image_id or state.config.history else ""  # FROM scratch is no image
    shared.tell(StepEnded(step, id, seconds=time.monotonic() - began))
    work = StageWork(shared, origins, stage, state, Scope(plan.arguments, dict(state.arguments)))
    _triggered(work, step, plan.bases[stage.number])
    numbers = count(1)

    def carried_out(instruction: Instruction) -> str:
        _carry_out(work, instruction, plan.step(stage, next(numbers), instruction))
        return work.state.id

    in_turn(stage.instructions, carried_out, shared.learners.get("build"))
    return work.state


def _triggered(work: StageWork, step: Step, base: str) -> None:
    """Carry out what the base has in ONBUILD, once: the stage's own image has none of it."""
    triggers = work.state.config.on_build
    work.state = work.state.replace(config=work.state.config.replace(on_build=()))
    for text in triggers:
        (instruction,) = parse(text, name=f"ONBUILD of {base}").instructions
        _carry_out(work, instruction, step.replace(text=instruction.source), triggers=len(triggers))


def _carry_out(work: StageWork, instruction: Instruction, step: Step, *, triggers: int = 0) -> None:
    work.shared.tell(StepStarted(step, bool(triggers), triggers))
    began = time.monotonic()
    is_cached = carry_out(work, instruction, step)
    work.shared.tell(StepEnded(step, work.state.id, is_cached, time.monotonic() - began))


class _Beginning:
    """FROM: another stage's state, an image's, or an empty one."""

    def __init__(self, stage: Stage, plan: Plan, shared: Shared, origins: Origins, step: Step) -> None:
        self._stage = stage
        self._plan = plan
        self._shared = shared
        self._origins = origins
        self._step = step

    def state(self, states: StageStates) -> State:
        """Return it. Raises DockerfileError, ImageNotFound, RegistryError."""
        stage, dockerfile = self._stage, self._shared.dockerfile
        name = self._origins.renamed(self._plan.bases[stage.number])
        if not name:
            raise refused(dockerfile, stage.base, f"base name ({stage.base.image}) should not be blank")
        if (base := self._plan.stages.named(name, stage.number)) is not None:
            return states.of(base, stage).replace(has_command=False)
        try:
            state = self._from(name)
        except InvalidInput as error:
            raise refused(dockerfile, stage.base, str(error)) from error
        except LabcoreError as error:
            note_place(error, dockerfile, stage.base)
            raise
        return state.replace(config=with_path(state.config))

    def _from(self, name: str) -> State:
        shared = self._shared
        text = shared.expand(self._stage.base.platform, self._plan.arguments.before_from())
        platform = Platform.parse(text) if text else shared.options.platform
        if name == SCRATCH:
            return State(scratch(platform or Platform.here()))
        image = self._origins.image(name, self._step, platform)
        self._check(name, image, platform or Platform.here())
        return State.of_image(image)

    def _check(self, name: str, image: Image, expected: Platform) -> None:
        """Warn of an image of another platform; raises InvalidInput, if the Dockerfile wants that to be an error."""
        dockerfile, arguments = self._shared.dockerfile, self._shared.options.arguments
        warnings = check_base(
            dockerfile, self._stage.base, name, actual=image.config.platform, expected=expected, arguments=arguments
        )
        for each in warnings:
            self._shared.tell(each)
        refuse(dockerfile, warnings, arguments=arguments)

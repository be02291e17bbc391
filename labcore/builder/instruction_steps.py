"""Steps: each instruction changes its stage's state. Most change the config alone; RUN, COPY, ADD and WORKDIR make layers."""

from __future__ import annotations

from labcore.builder import copy_step, run_step
from labcore.builder.errors import note_place
from labcore.builder.image_config import apply
from labcore.builder.learners import applied
from labcore.builder.parser.errors import DockerfileError
from labcore.builder.parser.instructions import Arg, Cmd, Copy, Env, Label, Run, Workdir
from labcore.builder.stages import refused
from labcore.builder.workdir import make_workdir
from labcore.errors import InvalidInput, LabcoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.builder.events import Step
    from labcore.builder.parser.instructions import Instruction
    from labcore.builder.stage_work import StageWork


def carry_out(work: StageWork, instruction: Instruction, step: Step) -> bool:
    """Carry out an instruction; return whether its result was in the cache.

    Raises DockerfileError for what cannot be, at its line; RunFailed, and what stores and registries raise.
    """
    try:
        return _carry_out(work, instruction, step)
    except DockerfileError:
        raise
    except InvalidInput as error:
        raise refused(work.shared.dockerfile, instruction, str(error)) from error
    except LabcoreError as error:
        note_place(error, work.shared.dockerfile, instruction)
        raise


def _carry_out(work: StageWork, instruction: Instruction, step: Step) -> bool:
    if isinstance(instruction, Run):
        return run_step.carry_out(work, instruction, step)
    if isinstance(instruction, Copy):
        return copy_step.carry_out(work, instruction, step)
    if isinstance(instruction, Arg):
        _declare(work, instruction)
        return True
    _configure(work, instruction)
    if isinstance(instruction, Workdir):
        return make_workdir(work, instruction)
    work.pass_by(instruction)
    return True


def _declare(work: StageWork, instruction: Arg) -> None:
    for pair in instruction.pairs:
        work.scope.declare(pair, work.state.config, work.shared.expand)
    work.state = work.state.with_entry(instruction.source).replace(arguments=tuple(work.scope.declared.items()))
    work.pass_by(instruction, list(work.state.arguments))


def _configure(work: StageWork, instruction: Instruction) -> None:
    state, variables = work.state, work.variables()
    if learners := work.shared.learners.get("apply"):
        config = applied(learners, instruction, state.config, work.scope.arguments_of_run(state.config))
    else:
        config = apply(instruction, state.config, variables, escape=work.shared.escape, has_command=state.has_command)
    text = _text(work, instruction)
    work.state = state.replace(config=config, has_command=state.has_command or isinstance(instruction, Cmd))
    if not isinstance(instruction, Workdir):  # whose directory may be a layer
        work.state = work.state.with_entry(text)


def _text(work: StageWork, instruction: Instruction) -> str:
    """Return an instruction as history has it: values of variables are expanded."""
    if not isinstance(instruction, Env | Label):
        return instruction.source
    return " ".join([instruction.name, *(f"{pair.name}={work.expanded(pair.value or '')}" for pair in instruction.pairs)])

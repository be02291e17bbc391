"""Stages: a Dockerfile's instructions by stage, which of them a target needs, and in which order they can be built."""

from __future__ import annotations

from labcore.builder.parser.errors import DockerfileError
from labcore.builder.parser.instructions import Arg, Copy, From, Run
from labcore.errors import InvalidInput
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labcore.builder.parser.instructions import Dockerfile, Instruction


class Stage(Record):
    """A stage: its number from 0, its AS name or none, what it begins with, and the instructions behind that."""

    number: int
    name: str
    base: From
    instructions: tuple[Instruction, ...]

    @property
    def label(self) -> str:
        """What it is called: its name, else its number."""
        return self.name or str(self.number)


class Stages(Record):
    """The ARGs before the first FROM, and all stages in their order."""

    global_arguments: tuple[Arg, ...]
    stages: tuple[Stage, ...]

    def named(self, name: str, before: int | None = None) -> Stage | None:
        """Return the last stage of a name, whatever its case; of those before a number, if one is said."""
        found = [each for each in self.stages[:before] if each.name and each.name.lower() == name.lower()]
        return found[-1] if found else None

    def origin(self, text: str) -> Stage | None:
        """Return the stage that a `--from` means, by its name or its number; None: it is an image or a context."""
        if (found := self.named(text)) is None and text.isdecimal() and int(text) < len(self.stages):
            return self.stages[int(text)]
        return found

    def target(self, name: str) -> Stage:
        """Return the stage to build: the last one, unless another is named. Raises InvalidInput."""
        found = self.origin(name) if name else self.stages[-1]
        if found is None:
            there = ", ".join(each.label for each in self.stages)
            raise InvalidInput(f'target stage "{name}" could not be found: there are {there}')
        return found


def stages_of(dockerfile: Dockerfile) -> Stages:
    """Sort a Dockerfile's instructions into stages. Raises DockerfileError for one that stands before the first FROM."""
    arguments: list[Arg] = []
    begun: list[tuple[From, list[Instruction]]] = []
    for each in dockerfile.instructions:
        if isinstance(each, From):
            begun.append((each, []))
        elif begun:
            begun[-1][1].append(each)
        elif isinstance(each, Arg):
            arguments.append(each)
        else:
            raise refused(dockerfile, each, f"no build stage in current context: {each.name} stands before the first FROM")
    if not begun:
        raise InvalidInput(f"{dockerfile.name}: no build stage in current context: a Dockerfile begins with FROM")
    stages = [Stage(number, base.stage, base, tuple(inside)) for number, (base, inside) in enumerate(begun)]
    return Stages(tuple(arguments), tuple(stages))


def needed(stages: Stages, target: Stage, bases: Sequence[Stage | None], dockerfile: Dockerfile) -> list[Stage]:
    """Return the target and all stages that it needs, each behind those that it needs itself.

    `bases` are the stages that stages begin with, by number; None: an image. Raises DockerfileError if stages need one another.
    """
    order: list[Stage] = []
    done: set[int] = set()
    way: list[int] = []
    pending = [(target, iter(_origins(stages, target, bases)))]
    way.append(target.number)
    while pending:
        stage, origins = pending[-1]
        following = next((each for each in origins if each[0].number not in done), None)
        if following is None:
            pending.pop()
            way.pop()
            done.add(stage.number)
            order.append(stage)
            continue
        wanted, by = following
        if wanted.number in way:
            raise refused(dockerfile, by, f"circular dependency detected on stage: {wanted.label}")
        way.append(wanted.number)
        pending.append((wanted, iter(_origins(stages, wanted, bases))))
    return order


def _origins(stages: Stages, stage: Stage, bases: Sequence[Stage | None]) -> Iterator[tuple[Stage, Instruction]]:
    """Yield the stages that a stage needs, each with the instruction that needs it."""
    if base := bases[stage.number]:
        yield base, stage.base
    for instruction in stage.instructions:
        for name in origins_of(instruction):
            if found := stages.origin(name):
                yield found, instruction


def origins_of(instruction: Instruction) -> list[str]:
    """Return what an instruction takes files from, beside the context: stages, images or named contexts."""
    if isinstance(instruction, Copy):
        return [instruction.origin] if instruction.origin else []
    if isinstance(instruction, Run):
        return [mount.origin for mount in instruction.mounts if mount.origin]
    return []


def refused(dockerfile: Dockerfile, instruction: Instruction, problem: str, cure: str = "") -> DockerfileError:
    """Return the error that an instruction cannot be carried out."""
    return DockerfileError(problem, instruction.location, dockerfile.lines, name=dockerfile.name, cure=cure)

"""The plan of a build: which stages are built, on what, and the number of each step."""

from __future__ import annotations

from labcore.builder.events import Step
from labcore.builder.stages import needed, refused
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from labcore.builder.parser.instructions import Instruction
    from labcore.builder.shared import Shared
    from labcore.builder.stages import Stage, Stages
    from labcore.builder.variables import Arguments


class Plan:
    """The stages that a target needs: `order` is one in which they can be built, `bases` what stages begin with, by number.

    Raises DockerfileError, InvalidInput for what no stage can begin with, and for stages that need one another.
    """

    def __init__(self, shared: Shared, stages: Stages, target: Stage, arguments: Arguments) -> None:
        for argument in stages.global_arguments:
            arguments.declare_global(argument, shared.expand)
        self.stages = stages
        self.target = target
        self.arguments = arguments
        self.bases = [_base_of(shared, stage, arguments) for stage in stages.stages]
        bases = [stages.named(name, number) for number, name in enumerate(self.bases)]
        self.order = needed(stages, target, bases, shared.dockerfile)
        self._labels = sorted(dict(shared.options.labels).items())
        first = len(stages.global_arguments)  # steps that are no stage's
        self.total = first + sum(1 + len(stage.instructions) for stage in self.order) + len(self._labels)
        self._numbers: dict[tuple[int, int], int] = {}
        for stage in sorted(self.order, key=lambda stage: stage.number):
            for at in range(1 + len(stage.instructions)):
                self._numbers[stage.number, at] = first + len(self._numbers) + 1

    def global_steps(self) -> Iterator[Step]:
        """Yield the steps of the ARGs before the first FROM."""
        for number, each in enumerate(self.stages.global_arguments, 1):
            yield Step(number, self.total, "", number, 0, each.source, each.location.line)

    def step(self, stage: Stage, at: int, instruction: Instruction) -> Step:
        """Return an instruction's step; that of FROM is `at` 0. One of a stage that only a trigger asks for has no number."""
        number = self._numbers.get((stage.number, at), 0)
        inside = 1 + len(stage.instructions)
        return Step(number, self.total, stage.label, at + 1, inside, instruction.source, instruction.location.line)

    def labels(self) -> Iterator[tuple[Step, str, str]]:
        """Yield the labels that the caller gives, each with its step, behind all others."""
        for number, (name, value) in enumerate(self._labels, self.total - len(self._labels) + 1):
            yield Step(number, self.total, self.target.label, 0, 0, f"LABEL {name}={value}", 0), name, value


def _base_of(shared: Shared, stage: Stage, arguments: Arguments) -> str:
    try:
        return shared.expand(stage.base.image, arguments.before_from())
    except InvalidInput as error:
        raise refused(shared.dockerfile, stage.base, str(error)) from None

"""Events of a build, in the order in which they happen; stages that are built side by side interleave theirs."""

from __future__ import annotations

from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from labcore.images import Image


class Step(Record):
    """One instruction of one stage that is carried out.

    `number` counts from 1 through all steps of the build in the Dockerfile's order, up to `total`; `stage_number` through those
    of its stage, named `stage` (its AS name, else its number), up to `stage_total`. `line` is the Dockerfile's.
    """

    number: int
    total: int
    stage: str
    stage_number: int
    stage_total: int
    text: str
    line: int


class StepStarted(Record):
    """A step begins; with `trigger` it is one of the `triggers` that the image below has left for this build, by ONBUILD."""

    step: Step
    trigger: bool = False
    triggers: int = 0


class StepRuns(Record):
    """The step's program runs, in a container of this ID."""

    step: Step
    container_id: str


class StepOutput(Record):
    """Output of a step's program, on `stdout` or `stderr`; or of a pull or a download, on `status`."""

    step: Step
    stream: str
    data: bytes


class StepEnded(Record):
    """A step is done: `image_id` is what an image of all so far would have; with `is_cached` it was found in the cache."""

    step: Step
    image_id: str
    is_cached: bool = False
    seconds: float = 0.0


class Warned(Record):
    """A warning; `line` is the Dockerfile's, or 0."""

    text: str
    line: int = 0
    rule: str = ""


class Built(Record):
    """The image is made, and has these names: always the last event."""

    image: Image
    names: tuple[str, ...] = ()


Event: TypeAlias = "StepStarted | StepRuns | StepOutput | StepEnded | Warned | Built"

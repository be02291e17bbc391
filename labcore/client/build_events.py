"""Events of a build, as a daemon tells them: labcore's own, of each step's begin, output and end; or docker's lines of text."""

from __future__ import annotations

from labcore.client.answer import Answer, BadAnswer, Field, flag, mapping, number, record, text, texts
from labcore.client.errors import ServerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final, TypeAlias


def _seconds(value: Any) -> float:
    return float(value)


def _exit_code(value: Any) -> int:
    return value if type(value) is int else 0  # a registry's error has a code, too, which is a word


class BuildStep(Answer):
    """An instruction of a stage: `number` of `total` in the build, `stage_number` of `stage_total` in its stage."""

    total: int = number("total")
    stage: str = text("stage")
    stage_number: int = number("stage_number")
    stage_total: int = number("stage_total")
    line: int = number("line")
    text: str = text("text")
    number: int = number("number")


class StepStarted(Answer):
    """A step begins; `trigger`: it is one of ONBUILD."""

    step: BuildStep = record("step", BuildStep)
    trigger: bool = flag("trigger")


class StepRuns(Answer):
    """A step's program runs in this container."""

    step: BuildStep = record("step", BuildStep)
    container_id: str = text("container_id")


class StepOutput(Answer):
    """A step's output, on `stdout`, `stderr`, or `status` of a pull or a download."""

    step: BuildStep = record("step", BuildStep)
    stream: str = text("stream")
    data: str = text("data")


class StepEnded(Answer):
    """A step is done, or was in the cache; `image_id` is what an image of all so far has."""

    step: BuildStep = record("step", BuildStep)
    image_id: str = text("image_id")
    is_cached: bool = flag("is_cached")
    seconds: float = Field("seconds", _seconds, 0.0)  # type: ignore[assignment]


class Warned(Answer):
    """A warning, of a line of the Dockerfile or, with 0, of none."""

    line: int = number("line")
    rule: str = text("rule")
    text: str = text("text")


class Built(Answer):
    """The image is made, and has these names: the last event."""

    image_id: str = text("image_id")
    names: tuple[str, ...] = texts("names")


class Said(Answer):
    """What a daemon says that is not labcore's: a line, or the `status` of a part `id`; `aux` may have the image's ID."""

    stream: str = text("stream")
    status: str = text("status")
    id: str = text("id")
    aux: Mapping[str, Any] = mapping("aux")


class FailureDetails(Answer):
    """What labcore's daemon knows of a failure: the exception's `kind`, and what that says by its fields.

    Of a program: its exit `code`, its last lines, its `place` in the Dockerfile (`Dockerfile:3`) with an excerpt, and the ID
    of an image of its files, if it was to be kept. Of a line of the Dockerfile: the lines, numbered from 1, and a cure.
    """

    kind: str = text("kind")
    code: int = Field("code", _exit_code, 0)  # type: ignore[assignment]
    output: tuple[str, ...] = texts("output")
    place: str = text("place")
    excerpt: tuple[str, ...] = texts("excerpt")
    kept_image: str = text("kept_image")
    line: int = number("line")


class BuildFailed(ServerError):
    """A build has failed: `details` has what is known of the step."""

    def __init__(self, message: str, *, call: str, details: FailureDetails) -> None:
        super().__init__(message, call=call, status=200)
        self.details = details


BuildEvent: TypeAlias = "StepStarted | StepRuns | StepOutput | StepEnded | Warned | Built | Said"
KINDS: Final[dict[str, type[Answer]]] = {
    kind.__name__: kind for kind in (StepStarted, StepRuns, StepOutput, StepEnded, Warned, Built)
}


def event_of(value: Any, call: str) -> BuildEvent:
    """Read a line of the answer. Raises BuildFailed for the line of an error, BadAnswer."""
    if not isinstance(value, dict):
        raise BadAnswer(f"{call}: {value!r:.80} is no event of a build")
    if value.get("error"):
        details = value.get("labcore")
        raise BuildFailed(str(value["error"]), call=call, details=FailureDetails(details if isinstance(details, dict) else {}))
    kind = KINDS.get(str(value.get("event")), Said)
    found: Any = kind(value)
    return found  # type: ignore[no-any-return]

"""Events of a build as lines of JSON, for labcore's own command (`labcore=1`): the fields of `labcore.builder.events` by name.

`event` is the event's class; output is text; an image is its ID. What ends a build that fails is docker's error line, with
`labcore`: the exception's class as `kind`, and by name what else it knows.
"""

from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, Final

from labcore.builder.events import Built, Event, StepOutput
from labcore.daemon.wire.progress import Line, error_line
from labcore.errors import LabcoreError
from labcore.record import Record

PLACE: Final = ("line", "last_line", "column")  # of a DockerfileError
# What exceptions of builds know besides, and what that is called here.
DETAILS: Final = {
    "problem": "problem",
    "name": "file",
    "cure": "cure",
    "code": "code",
    "step": "step",
    "command": "command",
    "output": "output",
    "place": "place",
    "excerpt": "excerpt",
    "kept": "kept_image",
    "kept_image": "kept_image",
    "missing": "missing",
}


class Decoders:
    """Output as text: what is not UTF-8 is replaced; a character that comes in two pieces is not."""

    def __init__(self) -> None:
        self._decoders: dict[tuple[int, str], IncrementalDecoder] = {}

    def text(self, event: StepOutput) -> str:
        """Return the text of a piece, which may be empty."""
        key = event.step.number, event.stream
        if key not in self._decoders:
            self._decoders[key] = getincrementaldecoder("utf-8")("replace")
        return self._decoders[key].decode(event.data)


def event_lines(events: Generator[Event, None, None]) -> Iterator[Line]:
    """Yield a line for each event, and one for what ends them: an exception of ours is the last line, and not raised."""
    decoders = Decoders()
    try:
        with closing(events):
            for event in events:
                if isinstance(event, StepOutput):
                    event = event.replace(data=decoders.text(event))
                yield event_line(event)
    except LabcoreError as error:
        yield failure_line(error)


def event_line(event: Event) -> Line:
    """Return an event as it is sent."""
    if isinstance(event, Built):
        return {"event": "Built", "image_id": event.image.id, "names": list(event.names)}
    return {"event": type(event).__name__, **_plain(event)}


def failure_line(error: LabcoreError) -> Line:
    """Return the last line of a build that has failed."""
    location = getattr(error, "location", None)
    found = {name: getattr(location, name) for name in PLACE} if location else {}
    found |= {called: _plain(getattr(error, name)) for name, called in DETAILS.items() if hasattr(error, name)}
    return error_line(error) | {"labcore": {"kind": type(error).__name__, **found}}


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return {name: _plain(each) for name, each in value.as_dict().items()}
    return list(value) if isinstance(value, tuple) else value

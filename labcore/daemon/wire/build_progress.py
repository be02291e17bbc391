"""Progress of a build as docker's classic builder tells it: `Step 1/3 : FROM busybox`, ` ---> Running in …`, `aux`.

Stages that are built side by side interleave their events: what belongs to a later step is held back until those before it have
ended, so that steps come in the Dockerfile's order.
"""

from collections import defaultdict, deque
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Final

from labcore.builder.events import Built, Event, StepEnded, StepOutput, StepRuns, StepStarted, Warned
from labcore.builder.parser.errors import DockerfileError, excerpt
from labcore.daemon.wire.build_events import Decoders
from labcore.daemon.wire.progress import Line, short
from labcore.daemon.wire.steps_seen import StepsSeen
from labcore.errors import InvalidInput, LabcoreError

HELD_BYTES: Final = 2 << 20  # of one step's output that is held back; more of it is lost, as in BuildKit's log
CLIPPED: Final = b"\n[output clipped: more than 2 MiB, before an earlier step had ended]\n"
# What docker says before what is wrong with a whole Dockerfile, and not with a line.
PLAIN_WORDS: Final = {"file with no instructions": "failed to parse Dockerfile: ", "no build stage in current context": ""}
MAKES_FILES: Final = ("RUN", "COPY", "ADD", "WORKDIR")
SHOWN: Final = 12  # digits of a container's ID
RED, PLAIN = "\x1b[91m", "\x1b[0m"


def in_order(events: Generator[Event, None, None]) -> Generator[Event, None, None]:
    """Yield events so that those of a step come behind those of all earlier steps; the first is step 1.

    If the events end with an exception, what was held back comes before it.
    """
    held = _Held()
    try:
        with closing(events):
            for event in events:
                yield from held.let(event)
    except LabcoreError:
        yield from held.all()
        raise


class _Held:
    """The events of steps whose turn has not come; `now` is the step whose turn it is."""

    def __init__(self) -> None:
        self.now = 1
        self._events: dict[int, list[Event]] = defaultdict(list)
        self._sizes: dict[int, int] = defaultdict(int)

    def let(self, event: Event) -> Iterator[Event]:
        """Yield the event, and what waited for it; nothing if it has to wait itself."""
        if isinstance(event, Warned):
            yield event
        elif isinstance(event, Built):
            yield from self.all()
            yield event
        elif event.step.number > self.now:
            self._put(event.step.number, event)
        else:
            yield event
            if _ends(event):
                yield from self._after(event.step.number)

    def _put(self, number: int, event: Event) -> None:
        if isinstance(event, StepOutput):
            before, after = self._sizes[number], self._sizes[number] + len(event.data)
            self._sizes[number] = after
            if before > HELD_BYTES:
                return
            if after > HELD_BYTES:
                event = event.replace(data=event.data[: HELD_BYTES - before] + CLIPPED)
        self._events[number].append(event)

    def _after(self, ended: int) -> Iterator[Event]:
        """Yield what need not be held back any longer, for a step has ended."""
        self.now = max(self.now, ended + 1)
        while self.now in self._events:
            events = self._events.pop(self.now)
            yield from events
            if not any(map(_ends, events)):
                break
            self.now += 1

    def all(self) -> Iterator[Event]:
        """Yield everything."""
        for number in sorted(self._events):
            yield from self._events.pop(number)


def _ends(event: Event) -> bool:
    """Return whether an event is its step's last: an ARG before the first FROM, which is no stage's, has one alone."""
    return isinstance(event, StepEnded) or (isinstance(event, StepStarted) and not event.step.stage)


def classic_lines(
    events: Generator[Event, None, None], seen: StepsSeen, *, removes: bool = True, aux: bool = True, says_cached: bool = True
) -> Iterator[Line]:
    """Yield docker's lines of a build; what ends one that fails is raised, in docker's words.

    `removes`: it is to be said that each step's container is removed. `aux`: images' IDs are to come in lines of their own.
    `says_cached`: it is to be said what was in the cache; a build without cache takes nothing from there.
    """
    said = _Classic(seen, removes=removes, aux=aux, says_cached=says_cached)
    has_begun = False
    try:
        with closing(in_order(events)) as ordered:
            for event in ordered:
                has_begun = True
                yield from said.lines(event)
    except DockerfileError as error:
        raise InvalidInput(_in_dockers_words(error, has_begun=has_begun)) from None


def _in_dockers_words(error: DockerfileError, *, has_begun: bool) -> str:
    """Return what docker says of it, and below that the lines themselves."""
    plain = next((words for problem, words in PLAIN_WORDS.items() if error.problem.startswith(problem)), None)
    said = error.problem if has_begun else f"dockerfile parse error on line {error.location.line}: {error.problem}"
    said = said if plain is None else f"{plain}{error.problem}"
    is_guess = error.cure.startswith("did you mean")
    cure = [f"  cure: {error.cure}"] if error.cure and not is_guess else []
    return "\n".join([f"{said} ({error.cure})" if is_guess else said, *excerpt(error.lines, error.location), *cure])


def quiet_lines(lines: Iterator[Line]) -> Iterator[Line]:
    """Yield the image's ID alone, of a build that is told quietly; of one that fails its last lines, and why.

    What fails before the first line is raised.
    """
    told: deque[Line] = deque()
    size, id = 0, ""
    try:
        for line in lines:
            id = line.get("aux", {}).get("ID", id)
            told.append(line)
            size += _size(line)
            while size > HELD_BYTES:
                size -= _size(told.popleft())
    except LabcoreError:
        yield from told
        raise
    yield {"stream": f"{id}\n"}


def _size(line: Line) -> int:
    return len(line.get("stream", ""))


class _Classic:
    """What is said of each event."""

    def __init__(self, seen: StepsSeen, *, removes: bool, aux: bool, says_cached: bool) -> None:
        self._seen = seen
        self._removes = removes
        self._aux = aux
        self._says_cached = says_cached
        self._containers: dict[int, str] = {}  # by their steps' numbers
        self._cached: dict[str, bool] = {}  # were the steps of each stage so far, as far as that is known?
        self._warnings: list[str] = []  # which come behind the last image's ID
        self._stage_image = ""  # of the stage that has just ended, perhaps
        self._base: Line | None = None  # what ends a FROM, which comes behind the triggers of its image
        self._triggers = 0  # that are still to come
        self._decoders = Decoders()

    def lines(self, event: Event) -> Iterator[Line]:
        if self._base and not self._triggers and not (isinstance(event, StepStarted) and event.trigger):
            yield self._base
            self._base = None
        if isinstance(event, StepStarted):
            yield from self._started(event)
        elif isinstance(event, StepRuns):
            self._containers[event.step.number] = event.container_id
            yield {"stream": f" ---> Running in {event.container_id[:SHOWN]}\n"}
        elif isinstance(event, StepOutput):
            yield from self._output(event)
        elif isinstance(event, StepEnded):
            yield from self._ended(event)
        elif isinstance(event, Warned):
            self._warnings += [] if event.rule else [event.text]  # docker's classic builder knows no rules
        else:
            yield from self._built(event)

    def _started(self, event: StepStarted) -> Iterator[Line]:
        step = event.step
        if self._stage_image and step.stage_number == 1 and not event.trigger:
            yield from self._aux_line(self._stage_image)
        if not event.trigger:
            yield {"stream": f"Step {step.number}/{step.total} : {step.text}"}
            yield {"stream": "\n"}
        elif not self._triggers:
            yield {"stream": f"# Executing {event.triggers} build trigger"}
            yield from [{"stream": "s"}] if event.triggers > 1 else []  # in pieces, as docker writes it
            yield {"stream": "\n"}
            self._base, self._triggers = None, event.triggers

    def _output(self, event: StepOutput) -> Iterator[Line]:
        if not (text := self._decoders.text(event)):
            return
        if event.stream == "status":
            yield {"status": text.rstrip("\n")}
        else:
            yield {"stream": f"{RED}{text}{PLAIN}" if event.stream == "stderr" else text}

    def _ended(self, event: StepEnded) -> Iterator[Line]:
        step = event.step
        container = self._containers.pop(step.number, "")
        if self._is_cached(event) and self._says_cached:
            yield {"stream": " ---> Using cache\n"}
        if container and self._removes:
            yield {"stream": f" ---> Removed intermediate container {container[:SHOWN]}\n"}
        self._triggers -= bool(self._triggers)
        self._stage_image = event.image_id
        line = {"stream": f" ---> {short(event.image_id)}\n"}
        if step.stage_number == 1:
            self._base = line
        else:
            yield line

    def _is_cached(self, event: StepEnded) -> bool:
        """Return whether docker would have taken the step from its cache, in which it has those, too, that make no files."""
        step, seen = event.step, self._seen.add(event.image_id)
        if step.stage_number == 1:  # FROM
            return False
        makes_files = step.text.partition(" ")[0].upper() in MAKES_FILES
        before = self._cached.get(step.stage)
        found = event.is_cached and before is not False and (makes_files or seen or before is True)
        if found or not event.is_cached:
            self._cached[step.stage] = found
        return found

    def _aux_line(self, image_id: str) -> Iterator[Line]:
        if self._aux:
            yield {"aux": {"ID": image_id}}

    def _built(self, event: Built) -> Iterator[Line]:
        yield from self._aux_line(event.image.id)
        for text in self._warnings:
            yield {"stream": f"[Warning] {text}\n"}
        yield {"stream": f"Successfully built {short(event.image.id)}\n"}
        for name in event.names:
            yield {"stream": f"Successfully tagged {name}\n"}

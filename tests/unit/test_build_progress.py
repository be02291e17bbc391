"""Events of a build as docker's lines, and as labcore's own."""

import itertools
from collections.abc import Generator, Iterable

import pytest

from labcore.builder.events import Built, Event, Step, StepEnded, StepOutput, StepRuns, StepStarted, Warned
from labcore.builder.parser.errors import DockerfileError
from labcore.builder.parser.instructions import Location
from labcore.daemon.wire.build_events import event_lines
from labcore.daemon.wire.build_progress import HELD_BYTES, classic_lines, in_order, quiet_lines
from labcore.daemon.wire.progress import Line
from labcore.daemon.wire.steps_seen import StepsSeen
from labcore.errors import InvalidInput, LabcoreError
from labcore.images import Config, Descriptor, Image

IDS = [f"sha256:{number:064x}" for number in range(10)]
IMAGE = Image(
    "",
    Descriptor("application/vnd.oci.image.manifest.v1+json", IDS[8], 1),
    (),
    Config("amd64", ()),
    Descriptor("application/vnd.oci.image.config.v1+json", IDS[9], 1),
)


class Failed(LabcoreError):
    code = 3
    output = ("last", "lines")


def step(number: int, text: str, *, stage: str = "0", at: int = 1, of: int = 2, total: int = 4) -> Step:
    return Step(number, total, stage, at, of, text, number)


ARG = step(1, "ARG V=1", stage="", of=0)
FROM = step(2, "FROM busybox AS one", stage="one")
RUN = step(3, "RUN echo é", stage="one", at=2)
LAST = step(4, "FROM one", stage="1", of=1)


def events(values: Iterable[Event], error: Exception | None = None) -> Generator[Event, None, None]:
    yield from values
    if error:
        raise error


BUILD: tuple[Event, ...] = (
    StepStarted(ARG),
    StepStarted(FROM),
    StepOutput(FROM, "status", b"Pulling busybox\n"),
    StepEnded(FROM, IDS[1], is_cached=True),
    StepStarted(RUN),
    StepRuns(RUN, "f" * 64),
    StepOutput(RUN, "stdout", b"\xc3"),
    StepOutput(RUN, "stderr", b"oh\n"),
    StepOutput(RUN, "stdout", b"\xa9\n\xff"),
    StepEnded(RUN, IDS[2]),
    StepStarted(LAST),
    StepEnded(LAST, IDS[2]),
    Warned("One or more build-args [U] were not consumed"),
    Built(IMAGE, ("a:latest", "b:1")),
)


def told(values: Iterable[Event], *, removes: bool = True, aux: bool = True) -> list[Line]:
    return list(classic_lines(events(values), StepsSeen(), removes=removes, aux=aux))


def test_docker_s_lines() -> None:
    assert told(BUILD) == [
        {"stream": "Step 1/4 : ARG V=1"},
        {"stream": "\n"},
        {"stream": "Step 2/4 : FROM busybox AS one"},
        {"stream": "\n"},
        {"status": "Pulling busybox"},
        {"stream": " ---> 000000000000\n"},
        {"stream": "Step 3/4 : RUN echo é"},
        {"stream": "\n"},
        {"stream": " ---> Running in ffffffffffff\n"},
        {"stream": "\x1b[91moh\n\x1b[0m"},
        {"stream": "é\n\N{REPLACEMENT CHARACTER}"},
        {"stream": " ---> Removed intermediate container ffffffffffff\n"},
        {"stream": " ---> 000000000000\n"},
        {"aux": {"ID": IDS[2]}},
        {"stream": "Step 4/4 : FROM one"},
        {"stream": "\n"},
        {"stream": " ---> 000000000000\n"},
        {"aux": {"ID": IDS[9]}},
        {"stream": "[Warning] One or more build-args [U] were not consumed\n"},
        {"stream": "Successfully built 000000000000\n"},
        {"stream": "Successfully tagged a:latest\n"},
        {"stream": "Successfully tagged b:1\n"},
    ]


def test_an_old_version_has_no_aux_and_kept_containers_are_not_removed() -> None:
    lines = told(BUILD, removes=False, aux=False)
    assert not [line for line in lines if "aux" in line or "Removed" in line.get("stream", "")]


def cached(*steps: tuple[str, bool], seen: Iterable[str] = (), says_cached: bool = True) -> str:
    """Return, for a stage of such steps (texts, and whether they are cached), a + where that is said."""
    made = [step(number, text, at=number, of=9) for number, (text, _) in enumerate(steps, 1)]
    ended = [StepEnded(each, IDS[each.number], is_cached=is_cached) for each, (_, is_cached) in zip(made, steps, strict=True)]
    known = StepsSeen()
    for id in seen:
        known.add(id)
    said = "".join(line.get("stream", "") for line in classic_lines(events(ended), known, says_cached=says_cached))
    return "".join("-+"["Using cache" in part] for part in said.split("000\n")[:-1])


BASE, ENV, CACHED, ANEW = ("FROM a", True), ("ENV a=b", True), ("RUN a", True), ("copy a b", False)


def test_what_is_said_to_be_cached() -> None:
    assert cached(BASE, CACHED, ENV) == "-++"
    assert cached(BASE, ENV, CACHED, ENV) == "--++"  # nobody knows of the first
    assert cached(BASE, ENV, CACHED, ENV, seen=IDS) == "-+++"
    assert cached(BASE, ENV, ANEW, CACHED, ENV, seen=IDS) == "-+---"
    assert cached(BASE, CACHED, ENV, seen=IDS, says_cached=False) == "---"


def test_steps_are_seen_until_too_many_came_after_them() -> None:
    seen = StepsSeen()
    assert [seen.add(id) for id in ("a", "b", "a")] == [False, False, True]
    for number in range(20_000):
        seen.add(str(number))
    assert not seen.add("a")
    seen.clear()
    assert not seen.add("19999")


def test_a_quiet_build_tells_the_id_alone() -> None:
    lines = quiet_lines(classic_lines(events(BUILD), StepsSeen()))
    assert list(lines) == [{"stream": f"{IDS[9]}\n"}]


def test_a_quiet_build_that_fails_tells_all() -> None:
    lines = quiet_lines(classic_lines(events(BUILD[:6], Failed("no")), StepsSeen()))
    found = [next(lines) for _ in range(9)]
    assert found == told(BUILD[:6])
    with pytest.raises(Failed):
        next(lines)


def test_a_quiet_build_keeps_the_end_of_its_output_only() -> None:
    much = [StepOutput(RUN, "stdout", b"x" * 1000 + b"%d\n" % number) for number in range(HELD_BYTES // 500)]
    lines = quiet_lines(classic_lines(events([*BUILD[:6], *much], Failed("no")), StepsSeen()))
    found: list[Line] = []
    with pytest.raises(Failed):
        found.extend(lines)
    assert found[-1]["stream"].endswith(f"x{len(much) - 1}\n")
    assert sum(len(line["stream"]) for line in found) <= HELD_BYTES


ONE, TWO = (step(1, "FROM a", stage="a"), step(2, "RUN a", stage="a", at=2)), (
    step(3, "FROM b", stage="b"), step(4, "RUN b", stage="b", at=2),
)  # fmt: skip


def stage_events(steps: tuple[Step, ...], mark: bytes) -> list[Event]:
    found: list[Event] = []
    for each in steps:
        found += [StepStarted(each), StepOutput(each, "stdout", mark), StepEnded(each, IDS[1])]
    return found


@pytest.mark.parametrize("choices", list(itertools.product((True, False), repeat=8)))
def test_steps_come_in_the_dockerfile_s_order_however_stages_interleave(choices: tuple[bool, ...]) -> None:
    first, second = stage_events(ONE, b"1"), stage_events(TWO, b"2")
    left, right, mixed = list(first), list(second), list[Event]()
    for from_first in choices:
        if source := left if from_first else right:
            mixed.append(source.pop(0))
    mixed += [*right, *left, Built(IMAGE)]
    assert list(in_order(events(mixed))) == [*first, *second, Built(IMAGE)]


def test_the_first_stage_is_told_as_it_goes_and_the_other_when_its_turn_comes() -> None:
    going = in_order(events([StepStarted(ONE[0]), StepStarted(TWO[0]), StepEnded(TWO[0], IDS[1]), StepEnded(ONE[0], IDS[1])]))
    assert [next(going), next(going)] == [StepStarted(ONE[0]), StepEnded(ONE[0], IDS[1])]


def test_what_was_held_back_comes_before_the_failure() -> None:
    held: list[Event] = [StepStarted(ONE[0]), StepStarted(TWO[0]), StepOutput(TWO[0], "stdout", b"why")]
    found = in_order(events(held, Failed("no")))
    assert [next(found) for _ in range(3)] == held
    with pytest.raises(Failed):
        next(found)


def test_of_what_is_held_back_too_much_is_lost_and_that_is_said() -> None:
    pieces = [StepOutput(TWO[0], "stdout", b"y" * (HELD_BYTES // 3)) for _ in range(9)]
    held = list(in_order(events([StepStarted(ONE[0]), *pieces, Built(IMAGE)])))
    output = b"".join(each.data for each in held if isinstance(each, StepOutput))
    assert output.startswith(b"y" * HELD_BYTES + b"\n[output clipped")
    assert len(output) < HELD_BYTES + 100


def test_triggers_are_told_where_they_are_carried_out() -> None:
    """Behind FROM, whose own ID is not told then: as docker does it, with no lines for their steps."""
    one, two = FROM.replace(text="RUN x"), FROM.replace(text="ENV a=b")
    mixed: list[Event] = [StepStarted(FROM), StepEnded(FROM, IDS[1]), StepStarted(one, trigger=True, triggers=2)]
    mixed += [
        StepRuns(one, "e" * 64),
        StepEnded(one, IDS[2]),
        StepStarted(two, trigger=True, triggers=2),
        StepEnded(two, IDS[0]),
    ]
    mixed += [StepStarted(RUN), StepEnded(RUN, IDS[2])]
    found = "".join(line.get("stream", "") for line in told([StepStarted(ARG), *mixed])).splitlines()
    begin = found.index(f"Step {FROM.number}/{FROM.total} : {FROM.text}")
    assert found[begin + 1 : begin + 6] == [
        "# Executing 2 build triggers",
        " ---> Running in eeeeeeeeeeee",
        " ---> Removed intermediate container eeeeeeeeeeee",
        f" ---> {IDS[0].removeprefix('sha256:')[:12]}",
        f"Step {RUN.number}/{RUN.total} : {RUN.text}",
    ]


@pytest.mark.parametrize(
    ("values", "said"),
    [((), "dockerfile parse error on line 2: unknown instruction: RUNN\n"), (BUILD[:3], "unknown instruction")],
)
def test_a_fault_of_the_dockerfile_is_in_docker_s_words(values: tuple[Event, ...], said: str) -> None:
    error = DockerfileError("unknown instruction: RUNN", Location(2, 2), ("FROM a", "RUNN x"), cure="RUN is meant")
    with pytest.raises(InvalidInput) as failure:
        list(classic_lines(events(values, error), StepsSeen()))
    assert str(failure.value).startswith(said)
    assert str(failure.value).endswith("     2 | RUNN x\n  cure: RUN is meant")


def test_a_guess_is_in_docker_s_words() -> None:
    error = DockerfileError("unknown instruction: RUNN", Location(2, 2), cure="did you mean RUN?")
    with pytest.raises(
        InvalidInput, match=r"^dockerfile parse error on line 2: unknown instruction: RUNN \(did you mean RUN\?\)$"
    ):
        list(classic_lines(events((), error), StepsSeen()))


def test_labcore_s_own_lines() -> None:
    found = list(event_lines(events(BUILD)))
    assert [line["event"] for line in found] == [type(each).__name__ for each in BUILD]
    assert found[0] == {
        "event": "StepStarted",
        "step": {
            "number": 1, "total": 4, "stage": "", "stage_number": 1, "stage_total": 0, "text": "ARG V=1", "line": 1
        },
        "trigger": False, "triggers": 0,
    }  # fmt: skip
    assert "".join(line["data"] for line in found if line.get("stream") == "stdout") == "é\n\N{REPLACEMENT CHARACTER}"
    assert found[-1] == {"event": "Built", "image_id": IDS[9], "names": ["a:latest", "b:1"]}


def test_labcore_s_own_lines_end_with_what_is_known_of_a_failure() -> None:
    *_, last = event_lines(events(BUILD[:3], Failed("no")))
    assert last == {
        "error": "no",
        "errorDetail": {"code": 3, "message": "no"},
        "labcore": {"kind": "Failed", "code": 3, "output": ["last", "lines"]},
    }
    error = DockerfileError("p", Location(2, 3, 4), ("a", "b", "c"), name="D", cure="c")
    (only,) = event_lines(events((), error))
    assert only["labcore"] == {
        "kind": "DockerfileError", "file": "D", "line": 2, "last_line": 3, "column": 4, "problem": "p", "cure": "c"
    }  # fmt: skip


def test_who_stops_listening_ends_the_build() -> None:
    closed = []

    def endless() -> Generator[Event, None, None]:
        try:
            while True:
                yield StepStarted(ARG)
        finally:
            closed.append(True)

    for lines in (classic_lines(endless(), StepsSeen()), event_lines(endless())):
        next(lines)
        lines.close()  # type: ignore[attr-defined]
    assert closed == [True, True]

"""What is shown of a build: plain lines, a terminal's steps drawn in place, JSON, and what is said when one fails."""

import io
import json
import time
from base64 import b64decode
from typing import Any

import pytest

from labcore.cli.builder import live
from labcore.cli.builder.failure import excerpt, line_of, report, warning_lines
from labcore.cli.builder.live import LiveView, cells, clipped, timed
from labcore.cli.builder.plain import TURN_SECONDS, PlainView
from labcore.cli.builder.rawjson import RawJSONView
from labcore.cli.builder.vertices import CANCELED, ERROR, LAST_LINES, BuildLog, showable, title_of
from labcore.client.answer import BadAnswer
from labcore.client.build_events import BuildFailed, BuildStep, event_of
from labcore.client.build_sources import BuildSource
from tests.unit.test_progress import Terminal

ID = "sha256:" + "ab" * 32


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def step(number: int, text: str, *, stage: str = "0", at: int | None = None, total: int = 3, whole: int = 3) -> dict[str, Any]:
    at = number if at is None else at
    return {
        "number": number, "total": whole, "stage": stage, "stage_number": at, "stage_total": total, "text": text,
        "line": number,
    }  # fmt: skip


FROM, RUN, COPY = step(1, "FROM busybox"), step(2, "RUN echo hi"), step(3, "COPY . .")


class Build:
    """A build that a test tells of."""

    def __init__(self, view: Any, clock: Clock) -> None:
        self.log = BuildLog(view, clock=clock)
        self.clock = clock

    def tell(self, name: str, **fields: Any) -> None:
        self.log.take(event_of({"event": name, **fields}, "POST /build"))

    def started(self, told: dict[str, Any]) -> None:
        self.tell("StepStarted", step=told)

    def said(self, told: dict[str, Any], data: str, stream: str = "stdout") -> None:
        self.tell("StepOutput", step=told, stream=stream, data=data)

    def ended(self, told: dict[str, Any], *, seconds: float = 0.0, is_cached: bool = False) -> None:
        self.tell("StepEnded", step=told, image_id=ID, seconds=seconds, is_cached=is_cached)


# --- plain


@pytest.fixture
def plain() -> tuple[Build, io.StringIO]:
    clock, out = Clock(), io.StringIO()
    return Build(PlainView(out, clock=clock), clock), out


def test_plain_lines_are_buildkits(plain: tuple[Build, io.StringIO]) -> None:
    build, out = plain
    source = BuildSource(lambda: [b"x" * 2048])
    build.log.sends(source)
    list(source)
    build.started(FROM)
    build.ended(FROM, is_cached=True)
    build.started(RUN)
    build.clock.now += 0.123
    build.said(RUN, "hi\nand no en")
    build.said(RUN, "d")
    build.ended(RUN, seconds=0.31)
    build.tell("Built", image_id=ID, names=["docker.io/library/a:latest"])
    assert out.getvalue() == (
        "#1 [internal] load build context\n#1 transferring context: 2.05kB done\n#1 DONE 0.0s\n\n"
        "#2 [1/3] FROM busybox\n#2 CACHED\n\n"
        "#3 [2/3] RUN echo hi\n#3 0.123 hi\n#3 0.123 and no end\n#3 DONE 0.3s\n\n"
        f"#4 exporting to image\n#4 writing image {ID} done\n#4 naming to docker.io/library/a:latest done\n#4 DONE 0.0s\n"
    )
    assert (build.log.image_id, build.log.names) == (ID, ("docker.io/library/a:latest",))


def test_steps_side_by_side_take_turns(plain: tuple[Build, io.StringIO]) -> None:
    build, out = plain
    one = step(2, "RUN one", stage="build", at=2, total=2, whole=4)
    two = step(4, "RUN two", stage="1", at=2, total=2, whole=4)
    build.started(one)
    build.started(two)
    build.said(two, "waits\n")
    build.said(one, "first\n")
    assert "waits" not in out.getvalue()
    build.clock.now += TURN_SECONDS
    build.said(two, "its turn\n")
    build.ended(one)
    build.ended(two)
    assert out.getvalue() == (
        "#1 [build 2/2] RUN one\n#1 0.000 first\n#1 ...\n\n"
        "#2 [stage-1 2/2] RUN two\n#2 0.000 waits\n#2 5.000 its turn\n#2 DONE 0.0s\n\n"
        "#1 [build 2/2] RUN one\n#1 DONE 0.0s\n"
    )


def test_what_a_failure_leaves_unended_is_cancelled(plain: tuple[Build, io.StringIO]) -> None:
    build, out = plain
    other = step(3, "RUN other", stage="other", at=2, total=2, whole=4)
    build.started(RUN)
    build.started(other)
    build.log.finish(2)
    assert [vertex.state for vertex in build.log.vertices] == [ERROR, CANCELED]
    assert "RUN echo hi\n#1 ERROR\n" in out.getvalue()
    assert out.getvalue().endswith("RUN other\n#2 CANCELED\n")


def test_lines_of_another_daemon_are_shown_as_they_are(plain: tuple[Build, io.StringIO]) -> None:
    build, out = plain
    for line in ({"stream": "Step 1/1 : FROM a\n"}, {"status": "Pulling", "id": "ab"}, {"aux": {"ID": ID}}):
        build.log.take(event_of(line, "POST /build"))
    assert out.getvalue() == "Step 1/1 : FROM a\nab Pulling\n"
    assert build.log.image_id == ID


def test_a_line_that_is_no_event_is_refused() -> None:
    for wrong in ([], "x", 7, None):
        with pytest.raises(BadAnswer, match="is no event of a build"):
            event_of(wrong, "POST /build")


# --- output


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("\x1b[31mred\x1b[0m and \x1b]0;title\x07plain", "red and plain"),
        ("10%\r50%\r100%\r", "100%"),
        ("a\tb", "a       b"),
        ("\x00\x07bell", "  bell"),
        ("ok 中文", "ok 中文"),
        ("\x1b[2J\x1b[Hcleared", "cleared"),
        ("a\x9b31mb", "a 31mb"),
    ],
)
def test_output_does_not_command_the_terminal(line: str, shown: str) -> None:
    assert showable(line) == shown


def test_a_line_without_an_end_is_not_held_forever(plain: tuple[Build, io.StringIO]) -> None:
    build, out = plain
    build.started(RUN)
    for _ in range(10):
        build.said(RUN, "x" * 10_000)
    assert out.getvalue().count("x") >= 80_000


def test_the_last_lines_are_kept(plain: tuple[Build, io.StringIO]) -> None:
    build, _ = plain
    build.started(RUN)
    build.said(RUN, "".join(f"{number}\n" for number in range(100)))
    assert list(build.log.vertices[0].last) == [str(number) for number in range(100 - LAST_LINES, 100)]


def test_titles() -> None:
    assert title_of(BuildStep(step(2, "RUN a"))) == "[2/3] RUN a"
    assert title_of(BuildStep(step(2, "RUN a", stage="build"))) == "[build 2/3] RUN a"
    assert title_of(BuildStep(step(2, "RUN a", whole=9))) == "[stage-0 2/3] RUN a"
    assert title_of(BuildStep(step(2, "RUN a\x1b[2J"))) == "[2/3] RUN a [2J"
    assert title_of(BuildStep(step(1, "RUN a")), trigger=True) == "[1/3] ONBUILD RUN a"


# --- a terminal


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The size of the terminal, which a test may change."""
    size = {"columns": 60, "rows": 24}
    monkeypatch.setattr(live, "width_of", lambda *_: size["columns"])
    monkeypatch.setattr(live, "height_of", lambda *_: size["rows"])
    monkeypatch.setenv("NO_COLOR", "1")
    return size


def drawn(view: LiveView, build: Build) -> None:
    view._draw(build.log.vertices)


def test_steps_are_drawn_in_their_places(screen: dict[str, int]) -> None:
    clock, terminal = Clock(), Terminal()
    view = LiveView(terminal, clock=clock)
    build = Build(view, clock)
    build.started(FROM)
    build.ended(FROM, is_cached=True)
    build.started(RUN)
    build.said(RUN, "".join(f"line {number}\n" for number in range(9)))
    clock.now += 1.25
    drawn(view, build)
    assert terminal.lines == [
        "[+] Building 1.2s (1/2)",
        " => CACHED [1/3] FROM busybox                          0.0s",
        " => [2/3] RUN echo hi                                  1.2s",
        *(f" => => # line {number}" for number in range(3, 9)),
    ]
    build.ended(RUN, seconds=1.5)
    build.log.image_id = ID
    with view.drawing(build.log):
        pass
    assert terminal.lines == [
        "[+] Building 1.2s (2/2) FINISHED",
        " => CACHED [1/3] FROM busybox                          0.0s",
        " => [2/3] RUN echo hi                                  1.5s",
    ]


def test_a_low_terminal_shows_what_goes_on_and_at_the_end_all(screen: dict[str, int]) -> None:
    clock, terminal = Clock(), Terminal()
    view = LiveView(terminal, clock=clock)
    build = Build(view, clock)
    steps = [step(number, f"RUN {number}", total=30, whole=30) for number in range(1, 31)]
    for each in steps:
        build.started(each)
    for each in steps[1:]:
        build.ended(each)
    screen["rows"] = 8
    drawn(view, build)
    assert len(terminal.lines) == 7
    assert terminal.lines[1].split() == ["=>", "[1/30]", "RUN", "1", "0.0s"]
    screen["rows"] = 2
    drawn(view, build)
    assert len(terminal.lines) == 1
    build.ended(steps[0])
    with view.drawing(build.log):
        pass
    assert len(terminal.lines) == 31


@pytest.mark.parametrize("columns", [10, 20, 40, 200])
def test_no_line_is_wider_than_the_terminal(screen: dict[str, int], columns: int) -> None:
    screen["columns"] = columns
    clock, terminal = Clock(), Terminal()
    view = LiveView(terminal, clock=clock)
    build = Build(view, clock)
    build.started(step(2, "RUN 你好 " + "x" * 300))
    build.said(step(2, "RUN 你好 " + "x" * 300), "中文" * 200 + "\n")
    drawn(view, build)
    assert [line for line in terminal.lines if cells(line) >= columns] == []


def test_a_terminal_that_has_become_narrower_is_erased_whole(screen: dict[str, int]) -> None:
    clock, out = Clock(), Terminal()
    view = LiveView(out, clock=clock)
    build = Build(view, clock)
    build.started(RUN)
    drawn(view, build)
    screen["columns"] = 20
    assert view._erasing() == "\033[5F\033[J"  # a line of 23 columns is two now, one of 59 three


def test_it_is_drawn_while_nothing_is_told(screen: dict[str, int]) -> None:
    terminal = Terminal()
    view = LiveView(terminal)
    build = Build(view, Clock())
    with view.drawing(build.log):
        build.started(RUN)
        deadline = time.monotonic() + 20
        while terminal.written < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        build.ended(RUN)
    assert terminal.written >= 3
    assert terminal.lines[1].startswith(" => [2/3] RUN echo hi")


def test_colours_are_off_when_nobody_wants_them(screen: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    for wanted, has_colours in (("", True), ("1", False)):
        monkeypatch.setenv("NO_COLOR", wanted)
        out = io.StringIO()
        view = LiveView(out)
        build = Build(view, Clock())
        build.started(RUN)
        build.ended(RUN)
        drawn(view, build)
        assert ("\033[34m" in out.getvalue()) is has_colours


def test_widths() -> None:
    assert (cells("ab"), cells("中文"), cells("e\u0301")) == (2, 4, 1)
    assert clipped("abcdef", 4) == "abc…"
    assert clipped("中文中文", 5) == "中文…"
    assert clipped("abc", 3) == "abc"
    assert timed("abc", 1.26, 20) == "abc            1.3s"
    assert timed("abcdef", 1.0, 8) == "abcdef"


# --- JSON


def test_raw_json_is_buildkits_status() -> None:
    out = io.StringIO()
    build = Build(RawJSONView(out, now=lambda: 981173106.5), Clock())
    build.started(FROM)
    build.ended(FROM, is_cached=True)
    build.started(RUN)
    build.said(RUN, "hi\n", "stderr")
    build.log.finish(2)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [list(line) for line in lines] == [["vertexes"], ["vertexes"], ["vertexes"], ["logs"], ["vertexes"]]
    [begun], [cached], _, [log], [failed] = (next(iter(line.values())) for line in lines)
    assert begun == {"digest": begun["digest"], "name": "[1/3] FROM busybox", "started": "2001-02-03T04:05:06.500000Z"}
    assert cached == {**begun, "cached": True, "completed": "2001-02-03T04:05:06.500000Z"}
    assert (log["stream"], b64decode(log["data"])) == (2, b"hi\n")
    assert (failed["error"], failed["digest"]) == ("failed", log["vertex"])


# --- failures


DOCKERFILE = b"FROM busybox\n\nRUN echo a && \\\n\tfalse\nCMD sh\n"


def failure(**details: Any) -> BuildFailed:
    line = {"error": "The command '/bin/sh -c false' returned a non-zero code: 1", "labcore": details}
    with pytest.raises(BuildFailed) as caught:
        event_of(line, "POST /build")
    return caught.value


def test_a_failure_shows_the_last_lines_and_the_place(plain: tuple[Build, io.StringIO]) -> None:
    build, _ = plain
    error = failure(kind="RunFailed", code=1, output=["a", "\x1b[31mb"], place="Dockerfile:3", excerpt=["RUN"], kept="")
    third = step(2, "RUN echo a && false") | {"line": 3}
    build.started(third)
    assert line_of(error.details) == 3
    build.log.finish(line_of(error.details))
    assert list(report(error, build.log.vertices, DOCKERFILE, shown="dir/Dockerfile", sent="Dockerfile")) == [
        "------",
        " > [2/3] RUN echo a && false:",
        "a",
        "b",
        "------",
        "dir/Dockerfile:3",
        "--------------------",
        "   1 |     FROM busybox",
        "   2 |",
        "   3 | >>> RUN echo a && \\",
        "   4 | >>>     false",
        "   5 |     CMD sh",
        "--------------------",
        "labcore: The command '/bin/sh -c false' returned a non-zero code: 1",
    ]
    assert list(report(error, [], b"", shown="F", sent="Dockerfile"))[:2] == ["F:3", "RUN"]


def test_a_dockerfile_that_is_elsewhere_has_its_own_name() -> None:
    line = {
        "error": "Dockerfile:2:1: unknown instruction: RUM\n     2 | RUM\n",
        "labcore": {"kind": "DockerfileError", "line": 2},
    }
    with pytest.raises(BuildFailed) as caught:
        event_of(line, "POST /build")
    said = list(report(caught.value, [], b"FROM a\nRUM\n", shown="/tmp/Other", sent=".dockerfile.0123"))
    assert said == ["labcore: /tmp/Other:2:1: unknown instruction: RUM\n     2 | RUM"]


def test_places_that_are_none() -> None:
    assert [line_of(failure(place=place).details) for place in ("", "Dockerfile", "a:b", "a:99999999999999")] == [0] * 4
    assert list(excerpt(DOCKERFILE, 0, name="x")) == list(excerpt(DOCKERFILE, 9, name="x")) == []


def test_warnings_are_said_at_the_end(plain: tuple[Build, io.StringIO]) -> None:
    build, _ = plain
    build.tell("Warned", text="Stage name 'A' should be lowercase", line=1, rule="StageNameCasing")
    build.tell("Warned", text="One or more build-args [X] were not consumed")
    assert list(warning_lines(build.log.warnings)) == [
        "\n 2 warnings found:",
        " - StageNameCasing: Stage name 'A' should be lowercase (line 1)",
        " - One or more build-args [X] were not consumed",
    ]
    assert list(warning_lines([])) == []

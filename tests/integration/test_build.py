"""Builds: each kind of instruction, stages, the cache, and what goes wrong; looked at in images and containers of them."""

import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import labcore
from labcore.builder.build import build
from labcore.builder.copy.context import ContextArchive
from labcore.builder.errors import RunFailed
from labcore.builder.events import StepRuns, StepStarted, Warned
from labcore.builder.options import BuildOptions
from labcore.builder.parser import parse
from labcore.builder.parser.errors import DockerfileError
from labcore.cancellation import Cancellation
from labcore.engine import Engine
from labcore.errors import Cancelled, InvalidInput
from labcore.images.gc import find_damaged
from labcore.spec import Platform, Reference
from tests.conftest import needs_root
from tests.image_builds import built, context_tar

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Engine]:
    """An engine with busybox, and nothing in its cache."""
    engine = Engine(tmp_path / "root")
    engine.seed("busybox")
    yield engine
    engine.networks.close()
    gc.collect()  # an error that `pytest.raises` has caught knows the frames of the build


def said(engine: Engine, image: str, script: str = "", **fields: object) -> bytes:
    return labcore.run(image, ["sh", "-c", script] if script else (), root=engine.root, **fields).stdout  # type: ignore[arg-type]


def test_three_lines_become_an_image(fresh: Engine) -> None:
    made = built(
        fresh,
        "FROM busybox\nRUN echo built > /made\nCOPY hello.txt /\nCMD cat /made /hello.txt\n",
        {"hello.txt": "hello\n"},
        tags=(Reference.parse("three"),),
    )
    assert said(fresh, "three") == b"built\nhello\n"
    assert len(made.image.layers) == 3
    texts = [entry.created_by for entry in made.image.config.history[-3:]]
    assert texts == ["RUN /bin/sh -c echo built > /made", "COPY hello.txt /", "CMD cat /made /hello.txt"]
    assert find_damaged(fresh.images) == []


def test_the_same_again_is_all_cached_and_the_same_image(fresh: Engine) -> None:
    text = "FROM busybox\nENV A=b\nRUN date +%s%N > /made\nCOPY x /\nWORKDIR /w\nLABEL l=m\n"
    first = built(fresh, text, {"x": "1"})
    again = built(fresh, text, {"x": "1"})
    assert first.image.id == again.image.id
    assert not [each for each in again.events if isinstance(each, StepRuns)]
    other = built(fresh, text, {"x": "2"})
    assert other.image.id != first.image.id
    assert "RUN date +%s%N > /made" in other.cached()
    assert "COPY x /" not in other.cached()


def test_a_label_does_not_miss_but_the_environment_does(fresh: Engine) -> None:
    first = built(fresh, "FROM busybox\nLABEL a=1\nRUN cat /proc/sys/kernel/random/uuid > /id\n")
    labelled = built(fresh, "FROM busybox\nLABEL a=2\nRUN cat /proc/sys/kernel/random/uuid > /id\n")
    assert labelled.image.config.diff_ids == first.image.config.diff_ids
    other = built(fresh, "FROM busybox\nENV A=2\nRUN cat /proc/sys/kernel/random/uuid > /id\n")
    assert other.image.config.diff_ids != first.image.config.diff_ids


def test_stages_that_are_not_needed_are_not_built(fresh: Engine) -> None:
    text = (
        "FROM busybox AS a\nRUN echo a > /a\nFROM busybox AS never\nRUN exit 9\n"
        "FROM busybox AS b\nCOPY --from=a /a /b\nFROM scratch\nCOPY --from=b /b /c\nCOPY --from=0 /a /d\n"
    )
    made = built(fresh, text)
    steps = [each.step for each in made.events if isinstance(each, StepStarted)]
    assert {step.stage for step in steps} == {"a", "b", "3"}
    assert sorted(step.number for step in steps) == list(range(1, 8))
    assert {step.total for step in steps} == {7}
    assert len(made.image.layers) == 2


def test_stages_are_built_side_by_side(fresh: Engine) -> None:
    """Each of two waits for the other, by a FIFO that they share through a cache mount."""
    text = (
        "FROM busybox AS a\nRUN --mount=type=cache,target=/m mkfifo /m/f 2>/dev/null; "
        "timeout 20 sh -c 'echo a > /m/f' && echo a > /a\n"
        "FROM busybox AS b\nRUN --mount=type=cache,target=/m mkfifo /m/f 2>/dev/null; timeout 20 cat /m/f > /b && test -s /b\n"
        "FROM scratch\nCOPY --from=a /a /\nCOPY --from=b /b /\n"
    )
    assert len(built(fresh, text).image.layers) == 2


def test_arguments_and_environment(fresh: Engine) -> None:
    text = (
        "ARG BASE=nothing\nARG UNUSED\nFROM ${BASE} AS base\nARG BASE\nARG X=1\nARG Y\nENV Z=${X}-${Y:-none} P=$HOME\n"
        "RUN echo $BASE $X $Y $Z > /said\nFROM base\nARG LATE=${X}${Z}\nRUN echo $LATE >> /said\nCMD cat /said\n"
    )
    made = built(fresh, text, arguments=(("BASE", "busybox"), ("Y", "y"), ("SPARE", "1")), tags=(Reference.parse("args"),))
    assert said(fresh, "args") == b"busybox 1 y 1-y\n11-y\n"
    assert [each.text for each in made.events if isinstance(each, Warned) and not each.rule] == [
        "One or more build-args [SPARE] were not consumed"
    ]
    assert "RUN |3 BASE=busybox X=1 Y=y /bin/sh -c echo $BASE $X $Y $Z > /said" in [
        entry.created_by for entry in made.image.config.history
    ]


def test_a_proxy_is_known_to_programs_and_shown_nowhere(fresh: Engine) -> None:
    text = "FROM busybox\nRUN echo $http_proxy > /proxy\n"
    made = built(fresh, text, arguments=(("http_proxy", "http://secret@proxy"),), tags=(Reference.parse("proxied"),))
    assert said(fresh, "proxied", "cat /proxy") == b"http://secret@proxy\n"
    assert b"secret" not in made.image.config.to_bytes()
    assert built(fresh, text, arguments=(("http_proxy", "http://other"),)).image.id == made.image.id


def test_the_config_is_what_the_instructions_say(fresh: Engine) -> None:
    text = (
        "FROM busybox\nMAINTAINER Ann\nLABEL a=b\nEXPOSE 80 53/udp\nVOLUME /data\nUSER 7:8\nWORKDIR /a\nWORKDIR b\n"
        'STOPSIGNAL SIGINT\nHEALTHCHECK --interval=5s CMD true\nENTRYPOINT ["echo"]\nCMD ["x", "y"]\n'
    )
    made = built(fresh, text, labels=(("c", "d"),), tags=(Reference.parse("configured"),))
    config = made.image.config
    assert (config.author, config.labels, config.user) == ("Ann", (("a", "b"), ("c", "d")), "7:8")
    assert (config.exposed_ports, config.volumes, config.workdir) == (("53/udp", "80/tcp"), ("/data",), "/a/b")
    assert config.stop_signal == "SIGINT"
    assert config.healthcheck is not None
    assert (config.healthcheck.test, config.healthcheck.interval) == (("CMD-SHELL", "true"), 5 * 10**9)
    assert said(fresh, "configured") == b"x y\n"


def test_an_entrypoint_resets_the_command_of_the_image_below(fresh: Engine) -> None:
    built(fresh, 'FROM busybox\nCMD ["below"]\n', tags=(Reference.parse("below"),))
    assert built(fresh, 'FROM below\nENTRYPOINT ["echo"]\n').image.config.command == ()
    assert built(fresh, 'FROM below\nCMD ["own"]\nENTRYPOINT ["echo"]\n').image.config.command == ("own",)
    stages = 'FROM busybox AS one\nCMD ["one"]\nFROM one\nENTRYPOINT ["echo"]\n'
    assert built(fresh, stages).image.config.command == ()


def test_a_working_directory_is_its_users(fresh: Engine) -> None:
    text = "FROM busybox\nUSER 7:8\nWORKDIR /made/deep\nUSER root\nWORKDIR /made/deep/roots\n"
    built(fresh, text, tags=(Reference.parse("owned"),))
    assert said(fresh, "owned", "stat -c '%u:%g %a' /made /made/deep .") == b"7:8 755\n7:8 755\n0:0 755\n"
    assert built(fresh, "FROM busybox\nUSER nosuch\nWORKDIR /etc\n").image.config.user == "nosuch"
    with pytest.raises(DockerfileError, match=r"(?s)Dockerfile:3: USER nosuch: unable to find user.*WORKDIR /made"):
        built(fresh, "FROM busybox\nUSER nosuch\nWORKDIR /made\n")


def test_a_stage_forgets_that_the_one_below_had_a_command(fresh: Engine) -> None:
    made = built(fresh, 'FROM busybox AS a\nCMD ["below"]\nFROM a\nENTRYPOINT ["echo"]\n')
    assert made.image.config.command == ()


def test_an_image_on_which_nothing_is_built_stays_what_it_is(fresh: Engine) -> None:
    made = built(fresh, "FROM busybox\n", tags=(Reference.parse("same"),))
    assert made.image.id == fresh.images.get(Reference.parse("same")).id == fresh.images.get(Reference.parse("busybox")).id


def test_what_is_doubtful_is_warned_of_at_its_line(fresh: Engine) -> None:
    made = built(fresh, "FROM busybox\nRUN echo $A\nMAINTAINER me\n")
    assert [(each.rule, each.line) for each in made.events if isinstance(each, Warned)] == [("MaintainerDeprecated", 3)]
    with pytest.raises(InvalidInput, match="lint violation found for rules: MaintainerDeprecated"):
        built(fresh, "# check=error=true\nFROM busybox\nMAINTAINER me\n", tags=(Reference.parse("never"),))
    assert "never:latest" not in fresh.images.names()


def test_a_base_of_another_platform_is_warned_of(fresh: Engine) -> None:
    foreign, other = Platform("linux", "riscv64"), Platform.here()
    built(fresh, f"FROM --platform={foreign} scratch\nCOPY x /\n", {"x": ""}, tags=(Reference.parse("foreign"),))

    def warned(text: str) -> list[tuple[str, int, str]]:
        events = built(fresh, text).events
        return [(each.rule, each.line, each.text) for each in events if isinstance(each, Warned)]

    text = f'Base image foreign was pulled with platform "{foreign}", expected "{other}" for current build'
    assert warned("ARG NAME=foreign\nFROM $NAME AS one\nFROM one\n") == [("InvalidBaseImagePlatform", 2, text)]
    assert warned("# check=skip=InvalidBaseImagePlatform\nFROM foreign\n") == []
    assert warned("FROM busybox\n") == warned(f"FROM --platform={foreign} foreign AS for_riscv64\n") == []
    with pytest.raises(DockerfileError, match="lint violation found for rules: InvalidBaseImagePlatform"):
        built(fresh, "# check=error=true\nFROM foreign\n")


def test_triggers_run_in_the_stage_built_on_their_image(fresh: Engine) -> None:
    built(fresh, "FROM busybox\nONBUILD COPY x /x\nONBUILD RUN cp /x /y\n", tags=(Reference.parse("triggers"),))
    made = built(fresh, "FROM triggers\nCMD cat /y\n", {"x": "from the trigger"}, tags=(Reference.parse("triggered"),))
    assert said(fresh, "triggered") == b"from the trigger"
    assert made.image.config.on_build == ()
    assert [each.step.text for each in made.events if isinstance(each, StepStarted) and each.trigger] == [
        "COPY x /x",
        "RUN cp /x /y",
    ]


def test_heredocs(fresh: Engine) -> None:
    text = (
        "FROM busybox\nENV N=world\nRUN <<EOF\necho first > /said\necho second >> /said\nEOF\n"
        "RUN sh <<X && echo third >> /said\necho piped >> /said\nX\n"
        "RUN <<S\n#!/bin/cat\nscript\nS\n"
        "COPY <<hello <<'raw' /files/\nhello $N\nhello\n$N\nraw\n"
    )
    made = built(fresh, text, tags=(Reference.parse("here"),))
    assert said(fresh, "here", "cat /said /files/hello /files/raw") == b"first\nsecond\npiped\nthird\nhello world\n$N\n"
    assert b"#!/bin/cat\nscript\n" in made.output


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("FROM busybox\nCOPY missing /\n", 2, "missing"),
        ("FROM busybox AS a\nCOPY --from=b /x /\nFROM a AS b\nCOPY --from=a /y /\n", 2, "circular dependency"),
        ("FROM busybox AS a\nCOPY --from=a /x /\n", 2, "itself|circular"),
        ("FROM $NONE\n", 1, "should not be blank"),
        ("FROM busybox\nENV A=${B:?must be set}\n", 2, "must be set"),
        ("RUN true\nFROM busybox\n", 1, "before the first FROM"),
        ("FROM busybox\nSTOPSIGNAL nothing\n", 2, "nothing"),
        ("FROM busybox\nADD git@github.com:a/b.git /\n", 2, "git"),
        ("FROM busybox\nRUN --mount=type=ssh true\n", 2, "ssh"),
        ("FROM busybox\nRUN --security=insecure true\n", 2, "security.insecure is not allowed.*only a program"),
        ("FROM busybox\nRUN --network=host true\n", 2, "network.host is not allowed.*build with --network host"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_at_its_line(fresh: Engine, text: str, line: int, problem: str) -> None:
    with pytest.raises(DockerfileError, match=problem) as caught:
        built(fresh, text, tags=(Reference.parse("never"),))
    assert caught.value.location.line == line
    assert text.splitlines()[line - 1] in str(caught.value)
    assert "never:latest" not in fresh.images.names()


def test_a_failed_run_shows_its_last_lines_and_what_was_built_stays_in_the_cache(fresh: Engine) -> None:
    text = "FROM busybox\nRUN date +%N > /kept\nRUN seq 100; echo oops >&2; exit 7\n"
    with pytest.raises(RunFailed, match="returned a non-zero code: 7") as caught:
        built(fresh, text, tags=(Reference.parse("never"),))
    failure = caught.value
    assert (failure.code, failure.place, failure.output[-1]) == (7, "Dockerfile:3", "oops")
    assert len(failure.output) <= 10
    assert "never:latest" not in fresh.images.names()
    assert built(fresh, text.replace("exit 7", "exit 0")).cached()[:1] == ["RUN date +%N > /kept"]


def test_a_build_argument_says_the_epoch_too(fresh: Engine) -> None:
    text, said = "FROM busybox\nRUN touch /x\n", (("SOURCE_DATE_EPOCH", "1700000000"),)
    made = built(fresh, text, arguments=said)
    assert made.image.config.created.startswith("2023-11-14T22:13:20")
    assert not [each for each in made.events if isinstance(each, Warned)]
    assert built(fresh, text, epoch=1_700_000_000).image.id == made.image.id
    with pytest.raises(InvalidInput, match="SOURCE_DATE_EPOCH=soon: seconds since 1970 are wanted"):
        built(fresh, text, arguments=(("SOURCE_DATE_EPOCH", "soon"),))


def test_a_target_that_is_not_there(fresh: Engine) -> None:
    with pytest.raises(InvalidInput, match='target stage "c" could not be found: there are a, b'):
        built(fresh, "FROM busybox AS a\nFROM busybox AS b\n", target="c")


def test_a_cancelled_build_ends_at_once(fresh: Engine) -> None:
    cancellation = Cancellation()
    with ContextArchive.spooled(context_tar({}), fresh.root) as context:
        events = build(fresh, parse("FROM busybox\nRUN sleep 1000\n"), context, BuildOptions(), cancellation=cancellation)
        for each in events:
            if isinstance(each, StepRuns):
                break
        threading.Timer(0.2, cancellation.set).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            list(events)
        assert time.monotonic() - began < 60


def test_the_same_input_has_the_same_digest_elsewhere(tmp_path: Path) -> None:
    text = "FROM busybox\nARG SOURCE_DATE_EPOCH\nRUN echo x > /x; touch /y\nCOPY z /\nWORKDIR /w\n"
    ids = []
    for name in ("here", "there"):
        engine = Engine(tmp_path / name)
        engine.seed("busybox")
        ids.append(built(engine, text, {"z": "z"}, epoch=1_700_000_000).image.descriptor.digest)
        engine.networks.close()
    assert ids[0] == ids[1]

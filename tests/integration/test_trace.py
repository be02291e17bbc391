"""`labcore trace`: a command's calls, the daemon's jobs, their parts and each op of a start, as a tree and as trace events."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import labcore
from labcore.engine.jobs import Jobs, Trace
from labcore.engine.spans import note_ops, span
from labcore.errors import InvalidInput, Unavailable
from labcore.registry.server import Registry
from labcore.trace import Span, Traced, rows, trace, trace_events
from labcore.trace.span import nested
from tests.conftest import needs_root
from tests.daemon import DOCKER, RunningDaemon, running_daemon
from tests.serving import served

needs_docker = pytest.mark.skipif(not DOCKER.exists(), reason="today's docker is not there: tools/peers make")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(Path(tmp_path_factory.mktemp("daemon"), "root"), seeds=("busybox", "hello-world")) as made:
        yield made


def run_trace(daemon: RunningDaemon, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "labcore", "-H", daemon.url, "trace", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def check_lies_within(outer: Span) -> None:
    for inner in outer.children:
        assert outer.start <= inner.start <= inner.end <= outer.end, (outer.name, inner.name)
        check_lies_within(inner)


@needs_docker
def test_a_tree_from_the_call_to_the_last_op(daemon: RunningDaemon, tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    ran = run_trace(daemon, "-o", file, "--", DOCKER, "run", "--rm", "hello-world")
    assert ran.returncode == 0, ran.stderr
    assert "Hello from labcore!" in ran.stdout
    names = [line[21:] for line in ran.stderr.splitlines()[1:]]
    wanted = (
        rf"{DOCKER} run --rm hello-world",
        r"  POST /v[0-9.]+/containers/create",
        r"    POST /containers/create",
        r"      answer",
        r"        images: find",
        r"        storage: layers",
        r"        storage: create the upper directory",
        r"  POST /v[0-9.]+/containers/[0-9a-f]+",
        r"    POST /containers/\{name\}/start [0-9a-f]+",
        r"        network: reserve an endpoint on bridge",
        r"        runtime: launch",
        r"          runtime: cgroup, plan and monitor",
        r"          op [0-9]+: clone NEWNS",
        r"          op [0-9]+: sync waits",
        r"            network: attach",
        r"          op [0-9]+: pivot_root",
        r"          op [0-9]+: execve /hello",
    )
    left = iter(names)
    for pattern in wanted:
        assert any(re.match(pattern, name) for name in left), f"{pattern} is not there, or not in its place:\n{ran.stderr}"
    check_trace_events(json.loads(file.read_text()))


def check_trace_events(made: dict[str, Any]) -> None:
    """Check the Trace Event Format: what Perfetto's importer demands of metadata and of complete events."""
    events = made["traceEvents"]
    assert made["displayTimeUnit"] in ("ms", "ns")
    named = {(each["name"], each["pid"], each["tid"]) for each in events if each["ph"] == "M"}
    assert all(isinstance(each["args"]["name"], str) for each in events if each["ph"] == "M")
    complete = [each for each in events if each["ph"] == "X"]
    assert len(complete) + len(named) == len(events)
    for each in complete:
        assert isinstance(each["pid"], int)
        assert isinstance(each["tid"], int)
        assert isinstance(each["ts"], float | int)
        assert each["dur"] >= 0
        assert each["ts"] >= 0
        assert ("process_name", each["pid"], 0) in named
        assert ("thread_name", each["pid"], each["tid"]) in named
    for thread in {(each["pid"], each["tid"]) for each in complete}:  # slices of one thread have to lie within one another
        open_until: list[float] = []
        for each in sorted((e for e in complete if (e["pid"], e["tid"]) == thread), key=lambda e: (e["ts"], -e["dur"])):
            while open_until and open_until[-1] <= each["ts"] + 0.0005:
                open_until.pop()
            assert not open_until or each["ts"] + each["dur"] <= open_until[-1] + 0.001, each
            open_until.append(each["ts"] + each["dur"])


@needs_docker
def test_the_ops_of_an_exec(daemon: RunningDaemon) -> None:
    daemon.docker("run", "-d", "--name", "traced", "busybox", "sleep", "1000")
    traced = trace([str(DOCKER), "exec", "traced", "true"], daemon.url, capture=True)
    assert traced.status == 0
    check_lies_within(traced.span)
    (start,) = [job for job in traced.jobs if "/exec/{id}/start" in job.name]
    names = [each.name for _, each in rows(start)]
    assert "runtime: exec" in names
    assert [name for name in names if re.match(r"op [0-9]+: join .*pid=/proc/", name)]
    assert names[-1].endswith("execve true, tried as /bin/true") or "execve" in " ".join(names)
    check_trace_events(trace_events(traced.span))


@needs_docker
def test_a_pull_with_what_its_workers_do(daemon: RunningDaemon, tmp_path: Path) -> None:
    with served(Registry(tmp_path / "registry").answer) as address:
        name = f"{address}/team/box:v1"
        for number in range(3):  # layers
            daemon.docker(
                "run", "--name", "layer", f"{name}" if number else "busybox", "sh", "-c", f"seq {number}9999 > /{number}"
            )
            daemon.docker("commit", "layer", name)
            daemon.docker("rm", "layer")
        daemon.docker("push", name)
        daemon.docker("rmi", name)
        daemon.docker("image", "prune", "-f")
        traced = trace([str(DOCKER), "pull", name], daemon.url, capture=True)
    assert traced.status == 0, traced.output
    check_lies_within(traced.span)
    (pulled,) = [job for job in traced.jobs if job.name.startswith("POST /images/create")]
    parts = [each for _, each in rows(pulled)]
    fetched = [each for each in parts if re.match(r"registry: fetch [0-9a-f]{12}, [0-9]+ bytes", each.name)]
    assert len([each for each in parts if re.match(r"storage: unpack [0-9a-f]{12} as it comes", each.name)]) == 3
    assert len(fetched) >= 3
    assert len({each.lane for each in fetched} - {pulled.lane}) > 1, "several at a time"
    check_trace_events(trace_events(traced.span))


@needs_docker
def test_the_exit_status_is_the_commands(daemon: RunningDaemon) -> None:
    assert run_trace(daemon, "--", DOCKER, "run", "--rm", "busybox", "sh", "-c", "exit 7").returncode == 7
    failed = run_trace(daemon, "--", DOCKER, "inspect", "none-of-that-name")
    assert failed.returncode == 1
    assert "failed: " in failed.stderr


@needs_docker
def test_each_call_has_the_status_that_it_was_answered_with(daemon: RunningDaemon) -> None:
    traced = trace([str(DOCKER), "run", "--rm", "busybox", "true"], daemon.url, capture=True)
    answers = {call.name.partition("?")[0].rpartition("/")[2]: call.answer for call in traced.span.children}
    assert answers == {
        "_ping": "200 OK",
        "create": "201 Created",
        "attach": "101 UPGRADED",
        "wait": "200 OK",
        "start": "204 No Content",
    }
    refused = trace([str(DOCKER), "inspect", "none-of-that-name"], daemon.url, capture=True)
    assert "404 Not Found" in [call.answer for call in refused.span.children]


@needs_docker
def test_streams_pass_through_both_ways(daemon: RunningDaemon) -> None:
    text = "".join(f"{number}\n" for number in range(500))
    command = [sys.executable, "-P", "-m", "labcore", "-H", daemon.url, "trace", "--"]
    command += [str(DOCKER), "run", "--rm", "-i", "busybox", "cat"]
    ran = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout == text


@needs_docker
def test_each_process_has_its_own_jobs_alone(daemon: RunningDaemon) -> None:
    other = subprocess.Popen(
        ["sh", "-c", f"while :; do {DOCKER} -H {daemon.url} ps; done"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        traced = trace([str(DOCKER), "run", "--rm", "busybox", "true"], daemon.url, capture=True)
    finally:
        other.kill()
        other.wait()
    check_lies_within(traced.span)
    kinds = {job.name.split(" ")[1] for job in traced.jobs}
    assert "/containers/create" in kinds
    assert "/containers/json" not in kinds


def test_ops_are_noted_only_while_somebody_traces(daemon: RunningDaemon) -> None:
    made = daemon.request("POST", "/containers/create?name=untraced", {"Image": "busybox", "Cmd": ["true"]})
    assert made.status == 201
    assert daemon.request("POST", "/containers/untraced/start").status == 204
    (job,) = [
        job
        for job in daemon.request("GET", "/labcore/jobs").json
        if job["Kind"].endswith("/start") and job["Subject"] == "untraced"
    ]
    names = [each["Name"] for each in job["Spans"]]
    assert "runtime: launch" in names
    assert not [name for name in names if name.startswith("op ")]


def test_a_span_costs_nothing_where_no_job_is(daemon: RunningDaemon) -> None:
    count = 20_000
    started = time.process_time()
    for _ in range(count):
        with span("nobody's"):
            pass
    assert (time.process_time() - started) / count < 20e-6
    with labcore.spawn(labcore.plan("busybox", ["true"], root=daemon.root)) as process:
        note_ops(process, 0)
        process.wait()


def test_a_trace_tells_of_each_job_at_its_begin_and_at_its_end() -> None:
    jobs = Jobs()
    with Trace(jobs, 7) as traced:
        mine, other = jobs.begin("GET /mine", pid=7), jobs.begin("GET /other", pid=8)
        jobs.end(mine)
        jobs.end(other)
    assert list(traced) == [mine, mine]
    assert mine.is_traced
    assert not other.is_traced
    assert not jobs.begin("GET /later", pid=7).is_traced


def test_spans_lie_below_those_in_whose_time_they_are() -> None:
    def part(name: str, start: int, end: int) -> Span:
        return Span("part", name, start, end)

    (answer, stream) = nested(
        [part("b", 2, 3), part("answer", 0, 10), part("a", 2, 6), part("stream", 10, 12), part("c", 6, 9)]
    )
    assert [(depth, each.name) for depth, each in rows(answer)] == [(0, "answer"), (1, "a"), (2, "b"), (1, "c")]
    assert stream.name == "stream"


def test_what_cannot_be_traced_is_said(daemon: RunningDaemon, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="name unix:///PATH"):
        trace(["true"], "tcp://127.0.0.1:2375")
    with pytest.raises(Unavailable, match="cure: start one: labcore daemon"):
        trace(["true"], f"unix://{tmp_path}/none.sock")
    with pytest.raises(InvalidInput, match="name a command that is there"):
        trace(["/none/such"], daemon.url)
    assert "has asked the daemon for nothing" in run_trace(daemon, "--", "true").stderr
    assert run_trace(daemon).returncode == 125


def test_trace_events_of_a_command_without_calls() -> None:
    traced = Traced(("true",), 0, Span("command", "true", 5, 9))
    check_trace_events(trace_events(traced.span))


@needs_docker
@pytest.mark.parametrize(("language", "said"), [("en", "a job of the daemon's"), ("zh", "守护进程的作业")])
def test_a_notebook_draws_it(daemon: RunningDaemon, language: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib, which is not installed")
    from labcore import lab
    from labcore.lab.pictures.waterfall_chart import ROWS_MAX

    monkeypatch.setenv("LABCORE_LANG", language)
    drawn = lab.trace(f"{DOCKER} run --rm busybox echo hello", host=daemon.url)
    assert drawn.status == 0
    assert drawn.traced.output == "hello\n"
    assert {span.kind for span in drawn.spans} == {"command", "call", "job", "part", "op"}
    picture = drawn.picture
    (axes,) = picture.figure.axes
    (legend,) = picture.figure.legends
    assert said in [text.get_text() for text in legend.get_texts()]
    assert len(axes.get_yticks()) == min(len(drawn.spans), ROWS_MAX)
    ops = sum(span.kind == "op" for span in drawn.spans)
    assert f" {ops} " in picture.alt
    assert picture._repr_png_().startswith(b"\x89PNG")

"""Sequence diagrams of traces: which messages, from whom to whom, and that they are drawn whole."""

import pytest

pytest.importorskip("matplotlib", reason="needs matplotlib, which is not installed")

from labcore.errors import InvalidInput
from labcore.lab.pictures.sequence import Message, messages, sequence, short
from labcore.lab.tracing import DrawnTrace
from labcore.trace import Span, Traced

ID = "4f3a" * 16
MS = 1_000_000


def part(name: str, start: int, end: int, *children: Span) -> Span:
    return Span("op" if name.startswith("op ") else "part", name, start * MS, end * MS, 1, children)


def call(name: str, start: int, end: int, answer: str, *parts: Span) -> Span:
    job = Span("job", name, start * MS, end * MS, 1, parts)
    return Span("call", name, start * MS, end * MS, 1, (job,), answer=answer)


LAUNCH = part(
    "runtime: launch",
    61,
    69,
    part("op 1: clone NEWPID", 62, 63),
    part("op 2: sync waits", 63, 65, part("network: attach", 64, 65)),
    part("op 3: sethostname box", 65, 66),
    part("op 4: execve /hello", 66, 67),
)
CALLS = (
    call("POST /v1.51/containers/create", 1, 2, "404 Not Found", part("answer", 1, 2)),
    call(
        "POST /v1.51/images/create?fromImage=a%2Fb",
        3,
        30,
        "200 OK",
        part("answer", 3, 10, part("registry: manifest of a/b", 4, 9)),
        part("storage: unpack 4f3a", 11, 20, part("registry: fetch 4f3a, 7 bytes", 12, 19)),
        part("stream", 10, 30),
    ),
    call(f"POST /v1.51/containers/{ID}/start", 60, 70, "204 No Content", part("answer", 60, 70, LAUNCH)),
)
ROOT = Span("command", "/usr/bin/docker run a/b", 0, 80 * MS, children=CALLS)


def test_each_message_in_the_order_of_time() -> None:
    assert [(each.source, each.target, each.text, each.start_ms) for each in messages(ROOT)] == [
        ("client", "daemon", "POST /containers/create", 1),
        ("daemon", "client", "404 Not Found", 2),
        ("client", "daemon", "POST /images/create?fromImage=a/b", 3),
        ("daemon", "registry", "manifest of a/b  (5.0 ms)", 4),
        ("daemon", "client", "200 OK", 10),
        ("daemon", "storage", "unpack 4f3a  (9.0 ms)", 11),
        ("storage", "registry", "fetch 4f3a, 7 bytes  (7.0 ms)", 12),
        ("daemon", "client", "the end of what POST /images/create streams", 30),
        ("client", "daemon", "POST /containers/4f3a4f3a4f3a/start", 60),
        ("daemon", "runtime", "launch  (8.0 ms)", 61),
        ("runtime", "kernel", "clone NEWPID", 62),
        ("daemon", "network", "attach  (1.0 ms)", 64),
        ("runtime", "kernel", "sethostname box … execve /hello: 2 ops", 65),
        ("daemon", "client", "204 No Content", 70),
    ]


def test_a_refusal_is_told_from_an_answer_and_from_the_end_of_a_stream() -> None:
    kinds = {each.text: each.kind for each in messages(ROOT)}
    assert kinds["404 Not Found"] == "refusal"
    assert kinds["200 OK"] == "answer"
    assert kinds["the end of what POST /images/create streams"] == "end"


def test_a_call_that_was_not_answered_has_no_answer() -> None:
    root = Span("command", "docker ps", 0, 9, children=(Span("call", "GET /containers/json", 1, 2),))
    assert messages(root) == [Message("client", "daemon", "GET /containers/json", 1e-6, lasts_ms=1e-6)]


@pytest.mark.parametrize(("language", "said"), [("en", "Who asks whom: docker run a/b"), ("zh", "谁问谁：docker run a/b")])
def test_the_picture_says_who_asked_the_daemon_for_what(language: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCORE_LANG", language)
    picture = sequence(ROOT)
    assert picture.alt.startswith(said)
    assert "404 Not Found" in picture.alt
    assert picture._repr_png_().startswith(b"\x89PNG")


def test_names_are_cut_to_what_one_reads() -> None:
    assert (
        short(f"POST /v1.47/containers/{ID}/wait?condition=next-exit")
        == "POST /containers/4f3a4f3a4f3a/wait?condition=next-exit"
    )
    assert short("/usr/bin/docker run --rm x") == "docker run --rm x"


def test_a_trace_is_zoomed() -> None:
    drawn = DrawnTrace(Traced(("docker",), 0, ROOT))
    rows = {"": 4, "POST /images/create": 7, "launch": 6, "op": 6}
    for name, count in rows.items():
        (axes,) = drawn.zoom(name, depth=1 if name == "" else None).figure.axes
        assert len(axes.get_yticks()) == count, name
    with pytest.raises(InvalidInput, match="no part is called dinner: there are"):
        drawn.zoom("dinner")


def test_calls_with_their_answers_and_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCORE_LANG", "en")
    again = call("POST /v1.51/containers/create", 31, 33, "201 Created")
    drawn = DrawnTrace(Traced(("docker",), 0, ROOT.replace(children=(*CALLS, again))))
    assert drawn.answers == [
        "POST /containers/create: 404 Not Found",
        "POST /images/create: 200 OK",
        "POST /containers/4f3a4f3a4f3a/start: 204 No Content",
        "POST /containers/create: 201 Created",
    ]
    assert drawn.times == (
        "POST /containers/create 3.0 ms, POST /images/create 27.0 ms, POST /containers/4f3a4f3a4f3a/start 10.0 ms"
    )

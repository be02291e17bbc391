"""Checks of exec: a further program in a container, seen from outside, and what the wire says of it."""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from labcore.engine.container import exec as engine_exec
from labcore.lab.checks.lesson_07.freezing import START
from labcore.lab.checks.lesson_07.guests import (
    API,
    NOBODY,
    created,
    freezer_of,
    not_running,
    program,
    running,
    served,
    started,
    status,
    unknown,
)
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import INNER_GATE, Draw
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.checks.wire import Hijacked, Wire
from labcore.lab.messages import labelled, say
from labcore.runtime import exec as runtime_exec
from labcore.spec import NAMESPACES

HEAD_BYTES = 8
TAKEN_OVER = (101, 200)
JOINING: tuple[Target, ...] = (runtime_exec, engine_exec.execute)


def _said(draw: Draw) -> tuple[bytes, bytes]:
    return f"out-{draw.mark}\n".encode(), f"err-{draw.mark}\n".encode()


def _guest(draw: Draw) -> list[str]:
    """Return a program, by its name alone, that speaks on both streams, waits at the inner gate, ends with the drawn code."""
    text = f"echo out-{draw.mark}; echo err-{draw.mark} >&2; {_waits(5)}; exit {draw.exit_code}"
    return ["sh", *program(draw, "guest", text)[1:]]


def _waits(seconds: int) -> str:
    """Return a script that waits at the inner gate; for so long where there is none, for it may be in another root."""
    return f"if [ -e /{INNER_GATE} ]; then read go < /{INNER_GATE}; else sleep {seconds}; fi"


def _noted(wire: Wire, id: str, argv: list[str]) -> str:
    """Have a program noted; return its id. Raises LookupError if the daemon does not."""
    answer = wire.ask("POST", f"{API}/containers/{id}/exec", {"Cmd": argv, "AttachStdout": True, "AttachStderr": True}).json()
    if not isinstance(answer, dict) or not answer.get("Id"):
        raise LookupError(f"POST /containers/{id[:12]}/exec: {answer}")
    return str(answer["Id"])


def _open(wire: Wire, draw: Draw) -> None:
    """Let the program at the inner gate go on, once it is there. Raises OSError if nobody comes."""
    gate = wire.until(lambda: _opened(Path(draw.root, INNER_GATE)), 2.0)
    if gate is None:
        raise OSError(f"nobody waits at {INNER_GATE}")
    os.write(gate, b"\n")
    os.close(gate)


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None  # nobody reads there yet


def frames(content: bytes) -> dict[int, bytes] | None:
    """Return what frames hold, by stream; None for what is no row of frames."""
    found: dict[int, bytes] = {}
    while content:
        head, size = content[:HEAD_BYTES], int.from_bytes(content[4:HEAD_BYTES], "big")
        if len(content) < HEAD_BYTES + size or head[0] not in (1, 2) or any(head[1:4]):
            return None
        found[head[0]] = found.get(head[0], b"") + content[HEAD_BYTES : HEAD_BYTES + size]
        content = content[HEAD_BYTES + size :]
    return found


# --- exec_create


def _said_once_it_may(wire: Wire, stream: Hijacked, draw: Draw) -> dict[int, bytes] | None:
    with suppress(OSError):  # it is another program, which does not wait
        _open(wire, draw)
    return frames(stream.read())


def _converse_create(wire: Wire, draw: Draw) -> Iterator[Claim]:
    waiting = created(wire, program(draw, "third"))
    id, _ = started(wire, draw, "first")
    argv = program(draw, "guest", f"{_waits(1)}; echo {draw.mark}")
    asked = {"Cmd": argv, "AttachStdout": True, "AttachStderr": True}
    answers = [wire.ask("POST", f"{API}/containers/{id}/exec", asked) for _ in range(2)]
    yield status(answers[0], 201)
    ids = [answer.json().get("Id") if isinstance(answer.json(), dict) else None for answer in answers]
    yield Claim(say("it answers with an id, another one each time"), all(ids) and len(set(ids)) == 2, str(ids[0]))
    yield Claim(say("nothing is started yet"), not running(wire, argv))
    with wire.hijacked(f"{API}/exec/{ids[1]}/start") as stream:
        found = _said_once_it_may(wire, stream, draw) if stream.status in TAKEN_OVER else None
    wanted = {1: f"{draw.mark}\n".encode()}
    yield Claim(say("`exec_start` finds the program under that id, and the container"), found == wanted, str(found))
    yield from not_running(wire, waiting, "exec", asked)
    yield unknown(wire, "POST", f"/containers/{NOBODY}/exec", asked)


# --- exec_start


def _converse_start(wire: Wire, draw: Draw) -> Iterator[Claim]:
    id, container = started(wire, draw, "first")
    argv = _guest(draw)
    noted = _noted(wire, id, argv)
    early = say("what the program puts out is sent as it comes, and not at its end")
    try:
        stream = wire.hijacked(f"{API}/exec/{noted}/start")
    except TimeoutError:
        yield Claim(early, False)
        return
    with stream:
        yield Claim(say("the connection is taken over"), stream.status in TAKEN_OVER, str(stream.status))
        guest = next(iter(wire.until(lambda: running(wire, argv), 2.0)), None)
        yield Claim(say("the program that was noted runs"), guest is not None)
        if guest is None:
            return
        where = list(_in_the_container(guest, container, draw))
        yield from where
        if not all(claim.holds for claim in where):
            return
        yield from _in_frames(wire, stream, draw, early)
    told = wire.ask("GET", f"{API}/exec/{noted}/json").json()
    code = told.get("ExitCode") if isinstance(told, dict) else told
    yield equal(say("the program's exit code, as `exec_inspect` finds it"), draw.exit_code, code)


def _in_the_container(guest: ProcessView, container: ProcessView, draw: Draw) -> Iterator[Claim]:
    for kind in NAMESPACES:
        theirs = container.namespace(kind)
        yield Claim(say("{kind}: the container's namespace", kind=kind), guest.namespace(kind) == theirs)
    yield Claim(say("its root is the container's"), guest.holds(draw.mark))
    number = guest.numbers[-1]
    yield Claim(say("it is not process 1 in there, but a further one"), number != 1, say("process {n}", n=number))
    there = freezer_of(guest) == freezer_of(container)
    yield Claim(say("it is in the container's cgroup: a pause holds it, too"), there, str(freezer_of(guest)))


def _in_frames(wire: Wire, stream: Hijacked, draw: Draw, early: str) -> Iterator[Claim]:
    try:
        first = stream.read_some()
    except TimeoutError:
        first = b""
    yield Claim(early, bool(first))
    _open(wire, draw)
    found = frames(first + stream.read())
    out, err = _said(draw)
    yield Claim(say("it comes in frames, each behind a head of 8 bytes"), found is not None)
    found = found or {}
    yield Claim(say("standard output in frames of stream 1"), found.get(1) == out, str(found.get(1)))
    yield Claim(say("standard error in frames of stream 2"), found.get(2) == err, str(found.get(2)))


# --- exec_inspect


def _converse_inspect(wire: Wire, draw: Draw) -> Iterator[Claim]:
    id, _ = started(wire, draw, "first")
    noted = _noted(wire, id, _guest(draw))
    with wire.hijacked(f"{API}/exec/{noted}/start") as stream:
        wire.until(lambda: running(wire, _guest(draw)), 2.0)
        answer = wire.ask("GET", f"{API}/exec/{noted}/json")
        yield status(answer, 200)
        yield from _told(
            answer.json(), {"ID": noted, "ContainerID": id, "Running": True, "ExitCode": None}, say("while it runs")
        )
        _open(wire, draw)
        stream.read()
    later = wire.ask("GET", f"{API}/exec/{noted}/json").json()
    yield from _told(later, {"Running": False, "ExitCode": draw.exit_code}, say("after its end"))
    missing = wire.ask("GET", f"{API}/exec/{NOBODY}/json").status
    yield equal(say("for a program that there is not, the status of the answer is"), 404, missing)


def _told(answer: Any, wanted: dict[str, Any], when: str) -> Iterator[Claim]:
    found = answer if isinstance(answer, dict) else {}
    for field, value in wanted.items():
        text = labelled(when, field)
        same = field in found and found[field] == value and type(found[field]) is type(value)
        yield Claim(text, same, expected=str(value), seen=str(found.get(field, "-")))


EXEC_CREATE = START.replace(perform=served("exec_create"), converse=_converse_create)
EXEC_START = START.replace(perform=served("exec_start"), converse=_converse_start, forbidden=JOINING)
EXEC_INSPECT = START.replace(perform=served("exec_inspect"), converse=_converse_inspect)

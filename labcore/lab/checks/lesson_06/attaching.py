"""Check of `attach`: a program that writes to both streams, waits at a gate, and writes once more."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from labcore.lab.checks.drawn_images import put_image
from labcore.lab.checks.lesson_03.running import state_store
from labcore.lab.checks.lesson_05.serving import id_of
from labcore.lab.checks.lesson_06.serving import performing
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim
from labcore.lab.checks.wire import ANSWER_SECONDS, Hijacked, Wire
from labcore.lab.messages import say

HEAD_BYTES: Final = 8
LINES: Final = 99  # of its output, more than one byte of a length can say
# What stands for the command of lesson 4: it says something on both streams, waits, and says more.
SCRIPT: Final = 'cat "$0/long"; echo "no $1" >&2; read go < "$0/gate-1"; echo "late $1"; echo "$1" >&2'
Streams = dict[int, bytes]


def _long(draw: Draw) -> bytes:
    return bytes(range(256)) + f"{draw.mark}\n".encode() * LINES


def _said(draw: Draw) -> Streams:
    """Return what the program says, by stream."""
    return {1: _long(draw) + f"late {draw.token}\n".encode(), 2: f"no {draw.token}\n{draw.token}\n".encode()}


@contextmanager
def _program(draw: Draw) -> Iterator[None]:
    (state_store(draw) / "scratch").mkdir(parents=True)
    put_image(state_store(draw), draw.hostname, {"Cmd": ["/bin/true"]})
    Path(draw.root, "long").write_bytes(_long(draw))
    os.mkfifo(f"{draw.root}/gate-1")
    yield


def _runtime(draw: Draw) -> list[str]:
    return ["sh", "-c", SCRIPT, draw.root, draw.token]


def _converse_attach(wire: Wire, draw: Draw) -> Iterator[Claim]:
    made = id_of(wire.ask("POST", "/v1.47/containers/create", {"Image": draw.hostname, "Cmd": None}))
    attached = None
    with suppress(OSError):  # it waits for something
        attached = wire.hijacked(f"/v1.47/containers/{made[:12]}/attach?stream=1&stdout=1&stderr=1")
    status = attached.status if attached else 0
    yield Claim(say("the connection is taken over at once"), status == 101, str(status or say("no answer")))
    if attached is None or status != 101:
        return
    with attached:
        wire.ask("POST", f"/v1.47/containers/{made}/start")
        early = _until(attached, _long(draw)[-40:])
        yield Claim(say("what it says comes while it runs"), _long(draw)[-40:] in early, say("{count} bytes", count=len(early)))
        Path(draw.root, "gate-1").write_text("go\n", encoding="utf-8")
        yield _framed(early + attached.read(), _said(draw))


def _until(attached: Hijacked, wanted: bytes) -> bytes:
    """Return what comes until these bytes have come, or the time is over."""
    found, deadline = b"", time.monotonic() + ANSWER_SECONDS
    with suppress(TimeoutError):
        while wanted not in found and time.monotonic() < deadline and (some := attached.read_some()):
            found += some
    return found


def _framed(content: bytes, wanted: Streams) -> Claim:
    """Claim that the bytes are frames that say what was to be said."""
    text = say("each piece has a head: its stream, and its length")
    found: Streams = {1: b"", 2: b""}
    rest = content
    while rest:
        head, stream, size = rest[:HEAD_BYTES], rest[0], int.from_bytes(rest[4:HEAD_BYTES], "big")
        if stream not in found or head[1:4] != b"\0\0\0" or len(rest) < HEAD_BYTES + size:
            return Claim(text, False, head.hex(" "))
        found[stream] += rest[HEAD_BYTES : HEAD_BYTES + size]
        rest = rest[HEAD_BYTES + size :]
    seen = " ".join(f"{stream}: {len(data)}" for stream, data in found.items())
    return Claim(
        text, found == wanted, expected=" ".join(f"{stream}: {len(data)}" for stream, data in wanted.items()), seen=seen
    )


def _conclude_attach(returned: Any, draw: Draw) -> Iterator[Claim]:  # noqa: ARG001  all is known by now
    yield from ()


ATTACH = Scenario(
    performing("attach", _runtime),
    None,
    _conclude_attach,
    None,
    prepare=_program,
    converse=_converse_attach,
)

"""--progress=rawjson: what happens in a build as JSON, in the form of BuildKit's SolveStatus."""

from __future__ import annotations

import time
from base64 import b64encode
from hashlib import sha256

from labcore.cli.builder.vertices import CACHED, DONE, ERROR
from labcore.json_codec import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final, TextIO

    from labcore.cli.builder.vertices import Vertex

STREAMS: Final = {"stdout": 1, "stderr": 2}


class RawJSONView:
    """Writes BuildKit's SolveStatus, an object on each line: `vertexes`, `logs` with base64 of the lines, and times."""

    def __init__(self, out: TextIO, *, now: Callable[[], float] = time.time) -> None:
        self._out = out
        self._now = now
        self._begun: dict[int, str] = {}

    def began(self, vertex: Vertex) -> None:
        """Write the vertex, which has no end yet."""
        self._begun[vertex.index] = self._time()
        self._write("vertexes", self._vertex(vertex))

    def said(self, vertex: Vertex, stream: str, line: str) -> None:
        """Write a line of its log; a status of what it does has the form of a log, too."""
        data = b64encode(f"{line}\n".encode()).decode()
        known = {"vertex": self._digest(vertex), "stream": STREAMS.get(stream, 1), "data": data, "timestamp": self._time()}
        self._write("logs", known)

    def ended(self, vertex: Vertex) -> None:
        """Write the vertex with its end."""
        known = self._vertex(vertex) | {"completed": self._time()}
        if vertex.state == CACHED:
            known["cached"] = True
        elif vertex.state != DONE:
            known["error"] = "failed" if vertex.state == ERROR else "canceled"
        self._write("vertexes", known)

    def noted(self, text: str) -> None:
        """Write a log of no vertex."""
        self._write("logs", {"stream": 1, "data": b64encode(f"{text}\n".encode()).decode(), "timestamp": self._time()})

    def _vertex(self, vertex: Vertex) -> dict[str, Any]:
        return {"digest": self._digest(vertex), "name": vertex.title, "started": self._begun[vertex.index]}

    def _digest(self, vertex: Vertex) -> str:
        return "sha256:" + sha256(f"{vertex.index} {vertex.title}".encode(errors="surrogateescape")).hexdigest()

    def _time(self) -> str:
        whole, fraction = divmod(int(self._now() * 1e6), 1_000_000)
        return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{fraction:06}Z"

    def _write(self, kind: str, value: dict[str, Any]) -> None:
        self._out.write(dumps({kind: [value]}) + "\n")
        self._out.flush()

"""The miniature daemon's log: each request, how it was answered, and how long that took."""

import html
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from threading import Lock
from typing import Any, Final

from labcore.http import Request
from labcore.lab.colours import BAD, GOOD, MUTED, RULE
from labcore.lab.conversation import short
from labcore.lab.messages import say
from labcore.record import Record

LOG_PATH: Final = "/_lab/log"  # where the notebook asks for it


class Noted:
    """A request that is being answered, or was."""

    def __init__(self, request: Request) -> None:
        self.method = request.method
        self.target = request.target
        self.status = 0
        self.said = ""
        self.begun = time.monotonic()
        self.seconds: float | None = None


class Log:
    """The requests since it was last taken; one that is still being answered stays in it."""

    def __init__(self) -> None:
        self._rows: list[Noted] = []
        self._lock = Lock()

    @contextmanager
    def noted(self, request: Request) -> Iterator[Noted]:
        """Note a request, and when its answer was there."""
        row = Noted(request)
        with self._lock:
            self._rows.append(row)
        try:
            yield row
        finally:
            row.seconds = time.monotonic() - row.begun

    def take(self) -> list[dict[str, Any]]:
        """Return the rows, as JSON's values."""
        with self._lock:
            taken, self._rows = self._rows, [row for row in self._rows if row.seconds is None]
        names = ("method", "target", "status", "seconds", "said")
        return [{name: getattr(row, name) for name in names} for row in taken]


class Line(Record):
    """One request, and what went wrong, if something did: the status is 0, and `seconds` None, while no answer is there."""

    method: str
    target: str
    status: int
    seconds: float | None
    said: str = ""

    @property
    def request(self) -> str:
        """The method and the target, in which IDs are cut short."""
        return f"{self.method} {short(self.target)}"

    @property
    def phrase(self) -> str:
        """The status in words."""
        return f"{self.status} {HTTPStatus(self.status).phrase}" if self.status else say("no answer yet")


class DaemonLog(Record):
    """Requests in the order in which they came, and what handlers have printed."""

    lines: tuple[Line, ...]
    printed: str = ""

    def __repr__(self) -> str:
        rows = []
        for each in self.lines:
            rows.append(f"{each.request:60} {each.phrase}")
            rows += [f"    {line}" for line in each.said.splitlines()]
        return "\n".join([*rows, *self.printed.splitlines()]) or say("(nothing was asked)")

    def _repr_html_(self) -> str:
        rows = "".join(map(_row, self.lines))
        table = f"<table style='border-collapse:collapse;font-size:12px;line-height:1.45;margin:0'>{_head()}{rows}</table>"
        said = f"<pre style='margin:4px 0 0'>{html.escape(self.printed)}</pre>" if self.printed else ""
        return table + said if self.lines else f"<div style='color:{MUTED}'>{html.escape(repr(self))}</div>"


def _head() -> str:
    style = f"style='text-align:left;font-weight:bold;padding:2px 14px 4px 0;border-bottom:1px solid {RULE}'"
    heads = "".join(f"<th {style}>{html.escape(word)}</th>" for word in (say("request"), say("answer")))
    return f"<tr style='background:none'>{heads}</tr>"


def _row(each: Line) -> str:
    style = "text-align:left;vertical-align:top;padding:3px 14px 3px 0;white-space:nowrap"
    colour = GOOD if each.status and each.status < HTTPStatus.BAD_REQUEST else BAD
    asked = f"<td style='{style}'><code>{html.escape(each.request)}</code></td>"
    said = f"<pre style='margin:0;color:{BAD}'>{html.escape(each.said)}</pre>" if each.said else ""
    answered = f"<td style='{style};color:{colour}'>{html.escape(each.phrase)}{said}</td>"
    return f"<tr style='background:none'>{asked}{answered}</tr>"

"""A conversation by HTTP/1.1 as a table: what passed on a relay's connections, cut into requests and answers."""

import html
import http.client
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from labcore.lab.colours import BAD, GOOD, MUTED, RULE
from labcore.lab.messages import say
from labcore.record import Record

ID: Final = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
LINES_SHOWN: Final = 24  # of a body
BREADTH: Final = 64  # letters of a line
SMALL: Final = 200  # letters of JSON, which are shown with all that is empty
HEADERS_SHOWN: Final = ("Upgrade", "Content-Type")
PLAIN: Final = ("application/json", "text/plain; charset=utf-8")  # types that a reader takes for granted


class Message(Record):
    """A request or an answer: its first line, its headers by name, its body; when its first byte came (ns since 1970)."""

    first: str
    headers: dict[str, str]
    body: bytes
    start: int


class Turn(Record):
    """A request and the answer to it; None if none came. `raw` are the bytes on a connection that was taken over."""

    connection: int
    request: Message
    answer: Message | None
    raw: bytes = b""

    @property
    def status(self) -> int:
        """The answer's status; 0 without one."""
        return int(self.answer.first.split()[1]) if self.answer else 0

    @property
    def told(self) -> str:
        """The answer's status in words."""
        return self.answer.first.partition(" ")[2] if self.answer else say("(no answer)")

    @property
    def asked_lines(self) -> list[str]:
        """The request's body as lines to be read."""
        return readable(self.request.body)

    @property
    def told_lines(self) -> list[str]:
        """The headers of the answer that matter, and its body, as lines to be read."""
        if self.answer is None:
            return []
        wanted = (*HEADERS_SHOWN, "Api-Version") if "/_ping" in self.request.first else HEADERS_SHOWN
        kept = {name: value for name, value in self.answer.headers.items() if name in wanted and value not in PLAIN}
        raw = [say("{count} raw bytes followed", count=len(self.raw))] if self.raw else []
        return [*(f"{name}: {value}" for name, value in kept.items()), *readable(self.answer.body), *raw]


class Conversation(Record):
    """Requests in the order in which they were sent, each with its answer; a table in a notebook."""

    turns: tuple[Turn, ...]

    def about(self, word: str) -> "Conversation":
        """Return the part of it whose requests have this word in their first lines."""
        return Conversation(tuple(each for each in self.turns if word in each.request.first))

    def __repr__(self) -> str:
        lines = []
        for each in self.turns:
            lines.append(f"→ {short(each.request.first)}")
            lines += [f"    {line}" for line in each.asked_lines]
            lines.append(f"← {each.told}")
            lines += [f"    {line}" for line in each.told_lines]
        return "\n".join(lines) or say("(nothing was asked)")

    def _repr_html_(self) -> str:
        style = f"style='text-align:left;font-weight:bold;padding:2px 14px 4px 0;border-bottom:1px solid {RULE}'"
        heads = (say("the client asks"), say("the daemon answers"))
        head = "".join(f"<th {style}>{html.escape(word)}</th>" for word in heads)
        rows = "".join(map(_html_row, self.turns))
        table = "border-collapse:collapse;font-size:12px;line-height:1.4;margin:0"
        return f"<table style='{table}'><tr style='background:none'>{head}</tr>{rows}</table>"


def _html_row(each: Turn) -> str:
    colour = GOOD if 0 < each.status < HTTPStatus.BAD_REQUEST else BAD
    asked = _html_cell(f"→ {short(each.request.first)}", "inherit", each.asked_lines)
    return f"<tr style='background:none'>{asked}{_html_cell(f'← {each.told}', colour, each.told_lines)}</tr>"


def _html_cell(first: str, colour: str, lines: list[str]) -> str:
    cell = f"style='text-align:left;vertical-align:top;padding:4px 14px 4px 0;border-bottom:1px solid {RULE}'"
    text = html.escape("\n".join(lines))
    body = f"<pre style='margin:2px 0 0;font-size:11px;line-height:1.3;color:{MUTED};white-space:pre-wrap'>{text}</pre>"
    return f"<td {cell}><b style='color:{colour}'><code>{html.escape(first)}</code></b>{body if lines else ''}</td>"


def short(text: str) -> str:
    """Return a text with its IDs cut short, as docker shows them, and without the version of HTTP."""
    return ID.sub(r"\1…", text).removesuffix(" HTTP/1.1")


def readable(body: bytes) -> list[str]:
    """Return a body as a few lines: JSON without what is empty in it, one value for each line of a stream of such."""
    try:
        text = ID.sub(r"\1…", body.decode())
    except UnicodeDecodeError:
        return [say("{count} bytes", count=len(body))]
    try:
        values = [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError:
        lines = text.splitlines()
    else:
        lines = [line for value in values for line in _json_lines(value)]
    more = len(lines) - LINES_SHOWN
    return lines if more <= 1 else [*lines[:LINES_SHOWN], say("… {count} more lines", count=more)]


def _json_lines(value: Any) -> list[str]:
    kept, left_out = _filled(value) if len(json.dumps(value)) > SMALL else (value, 0)
    lines = pretty(kept)
    return [*lines, say("({count} fields that are empty or 0 are left out)", count=left_out)] if left_out else lines


def pretty(value: Any, indent: str = "") -> list[str]:
    """Return JSON's value as lines, each part that fits on one line on one."""
    whole = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(whole) <= BREADTH or not value or not isinstance(value, dict | list):
        return [indent + whole]
    named = isinstance(value, dict)
    names = [f"{json.dumps(name)}: " for name in value] if named else [""] * len(value)
    parts = zip(names, value.values() if isinstance(value, dict) else value, strict=True)
    lines = [indent + "[{"[named]]
    for name, each in parts:
        first, *more = pretty(each, indent + " ")
        lines += [f"{indent} {name}{first.lstrip()}", *more]
        lines[-1] += ","
    lines[-1] = lines[-1].removesuffix(",")
    return [*lines, indent + "]}"[named]]


def _filled(value: Any) -> tuple[Any, int]:
    """Return JSON's value without fields that say nothing, and how many those are."""
    if isinstance(value, list):
        made = [_filled(each) for each in value]
        return [each for each, _ in made], sum(count for _, count in made)
    if not isinstance(value, dict):
        return value, 0
    kept, left_out = {}, 0
    for name, each in value.items():
        inner, count = _filled(each)
        left_out += count
        if inner or inner is True:
            kept[name] = inner
        else:
            left_out += count == 0
    return kept, left_out


# --- from bytes to messages


class Tape:
    """What passed on one connection, both ways: bytes, and when each block of them came."""

    def __init__(self, connection: int) -> None:
        self.connection = connection
        self._asked, self._answered = _Track(), _Track()

    def asked(self, block: bytes) -> None:
        """Note what the client sends."""
        self._asked.add(block)

    def answered(self, block: bytes) -> None:
        """Note what the daemon sends."""
        self._answered.add(block)

    def turns(self) -> Iterator[Turn]:
        """Yield what has been asked so far, each with its answer."""
        asked, answered = self._asked.reader(), self._answered.reader()
        while (request := asked.message(_request_body)) is not None:
            method = request.first.split()[0]
            answer = answered.message(partial(_answer_body, method))
            raw = b""
            if answer is not None and _takes_over(answer):
                raw, answer = answered.rest() + answer.body, answer.replace(body=b"")
                asked.rest()
            yield Turn(self.connection, request, answer, raw)


def _takes_over(answer: Message) -> bool:
    """Return whether no further message comes on its connection: it is hijacked, as the Engine API calls it."""
    return answer.first.split()[1] == "101" or "raw-stream" in answer.headers.get("Content-Type", "")


class _Track:
    """One direction of a connection."""

    def __init__(self) -> None:
        self._blocks: list[tuple[int, bytes]] = []

    def add(self, block: bytes) -> None:
        self._blocks.append((time.time_ns(), block))

    def reader(self) -> "_Reader":
        return _Reader(list(self._blocks))


Framing = Callable[[str, io.BytesIO], bytes]


class _Reader:
    """Cuts one direction of a connection into messages: RFC 9112."""

    def __init__(self, blocks: list[tuple[int, bytes]]) -> None:
        self._blocks = blocks
        self._left = io.BytesIO(b"".join(block for _, block in blocks))

    def message(self, body: Framing) -> Message | None:
        """Return the next message, None if there is no whole head any more; `body` reads its body, by its head."""
        begun = self._left.tell()
        head, end, _ = self._left.read().partition(b"\r\n\r\n")
        if not end:
            self._left.seek(begun)
            return None
        self._left.seek(begun + len(head) + len(end))
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().title(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Message(first, headers, body(head.decode("latin-1"), self._left), self._moment(begun))

    def rest(self) -> bytes:
        """Return all that is left."""
        return self._left.read()

    def _moment(self, offset: int) -> int:
        at = 0
        for moment, block in self._blocks:
            at += len(block)
            if offset < at:
                return moment
        return 0


def _request_body(head: str, left: io.BytesIO) -> bytes:
    _, _, fields = head.partition("\r\n")
    if not re.search(r"^(content-length|transfer-encoding):", fields, re.IGNORECASE | re.MULTILINE):
        return b""
    return _answer_body("POST", f"HTTP/1.1 200 OK\r\n{fields}", left)  # the same rules, but for the first line


def _answer_body(method: str, head: str, left: io.BytesIO) -> bytes:
    """Return what of a body has come, by http.client's reading of the head."""
    begun = left.tell()
    source = _Source(head.encode("latin-1") + b"\r\n\r\n" + left.read())
    asked: Any = source  # of a socket it asks for makefile alone
    answer = http.client.HTTPResponse(asked, method=method)
    answer.begin()
    try:
        body = answer.read()
    except http.client.IncompleteRead as error:
        body = error.partial
    left.seek(begun + source.bytes_read - len(head) - 4)
    return body


class _Source(io.BytesIO):
    """Bytes that http.client reads from; how many it has read is known afterwards."""

    bytes_read = 0

    def makefile(self, *_: object) -> io.BytesIO:
        """Return itself."""
        return self

    def close(self) -> None:
        """Note how far it was read."""
        if not self.closed:
            self.bytes_read = self.tell()
        super().close()

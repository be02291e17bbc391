"""HTTP exchanges with a registry as a table: requests, answers, and the headers that matter."""

import html
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus

from labcore.http import Request, Response
from labcore.lab.colours import BAD, GOOD, MUTED, RULE
from labcore.lab.messages import say
from labcore.record import Record

DIGEST = re.compile(r"(sha256:[0-9a-f]{8})[0-9a-f]{56}")
UPLOAD = re.compile(r"(/blobs/uploads/[^/?]{6})[^/?]+")
# What a reader of the exchange wants to know of a request, and of an answer.
ASKED = ("Content-Type", "Range")
ANSWERED = ("Content-Type", "WWW-Authenticate", "Content-Range")


class Row(Record):
    """One request and its answer."""

    request: str
    status: int
    asked: tuple[str, ...]
    answered: tuple[str, ...]

    @property
    def phrase(self) -> str:
        """The status in words."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"


class Exchange(Record):
    """Requests in the order in which they came."""

    rows: tuple[Row, ...]

    def __repr__(self) -> str:
        lines = []
        for each in self.rows:
            lines.append(f"{each.request:60} {each.phrase}")
            lines += [f"    → {line}" for line in each.asked]
            lines += [f"    ← {line}" for line in each.answered]
        return "\n".join(lines) or say("(nothing was asked)")

    def _repr_html_(self) -> str:
        style = f"style='text-align:left;font-weight:bold;padding:2px 14px 4px 0;border-bottom:1px solid {RULE}'"
        heads = (say("request"), say("answer"), say("headers that matter"))
        head = "".join(f"<th {style}>{html.escape(word)}</th>" for word in heads)
        body = "".join(map(_html_row, self.rows))
        table = "border-collapse:collapse;font-size:12px;line-height:1.45;margin:0"
        return f"<table style='{table}'><tr style='background:none'>{head}</tr>{body}</table>"


def _html_row(each: Row) -> str:
    cell = "style='text-align:left;vertical-align:top;padding:3px 14px 3px 0;white-space:nowrap'"
    colour = GOOD if each.status < HTTPStatus.BAD_REQUEST else BAD
    notes = [f"→ {line}" for line in each.asked] + [f"← {line}" for line in each.answered]
    shown = "<br>".join(html.escape(note) for note in notes)
    return (
        f"<tr style='background:none'><td {cell}><code>{html.escape(each.request)}</code></td>"
        f"<td {cell}><b style='color:{colour}'>{each.phrase}</b></td>"
        f"<td {cell}><span style='color:{MUTED}'>{shown}</span></td></tr>"
    )


def row(request: Request, response: Response) -> Row:
    """Take down one request and its answer."""
    given = {name.lower(): value for name, value in response.headers.items()}
    target, _, query = request.target.partition("?")
    asked = [f"?{short(query)}"] if query.startswith("digest=") else []
    asked += _headers(ASKED, request.headers)
    if "authorization" in request.headers:
        asked.append("Authorization: Basic …")
    answered = [*_headers(ANSWERED, given)]
    if "/manifests/" in request.path:
        answered += _headers(("Docker-Content-Digest",), given)
    if response.status == HTTPStatus.ACCEPTED:  # here the bytes are to be sent
        answered += _headers(("Location",), given)
    if request.method == "GET" and response.status < HTTPStatus.BAD_REQUEST and response.length:
        answered.append(f"Content-Length: {response.length}")
    return Row(
        f"{request.method} {short(target if asked else request.target)}", int(response.status), tuple(asked), tuple(answered)
    )


def _headers(wanted: tuple[str, ...], headers: Mapping[str, str]) -> Iterator[str]:
    for name in wanted:
        value = headers.get(name.lower())
        if value and value not in ("application/octet-stream", "application/json"):
            yield f"{name}: {short(value)}"


def short(text: str) -> str:
    """Return a path or a header with its long names cut short."""
    text = UPLOAD.sub(r"\1…", DIGEST.sub(r"\1…", text.replace("%3A", ":")))
    return text.replace("application/vnd.oci.image.", "…")

"""Questions of names, watched: DNS (RFC 1035) between a container and the embedded server, as a packet(7) socket sees it."""

import html
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from labcore.engine import Engine
from labcore.lab.colours import MUTED, RULE
from labcore.lab.daemons import RunningDaemon
from labcore.lab.messages import say
from labcore.lab.pictures.net_namespaces import resolved
from labcore.lab.pictures.packet_trace import SETTLE_SECONDS, packet_socket
from labcore.network import in_namespace, namespace_of
from labcore.network.resolver.server import ADDRESS
from labcore.record import Record

PACKET_BYTES: Final = 2048
UDP_HEADER_BYTES: Final = 8
SERVER: Final = socket.inet_aton(ADDRESS)


class Question(Record):
    """A question and what was answered: addresses or names, or why there are none; empty while there is no answer."""

    name: str
    kind: str
    answer: str = ""

    def __str__(self) -> str:
        return f"{self.kind:5} {self.name} → {self.answer or say('no answer')}"


class Questions:
    """The questions that a container has asked while it was watched."""

    def __init__(self) -> None:
        self.rows: tuple[Question, ...] = ()

    def __repr__(self) -> str:
        return "\n".join(map(str, self.rows)) or say("(nothing was asked)")

    def _repr_html_(self) -> str:
        style = "style='text-align:left;padding:3px 14px 3px 0;white-space:nowrap'"
        head = f"style='text-align:left;font-weight:bold;padding:2px 14px 4px 0;border-bottom:1px solid {RULE}'"
        titles = "".join(f"<th {head}>{html.escape(text)}</th>" for text in (say("type"), say("name"), say("answer")))
        rows = "".join(
            "<tr style='background:none'>"
            + "".join(f"<td {style}><code>{html.escape(text)}</code></td>" for text in (each.kind, each.name, each.answer))
            + "</tr>"
            for each in self.rows
        )
        if not rows:
            return f"<div style='color:{MUTED}'>{html.escape(repr(self))}</div>"
        return (
            "<table style='border-collapse:collapse;font-size:12px;line-height:1.45;margin:0'>"
            f"<tr style='background:none'>{titles}</tr>{rows}</table>"
        )


@contextmanager
def lookups(daemon: RunningDaemon, container: str) -> Iterator[Questions]:
    """Watch what a daemon's container asks the embedded DNS server in the block. Raises NotFound, InvalidInput, Unavailable."""
    pid, _ = resolved(container, Engine(Path(daemon.root)))
    with namespace_of(pid) as namespace:
        watching = in_namespace(namespace, packet_socket)
    found = Questions()
    with watching:
        yield found
        time.sleep(SETTLE_SECONDS)
        found.rows = tuple(_paired(list(_messages(watching))))


def _messages(watching: socket.socket) -> Iterator[dns.message.Message]:
    """Yield the messages from and to the server, each as it was sent."""
    while True:
        try:
            data, (_, _, kind, *_) = watching.recvfrom(PACKET_BYTES)
        except BlockingIOError:
            return
        start = (data[0] & 15) * 4 if data else 0
        if kind != socket.PACKET_OUTGOING or SERVER not in (data[12:16], data[16:20]) or data[9] != socket.IPPROTO_UDP:
            continue
        with suppress(dns.exception.DNSException, ValueError):
            yield dns.message.from_wire(data[start + UDP_HEADER_BYTES :])


def _paired(messages: list[dns.message.Message]) -> Iterator[Question]:
    answers = {each.id: each for each in messages if each.flags & dns.flags.QR}
    for each in messages:
        if not each.flags & dns.flags.QR and each.question:
            asked = each.question[0]
            yield Question(str(asked.name), dns.rdatatype.to_text(asked.rdtype), _said(answers.get(each.id)))


def _said(answer: dns.message.Message | None) -> str:
    if answer is None:
        return ""
    found = [str(record) for section in answer.answer for record in section]
    return " ".join(found) or (say("none") if answer.rcode() == dns.rcode.NOERROR else dns.rcode.to_text(answer.rcode()))

"""The embedded DNS server: one process answers all containers of a state root, each in its own network namespace.

In each it listens at ADDRESS, on ports that the kernel chose, and a rule there leads port 53 to them: so a program in the
container may still listen at port 53 itself.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Final

import dns.rcode

from labcore.errors import LabcoreError
from labcore.network.namespaces import in_namespace
from labcore.network.resolver.answers import Answers, failure, parsed
from labcore.network.resolver.clients import Client, load
from labcore.network.resolver.upstream import Upstream

ADDRESS: Final = "127.0.0.11"  # docker's
TABLE: Final = "labcore_resolver"
QUESTION_BYTES: Final = 65535
IN_ONE_TURN: Final = 64  # questions of one client, before others have their turn
BACKLOG: Final = 64
TCP_IDLE_SECONDS: Final = 10.0
LEAD = """table ip {table} {{
    chain output {{
        type nat hook output priority -100
        ip daddr {address} udp dport 53 dnat to {address}:{udp}
        ip daddr {address} tcp dport 53 dnat to {address}:{tcp}
    }}
}}"""
Rules = Callable[[str], str]  # carries out a text of nft(8)'s, in the namespace of this thread


def _bound(rules: Rules) -> tuple[socket.socket, socket.socket]:
    """Return sockets for UDP and TCP at ADDRESS in this thread's network namespace, where a rule leads port 53 to them."""
    with ExitStack() as undo:
        udp = undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        tcp = undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        for each in (udp, tcp):
            each.setblocking(False)
            each.bind((ADDRESS, 0))
        tcp.listen(BACKLOG)
        ports = {"udp": udp.getsockname()[1], "tcp": tcp.getsockname()[1]}
        rules(f"table ip {TABLE}\ndelete table ip {TABLE}\n" + LEAD.format(table=TABLE, address=ADDRESS, **ports))
        undo.pop_all()
    return udp, tcp


class Served:
    """A client that is answered: its sockets, gone with its process."""

    def __init__(self, client: Client, answers: Callable[[], Answers], rules: Rules) -> None:
        self.client = client
        self._answers = answers
        self._questions: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        with ExitStack() as undo:
            self.process = os.pidfd_open(client.pid)
            undo.callback(os.close, self.process)
            self._namespace = os.open(f"/proc/{client.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            undo.callback(os.close, self._namespace)
            if not client.is_there():  # it may have been another's
                raise ProcessLookupError
            self._udp, self._tcp = (undo.enter_context(each) for each in in_namespace(self._namespace, partial(_bound, rules)))
            self._undo = undo.pop_all()
        self._upstream = Upstream(() if client.internal else client.servers, self._socket)
        self._loop.add_reader(self._udp, self._read_questions)
        self._accepting = self._loop.create_task(self._accept())

    def close(self) -> None:
        """Let go of the namespace: its sockets keep it."""
        self._loop.remove_reader(self._udp)
        for task in (self._accepting, *self._questions):
            task.cancel()
        self._undo.close()

    def _socket(self, family: int, kind: int) -> socket.socket:
        return in_namespace(self._namespace, lambda: socket.socket(family, kind))

    def _read_questions(self) -> None:
        answers = self._answers()
        with suppress(BlockingIOError):
            for _ in range(IN_ONE_TURN):
                question, sender = self._udp.recvfrom(QUESTION_BYTES)
                answer = answers.answer(self.client.owner, question)
                if answer is None:
                    self._later(self._forward(question, sender))
                elif answer:
                    self._send(answer, sender)

    def _send(self, answer: bytes, to: tuple[str, int]) -> None:
        with suppress(OSError):  # the client's buffer is full, or it has gone: it asks again
            self._udp.sendto(answer, to)

    def _later(self, work: Coroutine[object, object, None]) -> None:
        task = self._loop.create_task(work)
        self._questions.add(task)
        task.add_done_callback(self._questions.discard)

    async def _forward(self, question: bytes, sender: tuple[str, int]) -> None:
        if answer := await self._asked(question, is_tcp=False):
            self._send(answer, sender)

    async def _asked(self, question: bytes, *, is_tcp: bool) -> bytes:
        query = parsed(question)
        if query is None:
            return b""
        answer = await self._upstream.ask(question, is_tcp=is_tcp)
        return failure(query, dns.rcode.SERVFAIL) if answer is None else answer

    async def _accept(self) -> None:
        while True:
            connection, _ = await self._loop.sock_accept(self._tcp)
            self._later(self._converse(connection))

    async def _converse(self, connection: socket.socket) -> None:
        """Answer a connection's questions, each with its length before it, until it is closed (RFC 7766)."""
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            with suppress(OSError, TimeoutError, EOFError):
                while True:
                    async with asyncio.timeout(TCP_IDLE_SECONDS):
                        question = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
                    answer = self._answers().answer(self.client.owner, question, is_tcp=True)
                    if answer is None:
                        answer = await self._asked(question, is_tcp=True)
                    writer.write(len(answer).to_bytes(2) + answer)
                    await writer.drain()
        finally:
            writer.close()


class Resolver:
    """All clients of a directory, as `refresh` finds them; `answers` makes the answers of the zone as it is now."""

    def __init__(self, directory: Path, answers: Callable[[], Answers], rules: Rules, on_empty: Callable[[], None]) -> None:
        self._directory = directory
        self._answers = answers
        self._rules = rules
        self._on_empty = on_empty
        self._served: dict[str, Served] = {}

    def refresh(self) -> None:
        """Answer those clients that are there, and no others; for which that cannot be, is raised when the others are.

        Raises OSError, InvalidInput, Unavailable.
        """
        refused: Exception | None = None
        wanted = {client.owner: client for client in load(self._directory)}
        for owner in [owner for owner, served in self._served.items() if wanted.get(owner) != served.client]:
            self._close(owner)
        for owner in wanted.keys() - self._served.keys():
            try:
                served = self._served[owner] = Served(wanted[owner], self._answers, self._rules)
                asyncio.get_running_loop().add_reader(served.process, self._has_ended, owner)
            except (ProcessLookupError, FileNotFoundError):  # it has just ended
                continue
            except (OSError, LabcoreError) as error:
                refused = error
        self._check_empty()
        if refused:
            raise refused

    def _has_ended(self, owner: str) -> None:
        self._close(owner)
        self._check_empty()

    def _check_empty(self) -> None:
        if not self._served:
            self._on_empty()

    def _close(self, owner: str) -> None:
        served = self._served.pop(owner)
        asyncio.get_running_loop().remove_reader(served.process)
        served.close()

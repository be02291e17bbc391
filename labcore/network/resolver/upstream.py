"""Upstream servers: questions that are not about our names, passed on to others (RFC 1035, RFC 5452)."""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Final

PORT: Final = 53
TIMEOUT_SECONDS: Final = 3.0  # for each server
AT_ONCE: Final = 1024  # questions under way; those beyond wait
HEADER_BYTES: Final = 12
ANSWER_BYTES: Final = 65535
OpenSocket = Callable[[int, int], socket.socket]  # of a family and a kind, in the network namespace that it is to be in


class Upstream:
    """The servers of one client, asked one after the other until one answers."""

    def __init__(self, servers: Sequence[str], sockets: OpenSocket) -> None:
        self._servers = servers
        self._open = sockets
        self._room = asyncio.Semaphore(AT_ONCE)

    async def ask(self, question: bytes, *, is_tcp: bool) -> bytes | None:
        """Return the answer; None if no server has one.

        Each time the question has another ID and comes from another port, so that nobody can answer it who has not seen it.
        """
        exchange = self._by_tcp if is_tcp else self._by_udp
        async with self._room:
            for server in self._servers:
                wire = os.urandom(2) + question[2:]
                try:
                    async with asyncio.timeout(TIMEOUT_SECONDS):
                        answer = await exchange(server, wire)
                except (OSError, TimeoutError, EOFError):
                    continue
                return question[:2] + answer[2:]
        return None

    async def _by_udp(self, server: str, wire: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        with self._connection(server, socket.SOCK_DGRAM) as connection:
            await loop.sock_connect(connection, (server, PORT))
            await loop.sock_sendall(connection, wire)
            while True:
                answer = await loop.sock_recv(connection, ANSWER_BYTES)
                if is_answer(answer, wire):
                    return answer

    async def _by_tcp(self, server: str, wire: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        with self._connection(server, socket.SOCK_STREAM) as connection:
            await loop.sock_connect(connection, (server, PORT))
            reader, writer = await asyncio.open_connection(sock=connection)
            try:
                writer.write(len(wire).to_bytes(2) + wire)
                answer = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
            finally:
                writer.close()
        if not is_answer(answer, wire):
            raise OSError("the server has answered something else")
        return answer

    def _connection(self, server: str, kind: int) -> socket.socket:
        family = socket.AF_INET6 if ip_address(server).version == 6 else socket.AF_INET
        connection = self._open(family, kind)
        connection.setblocking(False)
        return connection


def is_answer(answer: bytes, wire: bytes) -> bool:
    """Is this an answer to that question? It has its ID, and asks the same."""
    if len(answer) < HEADER_BYTES or answer[:2] != wire[:2] or not answer[2] & 0x80:
        return False
    end = _question_end(wire)
    return answer[4:6] == b"\0\1" and answer[HEADER_BYTES:end].lower() == wire[HEADER_BYTES:end].lower()


def _question_end(wire: bytes) -> int:
    """Return where a question that was parsed before ends: labels, an empty one, type and class."""
    at = HEADER_BYTES
    while wire[at]:
        at += 1 + wire[at]
    return at + 5

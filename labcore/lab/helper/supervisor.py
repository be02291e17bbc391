"""Helper supervisor, between kernel and helper: starts the sandbox, passes on its output, ends it in time.

    python -m labcore.lab.helper.supervisor < REQUEST

The request is its length in four bytes, then a marshalled (source, names, seconds). Exit status: 0 if the cell came to its end.
"""

import marshal
import os
import sys
from contextlib import ExitStack

from labcore.lab.messages import say
from labcore.lab.sandbox import Output, limit_processes, start, supervise, watch

OUTPUT_LIMIT = 16 << 10


def read_request(fd: int) -> bytes:
    """Return one request: what follows its length. Raises EOFError if the other side is gone before its end."""
    size = int.from_bytes(_read(fd, 4), "big")
    return _read(fd, size)


def _read(fd: int, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        chunk = os.read(fd, size - len(parts))
        if not chunk:
            raise EOFError("the request ends early")
        parts += chunk
    return bytes(parts)


def main() -> int:
    """Run one request."""
    supervise()
    request = read_request(0)
    seconds = float(marshal.loads(request)[2])
    with ExitStack() as undo:
        undo.enter_context(limit_processes())
        stdin = undo.enter_context(os.fdopen(os.memfd_create("labcore-cell"), "r+b", buffering=0))
        stdin.write(request)
        stdin.seek(0)
        reader, writer = os.pipe()
        undo.callback(os.close, reader)
        helper = undo.enter_context(start("labcore.lab.helper.inside", stdin=stdin, output=writer))
        os.close(writer)
        output = Output(reader, lambda chunk: _print(chunk), OUTPUT_LIMIT)
        verdict = watch(helper, output, 0, seconds)
    if output.dropped:
        _print(say("\n… and {n} more bytes, which are not shown.\n", n=f"{output.dropped:,}").encode())
    if verdict == "timeout":
        _print(say("\nThe helper was ended after {n} s; `%%helper 60` gives it a minute.\n", n=f"{seconds:g}").encode())
    return int(verdict != "ended" or helper.returncode != 0)


def _print(text: bytes) -> None:
    while text:
        text = text[os.write(1, text) :]


if __name__ == "__main__":
    sys.exit(main())

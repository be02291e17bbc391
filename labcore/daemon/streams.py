"""Stream framing of attach, exec and logs: raw from a terminal, else multiplexed, each piece behind a head of eight bytes."""

import struct
from typing import Final

from labcore.runtime.shim import LogRecord

HEAD: Final = struct.Struct(">BxxxI")  # the stream's number, and how many bytes follow
STREAMS: Final = {"stdin": 0, "stdout": 1, "stderr": 2}
RAW: Final = "application/vnd.docker.raw-stream"
MULTIPLEXED: Final = "application/vnd.docker.multiplexed-stream"


def framed(record: LogRecord, *, tty: bool) -> bytes:
    """Return a piece of output as it is sent."""
    return record.data if tty else HEAD.pack(STREAMS[record.stream], len(record.data)) + record.data


def media_type(*, tty: bool) -> str:
    """Return the content type of a stream."""
    return RAW if tty else MULTIPLEXED

"""Log policy: blocking or non-blocking, buffer size, rotation."""

from __future__ import annotations

from labcore.errors import InvalidInput
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias


LOG_DRIVERS = ("json-file", "local", "none")

Input: TypeAlias = "Literal['none', 'open', 'once']"


class LogPolicy(Record):
    """The policy for a container's output: docker's log drivers, modes and options.

    All drivers keep it in the shim's own form; with `none` nobody may read it afterwards.

    `blocking`: each piece is written before the next is read; a slow disk slows the container, and nothing is lost while there
    is room. `non-blocking`: the container never waits; up to `buffer` bytes wait to be written, and further output is dropped
    and counted. A file of `max_size` bytes (0: no limit) is rotated, and `max_files` are kept in all.
    """

    mode: Literal["blocking", "non-blocking"] = "blocking"
    buffer: int = 1 << 20
    max_size: int = 0
    max_files: int = 1
    driver: str = "json-file"
    details: tuple[tuple[str, str], ...] = ()  # docker's options that say what is told beside each line: labels, env, tag

    def __post_init__(self) -> None:
        if self.driver not in LOG_DRIVERS:
            # The whole sentence is docker's, for clients compare it: `docker info` names those that there are.
            raise InvalidInput(f'error looking up logging plugin {self.driver}: plugin "{self.driver}" not found')
        if self.mode not in ("blocking", "non-blocking"):
            raise InvalidInput(f"logger: logging mode not supported: {self.mode}: there are blocking and non-blocking")
        if self.max_files < 1 or self.max_size < 0 or self.buffer < 1:
            raise InvalidInput("a log has one file at least, and sizes above zero")

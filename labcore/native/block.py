"""Block format: steps compiled to one flat block of bytes (csrc/block.h)."""

from __future__ import annotations

import os
import stat
import struct

from labcore.errors import InvalidInput
from labcore.native._native import lib
from labcore.native.flags import CloneFlag
from labcore.native.step import RECORD, Words, as_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from labcore.native.step import Pointee, Step

HEADER = struct.Struct("=IIIIQiI")
BIRTH = struct.Struct("=Qi")  # clone_flags and cgroup in the header
BIRTH_OFFSET = 16
INTO_CGROUP = int(CloneFlag.INTO_CGROUP)  # a flag takes Python longer than a system call
POINTER = struct.Struct("=Q")
REPORT = struct.Struct("=QQiiiI")
OUTCOME = struct.Struct("=QiI")


class _Data:
    """What the steps point to, placed behind them, and the places of all pointers."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.memory = bytearray()
        self.pointers: list[int] = []
        self._known: dict[str | bytes, int] = {}

    def place(self, argument: Pointee) -> int:
        """Store what a pointer points to, each distinct text once, and return its offset in the block."""
        if isinstance(argument, str | bytes):
            offset = self._known.get(argument)
            if offset is None:
                offset = self._known[argument] = self._append(as_memory(argument))
            return offset
        if isinstance(argument, Words):
            values = [item if isinstance(item, int) else self.place(item) for item in argument.items]
            offset = self._append(struct.pack(f"={len(values)}q", *values))
            self.pointers += [offset + 8 * i for i, item in enumerate(argument.items) if not isinstance(item, int)]
            return offset
        return self._append(argument)

    def _append(self, content: bytes | bytearray) -> int:
        padding = -len(self.memory) % 8
        offset = self.start + len(self.memory) + padding
        self.memory += bytes(padding) + content
        return offset


def compile_block(steps: Sequence[Step], *, clone_flags: int, cgroup: int = -1, before: int = 0) -> bytes:
    """Return the block for `steps`, made in a child cloned with `clone_flags` (into `cgroup`, an open directory).

    The first `before` of them are made by the monitor itself, before it clones.
    """
    if len(steps) > lib.BLOCK_MAX_STEPS:
        raise InvalidInput(
            f"a plan takes at most {lib.BLOCK_MAX_STEPS} system calls, this one {len(steps)}: mount fewer things"
        )
    records = bytearray(HEADER.size)
    data = _Data(HEADER.size + RECORD.size * len(steps))
    for step in steps:
        record, pointers = step.record
        offset = len(records)
        records += record
        for at, argument in pointers:
            POINTER.pack_into(records, offset + at, data.place(argument))
            data.pointers.append(offset + at)
    block = records + data.memory
    block += bytes(-len(block) % 8) + struct.pack(f"={len(data.pointers)}I", *sorted(data.pointers))
    HEADER.pack_into(block, 0, lib.BLOCK_MAGIC, len(block), len(steps), len(data.pointers), clone_flags, cgroup, before)
    return bytes(block)


def born_in(block: bytes, cgroup: int, number_there: int | None = None) -> bytearray:
    """Return a block that starts in a cgroup: an open directory of version 2, or an open `tasks` file of version 1.

    The first is for clone3(2), INTO_CGROUP; into the second the child writes itself. `number_there` is the descriptor's number
    where the block is walked, if that is another process.
    """
    by_clone = INTO_CGROUP if stat.S_ISDIR(os.fstat(cgroup).st_mode) else 0
    made = bytearray(block)
    flags, _ = BIRTH.unpack_from(made, BIRTH_OFFSET)
    BIRTH.pack_into(made, BIRTH_OFFSET, flags | by_clone, cgroup if number_there is None else number_there)
    return made


def report_size(block: bytes) -> int:
    """Return how many bytes the report on a block takes."""
    return REPORT.size + OUTCOME.size * int(HEADER.unpack_from(block)[2])


def clone_flags(block: bytes) -> CloneFlag:
    """Return the namespaces that a block asks for."""
    return CloneFlag(HEADER.unpack_from(block)[4])

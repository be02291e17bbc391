"""Steps as one flat block of bytes: the format of csrc/block.h."""

import struct
from collections.abc import Sequence

from labcore.native._native import lib
from labcore.native.step import WORD, Argument, Register, Step, Words, as_memory

HEADER = struct.Struct("=IIIIQiI")
STEP = struct.Struct("=IBBBBQ6Q")
REPORT = struct.Struct("=QQiiiI")
OUTCOME = struct.Struct("=QiI")

STEP_ZERO_FAILS = 1


class _Data:
    """The block's data section: everything that a pointer points to, each distinct string once."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.bytes = bytearray()
        self.relocations: list[int] = []
        self._known: dict[bytes, int] = {}

    def place(self, argument: str | bytes | bytearray | Words) -> int:
        """Store what `argument` points to and return its offset in the block."""
        if isinstance(argument, Words):
            return self._place_words(argument)
        memory = bytes(argument) if isinstance(argument, bytearray) else as_memory(argument)
        offset = None if isinstance(argument, bytearray) else self._known.get(memory)
        if offset is None:
            offset = self._append(memory)
            self._known[memory] = offset
        return offset

    def _place_words(self, words: Words) -> int:
        values = [item & WORD if isinstance(item, int) else self.place(item) for item in words.items]
        offset = self._append(struct.pack(f"={len(values)}Q", *values))
        self.relocations += [
            offset + 8 * i for i, item in enumerate(words.items) if not isinstance(item, int)
        ]
        return offset

    def _append(self, memory: bytes) -> int:
        self.bytes += b"\0" * (-len(self.bytes) % 8)
        offset = self.start + len(self.bytes)
        self.bytes += memory
        return offset


def compile_block(steps: Sequence[Step], *, clone_flags: int, cgroup: int = -1) -> bytearray:
    """Return the block for `steps`, made in a child cloned with `clone_flags` (into `cgroup`, an open directory)."""
    if len(steps) > lib.BLOCK_MAX_STEPS:
        raise ValueError(f"a plan has at most {lib.BLOCK_MAX_STEPS} steps, this one has {len(steps)}")
    pointers = sum(isinstance(a, str | bytes | bytearray | Words) for step in steps for a in step.args)
    inner = sum(not isinstance(i, int) for s in steps for a in s.args if isinstance(a, Words) for i in a.items)
    tables = HEADER.size + STEP.size * len(steps) + 4 * (pointers + inner)
    data = _Data(tables + -tables % 8)

    records = bytearray()
    for index, step in enumerate(steps):
        records += _record(step, HEADER.size + STEP.size * index, data)
    relocations = struct.pack(f"={len(data.relocations)}I", *data.relocations)

    size = data.start + len(data.bytes)
    header = HEADER.pack(lib.BLOCK_MAGIC, size, len(steps), len(data.relocations), clone_flags, cgroup, 0)
    return bytearray(b"".join((header, records, relocations, b"\0" * (-tables % 8), data.bytes)))


def _record(step: Step, offset: int, data: _Data) -> bytes:
    registers = 0
    words = []
    for i, argument in enumerate(step.args):
        word, is_register, is_pointer = _word(argument, data)
        registers |= is_register << i
        if is_pointer:
            data.relocations.append(offset + STEP.size - 8 * (6 - i))
        words.append(word)
    words += [0] * (6 - len(words))
    tolerate = sum(1 << error for error in step.tolerate)
    flags = STEP_ZERO_FAILS if step.zero_fails else 0
    result = 0 if step.result is None else step.result + 1
    return STEP.pack(step.number, flags, registers, result, 0, tolerate, *words)


def _word(argument: Argument, data: _Data) -> tuple[int, bool, bool]:
    """Return an argument's word, and whether it names a register, and whether it is a pointer."""
    if isinstance(argument, int):
        return argument & WORD, False, False
    if isinstance(argument, Register):
        return argument.number, True, False
    return data.place(argument), False, True

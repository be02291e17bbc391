"""ELF header: a program's architecture and loader, elf(5)."""

import struct
from typing import Final, NamedTuple

HEAD_SIZE: Final = 4096  # the kernel, too, looks no further for the program headers
HEADER = struct.Struct("<4sB11xHHIQQQIHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQ")
PT_INTERP = 3
MACHINES = {
    0x03: "i686",
    0x15: "ppc64le",
    0x16: "s390x",
    0x28: "armv7l",
    0x3E: "x86_64",
    0xB7: "aarch64",
    0xF3: "riscv64",
}


class Program(NamedTuple):
    """A program's architecture, as in uname(1), and its loader, PT_INTERP; None if it is static."""

    machine: str
    loader: str | None


def read_program(head: bytes) -> Program | None:
    """Parse the first HEAD_SIZE bytes of a file; None if it is no ELF program."""
    if len(head) < HEADER.size or not head.startswith(b"\x7fELF"):
        return None
    _, word_size, _, machine, _, _, table, _, _, _, entry_size, count = HEADER.unpack_from(head)
    name = MACHINES.get(machine, f"machine {machine:#x}")
    if word_size != 2:  # 32 bits: another layout; none of our architectures
        return Program(name, None)
    for at in range(table, table + entry_size * count, max(entry_size, 1)):
        if at + PROGRAM_HEADER.size > len(head):
            break
        kind, _, start, _, _, length = PROGRAM_HEADER.unpack_from(head, at)
        if kind == PT_INTERP:
            return Program(name, head[start : start + length].rstrip(b"\0").decode(errors="replace"))
    return Program(name, None)

"""System calls that are newer than a profile: ENOSYS, so that a C library tries the older call that the profile knows.

A profile refuses what it does not name, mostly by EPERM, which programs take for an answer. What has a higher number than all
that it names was not there when it was written; of the kernel of that time it would have had ENOSYS.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter: linux/filter.h
LOAD, EQUAL, GREATER, JUMP, RETURN = 0x20, 0x15, 0x25, 0x05, 0x06  # of a word, with a constant: bpf(4)
NUMBER, ARCHITECTURE = 0, 4  # where they lie in struct seccomp_data: seccomp(2)
NO_SUCH_CALL = 0x00050000 | 38  # SECCOMP_RET_ERRNO, ENOSYS
X86_64, X32 = 0xC000003E, 0x4000003E
X32_BIT = 0x40000000  # by which the kernel tells the calls of x32 from those of x86-64: syscall(2)


def with_newer_calls(program: bytes, highest: Mapping[int, int]) -> bytes:
    """Return a filter before which the calls above the `highest` of each architecture get ENOSYS; others are not judged."""
    spans = {audited: _spans(audited, highest) for audited in sorted({X86_64 if a == X32 else a for a in highest})}
    checks = b"".join(_check(audited, each) for audited, each in spans.items())
    return INSTRUCTION.pack(LOAD, 0, 0, ARCHITECTURE) + checks + program if checks else program


def _spans(audited: int, highest: Mapping[int, int]) -> list[tuple[int, int]]:
    """Return the ranges of an architecture's numbers that lie above the highest, each without its ends."""
    if audited != X86_64:
        return [(highest[audited], 0xFFFFFFFF)]
    found = [(highest[X86_64], X32_BIT)] if X86_64 in highest else []
    return [*found, (highest[X32], 0xFFFFFFFF)] if X32 in highest else found


def _check(audited: int, spans: list[tuple[int, int]]) -> bytes:
    """Return what one architecture's calls go through; behind it the accumulator holds the architecture again, or still."""
    pack = INSTRUCTION.pack
    body = pack(LOAD, 0, 0, NUMBER)
    for highest, end in spans:
        below_end = pack(GREATER, 1, 0, end - 1) + pack(RETURN, 0, 0, NO_SUCH_CALL)
        body += pack(GREATER, 0, 2, highest) + below_end
    body += pack(LOAD, 0, 0, ARCHITECTURE)
    return pack(EQUAL, 0, len(body) // INSTRUCTION.size, audited) + body

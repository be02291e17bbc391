"""The block as Python writes it, taken apart again by hand."""

import errno
import struct

import pytest

from labcore.errors import InvalidInput
from labcore.native import Capability, CloneFlag, Register, Step, Words, capset, errors
from labcore.native._native import ffi, lib
from labcore.native.block import HEADER, clone_flags, compile_block, report_size
from labcore.native.step import FIRST_ARGUMENT, RECORD, SAID


def word(block: bytes, offset: int) -> int:
    return int(struct.unpack_from("=Q", block, offset)[0])


def text(block: bytes, offset: int) -> bytes:
    return block[offset : block.index(b"\0", offset)]


def argument_offset(step: int, argument: int) -> int:
    return HEADER.size + RECORD.size * step + FIRST_ARGUMENT + 8 * argument


def pointers(block: bytes) -> set[int]:
    count = HEADER.unpack_from(block)[3]
    return set(struct.unpack_from(f"={count}I", block, len(block) - 4 * count))


def test_strings_are_stored_once_behind_the_steps() -> None:
    block = compile_block([Step("a", 1, ("same", 7)), Step("b", 2, (-100, "same"))], clone_flags=0)
    first, second = argument_offset(0, 0), argument_offset(1, 1)
    assert text(block, word(block, first)) == b"same"
    assert word(block, first) == word(block, second)
    assert pointers(block) == {first, second}
    assert word(block, argument_offset(1, 0)) == (1 << 64) - 100


def test_words_hold_pointers_of_their_own() -> None:
    block = compile_block([Step("execve", 59, ("/p", Words(("a", "b", 0)), Words((0,))))], clone_flags=0)
    argv = word(block, argument_offset(0, 1))
    assert [text(block, word(block, argv + 8 * i)) for i in (0, 1)] == [b"a", b"b"]
    assert word(block, argv + 16) == 0
    assert {argv, argv + 8} < pointers(block)


def test_registers_tolerance_and_flags_stand_in_the_record() -> None:
    tolerate = errors(errno.ENOENT, errno.EEXIST)
    step = Step("x", 3, (Register(2), 5), tolerate=tolerate, result=0, zero_fails=True, unless=4, when=5, said="x")
    number, flags, registers, result, unless, when, tolerate, *args, _ = RECORD.unpack(step.record[0])
    assert (number, flags, registers, result, unless, when) == (3, 1, 0b1, 1, 5, 6)
    assert step.record[1] == ((SAID, "x"),)
    assert tolerate == 1 << errno.ENOENT | 1 << errno.EEXIST
    assert args == [2, 5, 0, 0, 0, 0]


def test_masks_do_not_add_up() -> None:
    assert errors(errno.EAGAIN, errno.EWOULDBLOCK) == 1 << errno.EAGAIN
    twice = capset.step(effective=[Capability.SYS_PACCT] * 2, permitted=[], inheritable=[])
    assert twice == capset.step(effective=[Capability.SYS_PACCT], permitted=[], inheritable=[])


def test_header() -> None:
    block = compile_block([Step("x", 3, ())] * 3, clone_flags=CloneFlag.NEWUTS | CloneFlag.NEWPID, cgroup=6)
    assert clone_flags(block) == CloneFlag.NEWUTS | CloneFlag.NEWPID
    assert report_size(block) == 32 + 3 * 16
    assert HEADER.unpack_from(block)[5] == 6


def test_the_walker_accepts_what_we_compile_and_refuses_what_is_damaged() -> None:
    good = compile_block([Step("execve", 59, ("/p", Words(("a", 0)), Register(1)))], clone_flags=0)
    assert lib.lc_check(good, len(good)) == ffi.NULL
    assert ffi.string(lib.lc_check(good, len(good) - 4)) == b"block is truncated"
    for offset in range(HEADER.size):
        damaged = bytearray(good)
        damaged[offset] ^= 0xFF
        lib.lc_check(bytes(damaged), len(damaged))  # must not crash, whatever it answers


def test_too_many_steps() -> None:
    with pytest.raises(InvalidInput, match=f"at most {lib.BLOCK_MAX_STEPS} system calls, this one {lib.BLOCK_MAX_STEPS + 1}"):
        compile_block([Step("x", 3, ())] * (lib.BLOCK_MAX_STEPS + 1), clone_flags=0)

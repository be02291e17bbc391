"""Step: one system call as a value, made at once by this thread or kept for the walker."""

from __future__ import annotations

import struct
from functools import cached_property, update_wrapper

from labcore.errors import SystemCallError
from labcore.native._native import ffi, lib
from labcore.native.flags import describe
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Generic, ParamSpec, TypeAlias

    P = ParamSpec("P")
else:

    class Generic:
        """The base of what type checkers know more of."""

        def __class_getitem__(cls, _):
            return cls

    P = None


class Register(Record):
    """An argument that an earlier step of the same plan produced (a descriptor, say): one of 2048 registers, from 0."""

    number: int


class Words(Record):
    """A pointer to an array of 64-bit words, each an integer or itself a pointer: argv, or a struct that holds pointers."""

    items: tuple[int | Pointee, ...]


Pointee: TypeAlias = "str | bytes | bytearray | Words"
Argument: TypeAlias = "int | Register | Pointee"

WORD = (1 << 64) - 1
RECORD = struct.Struct("=IBBHHH4xQ6qQ")  # struct step in csrc/block.h
SAID = RECORD.size - 8
FIRST_ARGUMENT = SAID - 6 * 8
ZERO_FAILS = 1


class Step(Record):
    """One system call.

    Strings and bytes are passed as pointers to NUL-terminated memory; a bytearray is memory that the kernel may write to.
    An errno whose bit is set in `tolerate` is no failure: `tolerate=errors(errno.EEXIST)`. `result` is the register that
    takes what the call returns, and holds nothing if it fails. With `zero_fails` a result of 0 counts as ECANCELED. The call is
    left out if the register `unless` holds a result already, or the register `when` holds none. `said` is written to
    descriptor 2, with the error behind it, when the call fails in a child of the monitor's.
    """

    call: str
    number: int
    args: tuple[Argument, ...]
    tolerate: int = 0
    result: int | None = None
    zero_fails: bool = False
    unless: int | None = None
    when: int | None = None
    said: str = ""

    @cached_property
    def record(self) -> tuple[bytes, tuple[tuple[int, Pointee], ...]]:
        """The step as it stands in a block, and which of its bytes are pointers yet to be filled in, to what."""
        words = [0] * 6
        registers = 0
        pointers: list[tuple[int, Pointee]] = []
        for i, argument in enumerate(self.args):
            if isinstance(argument, int):
                words[i] = argument
            elif isinstance(argument, Register):
                words[i] = argument.number
                registers |= 1 << i
            else:
                pointers.append((FIRST_ARGUMENT + 8 * i, argument))
        if self.said:
            pointers.append((SAID, self.said))
        flags = ZERO_FAILS if self.zero_fails else 0
        result, unless, when = (0 if each is None else each + 1 for each in (self.result, self.unless, self.when))
        return RECORD.pack(self.number, flags, registers, result, unless, when, self.tolerate, *words, 0), tuple(pointers)

    @property
    def arguments(self) -> str:
        """The arguments as a reader would write them."""
        return ", ".join(_show(argument) for argument in self.args)


def mask(numbers: Iterable[int]) -> int:
    """Return a set of small numbers as the bits of an integer."""
    bits = 0
    for number in numbers:
        bits |= 1 << number
    return bits


def errors(*numbers: int) -> int:
    """Return a set of errnos (below 64) as a bit mask, for `Step.tolerate`."""
    return mask(numbers)


def _show(argument: Argument) -> str:
    if isinstance(argument, bytes | bytearray):
        return f"<{len(argument)} bytes>"
    if isinstance(argument, Register):
        return f"r{argument.number}"
    if isinstance(argument, Words):
        return "[" + ", ".join(_show(item) for item in argument.items if item != 0) + "]"
    return describe(argument) if isinstance(argument, int) else repr(argument)


def as_memory(argument: str | bytes) -> bytes:
    """Return the bytes that a pointer to `argument` points to."""
    text = argument.encode(errors="surrogateescape") if isinstance(argument, str) else argument
    return text + b"\0"


def perform(step: Step) -> int:
    """Make the call now, from this thread, and return its result. Raises SystemCallError."""
    alive: list[object] = []

    def word(argument: Argument) -> int:
        if isinstance(argument, int):
            return argument & WORD
        if isinstance(argument, Register):
            raise TypeError(f"{step.call}: a register has a value only inside a plan")
        if isinstance(argument, Words):
            memory = ffi.new("uint64_t[]", [word(item) for item in argument.items])
        else:
            memory = ffi.from_buffer(argument if isinstance(argument, bytearray) else as_memory(argument))
        alive.append(memory)
        return int(ffi.cast("uintptr_t", memory))

    words = [word(argument) for argument in step.args]
    result = int(lib.lc_call(step.number, ffi.new("uint64_t[6]", words)))
    if -4096 < result < 0 and not step.tolerate >> -result & 1:
        raise SystemCallError(-result, step.call, step.arguments, values=step.args)
    return result


class SystemCall(Generic[P]):
    """A system call as a function: `mount(…)` makes it now, `mount.step(…)` returns the Step for a plan."""

    def __init__(self, describe: Callable[P, Step]) -> None:
        self._describe = describe
        update_wrapper(self, describe)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> int:
        """Make the call now, from this thread."""
        return perform(self._describe(*args, **kwargs))

    def step(self, *args: P.args, **kwargs: P.kwargs) -> Step:
        """Return the call as a value, for a plan."""
        return self._describe(*args, **kwargs)

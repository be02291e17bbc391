"""Ops on the exec FIFO: between `create` and `start` of an OCI runtime the container waits in it for a byte."""

from __future__ import annotations

import os
from functools import cached_property

from labcore import native
from labcore.native import Register
from labcore.native.spawn import LAID_OUT, PRESERVED_DESCRIPTOR
from labcore.runtime.ops.base import SCRATCH, Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from labcore.native import Step


class OpenExecFifo(Op):
    """Open a FIFO for both directions, which waits for nobody, and keep it in a register: fifo(7).

    Its descriptor lies above all whose numbers matter; `preserved` are handed on to the program.
    """

    path: str
    register: int
    preserved: int = 0
    name: ClassVar[str] = "exec fifo"

    def calls(self) -> Sequence[Step]:
        flags = os.O_RDWR | os.O_CLOEXEC
        above = max(LAID_OUT, PRESERVED_DESCRIPTOR + self.preserved)
        return [
            native.openat.step(native.AT_FDCWD, self.path, flags).replace(result=SCRATCH.number),
            native.dup3.step(SCRATCH, above, os.O_CLOEXEC).replace(result=self.register),
            native.close.step(SCRATCH),
        ]


class WaitForStart(Op):
    """Wait until somebody writes a byte into the FIFO that was opened: read(2)."""

    register: int
    name: ClassVar[str] = "await start"

    @cached_property
    def detail(self) -> str:
        return "for `start`"

    def calls(self) -> Sequence[Step]:
        gate = Register(self.register)
        return [native.read.step(gate, bytearray(1)).replace(zero_fails=True), native.close.step(gate)]

"""Standard streams: those that are closed at the start are opened on /dev/null, as libc does for setuid programs."""

from __future__ import annotations

import os
import sys

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_standard_streams() -> None:
    """Open missing ones of descriptors 0, 1 and 2, before another file can get one of these numbers. To be called first."""
    while (fd := os.open(os.devnull, os.O_RDWR)) < len(STREAMS):
        os.set_inheritable(fd, True)
    os.close(fd)
    for fd, (name, mode) in enumerate(STREAMS):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(fd, mode, closefd=False))

"""Standard streams that were closed when a program was started: /dev/null stands in, as libc does it for setuid programs."""

import os
import sys

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_standard_streams() -> None:
    """Open what is missing of 0, 1 and 2, before a file of our own can be taken for one. To be called first of all."""
    while (fd := os.open(os.devnull, os.O_RDWR)) < len(STREAMS):
        os.set_inheritable(fd, True)
    os.close(fd)
    for fd, (name, mode) in enumerate(STREAMS):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(fd, mode, closefd=False))

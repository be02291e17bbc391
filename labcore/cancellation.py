"""Cancellation: a flag that one thread sets, and for which another can wait beside other descriptors, eventfd(2)."""

from __future__ import annotations

import os
import weakref


class Cancellation:
    """Readable once it is set, and for ever then."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        weakref.finalize(self, os.close, self._fd)  # not before the last thread has let go
        self.is_set = False

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._fd

    def set(self) -> None:
        """Set it, from any thread."""
        self.is_set = True
        os.eventfd_write(self._fd, 1)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is set, but not longer than that; return whether it is."""
        import select

        poller = select.poll()
        poller.register(self._fd, select.POLLIN)
        return bool(poller.poll(None if seconds is None else seconds * 1000))

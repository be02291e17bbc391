"""The shim: the monitor of a container that outlives its starter. It keeps the container's directory, where clients attach.

::

    DIRECTORY/attach.sock      the shim's socket: it answers as long as the shim lives
              pid, exit, log   what the shim writes: csrc/shim.c says when

Nothing here can be mistaken after a crash. A socket that nobody answers and no `exit` beside it: the shim was killed, or the
machine was. Its container died with it (`DieWithParent`), and how it ended is not known. No process is looked for by its
number, which another may have by now. Names are loaded when they are first used: many commands find that nothing runs.
"""

from __future__ import annotations

from labcore.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.runtime.shim.log import LogReader, LogRecord
    from labcore.runtime.shim.shim import Exit, Shim

__all__ = ["Exit", "LogReader", "LogRecord", "Shim"]

__getattr__ = lazy_names(
    __name__,
    {
        "labcore.runtime.shim.log": ("LogReader", "LogRecord"),
        "labcore.runtime.shim.shim": ("Exit", "Shim"),
    },
)

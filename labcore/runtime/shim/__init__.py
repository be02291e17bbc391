"""Containers that outlive whoever started them: their monitor keeps them in a directory, where anybody finds them again.

DIRECTORY/meeting   the monitor's socket: it answers as long as the monitor lives
pid, exit, log      what the monitor writes down: csrc/keeper.c says what and when

Nothing here can be mistaken after a crash. A socket that nobody answers and no `exit` beside it: the monitor was killed, or the
machine was. Its container died with it (`DieWithParent`), and how it ended is not known. No process is looked for by its
number, which another may have by now.
"""

from labcore.runtime.shim.kept import Ended, Kept, NotRunning
from labcore.runtime.shim.logs import LogRecord

__all__ = ["Ended", "Kept", "LogRecord", "NotRunning"]

"""Today's peers: the root file system that `tools/peers make` has made, and how a command is begun in it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
TOOL: Final = PROJECT / "tools" / "peers"
INSIDE: Final = Path("/run/labcore-peers")  # is there, and nowhere else


def entering(*visible: Path) -> list[str]:
    """Return the words that begin a command in the root; none where no root was made, or where we are in it already.

    The command has a mount namespace of its own, in which it sees the project, its Python, /tmp and what is `visible` at their
    own paths. It must begin there: whoever moves there later has this machine's C library, and finds libraries of another's.
    """
    if INSIDE.exists() or not _is_made():
        return []
    return [sys.executable, str(TOOL), "enter", *(str(path.absolute()) for path in visible if path.exists()), "--"]


def _is_made() -> bool:
    """Is the root there, and may we enter it? That takes root's rights, and not those of a user namespace only."""
    everybody = Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]
    asked = [sys.executable, str(TOOL), "versions"]
    return not os.geteuid() and everybody and TOOL.exists() and not subprocess.run(asked, capture_output=True).returncode

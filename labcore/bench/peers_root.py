"""Root file system of today's peers, made by `tools/peers make`, and the command prefix that enters it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
TOOL: Final = PROJECT / "tools" / "peers"
INSIDE: Final = Path("/run/labcore-peers")  # exists in that root only


def enter_command(*visible: Path) -> list[str]:
    """Return the prefix of a command that is to run in the root; empty if there is no root, or if this process is in it.

    The command has a mount namespace of its own, with the project, its Python, /tmp and the `visible` paths at their places. A
    process must be started there: one that enters later has this machine's C library, and finds libraries built for another.
    """
    if INSIDE.exists() or not _is_made():
        return []
    return [sys.executable, str(TOOL), "enter", *(str(path.absolute()) for path in visible if path.exists()), "--"]


def _is_made() -> bool:
    """Is there a root, and may this process enter it? Only the machine's own root may, not a user namespace's."""
    everybody = Path("/proc/self/uid_map").read_text(encoding="utf-8").split() == ["0", "0", "4294967295"]
    asked = [sys.executable, str(TOOL), "versions"]
    return not os.geteuid() and everybody and TOOL.exists() and not subprocess.run(asked, capture_output=True).returncode

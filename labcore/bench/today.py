"""Today's peers: the root file system that `tools/peers make` has made, kept mounted while it is used."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from labcore.errors import LabcoreError

PROJECT: Final = Path(__file__).parents[2]
TOOL: Final = PROJECT / "tools" / "peers"
PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"  # there; this machine's may lead to programs of its own


def is_made() -> bool:
    """Is the root there, and may we enter it? That takes root's rights, and not those of a user namespace only."""
    everybody = Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]
    asked = [sys.executable, str(TOOL), "versions"]
    return not os.geteuid() and everybody and TOOL.exists() and not subprocess.run(asked, capture_output=True).returncode


@contextmanager
def held(*visible: Path) -> Iterator[int]:
    """Keep it mounted; yield a PID into whose mount namespace one enters (setns(2), nsenter(1)).

    The project, its Python, /tmp and what is `visible` lie there at their own paths. Network, processes and cgroups are ours.
    Raises LabcoreError where it cannot be mounted.
    """
    words = [sys.executable, str(TOOL), "hold", *map(str, visible)]
    pipe = subprocess.PIPE  # its input ends when we do, and then it is gone
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as holder:
        assert holder.stdout is not None
        assert holder.stderr is not None
        if not (pid := holder.stdout.readline().strip()):
            raise LabcoreError(f"the root of today's peers cannot be entered: {holder.stderr.read().strip()[-400:]}")
        yield int(pid)

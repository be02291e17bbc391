"""Shells of the lab: the variables and start-up files by which each finds `labcore`, `python` and `my_runtime.py`.

A login shell reads /etc/profile, which sets PATH anew; what is here comes after that. An interactive bash runs PROMPT_COMMAND
before its prompts, another interactive POSIX shell reads the file that ENV names, sh(1p), and zsh its files in ZDOTDIR, which
go on to the user's own. Only a login shell for a script (`bash -lc`) is left with the PATH of /etc/profile.
"""

import os
import shlex
import sys
from pathlib import Path
from typing import Final

STARTUP: Final = "startup.sh"
ZSH_FILES: Final = (".zshenv", ".zprofile", ".zshrc", ".zlogin")  # zsh(1), in the order in which they are read
ZSH: Final = """ZDOTDIR="$HOME"
[ ! -f "$HOME/{name}" ] || . "$HOME/{name}"
ZDOTDIR={directory}
. {startup}
"""
ANY: Final = """case ":$PATH:" in
    *:{bin}:*) ;;
    *) PATH={bin}:"$PATH"; export PATH ;;
esac
if [ -z "$labcore_shell" ]; then
    labcore_shell=started
    [ "$PWD" != {work}/zh ] || cd {work}
fi
"""


def shell_settings(state: Path, work: Path) -> dict[str, str]:
    """Write the start-up files below `state`; return the environment in which every interactive shell reads them.

    In a folder of one language `my_runtime.py` is not at hand: a shell that starts there goes up to `work`.
    """
    directory = state / "shell"
    directory.mkdir(parents=True, exist_ok=True)
    bin_, startup = str(Path(sys.executable).parent), str(directory / STARTUP)
    (directory / STARTUP).write_text(ANY.format(bin=shlex.quote(bin_), work=shlex.quote(str(work))), encoding="utf-8")
    quoted = {"directory": shlex.quote(str(directory)), "startup": shlex.quote(startup)}
    for name in ZSH_FILES:
        (directory / name).write_text(ZSH.format(name=name, **quoted), encoding="utf-8")
    before = os.environ.get("PROMPT_COMMAND", "")
    mine = f". {shlex.quote(startup)}"
    return {
        "PATH": f"{bin_}:{os.environ.get('PATH', os.defpath)}",
        "ENV": startup,
        "ZDOTDIR": str(directory),
        "PROMPT_COMMAND": before if mine in before else "; ".join(filter(None, (mine, before))),
    }

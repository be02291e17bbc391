"""nftables: nft(8)'s commands as one transaction, by its command, or by its library in this process where that is absent.

The command comes first, for it reads all tables of the machine, and some versions crash at what a newer one has made there
(1.0.6 at any set whose keys have one part): better it than us.
"""

import shutil
import subprocess

from labcore.errors import InvalidInput, Unavailable


def run(commands: str) -> str:
    """Run commands, all of them or none, in the calling thread's network namespace; return what they list.

    Raises InvalidInput with nftables' own message, and Unavailable where there is neither command nor library, or it crashes.
    """
    if (command := shutil.which("nft")) is None:
        return _by_library(commands)
    done = subprocess.run([command, "-f", "-"], input=commands, capture_output=True, text=True)
    if done.returncode < 0:
        raise Unavailable(
            f"{command} was killed by signal {-done.returncode} when it read the tables of this machine: a newer nftables has "
            "made some\n  cure: a newer nftables, or --network none; `nft list ruleset` fails in the same way"
        )
    if done.returncode:
        raise InvalidInput(f"nftables: {done.stderr.strip()}")
    return done.stdout


def _by_library(commands: str) -> str:
    from labcore.native import libnftables  # ctypes and the library are 9 ms: only whole rulesets need them

    try:
        return libnftables.run(commands)
    except Unavailable as absent:
        raise Unavailable(f"nft, nftables' command, is not there; {absent}") from None

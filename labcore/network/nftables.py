"""nftables: nft(8)'s commands as one transaction, by its library in this process, or by its command where that is absent."""

import shutil
import subprocess

from labcore.errors import InvalidInput, Unavailable


def run(commands: str) -> str:
    """Run commands, all of them or none, in the calling thread's network namespace; return what they list.

    Raises InvalidInput with nftables' own message, and Unavailable where there is neither library nor command.
    """
    from labcore.native import libnftables  # ctypes and the library are 9 ms: only whole rulesets need them

    try:
        return libnftables.run(commands)
    except Unavailable as absent:
        if (command := shutil.which("nft")) is None:
            raise Unavailable(f"{absent}; nor is nft, its command") from None
    done = subprocess.run([command, "-f", "-"], input=commands, capture_output=True, text=True)
    if done.returncode:
        raise InvalidInput(f"nftables: {done.stderr.strip()}")
    return done.stdout

"""apt configuration of this machine: its distribution's package sources, and proxies."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from labcore.errors import Unavailable

MIRRORS: Final = (  # for machines without sources
    "http://deb.debian.org/debian {0}",
    "http://deb.debian.org/debian {0}-updates",
    "http://deb.debian.org/debian-security {0}-security",
)
KEYRING: Final = "/usr/share/keyrings/{}-archive-keyring.gpg"
COMPONENTS: Final = ("main", "universe")  # Debian's, and Ubuntu's two free ones
TARGETS: Final = (
    "apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages",
)  # fmt: skip


def require_apt() -> None:
    """Raise Unavailable if this machine has no apt and dpkg."""
    for command in ("apt-get", "apt-config", "dpkg-deb"):
        if shutil.which(command) is None:
            raise Unavailable(
                f"no {command} here: Debian's packages are fetched by apt. Do it on Debian or Ubuntu, "
                "and bring it in a kit (`make kit`); or pull an image of that name"
            )


def suite_here() -> str:
    """Return the name of this machine's release, as mmdebstrap(1) takes it: bookworm."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "stable")


def sources_here() -> list[str]:
    """Return the machine's sources, as lines of sources.list(5): its mirrors of its own distribution, and no third party's."""
    listed = subprocess.run(TARGETS, env=os.environ | {"LC_ALL": "C"}, capture_output=True, text=True, check=True).stdout
    release = platform.freedesktop_os_release()
    codename = suite_here()
    keyring = Path(KEYRING.format(release["ID"]))
    signed = f"[signed-by={keyring}] " if keyring.exists() else ""  # else by any key that this machine trusts
    targets = dict.fromkeys(line for line in listed.splitlines() if len(line.split()) == 3)
    ours = [
        # apt leaves a package of a local mirror where it is, unless it is told to copy it
        f"deb {signed}{re.sub('^file:', 'copy:', uri)} {suite} {component}"
        for uri, suite, component in map(str.split, targets)
        if component in COMPONENTS and re.fullmatch(rf"{re.escape(codename)}([-/](updates|security))?", suite)
    ]
    return ours or [f"deb {signed}{mirror.format(codename)} main" for mirror in MIRRORS]


def acquire_settings() -> str:
    """Return the machine's apt configuration of downloads, `Acquire`: proxies above all."""
    return subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True).stdout

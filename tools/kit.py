"""A kit: one archive that holds all that `make lab` would fetch, for machines without a network. make_kit.py makes it.

    kit.json      what the kit is for, and the SHA-256 of each file in it
    prepare.sh    installs make and python3 from the kit: without them nothing reads it
    packages/     Debian packages, with an index: an archive for apt
    wheels/       Python packages, for pip
    images/       images, as an OCI layout, for `labcore seed --from`
    vm/           a kernel for virtual machines, for `labcore vm setup --from`
    client/       the stock docker command, for `labcore lesson setup --from`

Needs nothing but Python's standard library.
"""

import hashlib
import json
import platform
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FORMAT = 1


class KitRefused(Exception):
    """The kit cannot be used here; the message says why, and what to do."""


class Kit:
    """A kit on disk. What is in it is used only after a look at each byte. Raises KitRefused."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser()
        try:
            with tarfile.open(self.path) as tar:
                first = tar.next()
                about = tar.extractfile(first) if first and first.name == "kit.json" else None
                self.about: dict[str, Any] = json.load(about) if about else {}
        except FileNotFoundError:
            raise KitRefused(f"there is no kit at {self.path}: `make kit` makes one, on a machine with a network") from None
        except (tarfile.TarError, OSError, ValueError) as error:
            raise KitRefused(f"{self.path} cannot be read as a kit: {error}") from error
        if self.about.get("format") != FORMAT:
            raise KitRefused(f"{self.path} is no kit that this labcore knows: make it anew with `make kit`")

    def must_fit_python(self, requirements: list[str]) -> None:
        """Refuse if its wheels are for another Python, another architecture, or for other requirements than these."""
        here = python_here()
        if self.about["python"] != here:
            raise KitRefused(
                f"{self.path} is for {self.about['python']}, and this is {here}: "
                "take the distribution's own (make … PYTHON=/usr/bin/python3), or make the kit on such a machine"
            )
        if lacking := sorted(set(requirements) - set(self.about["requirements"])):
            raise KitRefused(f"{self.path} lacks {', '.join(lacking)}: make it anew from this labcore")

    def must_fit_system(self, names: list[str]) -> None:
        """Refuse if its packages are for another distribution or release, or if these are not among those it was made for."""
        here = system_here()
        if self.about["system"] != here:
            raise KitRefused(
                f"{self.path} has packages of {self.about['system']}, and this is {here}: make the kit on a machine like this, "
                f"or install by other means: {', '.join(names)}"
            )
        if lacking := [name for name in names if name not in self.about["packages"]]:
            raise KitRefused(f"{self.path} has no {', '.join(lacking)}: make it anew from this labcore")

    @contextmanager
    def opened(self, folder: str) -> Iterator[Path]:
        """Lay one of its folders on disk meanwhile, each file checked against the list."""
        with tempfile.TemporaryDirectory(prefix="labcore-kit-") as place, tarfile.open(self.path) as tar:
            Path(place).chmod(0o755)
            wanted = {name: digest for name, digest in self.about["files"].items() if name.startswith(f"{folder}/")}
            try:
                for member in tar:
                    if member.name in wanted:
                        self._lay(tar, member, Path(place, Path(member.name).name), wanted.pop(member.name))
            except tarfile.TarError as error:
                raise KitRefused(f"{self.path} is cut off or damaged: {error}. Copy it again") from error
            if wanted:
                raise KitRefused(f"{self.path} is cut off: {len(wanted)} files of {folder} are missing. Copy it again")
            yield Path(place)

    def _lay(self, tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, digest: str) -> None:
        source = tar.extractfile(member)
        if source is not None:
            with target.open("wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
            if sha256_of(target) == digest:
                return
        raise KitRefused(f"{self.path} is damaged: {member.name} is not what it was. Copy the kit again")


def sha256_of(path: Path) -> str:
    """Return a file's digest."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def python_here() -> str:
    """Return which wheels this Python takes, in words."""
    return python_called(f"{sys.version_info[0]}.{sys.version_info[1]}")


def python_called(version: str) -> str:
    """Return which wheels a Python of that version, `3.11`, takes on a machine like this, in words."""
    return f"Python {version} on {platform.machine()}"


def system_here() -> str:
    """Return which packages this machine takes, in words."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    version = release.get("VERSION_ID") or release.get("VERSION_CODENAME", "")
    return f"{release.get('ID', 'an unknown system')} {version} on {platform.machine()}"

"""One file out of a Debian package, kept by itself: its package is unpacked for it, and never installed.

::

    PLACE/NAME         the file
          NAME.json    the format's version, the package that it came in, its size and its digest

A kit (`make kit`) holds both in a folder.
"""

import hashlib
import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Final

from labcore.atomic import atomic_write
from labcore.errors import StoreDamaged, Unavailable
from labcore.images.builtin.apt import Package
from labcore.record import Record

FORMAT: Final = "1"
SIZE_MAX: Final = 128 << 20  # bytes


class PackagedFile(Record):
    """A file that is here, and the package that it came in."""

    path: Path
    package: str
    version: str

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.path.stat().st_size


def found_file(path: Path) -> PackagedFile | None:
    """Return a file that was kept; None if it is not there, or not whole."""
    try:
        about = json.loads(_about(path).read_text(encoding="utf-8"))
        file = PackagedFile(path, str(about["package"]), str(about["version"]))
        return file if file.size == about["size"] and about["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_file(path: Path, package: str, version: str, content: bytes, *, mode: int = 0o644) -> PackagedFile:
    """Keep a file that came in a package. Raises OSError."""
    about = {"format": FORMAT, "package": package, "version": version, "size": len(content)}
    about["sha256"] = hashlib.sha256(content).hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, content, mode=mode)
    atomic_write(_about(path), json.dumps(about, indent=1).encode())
    return PackagedFile(path, package, version)


def read_packaged(package: Package, pattern: str) -> bytes:
    """Return the content of a package's first file whose path, without a `/` before it, is like the pattern.

    No maintainer script is run. Raises Unavailable.
    """
    command = ["dpkg-deb", "--fsys-tarfile", str(package.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as unpacking:
        assert unpacking.stdout is not None
        try:
            with tarfile.open(fileobj=unpacking.stdout, mode="r|") as tar:
                for member in tar:
                    if re.fullmatch(pattern, member.name.removeprefix("./")) and (source := tar.extractfile(member)):
                        return source.read()
        except tarfile.TarError as error:
            raise Unavailable(f"{package.path} cannot be unpacked ({error}): delete it, and try again") from error
        finally:
            unpacking.kill()
    raise Unavailable(f"the package {package.name} {package.version} has no file like {pattern}")


def take_file(path: Path, kit: Path, folder: str, *, what: str, mode: int = 0o644) -> PackagedFile:
    """Take a file out of a kit's folder; `what` it is, for messages. Raises Unavailable, StoreDamaged."""
    try:
        with tarfile.open(kit) as tar:
            found = {member.name: member for member in tar if member.isreg() and member.size <= SIZE_MAX}
            about = json.loads(_content(tar, found[f"{folder}/{path.name}.json"]))
            content = _content(tar, found[f"{folder}/{path.name}"])
            package, version, digest = str(about["package"]), str(about["version"]), about["sha256"]
    except KeyError as error:
        raise Unavailable(f"{kit} holds no {what} ({error} is missing): make the kit anew, with `make kit`") from None
    except (tarfile.TarError, EOFError, ValueError, TypeError) as error:
        raise StoreDamaged(f"{kit} cannot be read as a kit: {error}. Copy it again") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise StoreDamaged(f"{kit} is damaged: its {what} is not what it was. Copy it again")
    return keep_file(path, package, version, content, mode=mode)


def _about(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    source = tar.extractfile(member)
    return source.read() if source else b""

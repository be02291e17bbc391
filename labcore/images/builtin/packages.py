"""Unpacking Debian packages into a layer, from the stream of `dpkg-deb --fsys-tarfile`, without root.

Maintainer scripts are not run: the image's own code does what an image needs of that.
"""

import re
import subprocess
import tarfile
from collections.abc import Sequence
from typing import Final

from labcore.errors import Unavailable
from labcore.images.builtin.apt import Package
from labcore.images.builtin.layer import Entry, LayerWriter

# Not needed in a container: documentation, translations, and service units.
EXCLUDED: Final = re.compile(
    r"usr/share/(man|info|locale|lintian|doc-base|bash-completion|bug|menu|vim|apport|initramfs-tools|pixmaps|applications)(/|$)"
    r"|usr/share/doc/(?!.*/copyright$).*[^/]$"
    r"|(usr/)?lib/(systemd|init)(/|$)|usr/lib/[^/]+/gconv/"  # iconv's tables: UTF-8 and Latin-1 are in libc itself
    r"|etc/(init\.d|logrotate\.d|cron\.[a-z]+|ufw|update-motd\.d|systemd)(/|$)"
)
# Debian's packages of before 2024 still have files where merged systems have links to /usr.
MERGED: Final = re.compile(r"(bin|sbin|lib|lib32|lib64|libx32)(/|$)")


def add_packages(layer: LayerWriter, packages: Sequence[Package]) -> None:
    """Add the files of these packages; those in /bin, /lib and /sbin go below /usr.

    Raises Unavailable for a package that cannot be unpacked.
    """
    for package in packages:
        command = ["dpkg-deb", "--fsys-tarfile", str(package.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as unpacking:
            assert unpacking.stdout is not None
            try:
                with tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive:
                    _add_archive(layer, archive)
                unpacking.stdout.read()  # an archive is padded, and dpkg-deb wants to be rid of all of it
            except (tarfile.TarError, KeyError, ValueError) as error:
                raise Unavailable(f"{package.path} cannot be unpacked ({error}): delete it, and try again") from error
        if unpacking.returncode:
            raise Unavailable(f"{package.path} cannot be unpacked: delete it, and try again")


def _add_archive(layer: LayerWriter, archive: tarfile.TarFile) -> None:
    for member in archive:
        path = _place(member.name)
        link_of_a_merged_system = member.issym() and re.fullmatch(r"usr/(bin|sbin|lib\w*)", path)  # the lowest layer has them
        if path in ("", ".") or EXCLUDED.match(path) or link_of_a_merged_system:
            continue
        source = archive.extractfile(member) if member.isreg() else None
        target = _place(member.linkname) if member.islnk() else member.linkname
        content = source.read() if source else b""
        layer.add(Entry(path, member.type, member.mode, content, target, (member.uid, member.gid), int(member.mtime)))


def _place(path: str) -> str:
    path = path.removeprefix("./").strip("/")
    return f"usr/{path}" if MERGED.match(path) else path

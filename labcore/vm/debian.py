"""Debian guest: a whole Debian with systemd on a disk, made once by mmdebstrap(1).

::

    ROOT/vm/debian/disk, kernel, initrd     what it is started from; the disk is never changed: a start's changes are dropped
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from labcore.errors import Unavailable
from labcore.images.builtin.apt_sources import sources_here, suite_here
from labcore.record import Record
from labcore.vm.kernel import package_here
from labcore.vm.qemu import dies_with_parent

PACKAGES: Final = ("dbus", "libpam-systemd", "login", "systemd-sysv", "udev")
# The serial line is this side's: with a getty on it, the start would wait for udev to see it. The others look after a machine
# that lives for months.
MASKED: Final = (
    "serial-getty@ttyS0.service", "serial-getty@ttyAMA0.service", "apt-daily.timer", "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
)  # fmt: skip
# From an archive ($1) to the files that a Debian is started from, in a directory ($2).
TO_DISK: Final = """\
mkdir root
tar -xf "$1" -C root --exclude='./dev/*'
mke2fs -q -t ext4 -d root "$2/disk" "$3"
cp root/boot/vmlinu*-* "$2/kernel"
cp root/boot/initrd.img-* "$2/initrd"
chmod 644 "$2/kernel" "$2/initrd"
rm -rf root
"""
WORDS: Final = "root=/dev/vda rw systemd.show_status=yes systemd.log_color=0"
READY: Final = rb"Reached target (multi-user\.target|.*Multi-User System)"
DISK: Final = "2G"
NEEDED: Final = {"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs"}

Tell = Callable[[str], None]


class Debian(Record):
    """The files that a Debian is started from."""

    disk: Path
    kernel: Path
    initrd: Path

    def is_here(self) -> bool:
        """Are they all there?"""
        return all(path.exists() for path in self.values())


def at(root: Path) -> Debian:
    """Return where they are to lie below a state root."""
    place = root / "vm" / "debian"
    return Debian(place / "disk", place / "kernel", place / "initrd")


def found(root: Path) -> Debian:
    """Return it. Raises Unavailable if it was not made yet."""
    if not (debian := at(root)).is_here():
        raise Unavailable(f"no Debian for virtual machines in {debian.disk.parent}: make one with `labcore vm setup --full`")
    return debian


def make(root: Path, *, anew: bool = False, tell: Tell = lambda _: None) -> Debian:
    """Make it unless it is here: the whole, or nothing. Raises Unavailable, with what the tools say."""
    debian = at(root)
    if debian.is_here() and not anew:
        return debian
    for command, package in NEEDED.items():
        if shutil.which(command) is None:
            raise Unavailable(f"no {command} on this machine, which makes a Debian: apt-get install {package}")
    tell("making a Debian with systemd, which takes a minute or two")
    started, place = time.monotonic(), debian.disk.parent
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".debian-") as scratch:
        incoming = Path(scratch, "done")
        incoming.mkdir()
        _make_in(incoming, Path(scratch))
        shutil.rmtree(place, ignore_errors=True)
        incoming.rename(place)
    tell(f"made in {time.monotonic() - started:.0f} s")
    return debian


def _make_in(place: Path, scratch: Path) -> None:
    """Make an archive of the root, and of that the disk: so that an ordinary user can, whose files in it are others'."""
    tar = scratch / "root.tar"
    hooks = [f'ln -sf /dev/null "$1/etc/systemd/system/{unit}"' for unit in MASKED]
    hooks += ['echo labcore > "$1/etc/hostname"', 'echo "/dev/vda / ext4 defaults 0 0" > "$1/etc/fstab"']
    words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join((*PACKAGES, package_here()))}"]
    words += [*(f"--customize-hook={hook}" for hook in hooks), suite_here(), str(tar), *sources_here()]
    _run(_with_its_children(words), scratch)
    _run(_as_root(["sh", "-ec", TO_DISK, "sh", str(tar), str(place), DISK]), scratch)
    if not (place / "kernel").exists() or not (place / "initrd").exists():
        raise Unavailable("mmdebstrap has made a Debian without a kernel in /boot: try again with --update")


def _with_its_children(command: list[str]) -> list[str]:
    """Return root's command so that what it mounts and starts goes with it; an ordinary user's has namespaces of its own."""
    if os.geteuid():
        return dies_with_parent(command)
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *command]


def _as_root(command: list[str]) -> list[str]:
    """Return a command so that it may give files to others: an ordinary user's in a user namespace."""
    return ["unshare", "--map-root-user", "--map-auto", *command] if os.geteuid() else command


def _run(command: list[str], scratch: Path) -> None:
    log = scratch / "log"
    with log.open("wb") as out:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False, cwd=scratch)
    if done.returncode:
        said = log.read_text(errors="replace", encoding="utf-8").strip().splitlines()[-3:]
        raise Unavailable(f"{command[0]} failed: {' | '.join(said)}\n  cure: connect to the network, make room, and try again")

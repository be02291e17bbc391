"""Guest kernel: the distribution's own for virtual machines, downloaded and verified by apt, never installed.

::

    ROOT/vm/kernel        the kernel, as it is booted
            kernel.json   where it came from
"""

import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from labcore.errors import Unavailable
from labcore.images.builtin.apt import Archive
from labcore.images.builtin.packaged_file import PackagedFile, found_file, keep_file, read_packaged, take_file

PACKAGES: Final = {
    ("debian", "x86_64"): "linux-image-cloud-amd64",
    ("debian", "aarch64"): "linux-image-cloud-arm64",
    ("ubuntu", "x86_64"): "linux-image-virtual",
    ("ubuntu", "aarch64"): "linux-image-virtual",
}
# What a kernel's package asks for in order to install itself: here it is only unpacked.
WITHOUT: Final = ("initramfs-tools", "kmod", "linux-base", "linux-firmware", "wireless-regdb")

Tell = Callable[[str], None]


class NoGuestKernel(Unavailable):
    """No kernel for virtual machines was fetched yet."""


def found_kernel(root: Path) -> PackagedFile:
    """Return the kernel below a state root. Raises NoGuestKernel."""
    if kernel := found_file(_place(root)):
        return kernel
    raise NoGuestKernel(f"no kernel for virtual machines in {root / 'vm'}: fetch one with `labcore vm setup`")


def fetch_kernel(root: Path, *, update: bool = False, tell: Tell = lambda _: None) -> PackagedFile:
    """Fetch a kernel unless one is here; a second time needs no network. Raises Unavailable."""
    if not update and (kernel := found_file(_place(root))):
        return kernel
    wanted = package_here()
    packages = Archive(root / "packages").packages([wanted], without=WITHOUT, update=update, tell=tell)
    image = next((p for p in packages if re.match(r"linux-image-(unsigned-)?\d", p.name)), None)
    if image is None:
        raise Unavailable(f"the package {wanted} brings no kernel here")
    tell(f"unpacking {image.name}")
    return keep_file(_place(root), image.name, image.version, read_packaged(image, r"boot/vmlinu[xz]-.+"))


def take_kernel(root: Path, kit: Path) -> PackagedFile:
    """Take the kernel out of a kit (`make kit`). Raises Unavailable, StoreDamaged."""
    return take_file(_place(root), kit, "vm", what="kernel")


def package_here() -> str:
    """Return the name of the package for this distribution and machine. Raises Unavailable."""
    try:
        system = platform.freedesktop_os_release()["ID"]
    except (OSError, KeyError):
        system = ""
    name = PACKAGES.get((system, platform.machine()))
    if name is None:
        where = f"{system or '?'} {platform.machine()}"
        raise Unavailable(f"no kernel for guests is known for {where}: set it up on Debian or Ubuntu")
    return name


def _place(root: Path) -> Path:
    return root / "vm" / "kernel"

"""Guest kernel: the distribution's own for virtual machines, downloaded and verified by apt, never installed.

::

    ROOT/vm/kernel        the kernel, as it is booted
            kernel.json   the format's version, and the package that it came in
"""

import hashlib
import json
import platform
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from labcore.atomic import atomic_write
from labcore.errors import StoreDamaged, Unavailable
from labcore.images.builtin.apt import Archive, Package
from labcore.record import Record

FORMAT: Final = "1"
PACKAGES: Final = {
    ("debian", "x86_64"): "linux-image-cloud-amd64",
    ("debian", "aarch64"): "linux-image-cloud-arm64",
    ("ubuntu", "x86_64"): "linux-image-virtual",
    ("ubuntu", "aarch64"): "linux-image-virtual",
}
# What a kernel's package asks for in order to install itself: here it is only unpacked.
WITHOUT: Final = ("initramfs-tools", "kmod", "linux-base", "linux-firmware", "wireless-regdb")

KERNEL_MAX: Final = 64 << 20  # bytes

Tell = Callable[[str], None]


class NoGuestKernel(Unavailable):
    """No kernel for virtual machines was fetched yet."""


class Kernel(Record):
    """A kernel that is here."""

    path: Path
    package: str
    version: str

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.path.stat().st_size


def found_kernel(root: Path) -> Kernel:
    """Return the kernel below a state root. Raises NoGuestKernel."""
    place = root / "vm"
    try:
        about = json.loads((place / "kernel.json").read_text(encoding="utf-8"))
        kernel = Kernel(place / "kernel", str(about["package"]), str(about["version"]))
        if kernel.size == about["size"] and about["format"] == FORMAT:
            return kernel
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise NoGuestKernel(f"no kernel for virtual machines in {place}: fetch one with `labcore vm setup`")


def fetch_kernel(root: Path, *, update: bool = False, tell: Tell = lambda _: None) -> Kernel:
    """Fetch a kernel unless one is here; a second time needs no network. Raises Unavailable."""
    if not update:
        try:
            return found_kernel(root)
        except Unavailable:
            pass
    wanted = package_here()
    packages = Archive(root / "packages").packages([wanted], without=WITHOUT, update=update, tell=tell)
    image = next((p for p in packages if re.match(r"linux-image-(unsigned-)?\d", p.name)), None)
    if image is None:
        raise Unavailable(f"the package {wanted} brings no kernel here")
    tell(f"unpacking {image.name}")
    return _keep(root / "vm", image.name, image.version, _kernel_in(image))


def take_kernel(root: Path, kit: Path) -> Kernel:
    """Take the kernel out of a kit (`make kit`). Raises Unavailable, StoreDamaged."""
    try:
        with tarfile.open(kit) as tar:
            found = {member.name: member for member in tar if member.isreg() and member.size <= KERNEL_MAX}
            about = json.loads(_content(tar, found["vm/kernel.json"]))
            content = _content(tar, found["vm/kernel"])
            package, version, digest = str(about["package"]), str(about["version"]), about["sha256"]
    except KeyError as error:
        raise Unavailable(f"{kit} holds no kernel ({error} is missing): make the kit anew, with `make kit`") from None
    except (tarfile.TarError, EOFError, ValueError, TypeError) as error:
        raise StoreDamaged(f"{kit} cannot be read as a kit: {error}. Copy it again") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise StoreDamaged(f"{kit} is damaged: its kernel is not what it was. Copy it again")
    return _keep(root / "vm", package, version, content)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    source = tar.extractfile(member)
    return source.read() if source else b""


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


def _kernel_in(package: Package) -> bytes:
    command = ["dpkg-deb", "--fsys-tarfile", str(package.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as unpacking:
        assert unpacking.stdout is not None
        try:
            with tarfile.open(fileobj=unpacking.stdout, mode="r|") as tar:
                for member in tar:
                    if re.fullmatch(r"(\./)?boot/vmlinu[xz]-.+", member.name) and (source := tar.extractfile(member)):
                        return source.read()
        except tarfile.TarError as error:
            raise Unavailable(f"{package.path} cannot be unpacked ({error}): delete it, and try again") from error
        finally:
            unpacking.kill()
    raise Unavailable(f"the package {package.name} brings no kernel here")


def _keep(place: Path, package: str, version: str, content: bytes) -> Kernel:
    about = {"format": FORMAT, "package": package, "version": version, "size": len(content)}
    about["sha256"] = hashlib.sha256(content).hexdigest()
    place.mkdir(parents=True, exist_ok=True)
    atomic_write(place / "kernel", content)
    atomic_write(place / "kernel.json", json.dumps(about, indent=1).encode())
    return found_kernel(place.parent)

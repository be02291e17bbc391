"""qemu's command line: qemu(1). The parts for arm64 are untried."""

import platform
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from labcore.errors import InvalidInput, Unavailable
from labcore.record import Record

Accelerator = Literal["kvm", "tcg"]  # the processor's own virtualization, or an emulated processor
MACHINES: Final = {"x86_64": ("q35", "microvm"), "aarch64": ("virt",)}  # the first is what is taken if none is named
PACKAGES: Final = {"x86_64": "qemu-system-x86", "aarch64": "qemu-system-arm"}
MIN_MEMORY_MB: Final = 128  # the kernel alone takes 80

# The kernel says nothing but errors while it starts (what it says slows it down), the program that unpacks it says that it
# does; a panic restarts the guest, and a qemu that may not restart ends.
KERNEL_WORDS: Final = "loglevel=4 panic=-1 reboot=t"
CONSOLES: Final = {"x86_64": "console=ttyS0 earlyprintk=ttyS0,115200", "aarch64": "console=ttyAMA0"}


class Disk(Record):
    """A guest's disk, a raw image; what the guest writes to it is dropped when it ends."""

    path: Path


class Hardware(Record):
    """A virtual machine's hardware: its type (`machine`), memory and accelerator."""

    machine: str
    accelerator: Accelerator
    memory_mb: int = 256
    cpus: int = 1
    disk: Disk | None = None

    def __post_init__(self) -> None:
        """Refuse what qemu or the kernel would refuse, with better messages."""
        known = MACHINES.get(platform.machine(), ())
        if self.machine not in known:
            raise InvalidInput(f"machine: there is no {self.machine!r} here, but {' and '.join(known) or 'none'}")
        if self.memory_mb < MIN_MEMORY_MB:
            raise InvalidInput(f"memory_mb: a guest with {self.memory_mb} MB cannot start: give it {MIN_MEMORY_MB} or more")
        if self.disk and self.machine == "microvm":
            raise InvalidInput("machine: a microvm starts without firmware for disks: take q35")


def default_machine() -> str:
    """Return this architecture's usual type of machine. Raises Unavailable."""
    if not (known := MACHINES.get(platform.machine())):
        raise Unavailable(f"virtual machines of this architecture, {platform.machine()}, are not known here")
    return known[0]


def find_qemu() -> str:
    """Return qemu's path. Raises Unavailable, with the package that has it."""
    machine = platform.machine()
    if path := shutil.which(f"qemu-system-{machine}"):
        return path
    package = PACKAGES.get(machine, "qemu-system")
    raise Unavailable(f"no qemu-system-{machine} on this machine: apt-get install --no-install-recommends {package}")


def require_memory(memory_mb: int) -> None:
    """Raise Unavailable if this machine has not so much memory left: the OOM killer would end some process."""
    lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    left = next((int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:")), memory_mb)
    if left < memory_mb:
        raise Unavailable(
            f"the guest is to have {memory_mb} MB, and this machine has {left} MB left: end something, or take less"
        )


def command(qemu: str, hardware: Hardware, kernel: Path, initrd: Path, words: str) -> list[str]:
    """Return the command that starts a guest whose serial line is qemu's standard input and output."""
    disk = []
    if hardware.disk:
        disk = ["-drive", f"file={_escaped(hardware.disk.path)},format=raw,if=virtio,snapshot=on"]
    return [
        qemu, "-machine", hardware.machine, "-accel", hardware.accelerator, "-cpu", _processor(hardware),
        "-smp", str(hardware.cpus), "-m", str(hardware.memory_mb), "-nodefaults", "-no-user-config", "-no-reboot",
        "-display", "none", "-nic", "none", "-serial", "stdio", *disk,
        "-kernel", str(kernel), "-initrd", str(initrd), "-append", f"{CONSOLES[platform.machine()]} {KERNEL_WORDS} {words}",
    ]  # fmt: skip


def _processor(hardware: Hardware) -> str:
    """Return the CPU model: emulated, a plain one starts faster than one with all features."""
    if hardware.accelerator == "kvm":
        return "host"
    return "qemu64" if platform.machine() == "x86_64" else "max"


def _escaped(path: Path) -> str:
    return str(path).replace(",", ",,")


def probes(firmware: int | None, control: int | None) -> list[str]:
    """Return the options for monitoring: the firmware's debug output, and qemu's control socket (QMP)."""
    options: list[str] = []
    if firmware is not None and platform.machine() == "x86_64":
        options += ["-chardev", f"file,id=firmware,path=/dev/fd/{firmware}"]
        options += ["-device", "isa-debugcon,iobase=0x402,chardev=firmware"]
    if control is not None:
        options += ["-chardev", f"socket,id=control,fd={control}", "-mon", "chardev=control,mode=control"]
    return options


def dies_with_parent(argv: Sequence[str]) -> list[str]:
    """Return a command that the kernel kills when the thread that has started it is gone: prctl(2), PR_SET_PDEATHSIG."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Unavailable("no setpriv on this machine, which sees to it that no guest outlives us: apt-get install util-linux")
    return [setpriv, "--pdeathsig", "KILL", "--", *argv]

"""Labels of the comparison's pictures, in the reader's language."""

from labcore.bench.comparison import Comparison
from labcore.lab.messages import say

MACHINES = ("microvm", "q35", "virt", "by hand", "labcore vm run", "debian")


def family(subject: str) -> str:
    """Return what a subject is: a process, a container, a (virtual) machine."""
    return "process" if subject == "process" else "machine" if subject in MACHINES else "container"


def families() -> dict[str, str]:
    """Return the families' names."""
    return {"process": say("process"), "container": say("container"), "machine": say("virtual machine")}


def subject(name: str) -> str:
    """Return a subject's name for a picture."""
    return {
        "process": say("a process"),
        "labcore": say("container: labcore, from Python"),
        "mine": say("container: your own run"),
        "labcore run": say("container: labcore run"),
        "crun": say("container: crun"),
        "podman": say("container: podman run"),
        "docker": say("container: docker run"),
        "microvm": say("VM: microvm, small guest"),
        "q35": say("VM: PC, small guest"),
        "virt": say("VM: virt, small guest"),
        "by hand": say("VM: PC, qemu by hand"),
        "labcore vm run": say("VM: labcore vm run"),
        "debian": say("VM: PC, Debian with systemd"),
    }[name]


def work() -> dict[str, str]:
    """Return the names of the kinds of work."""
    return {
        "cpu": say("arithmetic"),
        "getpid": say("a system call (getpid)"),
        "stat": say("a look at a file (stat)"),
        "create": say("a file made and removed"),
        "pipe": say("a byte there and back (pipe)"),
        "fork": say("a process made and ended"),
    }


def phase(name: str) -> str:
    """Return the name of a phase of a virtual machine's start."""
    return {
        "qemu": say("qemu: the machine is made"),
        "qemu, firmware, kernel decompressed": say("qemu, firmware, kernel decompressed"),
        "firmware": say("firmware"),
        "kernel": say("kernel"),
        "kernel: decompressed": say("kernel: decompressed"),
        "kernel: memory": say("kernel: memory"),
        "kernel: processors and interrupts": say("kernel: processors, interrupts"),
        "kernel: buses": say("kernel: buses (PCI, ACPI)"),
        "kernel: first root unpacked": say("kernel: first root unpacked"),
        "kernel: drivers": say("kernel: drivers"),
        "kernel and first process": say("kernel and first process"),
        "first process": say("first process"),
        "first root: finds the disk": say("first root: finds the disk"),
        "systemd and its services": say("systemd and its services"),
    }.get(name, name)


def duration(ms: float) -> str:
    """Return a time with as many digits as one reads."""
    if ms >= 1000:
        return say("{time} s", time=f"{ms / 1000:.2f}" if ms < 10_000 else f"{ms / 1000:.0f}")
    return say("{time} ms", time=f"{ms:.2f}" if ms < 1 else f"{ms:.1f}" if ms < 100 else f"{ms:.0f}")


def circumstances(found: Comparison) -> str:
    """Return by what the virtual machines' processor was run: without it, the figures say little."""
    accelerator = found.environment["versions"].get("accelerator")
    if accelerator == "tcg":
        return say("virtual machines emulated (TCG), without KVM")
    return say("virtual machines run by KVM") if accelerator == "kvm" else ""

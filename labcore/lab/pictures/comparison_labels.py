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


def explained(name: str) -> str:
    """Return what a subject is, for whoever has not met it."""
    return {
        "process": say("the program alone, without a container: what all others are compared with"),
        "labcore": say("a Python that is running already calls labcore, as this notebook does"),
        "mine": say("`run` of your `my_runtime.py`, timed to the end of its program"),
        "labcore run": say("the same by a command, for which Python itself has to start first"),
        "crun": say("an OCI runtime in C, as a command; podman uses it"),
        "podman": say("the command, with all that it does around its runtime: storage, network, records"),
        "docker": say("the command; it asks a daemon, which asks containerd, which starts runc"),
        "microvm": say("qemu's smallest machine: hardly any devices, and busybox as its system"),
        "q35": say("qemu's ordinary PC, with firmware, buses and disks to look for; the same busybox"),
        "virt": say("qemu's ordinary machine for this processor; the same busybox"),
        "by hand": say("qemu called without labcore: the difference is what labcore adds"),
        "labcore vm run": say("the command, for which Python itself has to start first"),
        "debian": say("a whole Debian with systemd, as servers have it"),
    }[name]


def work_explained() -> dict[str, str]:
    """Return what each kind of work does."""
    return {
        "cpu": say("adds numbers, and never calls the kernel"),
        "getpid": say("the smallest system call, over and over: what a filter costs is seen here"),
        "stat": say("asks for the size and the date of a file: through all layers of the container's root"),
        "create": say("in memory, on the container's topmost layer"),
        "pipe": say("two processes wake one another up in turn; on which processors they run matters more than all else"),
        "fork": say("the parent waits for its child to end"),
    }


def phase_explained() -> dict[str, str]:
    """Return what happens in each phase of a virtual machine's start."""
    return {
        "qemu": say("the emulator starts and makes memory, processor and devices"),
        "qemu, firmware, kernel decompressed": say("all that comes before the first word of the kernel"),
        "firmware": say("the machine's own first program finds the kernel"),
        "kernel: decompressed": say("the kernel unpacks itself"),
        "kernel": say("from the first word of the kernel to that of its first process"),
        "kernel and first process": say("from the first word of the kernel to that of its first process"),
        "kernel: memory": say("it takes stock of the memory"),
        "kernel: processors and interrupts": say("it starts the processors and their clocks"),
        "kernel: buses": say("it looks for devices"),
        "kernel: first root unpacked": say("it unpacks its first root file system, in memory"),
        "kernel: drivers": say("each driver looks for what it drives"),
        "first root: finds the disk": say("a first, small system finds and mounts the disk"),
        "first process": say("number 1 starts and says its first word"),
        "systemd and its services": say("the system's services start"),
    }


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


def circumstances(found: Comparison) -> str:
    """Return by what the virtual machines' processor was run: without it, the figures say little."""
    accelerator = found.environment["versions"].get("accelerator")
    if accelerator == "tcg":
        return say("virtual machines emulated (TCG), without KVM")
    return say("virtual machines run by KVM") if accelerator == "kvm" else ""

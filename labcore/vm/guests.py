"""Guests: set up and start the small guest and Debian, and choose the accelerator, KVM or TCG."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Literal

from labcore.atomic import atomic_write
from labcore.errors import InvalidInput
from labcore.images import ImageStore
from labcore.images.builtin.packaged_file import PackagedFile
from labcore.locks import Lock
from labcore.paths import default_root
from labcore.record import Record
from labcore.vm import debian, qemu
from labcore.vm.initramfs import made_of, small_root
from labcore.vm.kernel import fetch_kernel, found_kernel, take_kernel
from labcore.vm.machine import Machine, MachineFailed, machine
from labcore.vm.qemu import Accelerator, Disk, Hardware

Guest = Literal["small", "debian"]
SMALL_MB, DEBIAN_MB = 256, 512
PROBE_SECONDS: Final = 15.0  # a guest that is run by the processor itself is there in one; where it hangs, it hangs for ever
START_SECONDS: Final = 60.0  # for the small guest, on a machine that is busy
DEBIAN_SECONDS: Final = 300.0
TSC_LINE: Final = re.compile(r"tsc: Refined TSC clocksource calibration: (\d+)\.(\d{3}) MHz")  # a busy machine's first is wrong

Tell = Callable[[str], None]


def setup(
    root: Path | None = None,
    *,
    full: bool = False,
    update: bool = False,
    kit: Path | None = None,
    tell: Tell = lambda _: None,
) -> PackagedFile:
    """Fetch and make all that guests need; what is here already takes no time and no network.

    `full` also makes a whole Debian with systemd, which takes a minute or two, and root or a machine that lets ordinary users
    make user namespaces. Out of a `kit` the kernel comes without a network. `tell` hears what takes time.
    Raises Unavailable, with the cure; StoreDamaged for a kit that is.
    """
    place = root or default_root()
    qemu.find_qemu()
    kernel = take_kernel(place, kit) if kit else fetch_kernel(place, update=update, tell=tell)
    small_initrd(place, anew=update)
    tell("starting a first guest, to see by what its processor is run here")
    _probed(place, anew=True)
    if full:
        debian.make(place, anew=update, tell=tell)
    return kernel


def small_initrd(root: Path, *, anew: bool = False) -> Path:
    """Return the file with the small guest's root, made if what it is made of has changed. Raises Unavailable, StoreDamaged."""
    store = ImageStore(root / "images")
    path = root / "vm" / f"small-{made_of(store)}.cpio"
    if anew or not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, small_root(store))
        for old in set(path.parent.glob("small-*.cpio")) - {path}:
            old.unlink(missing_ok=True)
    return path


def start(
    guest: Guest = "small",
    *,
    machine_type: str | None = None,
    accel: Accelerator | None = None,
    memory_mb: int | None = None,
    root: Path | None = None,
    timeout: float | None = None,
) -> AbstractContextManager[Machine]:
    """Start a virtual machine, and wait until its guest's first process (`debian`: its multi-user target) is there.

    `with start() as machine:` — it is gone when the block ends, and when this process does. The small guest is a kernel with
    the image `busybox`; it takes commands: `machine.run("uname -a")`. By default the processor runs the guest itself (KVM)
    where that works, and is emulated (TCG) elsewhere: `machine.hardware.accelerator` says which.
    Raises Unavailable for what is not set up, InvalidInput, MachineFailed.
    """
    place = root or default_root()
    probe = _probed(place)
    chosen = accel or probe.accelerator
    kind = machine_type or qemu.default_machine()
    if guest == "debian":
        made = debian.found(place)
        hardware = Hardware(kind, chosen, memory_mb or DEBIAN_MB, disk=Disk(made.disk))
        return machine(
            hardware, made.kernel, made.initrd, words=debian.WORDS, ready=debian.READY, timeout=timeout or DEBIAN_SECONDS
        )
    if guest != "small":
        raise InvalidInput(f"guest: there are small and debian, no {guest!r}")
    hardware = Hardware(kind, chosen, memory_mb or SMALL_MB)
    words = clock_parameters(hardware, probe.tsc_khz)
    return machine(hardware, found_kernel(place).path, small_initrd(place), words=words, timeout=timeout or START_SECONDS)


def clock_parameters(hardware: Hardware, tsc_khz: int) -> str:
    """Return the kernel parameter for the TSC's frequency: an emulated microvm has no clock to calibrate it, and may hang."""
    return f"tsc_early_khz={tsc_khz}" if hardware.machine == "microvm" and hardware.accelerator == "tcg" and tsc_khz else ""


def accelerator(root: Path | None = None) -> Accelerator:
    """Return the accelerator: KVM only if a guest has run with it here. Raises Unavailable without a kernel."""
    return _probed(root or default_root()).accelerator


class AcceleratorProbe(Record):
    """The result of a trial guest, once for each boot: the accelerator, and the TSC's frequency (0: unknown).

    A /dev/kvm proves little: there are machines where guests hang with it.
    """

    accelerator: Accelerator
    tsc_khz: int = 0


def _probed(root: Path, *, anew: bool = False) -> AcceleratorProbe:
    path = root / "vm" / "trial.json"
    openable = os.access("/dev/kvm", os.R_OK | os.W_OK)
    state = {"boot": read_boot_id(), "kernel": found_kernel(root).version, "openable": openable}
    path.parent.mkdir(parents=True, exist_ok=True)
    with Lock(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR).acquire():
        known = {} if anew else _read(path)
        if {name: known.get(name) for name in state} == state:
            return AcceleratorProbe("kvm" if known.get("accelerator") == "kvm" else "tcg", int(str(known.get("tsc_khz", 0))))
        found = (
            (_try(root, "kvm", PROBE_SECONDS) if openable else None)
            or _try(root, "tcg", START_SECONDS)
            or AcceleratorProbe("tcg")
        )
        atomic_write(path, json.dumps(state | found.as_dict()).encode())
    return found


def _try(root: Path, accel: Accelerator, timeout: float) -> AcceleratorProbe | None:
    """Run a guest and a command in it; None if that fails."""
    hardware = Hardware(qemu.default_machine(), accel)
    try:
        with machine(hardware, found_kernel(root).path, small_initrd(root), timeout=timeout) as made:
            log = made.run("sleep 2; dmesg" if accel == "tcg" else "dmesg", timeout)
            seen = TSC_LINE.search(log)
    except (MachineFailed, TimeoutError):
        return None
    return AcceleratorProbe(accel, int(seen[1] + seen[2]) if seen else 0)


def read_boot_id() -> str:
    """Return this machine's boot ID: random(4)."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class File(Record):
    """A file that guests are started from; `size` is its disk usage in bytes."""

    what: str
    path: Path
    size: int


def files(root: Path | None = None) -> Iterator[File]:
    """Yield what is here. Raises Unavailable without a kernel."""
    place = root or default_root()
    kernel, whole = found_kernel(place), debian.at(place)
    listed = [(f"kernel {kernel.version}", kernel.path), ("small guest's root", small_initrd(place))]
    if whole.is_here():
        listed += [("Debian's disk", whole.disk), ("Debian's kernel", whole.kernel), ("Debian's first root", whole.initrd)]
    yield from (File(what, path, path.stat().st_blocks * 512) for what, path in listed)

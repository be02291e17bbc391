"""Machine checks: network settings, virtual machines, the disk, fonts."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from labcore.doctor.finding import Finding, say
from labcore.errors import Unavailable
from labcore.runtime.probe import file_system
from labcore.storage.driver import driver
from labcore.vm import qemu
from labcore.vm.kernel import found_kernel

LOW_SPACE = 2 << 30


def findings(root: Path) -> Iterator[Finding]:
    """Yield one finding for each; `root` is the state root."""
    yield _architecture()
    yield _security_modules()
    yield _store(root)
    yield _layers(root / "storage")
    yield _fonts()
    yield _kvm()
    yield _guests(root)


def _architecture() -> Finding:
    machine = os.uname().machine
    affects = say("which images run")
    if machine in ("x86_64", "aarch64"):
        return Finding("architecture", "ok", machine, affects)
    detail = say("{machine} is not known to labcore", machine=machine)
    return Finding("architecture", "missing", detail, affects, say("x86_64 or aarch64"))


def _security_modules() -> Finding:
    affects = say("further rules that a container may run into")
    present = [
        name
        for name, path in {"AppArmor": "/sys/kernel/security/apparmor", "SELinux": "/sys/fs/selinux/enforce"}.items()
        if Path(path).exists()
    ]
    detail = say(" and ").join(present) or say("neither AppArmor nor SELinux is active")
    return Finding("security modules", "ok", detail, affects)


def _store(root: Path) -> Finding:
    affects = say("where images and layers lie")
    place = next(path for path in (root, *root.parents) if path.exists())
    free = shutil.disk_usage(place).free
    detail = say("{root} on {kind}, {free:.1f} GiB free", root=root, kind=file_system(place), free=free / 2**30)
    try:
        with tempfile.NamedTemporaryFile(dir=place) as file:
            os.setxattr(file.name, "user.labcore", b"1")
    except PermissionError:
        detail = say("{detail}, not writable by you", detail=detail)
        return Finding("store", "missing", detail, affects, say("run as root, or set LABCORE_ROOT"))
    except OSError as error:
        detail = say("{detail}, without extended attributes ({error})", detail=detail, error=error.strerror)
        return Finding("store", "limited", detail, affects, say("set LABCORE_ROOT to a place on ext4, xfs or btrfs"))
    if free < LOW_SPACE:
        return Finding("store", "limited", detail, affects, say("free some space, or set LABCORE_ROOT to another disk"))
    return Finding("store", "ok", detail, affects)


def _layers(directory: Path) -> Finding:
    affects = say("how fast containers start, and how much room they take")
    if not directory.is_dir():
        return Finding("layers", "untried", say("no image has been unpacked yet"), affects, say("run a container first"))
    try:
        chosen = driver(directory)
    except OSError as error:
        return Finding("layers", "untried", error.strerror or str(error), affects, say("run as root, or set LABCORE_ROOT"))
    if chosen == "overlay":
        return Finding("layers", "ok", say("stacked by overlayfs where the store lies"), affects)
    detail = say("copied for each container: no overlay can be mounted where the store lies, or LABCORE_STORAGE says so")
    return Finding("layers", "limited", detail, affects, say("set LABCORE_ROOT to a place on ext4, xfs or btrfs"))


def _fonts() -> Finding:
    affects = say("Chinese labels in plots (without one they are boxes)")
    cure = "sudo apt-get install fonts-wqy-zenhei"
    if not shutil.which("fc-list"):
        known = list(Path("/usr/share/fonts").rglob("*wqy*")) + list(Path("/usr/share/fonts").rglob("*CJK*"))
        if known:
            return Finding("CJK fonts", "ok", known[0].name, affects)
        return Finding("CJK fonts", "missing", say("none below /usr/share/fonts"), affects, cure)
    listed = subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True).stdout.split("\n")
    families = sorted({line.split(",")[0] for line in listed if line})
    if families:
        return Finding("CJK fonts", "ok", families[0], affects)
    return Finding("CJK fonts", "missing", say("no font covers Chinese"), affects, cure)


def _guests(root: Path) -> Finding:
    affects, machine = say("virtual machines to compare containers with"), os.uname().machine
    if shutil.which(f"qemu-system-{machine}") is None:
        detail = say("{program} is not installed", program=f"qemu-system-{machine}")
        package = qemu.PACKAGES.get(machine, "qemu-system")
        return Finding("guests", "untried", detail, affects, f"sudo apt-get install --no-install-recommends {package}")
    try:
        kernel = found_kernel(root)
    except Unavailable:
        return Finding("guests", "untried", say("no kernel to run as a guest was fetched yet"), affects, "labcore vm setup")
    return Finding("guests", "ok", kernel.package, affects)


# --- virtual machines -------------------------------------------------------------------------------------------------

# A boot sector whose whole work is to tell qemu's debug-exit device a number: mov al, 0x2a; out 0xf4, al; hlt.
BOOT_SECTOR = bytes.fromhex("b02ae6f4f4ebfd").ljust(510, b"\0") + b"\x55\xaa"
DEBUG_EXIT_STATUS = 0x2A << 1 | 1  # what isa-debug-exit makes of it

# On arm64 there is no such device; the guest asks the firmware to switch off: movz w0, #8; movk w0, #0x8400, lsl #16; hvc #0.
ARM_PROGRAM = bytes.fromhex("000180520080b072020000d4")

SMALL_SECONDS, KERNEL_SECONDS = 5.0, 20.0


def _kvm() -> Finding:
    affects = say("how fast a virtual machine is in the comparison; without it, it is emulated")
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        there = Path("/dev/kvm").exists()
        what = say("/dev/kvm may not be opened by you") if there else say("there is no /dev/kvm")
        cure = "sudo adduser $USER kvm" if there else say("switch on (nested) virtualization for this machine")
        return Finding("KVM", "missing", what, affects, cure)
    qemu = shutil.which(f"qemu-system-{os.uname().machine}")
    if qemu is None:
        what, cure = say("/dev/kvm is there, but no qemu to run a guest with"), "sudo apt-get install qemu-system"
        return Finding("KVM", "untried", what, affects, cure)
    with tempfile.TemporaryDirectory(prefix="labcore-doctor-") as directory:
        return _try_guests(qemu, Path(directory), affects)


def _try_guests(emulator: str, directory: Path, affects: str) -> Finding:
    """Run a guest of three instructions, then this machine's own kernel as a guest: the first can work without the second."""
    small = _run_guest(_small_guest(emulator, directory), SMALL_SECONDS)
    if isinstance(small, str):
        what = say("/dev/kvm is there, but a guest of three instructions {failed}", failed=small)
        return Finding("KVM", "missing", what, affects)
    image = Path(f"/boot/vmlinuz-{os.uname().release}")
    if not os.access(image, os.R_OK):
        what = say("a guest of three instructions ran ({small:.1f} s); no kernel in /boot to try a whole one with", small=small)
        return Finding("KVM", "limited", what, affects)
    # Without a disk the kernel panics at the end of its start, and panic=-1 ends the guest at once.
    machine = [] if os.uname().machine == "x86_64" else ["-machine", "virt", "-cpu", "host"]
    whole = _run_guest([*_qemu(emulator), *machine, "-kernel", str(image), "-append", "panic=-1 quiet"], KERNEL_SECONDS)
    if isinstance(whole, str):
        what = say("a guest of three instructions ran, but this kernel as a guest {failed}", failed=whole)
        return Finding("KVM", "limited", what, affects)
    return Finding("KVM", "ok", say("this kernel ran as a guest, to its end in {whole:.1f} s", whole=whole), affects)


def _qemu(qemu: str) -> list[str]:
    return [qemu, "-accel", "kvm", "-nodefaults", "-display", "none", "-no-reboot", "-m", "512"]


def _small_guest(qemu: str, directory: Path) -> list[str]:
    """Return a command that ends with status 0 once the guest has run (a shell turns the x86 device's answer into that)."""
    program = directory / "guest"
    if os.uname().machine != "x86_64":
        program.write_bytes(ARM_PROGRAM)
        return [*_qemu(qemu), "-machine", "virt", "-cpu", "host", "-kernel", str(program)]
    program.write_bytes(BOOT_SECTOR)
    devices = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-drive", f"file={program},format=raw,if=ide"]
    return ["sh", "-c", f'"$@"; [ $? = {DEBUG_EXIT_STATUS} ]', "guest", *_qemu(qemu), *devices]


def _run_guest(command: list[str], seconds: float) -> float | str:
    """Run a guest to its end; return how many seconds it took, or what went wrong. It never outlives this call."""
    start = time.monotonic()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            _, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return say("did not come to its end within {seconds:.0f} s", seconds=seconds)
    if process.returncode:
        reason = said.decode(errors="replace").strip()[-200:] or say("qemu gave no reason")
        return say("failed: {reason}", reason=reason)
    return time.monotonic() - start

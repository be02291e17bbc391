"""Systems of a comparison: those that are installed here, and a note for each that is not."""

import shutil
from contextlib import ExitStack
from pathlib import Path

from labcore.bench.containers import BareProcess, Command, InProcess, container_by_engine, containers_by_command
from labcore.bench.machines import DebianVm, QemuByHand, SmallVm, VmCommand, machine_types
from labcore.bench.peers import PeerFailed, podman_words, running_docker, version
from labcore.bench.system import System
from labcore.engine import Engine
from labcore.errors import LabcoreError
from labcore.vm import debian, guests, qemu
from labcore.vm.kernel import found_kernel

# An engine's name, the command that must be here for it, what makes it ready, and its program beside each container.
ENGINES = (("podman", "podman", podman_words, "conmon"), ("docker", "dockerd", running_docker, "containerd-shim"))
EMULATED = (
    "virtual machines: no guest was seen to run with KVM here, so their processor is emulated (TCG): that makes them slower "
    "and larger than where KVM works; `labcore doctor` says more"
)


class Systems:
    """The systems that are compared, notes on missing ones, and versions."""

    def __init__(self, work: Path, vm_root: Path, engine: Engine, rootfs: Path) -> None:
        self.work, self.vm_root, self.engine, self.rootfs = work, vm_root, engine, rootfs
        self.systems: list[System] = [BareProcess(work), InProcess(engine)]
        self.notes: list[str] = []
        self.versions: dict[str, str] = {}

    def prepare(self, undo: ExitStack, *, quick: bool) -> None:
        """Prepare all systems; `quick`: without other engines, and without Debian."""
        self._add_commands(undo)
        if not quick:
            self._add_engines(undo)
        self._add_machines(with_debian=not quick)

    def _add_commands(self, undo: ExitStack) -> None:
        made = containers_by_command(self.work, self.rootfs, self.engine, undo)
        if shutil.which("crun"):
            self.versions["crun"] = version("crun")
        else:
            self.notes.append("crun: not installed")
            made.pop("crun")
        self.systems += made.values()

    def _add_engines(self, undo: ExitStack) -> None:
        for subject, command, start, beside in ENGINES:
            if not shutil.which(command):
                self.notes.append(f"{subject}: {command} is not installed")
                continue
            try:
                words = start(self.rootfs, self.work, undo)
                self._try(container_by_engine(subject, words, self.work / subject, beside))
            except (PeerFailed, OSError) as error:
                self.notes.append(f"{subject}: does not work here: {str(error).splitlines()[0]}")
                continue
            self.versions[command] = version(command)

    def _try(self, system: Command) -> None:
        with system.running():
            pass
        self.systems.append(system)

    def _add_machines(self, *, with_debian: bool) -> None:
        try:
            emulator = qemu.find_qemu()
            accel = guests.accelerator(self.vm_root)
        except LabcoreError as error:
            self.notes.append(f"virtual machines: {error}")
            return
        self.versions |= {"qemu": version(emulator), "accelerator": accel}
        self.versions["guest's kernel"] = found_kernel(self.vm_root).version
        if accel == "tcg":
            self.notes.append(EMULATED)
        self.systems += [SmallVm(self.vm_root, kind) for kind in reversed(machine_types())]
        self.systems += [QemuByHand(self.vm_root), VmCommand(self.vm_root)]
        if with_debian and debian.at(self.vm_root).is_here():
            self.systems.append(DebianVm(self.vm_root))
        elif with_debian:
            self.notes.append("Debian: not set up: `labcore vm setup --full` makes it")

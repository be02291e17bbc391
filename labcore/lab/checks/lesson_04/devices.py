"""Checks of `devices` and of `rootfs` with them: what is in a container's /dev."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore.lab.checks.containers import ended_as_drawn, own_number
from labcore.lab.checks.lesson_03.roots import ROOTFS as LAYERED
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import REFERENCE, Draw, Scenario, carry_out, turn
from labcore.lab.checks.surroundings import map_to
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.native import MountFlag, Process
from labcore.runtime import mounting, ops
from labcore.runtime.ops import Op
from labcore.runtime.ops.fields import ops_of
from labcore.runtime.probe import confined
from labcore.spec import DEFAULT_DEVICES, ContainerSpec, Device

# --- devices


def _drawn_devices(draw: Draw) -> tuple[Device, ...]:
    """Return devices that nobody can know before: some of the usual ones, and where it may be made, one of nobody's."""
    chosen = list(DEFAULT_DEVICES)
    del chosen[1 + draw.number % (len(chosen) - 1)]  # /dev/null stays
    return (*chosen, *([] if confined() or draw.again else [Device(f"/dev/{draw.mark}", "c", 240, draw.number)]))


def _mapped(spec: ContainerSpec) -> list[Op]:
    """Return the op that waits, in a user namespace, until it has this process's user and group as root."""

    def map_ids(process: Process) -> None:
        map_to(process.pid, os.geteuid(), os.getegid())

    return [ops.Sync("maps ids", map_ids)] if "user" in spec.namespaces else []


def _perform_devices(mine: ModuleType, draw: Draw) -> int:
    """Fill /dev; the second time in a user namespace, in which no device can be made."""

    def around(spec: ContainerSpec) -> list[Op]:
        root = ops.Mount(draw.root, draw.root, flags=MountFlag.BIND | MountFlag.REC)
        return turn(root, ops.Chdir(draw.root), ops.Mount("proc", "proc", "proc"), *ops_of(mine.devices, spec))

    os.umask(0o022)
    kinds = (*draw.namespaces, "user") if draw.again else draw.namespaces
    spec = draw.spec(draw.waiting(), namespaces=kinds, devices=_drawn_devices(draw))
    return carry_out(spec, REFERENCE.namespaces, _mapped, around)


def _observe_devices(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from own_devices(seen, _drawn_devices(draw))


def own_devices(seen: ProcessView, wanted: tuple[Device, ...]) -> Iterator[Claim]:
    """A /dev of its own, with these devices in it and no others, and a terminal's master."""
    dev = seen.mount("/dev")
    yield Claim(say("/dev is a tmpfs of its own"), dev.fstype == "tmpfs", dev.fstype or say("nothing"))
    yield Claim(say("devices in it can be opened: it is not mounted nodev"), "nodev" not in dev.options)
    inside = Path(f"/proc/{seen.pid}/root/dev")
    mode = stat.S_IMODE(inside.stat().st_mode)
    yield Claim(say("nobody but root may make anything in it"), not mode & 0o022, f"{mode:o}")
    yield from _nodes(inside, wanted)
    yield from _terminals(seen, inside)
    yield equal(say("the program's umask: what it makes is not for everybody to write"), "0022", seen.status("Umask"))


def _nodes(inside: Path, wanted: tuple[Device, ...]) -> Iterator[Claim]:
    """The device nodes in a directory: their numbers and modes."""
    there = {f"/dev/{path.name}": path.lstat() for path in inside.iterdir()} if inside.is_dir() else {}
    found = {path: status for path, status in there.items() if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)}
    numbers = {path: (os.major(status.st_rdev), os.minor(status.st_rdev)) for path, status in found.items()}
    wrong = [
        f"{device.path} {numbers.get(device.path, '')}"
        for device in wanted
        if numbers.get(device.path) != (device.major, device.minor)
    ]
    yield Claim(say("each device of the spec is there, with its numbers"), not wrong, ", ".join(wrong))
    others = sorted(set(found) - {device.path for device in wanted} - {"/dev/ptmx"})
    yield Claim(say("and no other: not the machine's disks"), not others, " ".join(others[:4]))
    modes = [f"{path} {stat.S_IMODE(status.st_mode):o}" for path, status in found.items() if status.st_mode & 0o666 != 0o666]
    yield Claim(say("everybody may read and write each: no umask has taken that away"), not modes, ", ".join(modes[:3]))


def _terminals(seen: ProcessView, inside: Path) -> Iterator[Claim]:
    """A devpts, and the master of its terminals."""
    pts = seen.mount("/dev/pts").fstype
    yield Claim(say("/dev/pts is a devpts"), pts == "devpts", pts or say("nothing"))
    master = _followed(inside / "ptmx")
    leads = pts == "devpts" and master is not None and master.st_rdev == (inside / "pts" / "ptmx").lstat().st_rdev
    yield Claim(say("/dev/ptmx leads to the one in there"), leads)
    mode = stat.S_IMODE(master.st_mode) if master else 0
    yield Claim(say("everybody may open that one"), mode & 0o666 == 0o666, f"{mode:o}")


def _followed(path: Path) -> os.stat_result | None:
    """Return the status of what a path in a container leads to: itself, or a link to something beside or below it."""
    if path.is_symlink():
        path = path.parent / str(path.readlink()).removeprefix("/dev/")
    return path.lstat() if os.path.lexists(path) else None


DEVICES = Scenario(_perform_devices, _observe_devices, ended_as_drawn, Draw.waiting, twice=True, forbidden=(mounting,))


# --- rootfs: as in lesson 3, on layers and on a directory, and with /dev


def _perform_rootfs(mine: ModuleType, draw: Draw) -> Any:
    """Turn the root; the second time with a `devices` whose devices are those of the old root, as in a user namespace."""

    def bound(spec: ContainerSpec) -> Any:
        return REFERENCE.devices(spec.replace(namespaces=(*spec.namespaces, "user")))

    os.umask(0o022)
    if draw.again:
        mine.__dict__["devices"] = bound
    return LAYERED.perform(mine, draw)


def _observe_rootfs(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    assert LAYERED.observe is not None
    yield from LAYERED.observe(seen, draw)
    if draw.again:
        bound = Path(f"/proc/{seen.pid}/root/dev/null").is_char_device()
        yield Claim(say("devices that are bound from the old root are there: `devices` comes while it is"), bound)
    yield from own_devices(seen, DEFAULT_DEVICES)


ROOTFS = LAYERED.replace(perform=_perform_rootfs, observe=_observe_rootfs)

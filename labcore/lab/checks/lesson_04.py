"""Checks of lesson 4: preflight, devices, main."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import labcore.lab.solutions
from labcore import doctor, elf, native
from labcore.doctor import kernel, machine
from labcore.errors import InvalidInput
from labcore.lab import session
from labcore.lab.checks import lesson_03, tripwires
from labcore.lab.checks.lesson_01 import ended_as_drawn, own_number
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import GATE, REFERENCE, SECONDS, Draw, Scenario, carry_out
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.lessons import all_steps
from labcore.lab.messages import say
from labcore.lab.program import with_ending, with_function
from labcore.lab.workspace import ENDING, NAME
from labcore.native import CloneFlag, MountFlag, UnmountFlag
from labcore.runtime import mounting, ops
from labcore.runtime.ops import Op
from labcore.runtime.ops.fields import ops_of
from labcore.runtime.probe import confined, mountinfo
from labcore.spec import DEFAULT_DEVICES, ContainerSpec, Device

CGROUPS = "/sys/fs/cgroup"
# Kinds of namespaces that can be forbidden without the overlay being out of reach, too; by the name of their limit.
LIMITS = {"pid": "pid", "uts": "uts", "ipc": "ipc", "network": "net", "cgroup": "cgroup"}


# --- preflight: on the machine as it is, and in a world where something is missing


def _forbidden(draw: Draw) -> str:
    return list(LIMITS)[(draw.number + draw.again) % len(LIMITS)]


def _lacks(draw: Draw) -> list[str]:
    """Return what is missing in the broken world: a kind of namespace, and two times out of three something else, or both."""
    more = (["overlay"], ["cgroups"], ["overlay", "cgroups"])[(draw.which + draw.again) % 3]
    return sorted([f"{_forbidden(draw)} namespace", *more])


def _perform_preflight(mine: ModuleType, draw: Draw) -> list[Any]:
    have_cgroups()
    good, bad, base = (_tray(draw, name) for name in ("good", "bad", "base"))
    native.mount("overlay", bad, "overlay", data=f"lowerdir={bad},upperdir={base}/upper,workdir={base}/work")
    whole = _named(mine.preflight(_tray(draw, "first")))
    lacks = _lacks(draw)
    if "cgroups" in lacks:
        hide_cgroups()
    _forbid(_forbidden(draw))
    return [whole, _named(mine.preflight(bad if "overlay" in lacks else good))]


def _tray(draw: Draw, name: str) -> str:
    """Return a tray on a file system that can be an overlay's upper one, whatever this machine's /tmp is."""
    tray = Path(draw.root, "tmp", name)
    tray.mkdir()
    native.mount("tmpfs", str(tray), "tmpfs")
    for part in ("upper", "work", "view"):
        (tray / part).mkdir()
    return str(tray)


def have_cgroups() -> None:
    """Mount cgroups where there are none, as in most containers: what is found missing is to be what a check takes away."""
    if not any(Path(CGROUPS).glob("**/cgroup.procs")):
        native.mount("none", CGROUPS, "cgroup2")


def hide_cgroups() -> None:
    """Take the cgroups away in this mount namespace: unmounted where that may be, and covered in any case."""
    for fields in reversed(mountinfo()):
        if fields[fields.index("-") + 1] in ("cgroup", "cgroup2"):
            with suppress(OSError):  # those of a more privileged namespace are locked
                native.umount2(fields[4], UnmountFlag.DETACH)
    native.mount("none", CGROUPS, "tmpfs")


def _forbid(kind: str) -> None:
    """Enter a user namespace in which no namespaces of this kind may be made: there is no way back from it."""
    user, group = os.geteuid(), os.getegid()
    native.unshare(CloneFlag.NEWUSER)
    Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="utf-8")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="utf-8")
    Path(f"/proc/sys/user/max_{LIMITS[kind]}_namespaces").write_text("0", encoding="utf-8")


def _named(returned: Any) -> dict[str, str]:
    """Return what a preflight found. Raises InvalidInput for what is no dictionary."""
    if returned is None:
        raise InvalidInput(say("{name} returned nothing: is `return` missing?", name="preflight"))
    if not isinstance(returned, dict):
        what = repr(returned)
        raise InvalidInput(say("preflight returned {what}: it returns a dictionary, what is missing and its cure", what=what))
    return {str(name): cure if isinstance(cure, str) else "" for name, cure in returned.items()}


def _conclude_preflight(returned: Any, draw: Draw) -> Iterator[Claim]:
    whole, broken = returned
    yield Claim(say("on this machine as it is, nothing is missing"), not whole, ", ".join(whole))
    for name in _lacks(draw):
        yield Claim(_missing(name), name in broken, ", ".join(broken) or say("nothing"))
    others = [name for name in broken if name not in _lacks(draw)]
    yield Claim(say("and nothing is named that is there"), not others, ", ".join(others))
    bare = [name for name, cure in broken.items() if not cure.strip()]
    yield Claim(say("each comes with a cure"), not bare, ", ".join(bare))


def _missing(name: str) -> str:
    if name == "overlay":
        return say("where the tray lies on an overlay, which can be no upper layer, the overlay is missing")
    if name == "cgroups":
        return say("where no cgroups are mounted, they are missing")
    return say("where no {kind} namespaces may be made, “{name}” is missing", kind=name.partition(" ")[0], name=name)


# --- devices


def _drawn_devices(draw: Draw) -> tuple[Device, ...]:
    """Return devices that nobody can know before: some of the usual ones, and as root one that no machine has."""
    chosen = list(DEFAULT_DEVICES)
    del chosen[1 + draw.number % (len(chosen) - 1)]  # /dev/null stays
    return (*chosen, *([] if confined() else [Device(f"/dev/{draw.mark}", "c", 240, draw.number)]))


def _perform_devices(mine: ModuleType, draw: Draw) -> int:
    def around(spec: ContainerSpec) -> list[Op]:
        spec = spec.replace(devices=_drawn_devices(draw))
        return [
            ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
            ops.Mount(draw.root, draw.root, flags=MountFlag.BIND | MountFlag.REC),
            ops.Chdir(draw.root),
            ops.Mount("proc", "proc", "proc"),
            *ops_of(mine.devices, spec),
            ops.PivotRoot(".", "."),
            ops.Unmount(".", UnmountFlag.DETACH),
            ops.Chdir("/"),
        ]

    os.umask(0o022)
    return carry_out(draw, draw.waiting(), REFERENCE.namespaces, around)


def _observe_devices(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from own_devices(seen, _drawn_devices(draw))


def own_devices(seen: ProcessView, wanted: tuple[Device, ...]) -> Iterator[Claim]:
    """A /dev of its own, with these devices in it and no others, and a terminal's master."""
    kinds = {fields[4]: fields[fields.index("-") + 1] for fields in seen.mounts}
    yield Claim(say("/dev is a tmpfs of its own"), kinds.get("/dev") == "tmpfs", kinds.get("/dev") or say("nothing"))
    inside = Path(f"/proc/{seen.pid}/root/dev")
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
    yield Claim(say("/dev/pts is a devpts"), kinds.get("/dev/pts") == "devpts", kinds.get("/dev/pts") or say("nothing"))
    pts = (inside / "pts" / "ptmx").lstat().st_rdev if kinds.get("/dev/pts") == "devpts" else None
    yield Claim(say("/dev/ptmx leads to the one in there"), _target(inside / "ptmx") == pts is not None)
    umask = seen.status("Umask")
    yield equal(say("the program's umask: what it makes is not for everybody to write"), "0022", umask)


def _target(path: Path) -> int | None:
    """Return the number of the device that a path in a container leads to: itself, or a link to one beside or below it."""
    if path.is_symlink():
        path = path.parent / str(path.readlink()).removeprefix("/dev/")
    return path.lstat().st_rdev if os.path.lexists(path) else None


# --- rootfs: as in lesson 3, on layers and on a directory, and with /dev

LAYERED = lesson_03.SCENARIOS["rootfs"]


def _perform_rootfs(mine: ModuleType, draw: Draw) -> Any:
    os.umask(0o022)
    return LAYERED.perform(mine, draw)


def _observe_rootfs(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    assert LAYERED.observe is not None
    yield from LAYERED.observe(seen, draw)
    yield from own_devices(seen, DEFAULT_DEVICES)


# --- main: the learner's file as a program, in a process of its own


def _said(draw: Draw) -> str:
    return f"{draw.hostname}-{draw.number}"


def _says(draw: Draw) -> tuple[str, ...]:
    return draw.script(f"echo {_said(draw)}; read go < /{GATE}; exit {draw.exit_code}")


@contextmanager
def _without_main(draw: Draw) -> Iterator[None]:
    """Make the image, and a copy of the solutions in which `main` is a tripwire: a fresh process finds no other."""
    trip = f"def main(*words):\n    raise RuntimeError({tripwires.text()!r})\n"
    copies = Path(draw.root, "solutions")
    copies.mkdir()
    for path in Path(labcore.lab.solutions.__path__[0]).glob("*.py"):
        text = path.read_text()
        (copies / path.name).write_text(with_function(text, "main", trip, all_steps()) if path.name == "lesson_04.py" else text)
    with lesson_03.SCENARIOS["run"].prepare(draw):
        yield


def _perform_main(mine: ModuleType, draw: Draw) -> list[list[Any]]:
    """Run `python my_runtime.py` three times: as asked for, where the cgroups are missing, and without a word.

    Its `hostname` is the check's, so that one can see from outside whose `run` it is that starts the container.
    """
    _lay_open(draw)
    have_cgroups()
    file = Path(draw.root, "work", NAME)
    file.parent.mkdir()
    marking = f'def hostname(spec):\n    return [ops.SetHostname("{draw.mark}")]\n'
    text = with_function(Path(str(mine.__file__)).read_text(encoding="utf-8"), "hostname", marking, all_steps())
    file.write_text(with_ending(text, ENDING), encoding="utf-8")
    found = [_run(draw, file, "run", draw.hostname, *_says(draw))]
    print(found[0][2], end="")  # a learner wants to know what it died of
    if tripwires.text() in found[0][2]:
        tripwires.spring()
    hide_cgroups()
    found.append(_run(draw, file, "run", draw.hostname, "/bin/sh", "-c", f"echo {_said(draw)}"))
    return [*found, _run(draw, file)]


def _lay_open(draw: Draw) -> None:
    """Let a fresh process find labcore whole, but for the one solution."""
    tripwires.uncover()
    native.mount(f"{draw.root}/solutions", labcore.lab.solutions.__path__[0], flags=MountFlag.BIND)


def _run(draw: Draw, file: Path, *words: str) -> list[Any]:
    environment = os.environ | {"LABCORE_ROOT": f"{draw.root}/state", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(file), *words]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", cwd=file.parent
    )
    return [done.returncode, done.stdout[-2000:], done.stderr[-2000:]]


def _observe_main(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield Claim(say("its root is the image that was named"), seen.holds(draw.mark))
    text = say("it is the `run` of this file that starts it: its host name is from there")
    yield equal(text, draw.mark, seen.hostname)


def _conclude_main(returned: Any, draw: Draw) -> Iterator[Claim]:
    (code, out, err), (code_without, *said_without), (code_bare, *_, err_bare) = returned
    last = err.strip().splitlines()[-1][:100] if err.strip() else ""
    yield Claim(say("what the program says comes out"), _said(draw) in out, last)
    yield from ended_as_drawn(code, draw)
    together = " ".join(said_without)
    yield Claim(say("where the cgroups are missing, it says so"), "cgroups" in together, together.strip()[-100:])
    yield Claim(say("starts nothing"), _said(draw) not in together)
    yield Claim(say("and ends with another code than 0"), code_without != 0, str(code_without))
    right = code_bare != 0 and "Traceback" not in err_bare
    yield Claim(say("without a word on its command line it fails, without a traceback"), right, str(code_bare))


# --- machine_of

HEADS = ((1, "little"), (2, "big"))


def _samples(draw: Draw) -> list[bytes]:
    """Return heads of files: programs of both byte orders, a script, a file that is cut off."""
    made = []
    for number, (order, name) in enumerate(HEADS):
        machine = (draw.number + number * 17).to_bytes(2, name)  # type: ignore[arg-type]
        made.append(b"\x7fELF\x02" + bytes([order, 1]) + bytes(11) + machine + bytes(draw.exit_code))
    return [*made, b"#!/bin/sh\nexit " + str(draw.exit_code).encode() * 9, b"\x7fELF\x02"]


def _perform_machine_of(mine: ModuleType, draw: Draw) -> list[Any]:
    found = []
    for number, sample in enumerate(_samples(draw)):
        path = Path(draw.root, "tmp", f"sample-{number}")
        path.write_bytes(sample)
        found.append(mine.machine_of(str(path)))
    return found


def _conclude_machine_of(returned: Any, draw: Draw) -> Iterator[Claim]:
    little, big, script, cut = returned
    yield Claim(
        say("a program's machine is the number at byte 18"), little == draw.number, expected=str(draw.number), seen=str(little)
    )
    yield Claim(
        say("in the byte order that byte 5 names"), big == draw.number + 17, expected=str(draw.number + 17), seen=str(big)
    )
    yield Claim(say("a script is for no machine"), script is None, str(script))
    yield Claim(say("nor is a file that is cut off"), cut is None, str(cut))


EXAMINING: tuple[Target, ...] = (doctor.examine, kernel, machine, session.what_is_missing)
READING: tuple[Target, ...] = (elf,)
SCENARIOS = {
    "preflight": Scenario(_perform_preflight, None, _conclude_preflight, None, twice=True, forbidden=EXAMINING),
    "devices": Scenario(_perform_devices, _observe_devices, ended_as_drawn, Draw.waiting, forbidden=(mounting,)),
    "rootfs": LAYERED.replace(perform=_perform_rootfs, observe=_observe_rootfs),
    "main": Scenario(_perform_main, _observe_main, _conclude_main, _says, prepare=_without_main, seconds=3 * SECONDS),
    "machine_of": Scenario(_perform_machine_of, None, _conclude_machine_of, None, forbidden=READING),
}

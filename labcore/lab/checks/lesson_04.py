"""Checks of lesson 4: preflight, devices, main."""

import errno
import io
import os
import random
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import labcore.lab.solutions
from labcore import doctor, elf, native
from labcore.doctor import kernel, machine
from labcore.errors import InvalidInput, StepFailed
from labcore.lab import session
from labcore.lab.checks import lesson_03, process_view, tripwires
from labcore.lab.checks.lesson_01 import ended_as_drawn, own_number
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import GATE, SECONDS, Draw, Scenario, carry_out
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.lessons import all_steps
from labcore.lab.messages import say
from labcore.lab.program import with_ending, with_function
from labcore.lab.workspace import ENDING, NAME
from labcore.native import CloneFlag, MountFlag, Process, UnmountFlag
from labcore.runtime import Plan, mounting, ops, spawn
from labcore.runtime.ops import Op
from labcore.runtime.ops.fields import ops_of
from labcore.runtime.probe import confined, mountinfo
from labcore.runtime.stages import NAMESPACE_FLAGS
from labcore.spec import DEFAULT_DEVICES, NAMESPACES, ContainerSpec, Device

CGROUPS = "/sys/fs/cgroup"
ERRNO_NAMES = set(errno.errorcode.values())
# The kinds of namespaces, each with the name of its limit in /proc/sys/user.
LIMITS = {kind: process_view.FILES[kind] for kind in NAMESPACES}


# --- preflight: on the machine as it is, and in a world where something is missing


def _forbidden(draw: Draw) -> list[str]:
    """Return some kinds of namespaces, the second time all others."""
    kinds = random.Random(draw.number).sample(sorted(LIMITS), len(LIMITS))
    return sorted(kinds[3:] if draw.again else kinds[:3])


def _lacks(draw: Draw) -> list[str]:
    """Return what is missing in the broken world: kinds of namespaces, the overlay, and one time of two the cgroups."""
    cgroups = ["cgroups"] if draw.again == (draw.which == 0) else []
    return sorted([*(f"{kind} namespace" for kind in _forbidden(draw)), "overlay", *cgroups])


def _perform_preflight(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    have_cgroups()
    good, bad, base = (_tray(draw, name) for name in ("good", "bad", "base"))
    native.mount("overlay", bad, "overlay", data=f"lowerdir={bad},upperdir={base}/upper,workdir={base}/work")
    whole = _named(mine.preflight(_tray(draw, "first")))
    lacks = _lacks(draw)
    if "cgroups" in lacks:
        hide_cgroups()
    _forbid(_forbidden(draw))
    broken = _named(mine.preflight(good if "mount" in _forbidden(draw) else bad))
    return {"whole": whole, "broken": broken, "cause": _cause(_forbidden(draw)[0])}


def _cause(kind: str) -> str:
    """Return why no namespace of this kind can be made here."""
    try:
        with spawn(Plan([ops.Clone(NAMESPACE_FLAGS[kind])])) as process:
            process.wait()
    except StepFailed as error:
        return error.cause
    raise LookupError(f"a {kind} namespace could be made")


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


def _forbid(kinds: list[str]) -> None:
    """Enter a user namespace in which no namespaces of these kinds may be made: there is no way back from it."""
    user, group = os.geteuid(), os.getegid()
    native.unshare(CloneFlag.NEWUSER)
    Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="utf-8")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="utf-8")
    for kind in kinds:
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
    whole, broken = returned["whole"], returned["broken"]
    yield Claim(say("on this machine as it is, nothing is missing"), not whole, ", ".join(whole))
    for name in _lacks(draw):
        yield Claim(_missing(name), name in broken, ", ".join(broken) or say("nothing"))
    others = [name for name in broken if name not in _lacks(draw)]
    yield Claim(say("and nothing is named that is there"), not others, ", ".join(others))
    bare = [name for name, cure in broken.items() if not cure.strip()]
    yield Claim(say("each comes with a cure"), not bare, ", ".join(bare))
    errors = [name for name, cure in broken.items() if returned["cause"] in cure or set(cure.split()) & ERRNO_NAMES]
    yield Claim(say("a cure says what to do, not what went wrong"), not errors, ", ".join(errors))


def _missing(name: str) -> str:
    if name == "overlay":
        return say("where the tray lies on an overlay, or nothing can be mounted, the overlay is missing")
    if name == "cgroups":
        return say("where no cgroups are mounted, they are missing")
    return say("where no {kind} namespaces may be made, “{name}” is missing", kind=name.partition(" ")[0], name=name)


# --- devices


def _drawn_devices(draw: Draw) -> tuple[Device, ...]:
    """Return devices that nobody can know before: some of the usual ones, and where it may be made, one of nobody's."""
    chosen = list(DEFAULT_DEVICES)
    del chosen[1 + draw.number % (len(chosen) - 1)]  # /dev/null stays
    return (*chosen, *([] if confined() or draw.again else [Device(f"/dev/{draw.mark}", "c", 240, draw.number)]))


def _namespaces(spec: ContainerSpec) -> list[Op]:
    """Return the ops that make the process; in a user namespace, when that is asked for, as the user that this process is."""
    flags = CloneFlag(0)
    for kind in spec.namespaces:
        flags |= NAMESPACE_FLAGS[kind]

    def map_ids(process: Process) -> None:
        for file, text in (("setgroups", "deny"), ("uid_map", f"0 {os.geteuid()} 1"), ("gid_map", f"0 {os.getegid()} 1")):
            Path(f"/proc/{process.pid}/{file}").write_text(text, encoding="utf-8")

    return [ops.Clone(flags), *([ops.Sync("maps ids", map_ids)] if "user" in spec.namespaces else [])]


def _perform_devices(mine: ModuleType, draw: Draw) -> int:
    """Fill /dev; the second time in a user namespace, in which no device can be made."""
    if draw.again:
        draw = draw.replace(namespaces=(*draw.namespaces, "user"))

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
    return carry_out(draw, draw.waiting(), _namespaces, around)


def _observe_devices(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from own_devices(seen, _drawn_devices(draw))


def own_devices(seen: ProcessView, wanted: tuple[Device, ...]) -> Iterator[Claim]:
    """A /dev of its own, with these devices in it and no others, and a terminal's master."""
    kinds = {fields[4]: fields[fields.index("-") + 1] for fields in seen.mounts}
    yield Claim(say("/dev is a tmpfs of its own"), kinds.get("/dev") == "tmpfs", kinds.get("/dev") or say("nothing"))
    options = {fields[4]: fields[5].split(",") for fields in seen.mounts}
    yield Claim(say("devices in it can be opened: it is not mounted nodev"), "nodev" not in options.get("/dev", ()))
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


# --- main: the learner's file as a program, in a process of its own; and called, with a preflight that was drawn

MISUSES: tuple[list[str], ...] = ([], ["run"], ["run", "busybox"], ["start", "busybox", "true"])
USAGE, FAILED = 2, 125  # what the lesson asks for


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
        text = path.read_text(encoding="utf-8")
        (copies / path.name).write_text(
            with_function(text, "main", trip, all_steps()) if path.name == "lesson_04.py" else text, encoding="utf-8"
        )
    with lesson_03.SCENARIOS["run"].prepare(draw):
        yield


def _drawn_missing(draw: Draw) -> dict[str, str]:
    """Return what a preflight finds missing, each with its cure: nobody can know it before."""
    return {f"{word}-{draw.token}": f"cure-{number}-{draw.mark}" for number, word in enumerate(("wheels", "sails"))}


def _perform_main(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    """Call `main` where things are missing, and with words that it has no use for; then run `python my_runtime.py` in earnest.

    There, its `hostname` is the check's, so that one can see from outside whose `run` it is that starts the container.
    """
    os.environ["LABCORE_ROOT"] = f"{draw.root}/state"
    lacking = _called(mine, ["run", draw.hostname, "/bin/true"], _drawn_missing(draw))
    misused = [_called(mine, words, {}) for words in MISUSES]
    _lay_open(draw)
    have_cgroups()
    file = Path(draw.root, "work", NAME)
    file.parent.mkdir()
    marking = f'def hostname(spec):\n    return [ops.SetHostname("{draw.mark}")]\n'
    text = with_function(Path(str(mine.__file__)).read_text(encoding="utf-8"), "hostname", marking, all_steps())
    file.write_text(with_ending(text, ENDING), encoding="utf-8")
    asked = _run(file, "run", draw.hostname, *_says(draw))
    print(asked[2], end="")  # a learner wants to know what it died of
    if tripwires.text() in asked[2]:
        tripwires.spring()
    return {"asked": asked, "lacking": lacking, "misused": misused}


def _called(mine: ModuleType, words: list[str], missing: dict[str, str]) -> list[Any]:
    """Call `main` with a preflight that finds these missing, and a `run` that starts nothing.

    Return its code (or its exception), what it said on standard output and standard error, and how often it called `run`.
    """
    started: list[Any] = []
    mine.__dict__["preflight"] = lambda _: dict(missing)
    mine.__dict__["run"] = lambda *arguments, **_: started.append(arguments)
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            code = mine.main(words)
        except SystemExit as end:
            code = end.code
        except Exception as error:
            code = repr(error)
    return [code, out.getvalue(), err.getvalue(), len(started)]


def _lay_open(draw: Draw) -> None:
    """Let a fresh process find labcore whole, but for the one solution."""
    tripwires.uncover()
    native.mount(f"{draw.root}/solutions", labcore.lab.solutions.__path__[0], flags=MountFlag.BIND)


def _run(file: Path, *words: str) -> list[Any]:
    command = [sys.executable, str(file), *words]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
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
    code, out, err = returned["asked"]
    last = err.strip().splitlines()[-1][:100] if err.strip() else ""
    yield Claim(say("what the program says comes out"), _said(draw) in out, last)
    yield from ended_as_drawn(code, draw)
    yield from _says_what_is_missing(returned["lacking"], draw)
    yield from _says_how_it_is_used(returned["misused"])


def _says_what_is_missing(lacking: list[Any], draw: Draw) -> Iterator[Claim]:
    code, out, err, started = lacking
    lines = f"{out}\n{err}".splitlines()
    unsaid = [name for name, cure in _drawn_missing(draw).items() if not any(name in line and cure in line for line in lines)]
    yield Claim(say("for each thing that is missing it prints a line, with its cure"), not unsaid, " ".join(unsaid))
    yield Claim(say("starts nothing"), started == 0)
    yield Claim(say("and returns {code}", code=FAILED), code == FAILED, repr(code)[:60])


def _says_how_it_is_used(misused: list[list[Any]]) -> Iterator[Claim]:
    wrong = [f"{words}: {code!r}"[:60] for words, (code, *_) in zip(MISUSES, misused, strict=True) if code != USAGE]
    text = say("for fewer than three words, or another first one, it returns {code}", code=USAGE)
    yield Claim(text, not wrong, "; ".join(wrong[:2]))
    silent = [str(words) for words, (_, _, err, started) in zip(MISUSES, misused, strict=True) if not err.strip() or started]
    yield Claim(say("says on standard error how it is used, and starts nothing"), not silent, " ".join(silent))


# --- machine_of

CUT = (5, 18, 19)  # bytes: too few for the number
HEADS = ((1, "little"), (2, "big"))


def _samples(draw: Draw) -> list[bytes]:
    """Return heads of files: programs of both byte orders, one as short as can be, a script, files cut off."""
    made = []
    for number, (order, name) in enumerate(HEADS):
        machine = (draw.number + number * 17).to_bytes(2, name)  # type: ignore[arg-type]
        made.append(b"\x7fELF\x02" + bytes([order, 1]) + bytes(11) + machine + bytes(draw.exit_code * (1 - number)))
    return [*made, b"#!/bin/sh\nexit " + str(draw.exit_code).encode() * 9, *(made[0][:length] for length in CUT)]


def _perform_machine_of(mine: ModuleType, draw: Draw) -> list[Any]:
    found = []
    for number, sample in enumerate(_samples(draw)):
        path = Path(draw.root, "tmp", f"sample-{number}")
        path.write_bytes(sample)
        found.append(mine.machine_of(str(path)))
    return found


def _conclude_machine_of(returned: Any, draw: Draw) -> Iterator[Claim]:
    little, big, script, *cut = returned
    yield Claim(
        say("a program's machine is the number at byte 18"), little == draw.number, expected=str(draw.number), seen=str(little)
    )
    yield Claim(
        say("in the byte order that byte 5 names"), big == draw.number + 17, expected=str(draw.number + 17), seen=str(big)
    )
    yield Claim(say("a script is for no machine"), script is None, str(script))
    told = [f"{length}: {found!r}" for length, found in zip(CUT, cut, strict=True) if found is not None]
    yield Claim(say("nor is a file that is cut off"), not told, ", ".join(told))


EXAMINING: tuple[Target, ...] = (doctor.examine, kernel, machine, session.what_is_missing)
READING: tuple[Target, ...] = (elf,)
SCENARIOS = {
    "preflight": Scenario(_perform_preflight, None, _conclude_preflight, None, twice=True, forbidden=EXAMINING),
    "devices": Scenario(_perform_devices, _observe_devices, ended_as_drawn, Draw.waiting, twice=True, forbidden=(mounting,)),
    "rootfs": LAYERED.replace(perform=_perform_rootfs, observe=_observe_rootfs),
    "main": Scenario(_perform_main, _observe_main, _conclude_main, _says, prepare=_without_main, seconds=3 * SECONDS),
    "machine_of": Scenario(_perform_machine_of, None, _conclude_machine_of, None, forbidden=READING),
}

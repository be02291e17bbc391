"""Attacks of root in a container on the machine, tried without a defence, with each, and with all of them."""

import html
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from labcore.errors import LabcoreError
from labcore.lab.colours import BAD, GOOD
from labcore.lab.messages import say
from labcore.lab.roots import root
from labcore.lab.steps import MODULE
from labcore.native import DEVNULL, PIPE
from labcore.paths import default_root
from labcore.record import Record
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.ops import Op
from labcore.runtime.probe import kernel_version
from labcore.runtime.seccomp.compile import compiled
from labcore.runtime.seccomp.default import default_profile
from labcore.spec import DEFAULT_CAPABILITIES, DEFAULT_PATH, BindRoot, ContainerSpec

SETTING: Final = "/proc/sys/kernel/core_pattern"  # which program the kernel starts, as root, when another crashes
# Each ends with status 0 if it got through. None changes anything: the setting is written as it was.
SCRIPTS: Final = {
    "secret": "cat /secret",
    "disk": "mknod /disk b DISK",
    "kernel": f"umount /proc/sys; was=$(cat {SETTING}) && echo \"$was\" > {SETTING}",
    "rights": "unshare -U true",
}  # fmt: skip
SECONDS = 10.0


class Attacks(Record):
    """Which attacks got through, by the name of what was put up against them."""

    outcomes: dict[str, dict[str, bool]]

    def rows(self) -> list[list[str]]:
        """Return the table: a row for each attack, a column for each defence."""
        words = {
            "secret": say("read a file of the machine's root"),
            "disk": say("make a door to the machine's disk (a device node)"),
            "kernel": say("change a setting of the kernel"),
            "rights": say("make oneself root anew (a user namespace)"),
        }
        marks = {True: say("through"), False: say("held")}
        lines = [[words[name], *(marks[found[name]] for found in self.outcomes.values())] for name in SCRIPTS]
        return [["", *self.outcomes], *lines]

    def __repr__(self) -> str:
        rows = self.rows()
        return "\n".join("  ".join(f"{word:{12 if at else 52}}" for at, word in enumerate(row)).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        head, *lines = self.rows()
        cells = "".join(f"<th style='text-align:center'>{html.escape(word)}</th>" for word in head)
        body = "".join(
            f"<tr><td style='text-align:left'>{html.escape(line[0])}</td>{''.join(map(_cell, line[1:]))}</tr>" for line in lines
        )
        return f"<table style='font-size:14px'><tr>{cells}</tr>{body}</table>"


def _cell(word: str) -> str:
    colour = BAD if word == say("through") else GOOD
    mark = {say("through"): "✗ ", say("held"): "✓ "}.get(word, "")
    return f"<td style='text-align:center;color:{colour};font-weight:bold'>{mark}{html.escape(word)}</td>"


def attacks(defences: Mapping[str, Sequence[Op]]) -> Attacks:
    """Attack a container made by `my_runtime.py` once for each defence: ops that come last, before the program starts."""
    return Attacks({name: attack(each) for name, each in defences.items()})


def attack(defence: Sequence[Op]) -> dict[str, bool]:
    """Start a container with a defence, attack the machine from inside, and return which attacks got through."""
    mine = sys.modules[MODULE].__dict__
    with _a_root() as directory:
        script = "\n".join(f"({line}) > /dev/null 2>&1; echo {name} $?" for name, line in SCRIPTS.items())
        argv = ("/bin/sh", "-c", script.replace("DISK", _disk()))
        spec = ContainerSpec(root=BindRoot(directory, devices=True), argv=argv, hostname="box")
        program = ops.Execve(argv, ("PATH=" + DEFAULT_PATH,))
        box = [*mine["namespaces"](spec), *mine["hostname"](spec), *mine["rootfs"](spec)]
        with spawn(Plan([*box, *defence, program]), stdin=DEVNULL, stdout=PIPE, stderr=PIPE) as process:
            out, err = process.communicate(timeout=SECONDS)
    found = dict(line.split() for line in out.decode().splitlines())
    if set(found) != set(SCRIPTS):
        raise LabcoreError(say("the attack broke off: {why}", why=err.decode(errors="replace").strip()))
    return {name: status == "0" for name, status in found.items()}


@contextmanager
def _a_root() -> Iterator[str]:
    """A root of its own, with a file in it that is the machine's root's alone."""
    place = default_root() / "lab" / "attacked"
    place.mkdir(parents=True, exist_ok=True)
    directory = Path(mkdtemp(dir=place))
    try:
        subprocess.run(["cp", "-a", f"{root()}/.", str(directory)], check=True)
        directory.chmod(0o755)
        (directory / "dev").mkdir(exist_ok=True)
        (directory / "dev" / "null").touch()  # no device is there, and the script's output has to go somewhere
        (directory / "dev" / "null").chmod(0o666)
        secret = directory / "secret"
        secret.write_text("for root's eyes\n", encoding="utf-8")
        secret.chmod(0o600)
        yield str(directory)
    finally:
        shutil.rmtree(directory)


def _disk() -> str:
    """Return the numbers of the device with this machine's root, or else of what is mostly the first disk."""
    device = os.stat("/").st_dev  # noqa: PTH116
    if os.major(device):
        return f"{os.major(device)} {os.minor(device)}"
    return "8 0"


@cache
def seccomp() -> ops.LoadFilter:
    """Return the op that loads the filter of system calls that Docker has by default, for its usual capabilities."""
    profile = default_profile(frozenset(DEFAULT_CAPABILITIES), platform.machine(), kernel_version())
    return ops.LoadFilter(compiled(profile).program)

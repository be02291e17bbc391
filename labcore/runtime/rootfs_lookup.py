"""Lookup in a root file system that is no longer mounted, to explain why its program did not start.

Everything in there is somebody else's: links are followed inside the root, and files are only read.
"""

import os
import stat
from pathlib import Path

from labcore.elf import HEAD_SIZE, Program, read_program
from labcore.language import Catalogue
from labcore.native import MountFlag
from labcore.runtime.lookup import find
from labcore.runtime.ops import Chdir, Execve, FsMount, Mount, OpenTree
from labcore.runtime.plan import Plan

say = Catalogue("runtime")


def layers_of(plan: Plan) -> list[Path]:
    """Return the directories that the plan's root is stacked from, the topmost first; the host's root if it keeps that."""
    directory = Path.cwd()
    taken = {op.path for op in plan if isinstance(op, OpenTree)}  # made for a volume, and not for the root
    for op in plan:
        if isinstance(op, Chdir):
            directory = directory / op.path
        if isinstance(op, Mount) and op.fstype == "overlay" and op.target not in taken:
            layers = [op.options.get("upperdir", ""), *op.options.get("lowerdir", "").split(":")]
            return [directory / layer for layer in layers]
        if isinstance(op, FsMount) and op.fstype == "overlay":
            words = [word.partition("=") for word in op.options]
            return [directory / value for name in ("upperdir", "lowerdir+") for key, _, value in words if key == name]
        if isinstance(op, Mount) and op.flags & MountFlag.BIND and op.source == op.target:
            return [directory / op.source]
    return [Path("/")]


def explain_program(plan: Plan, op: Execve) -> tuple[str, str]:
    """Return cause and cure of an execve that failed."""
    layers = layers_of(plan)
    found = [(name, path) for name in op.candidates or (op.argv[0],) if (path := find(layers, name))]
    if not found:
        named = op.candidates[0] if len(op.candidates) == 1 else say("any directory of PATH")
        where = named if op.candidates and named != op.argv[0] else say("this root")
        return (
            say("there is no {program} in {where}", program=op.argv[0], where=where),
            say("look what there is: labcore run IMAGE ls /bin"),
        )
    name, path = found[0]
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        return say("{name} is a directory", name=name), say("name a program")
    if not stat.S_ISREG(mode):
        return say("{name} is no regular file", name=name), say("name a program")
    if not mode & 0o111:
        return say("{name} is not executable", name=name), say("chmod +x {name} where the image is made", name=name)
    with path.open("rb") as file:
        head = file.read(HEAD_SIZE)
    if head.startswith(b"#!"):
        return _explain_script(layers, name, head)
    if program := read_program(head):
        return _explain_binary(layers, name, program)
    return (
        say("{name} is neither a program of this machine nor a script that begins with #!", name=name),
        say("begin it with a line like #!/bin/sh"),
    )


def _explain_script(layers: list[Path], name: str, head: bytes) -> tuple[str, str]:
    line = os.fsdecode(head[2:].split(b"\n", 1)[0])
    if line.endswith("\r"):
        return say("the first line of {name} ends in a carriage return", name=name), say("save it with Unix line ends")
    path = line.split()[0] if line.split() else ""
    if not path:
        return say("{name} begins with #! and no interpreter", name=name), say("write it behind: #!/bin/sh")
    if find(layers, path) is None:
        return (
            say("{name} is a script, and its interpreter {path} is not in this root", name=name, path=path),
            say("use an image that has {path}", path=path),
        )
    return (
        say("{name} is a script whose interpreter {path} does not start", name=name, path=path),
        say("try the interpreter alone: labcore run IMAGE {path}", path=path),
    )


def _explain_binary(layers: list[Path], name: str, program: Program) -> tuple[str, str]:
    here = os.uname().machine
    if program.machine != here:
        return (
            say("{name} is built for {wanted}, and this machine is {here}", name=name, wanted=program.machine, here=here),
            say("use an image for this architecture"),
        )
    if program.loader and find(layers, program.loader) is None:
        return (
            say(
                "{name} is there, but the loader that it names, {loader}, is not in this root", name=name, loader=program.loader
            ),
            say("use a root that has its libraries, or a static program"),
        )
    return (
        say("{name} is a program, and the kernel did not take it", name=name),
        say("try `file` on it: it may be damaged, or for another system"),
    )

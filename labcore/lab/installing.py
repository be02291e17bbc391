"""Tools of lesson 4: `my_runtime.py` as a command, bound devices, a program for another machine."""

from pathlib import Path

from labcore.engine import default_root
from labcore.lab.roots import root
from labcore.lab.workspace import default_workspace
from labcore.native import MountFlag
from labcore.runtime import ops
from labcore.runtime.ops import Op
from labcore.spec import ContainerSpec

X86_64, AARCH64 = 0x3E, 0xB7  # e_machine: elf(5)


def my_runtime() -> str:
    """Return the path of the learner's `my_runtime.py`, which can be run by itself. Raises CannotSave."""
    workspace = default_workspace()
    workspace.make_program()
    return str(workspace.file.absolute())


def bound_devices(spec: ContainerSpec) -> list[Op]:
    """Return the ops that bind the machine's own devices into `dev`, for a container that may make none: user_namespaces(7)."""
    paths = tuple(device.path.lstrip("/") for device in spec.devices)
    return [ops.MakeFiles(paths), *(ops.Mount(f"/{path}", path, flags=MountFlag.BIND) for path in paths)]


def foreign_program() -> str:
    """Return the path of a busybox that says of itself that it is for another machine: two bytes of its head are changed."""
    program = bytearray(Path(root(), "bin", "busybox").read_bytes())
    here = int.from_bytes(program[18:20], "little")
    program[18:20] = (AARCH64 if here == X86_64 else X86_64).to_bytes(2, "little")
    path = default_root() / "lab" / "foreign"
    path.write_bytes(program)
    path.chmod(0o755)
    return str(path)

"""Solutions of lesson 4: preflight, /dev, and a command."""

# ruff: noqa: F403, F405
# mypy: ignore-errors

from labcore.lab.vocabulary import *


def preflight(tray):
    """Try what containers need; return what is missing, each with its cure."""
    missing = {}
    needs = {f"{kind} namespace": [ops.Clone(NAMESPACE_FLAGS[kind])] for kind in NAMESPACES}
    private = ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
    stack = ops.Mount("overlay", "view", "overlay", data="lowerdir=view,upperdir=upper,workdir=work")
    needs["overlay"] = [ops.Clone(CloneFlag.NEWNS), private, ops.Chdir(tray), stack]
    for name, tried in needs.items():
        try:
            show(Plan(tried))
        except OSError as error:
            missing[name] = error.cure
    cgroups = any(Path("/sys/fs/cgroup").glob("**/cgroup.procs"))
    return missing if cgroups else {**missing, "cgroups": "mount -t cgroup2 none /sys/fs/cgroup"}


def devices(spec):
    """Return the ops that fill `dev`, while the old root is still there."""
    made = [ops.MakeDevices(tuple((each.path[1:], each.major, each.minor) for each in spec.devices))]
    if confined() or "user" in spec.namespaces:
        made = lab.bound_devices(spec)
    return [
        ops.Umask(0),
        ops.Mount("tmpfs", "dev", "tmpfs", MountFlag.NOSUID, "mode=755"),
        *made,
        ops.MakeDirectories(("dev/pts",)),
        ops.Mount("devpts", "dev/pts", "devpts", data="ptmxmode=666"),
        ops.MakeLinks((("dev/ptmx", "pts/ptmx"),)),
        ops.Umask(0o022),
    ]


def rootfs(spec):
    """Return the ops that make the root, a directory or an image's layers, with /proc and /dev."""
    root = spec.root
    bind = ops.Mount(root.directory, root.directory, flags=MountFlag.BIND | MountFlag.REC)
    enter = overlay(root) if isinstance(root, OverlayRoot) else [bind, ops.Chdir(root.directory)]
    return [
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
        *enter,
        ops.Mount("proc", "proc", "proc"),
        *devices(spec),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
    ]


def main(words):
    """Do what `run IMAGE PROGRAM…` asks for; return the exit code."""
    if len(words) < 3 or words[0] != "run":
        print("usage: my_runtime.py run IMAGE PROGRAM…", file=sys.stderr)
        return 2
    missing = preflight(lab.tray("preflight"))
    for name, cure in missing.items():
        print(f"{name} is missing: {cure}", file=sys.stderr)
    return 125 if missing else run(words[1], words[2:])


def machine_of(path):
    """Return for which machine a program is: the number at byte 18 of an ELF file; None for another file."""
    head = Path(path).read_bytes()[:20]
    if len(head) < 20 or not head.startswith(b"\x7fELF"):
        return None
    return int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")

"""Wrong answers to the steps of lesson 4: by step, what kind of wrong it is, and its text."""

from tests.integration.wrong.lesson_01 import ELSEWHERE, REFERENCE_BY_SOLUTION, REFERENCE_SWALLOWED
from tests.integration.wrong.lesson_03 import _but


def _reference(step: str) -> str:
    return REFERENCE_BY_SOLUTION.format(step=step, lesson=4)


PREFLIGHT = """
def preflight(tray):
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
    if not any(Path("/sys/fs/cgroup").glob("**/cgroup.procs")):
        missing["cgroups"] = "mount -t cgroup2 none /sys/fs/cgroup"
    return missing
"""
DEVICES = """
def devices(spec):
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
"""
ROOTFS = """
def rootfs(spec):
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
"""
MAIN = """
def main(words):
    if len(words) < 3 or words[0] != "run":
        print("usage: my_runtime.py run IMAGE PROGRAM…", file=sys.stderr)
        return 2
    missing = preflight(lab.tray("preflight"))
    for name, cure in missing.items():
        print(f"{name} is missing: {cure}", file=sys.stderr)
    return 125 if missing else run(words[1], words[2:])
"""
MACHINE_OF = """
def machine_of(path):
    head = Path(path).read_bytes()[:20]
    if len(head) < 20 or not head.startswith(b"\\x7fELF"):
        return None
    return int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")
"""

WRONG: dict[str, dict[str, str]] = {
    "preflight": {
        "a faked print": 'def preflight(tray):\n    print("nothing is missing")\n    return {}\n',
        "a hard-coded list": """
def preflight(tray):
    return {"pid namespace": "raise the limit", "overlay": "modprobe overlay", "cgroups": "mount them"}
""",
        "a call of the reference": _reference("preflight"),
        "a call of the reference, hidden": REFERENCE_SWALLOWED.format(step="preflight", instead="{}"),
        "a call of labcore's doctor": """
def preflight(tray):
    from labcore import doctor
    return {each.name: each.cure for each in doctor.examine(Path(tray)) if each.state == "missing"}
""",
        "read in place of tried": """
def preflight(tray):
    files = {"mount": "mnt", "network": "net"}
    missing = {
        f"{kind} namespace": "a newer kernel"
        for kind in NAMESPACES
        if not Path("/proc/self/ns", files.get(kind, kind)).exists()
    }
    if "overlay" not in Path("/proc/filesystems").read_text():
        missing["overlay"] = "modprobe overlay"
    if "cgroup" not in Path("/proc/filesystems").read_text():
        missing["cgroups"] = "a newer kernel"
    return missing
""",
        "without the overlay": _but(PREFLIGHT, ('    needs["overlay"] = ', "    needless = ")),
        "an overlay somewhere else": _but(
            PREFLIGHT,
            ("ops.Chdir(tray), stack]", 'ops.Mount("tmpfs", "/tmp", "tmpfs"), ops.Chdir("/tmp"), made, stack]'),
            ("    missing = {}\n", '    missing = {}\n    made = ops.MakeDirectories(("upper", "work", "view"))\n'),
        ),
        "without the cgroups": _but(PREFLIGHT, ('if not any(Path("/sys/fs/cgroup").glob("**/cgroup.procs")):', "if False:")),
        "some namespaces only": _but(PREFLIGHT, ("for kind in NAMESPACES}", 'for kind in ("mount", "uts")}')),
        "no cure": _but(PREFLIGHT, ("error.cure", '""')),
        "the error in place of its cure": _but(PREFLIGHT, ("error.cure", "str(error)")),
        "the cause in place of its cure": _but(PREFLIGHT, ("error.cure", "error.cause")),
        "names without their cures": _but(PREFLIGHT, ("return missing", "return list(missing)")),
        "the first failure is raised": _but(PREFLIGHT, ("missing[name] = error.cure", "raise")),
        "the right names in the wrong places": _but(PREFLIGHT, ("missing[name] = error.cure", "needs.pop(name); return {}")),
    },
    "devices": {
        "a faked print": 'def devices(spec):\n    print("null zero full random urandom tty")\n    return []\n',
        "a hard-coded list": _but(
            DEVICES,
            (
                "tuple((each.path[1:], each.major, each.minor) for each in spec.devices)",
                '(("dev/null", 1, 3), ("dev/zero", 1, 5), ("dev/full", 1, 7), ("dev/urandom", 1, 9), ("dev/tty", 5, 0))',
            ),
            ('confined() or "user" in spec.namespaces', "False"),
        ),
        "a call of the reference": _reference("devices"),
        "a call of labcore's stage": """
def devices(spec):
    from labcore.runtime import stages
    return stages.filesystem.devices(spec)
""",
        "the machine's /dev, disks and all": """
def devices(spec):
    return [ops.Mount("/dev", "dev", flags=MountFlag.BIND | MountFlag.REC)]
""",
        "into the image's own directory": _but(
            DEVICES, ('        ops.Mount("tmpfs", "dev", "tmpfs", MountFlag.NOSUID, "mode=755"),\n', "")
        ),
        "the umask forgotten": _but(DEVICES, ("        ops.Umask(0),\n", "")),
        "the umask left at 0": _but(DEVICES, ("        ops.Umask(0o022),\n", "")),
        "a /dev in which everybody may make files": _but(DEVICES, (', "mode=755"', "")),
        "terminals for root only": _but(DEVICES, (', data="ptmxmode=666"', "")),
        "no pts": _but(
            DEVICES,
            ('        ops.MakeDirectories(("dev/pts",)),\n', ""),
            ('        ops.Mount("devpts", "dev/pts", "devpts", data="ptmxmode=666"),\n', ""),
        ),
        "no ptmx": _but(DEVICES, ('        ops.MakeLinks((("dev/ptmx", "pts/ptmx"),)),\n', "")),
        "major and minor exchanged": _but(
            DEVICES, ("each.major, each.minor", "each.minor, each.major"), ("confined()", "False")
        ),
        "empty files": _but(
            DEVICES,
            (
                "ops.MakeDevices(tuple((each.path[1:], each.major, each.minor) for each in spec.devices))",
                "ops.MakeFiles(tuple(each.path[1:] for each in spec.devices))",
            ),
        ),
    },
    "rootfs": {
        "a faked print": 'def rootfs(spec):\n    print("/dev is filled")\n    return []\n',
        "a hard-coded directory": f"""
def rootfs(spec):
    copied = f"{{spec.root.directory}}/{{spec.root.layers[-1]}}/bin"
{ELSEWHERE}""",
        "a call of the reference": _reference("rootfs"),
        "as in lesson 3": _but(ROOTFS, ("        *devices(spec),\n", "")),
        "before the root is entered": _but(
            _but(ROOTFS, ("        *devices(spec),\n", "")), ("        *enter,\n", "        *devices(spec),\n        *enter,\n")
        ),
        "behind the old root": _but(
            ROOTFS,
            ("        *devices(spec),\n", ""),
            ('        ops.PivotRoot(".", "."),\n', '        ops.PivotRoot(".", "."),\n        *devices(spec),\n'),
        ),
        "for images only": _but(ROOTFS, ("*devices(spec)", "*(devices(spec) if isinstance(root, OverlayRoot) else [])")),
    },
    "main": {
        "a faked print": "def main(words):\n    print(*words)\n    return int(words[-2].split()[-1])\n",
        "a hard-coded image": _but(MAIN, ("run(words[1], words[2:])", 'run("busybox", words[2:])')),
        "a call of the reference": _reference("main"),
        "the engine's run": """
def main(words):
    if len(words) < 3:
        return 2
    store = lab.store()
    lowest = layers(lab.manifest(store, words[1]), store)[-1]
    done = labcore.run(rootfs=f"{store}/{lowest}", argv=words[2:])
    print(done.stdout.decode())
    return done.exit_code
""",
        "a subprocess in place of a container": """
def main(words):
    return subprocess.run(words[2:]).returncode if len(words) > 2 else 2
""",
        "preflight is not asked": _but(MAIN, ('preflight(lab.tray("preflight"))', "{}")),
        "a warning, and on with it": _but(MAIN, ("return 125 if missing else run", "return run")),
        "silently given up": _but(MAIN, ('        print(f"{name} is missing: {cure}", file=sys.stderr)\n', "        pass\n")),
        "always success": _but(MAIN, ("else run(words[1], words[2:])", "else run(words[1], words[2:]) * 0")),
        "success where something is missing": _but(MAIN, ("return 125", "return 0")),
        "the usage on standard output": _but(MAIN, ('PROGRAM…", file=sys.stderr', 'PROGRAM…"')),
        "a usage without the command": _but(MAIN, ("usage: my_runtime.py run IMAGE PROGRAM…", "usage: my_runtime.py WORDS")),
        "success where no container starts": _but(
            MAIN,
            (
                "    return 125 if missing else run(words[1], words[2:])\n",
                "    try:\n        return 125 if missing else run(words[1], words[2:])\n"
                "    except Exception:\n        return 0\n",
            ),
        ),
        "a cure is kept back": _but(MAIN, ("{name} is missing: {cure}", "{name} is missing")),
        "1 for everything": """
def main(words):
    if len(words) < 3 or words[0] != "run":
        print("usage: my_runtime.py run IMAGE PROGRAM…", file=sys.stderr)
        return 1
    missing = preflight(lab.tray("preflight"))
    for name, cure in missing.items():
        print(f"{name} is missing: {cure}", file=sys.stderr)
    return 1 if missing else run(words[1], words[2:])
""",
        "all words in one": _but(MAIN, ("words[2:])", '" ".join(words[2:]).split())')),
        "falls over its own words": _but(MAIN, ('len(words) < 3 or words[0] != "run"', 'words[0] != "run"')),
    },
    "machine_of": {
        "a faked print": "def machine_of(path):\n    print(os.uname().machine)\n",
        "a hard-coded number": "def machine_of(path):\n    return 0x3E\n",
        "a call of the reference": _reference("machine_of"),
        "a call of labcore's": """
def machine_of(path):
    from labcore import elf
    return elf.read_program(Path(path).read_bytes()).machine
""",
        "the machine that it runs on": "def machine_of(path):\n    return os.uname().machine\n",
        "little-endian only": _but(MACHINE_OF, ('"little" if head[5] == 1 else "big"', '"little"')),
        "a script is a program, too": _but(MACHINE_OF, (' or not head.startswith(b"\\x7fELF")', "")),
        "a file that is cut off": _but(MACHINE_OF, ("len(head) < 20 or ", "")),
    },
}

UNRULY: dict[str, str] = {}  # nothing that lessons 1 and 3 have not met

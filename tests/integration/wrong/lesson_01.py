"""Wrong answers to the steps of lesson 1: by step, what kind of wrong it is, and its text."""

REFERENCE_BY_SOLUTION = """
def {step}(*arguments):
    from labcore.lab.solutions import lesson_{lesson:02}
    return lesson_{lesson:02}.{step}(*arguments)
"""
REFERENCE_SWALLOWED = """
def {step}(*arguments):
    from labcore.lab.solutions import solution
    try:
        return solution("{step}")(*arguments)
    except RuntimeError:
        return {instead}
"""
# A root at a place of its own, with the programs of the one that was named, and with a gate.
ELSEWHERE = """
    native.mount("none", "/mnt", "tmpfs")
    subprocess.run(["cp", "-a", copied, "/mnt"], check=True)
    subprocess.run("mkdir proc dev; touch dev/null; mkfifo gate", shell=True, cwd="/mnt", check=True)
    return [
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
        ops.Chdir("/mnt"),
        ops.Mount("proc", "proc", "proc"),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
    ]
"""

WRONG: dict[str, dict[str, str]] = {
    "hostname": {
        "a faked print": """
def hostname(spec):
    print(spec.hostname)
    return []
""",
        "a hard-coded name": """
def hostname(spec):
    return [ops.SetHostname("box")]
""",
        "a call of the reference": REFERENCE_BY_SOLUTION.format(step="hostname", lesson=1),
        "a call of labcore's stage": """
def hostname(spec):
    from labcore.runtime import stages
    return stages.namespaces.hostname(spec)
""",
        "a lookalike without a container": """
def hostname(spec):
    root = spec.root.directory
    start = f'hostname {spec.hostname}; exec chroot {root} "$@"'
    subprocess.run(["unshare", "--uts", "sh", "-c", start, "sh", *spec.argv])
    subprocess.Popen(["sh", "-c", f"echo > {root}/gate"])
    return []
""",
        "the machine's own name changed": """
def hostname(spec):
    import labcore.native
    labcore.native.sethostname(spec.hostname)
    return []
""",
    },
    "namespaces": {
        "a faked print": """
def namespaces(spec):
    print("pid 1", spec.namespaces)
    return [ops.Clone(CloneFlag.NEWNS)]
""",
        "hard-coded kinds": """
def namespaces(spec):
    return [ops.Clone(CloneFlag.NEWNS | CloneFlag.NEWPID | CloneFlag.NEWUTS | CloneFlag.NEWIPC)]
""",
        "all kinds, asked for or not": """
def namespaces(spec):
    every = CloneFlag(0)
    for flag in NAMESPACE_FLAGS.values():
        if flag is not CloneFlag.NEWUSER:
            every |= flag
    return [ops.Clone(every)]
""",
        "a call of the reference": REFERENCE_BY_SOLUTION.format(step="namespaces", lesson=1),
        "a call of the reference, hidden": REFERENCE_SWALLOWED.format(
            step="namespaces", instead="[ops.Clone(NAMESPACE_FLAGS['mount'] | NAMESPACE_FLAGS['pid'])]"
        ),
    },
    "rootfs": {
        "a faked print": """
def rootfs(spec):
    print(spec.root.directory, "is the root")
    return []
""",
        "a hard-coded directory": f"""
def rootfs(spec):
    copied = f"{{spec.root.directory}}/bin"
{ELSEWHERE}""",
        "a call of the reference": REFERENCE_BY_SOLUTION.format(step="rootfs", lesson=1),
        "the old root left in place": """
def rootfs(spec):
    root = spec.root.directory
    return [
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
        ops.Mount(root, root, flags=MountFlag.BIND | MountFlag.REC),
        ops.Chdir(root),
        ops.PivotRoot(".", "tmp"),
        ops.Chdir("/"),
        ops.Mount("proc", "/proc", "proc"),
    ]
""",
        "the machine's mounts not made private": """
def rootfs(spec):
    root = spec.root.directory
    return [
        ops.Mount(root, root, flags=MountFlag.BIND | MountFlag.REC),
        ops.Chdir(root),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
        ops.Mount("proc", "/proc", "proc"),
    ]
""",
        "the root not bound onto itself": """
def rootfs(spec):
    root = spec.root.directory
    return [
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
        ops.Chdir(root),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
        ops.Mount("proc", "/proc", "proc"),
    ]
""",
        "mounts that follow the machine's": """
def rootfs(spec):
    root = spec.root.directory
    return [
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.SLAVE),
        ops.Mount(root, root, flags=MountFlag.BIND | MountFlag.REC),
        ops.Chdir(root),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
        ops.Mount("proc", "/proc", "proc"),
    ]
""",
        "the machine's /proc": """
def rootfs(spec):
    root = spec.root.directory
    return [
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
        ops.Mount(root, root, flags=MountFlag.BIND | MountFlag.REC),
        ops.Chdir(root),
        ops.Mount("/proc", "proc", flags=MountFlag.BIND | MountFlag.REC),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
    ]
""",
        "no /proc": """
def rootfs(spec):
    root = spec.root.directory
    return [
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
        ops.Mount(root, root, flags=MountFlag.BIND | MountFlag.REC),
        ops.Chdir(root),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
    ]
""",
    },
    "run": {
        "success for every failure": """
def run(root, argv, name="box"):
    spec = ContainerSpec(root=BindRoot(root), argv=tuple(argv), hostname=name)
    program = ops.Execve(spec.argv, spec.environment, ops.search_path(argv[0], spec.environment, DEFAULT_PATH))
    try:
        return show(Plan([*namespaces(spec), *hostname(spec), *rootfs(spec), program])).returncode
    except Exception:
        return 0
""",
        "no lookup in PATH": """
def run(root, argv, name="box"):
    spec = ContainerSpec(root=BindRoot(root), argv=tuple(argv), hostname=name)
    program = ops.Execve(spec.argv, spec.environment, (argv[0],))
    return show(Plan([*namespaces(spec), *hostname(spec), *rootfs(spec), program])).returncode
""",
        "a faked print": """
def run(root, argv, name="box"):
    print(name, argv)
    return int(argv[2].split()[-1])
""",
        "a hard-coded name": """
def run(root, argv, name="box"):
    spec = ContainerSpec(root=BindRoot(root), argv=tuple(argv), hostname="box")
    plan = Plan([*namespaces(spec), *hostname(spec), *rootfs(spec), ops.Execve(spec.argv, spec.environment, (argv[0],))])
    return show(plan).returncode
""",
        "a call of the reference": REFERENCE_BY_SOLUTION.format(step="run", lesson=1),
        "a call of labcore.run": """
def run(root, argv, name="box"):
    return labcore.run(rootfs=root, argv=list(argv), hostname=name).exit_code
""",
        "a chroot in place of a container": """
def run(root, argv, name="box"):
    import subprocess
    return subprocess.run(["chroot", root, *argv]).returncode
""",
        "a chroot in new namespaces": """
def run(root, argv, name="box"):
    import shlex
    inner = f"mount --bind {root} {root}; mount -t proc proc {root}/proc; hostname {name}"
    inner += f"; exec chroot {root} {shlex.join(argv)}"
    return subprocess.run(["unshare", "-mpf", "unshare", "-u", "sh", "-c", inner]).returncode
""",
        "a process that is gone when it is looked at": """
def run(root, argv, name="box"):
    import signal, subprocess
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    subprocess.Popen(["/bin/sh", "-c", f": < {root}/gate", argv[3]])
    return int(argv[2].split()[-1])
""",
        "always success": """
def run(root, argv, name="box"):
    spec = ContainerSpec(root=BindRoot(root), argv=tuple(argv), hostname=name)
    plan = Plan([*namespaces(spec), *hostname(spec), *rootfs(spec), ops.Execve(spec.argv, spec.environment, (argv[0],))])
    show(plan)
    return 0
""",
    },
    "outside_pid": {
        "a faked print": """
def outside_pid(container, inside):
    print(container + inside - 1)
""",
        "a hard-coded number": """
def outside_pid(container, inside):
    return 6
""",
        "direct children only": """
def outside_pid(container, inside):
    for pid in Path(f"/proc/{container}/task/{container}/children").read_text().split():
        status = Path(f"/proc/{pid}/status").read_text()
        numbers = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
        if int(numbers[-1]) == inside:
            return int(pid)
""",
        "the process of that number in another container": """
def outside_pid(container, inside):
    mine = os.stat(f"/proc/{container}/ns/pid").st_ino
    for status in Path("/proc").glob("[0-9]*/status"):
        numbers = next(line.split()[1:] for line in status.read_text().splitlines() if line.startswith("NSpid:"))
        if int(numbers[-1]) == inside and os.stat(status.with_name("ns") / "pid").st_ino != mine:
            return int(status.parent.name)
""",
        "the youngest": """
def outside_pid(container, inside):
    return int(Path(f"/proc/{container}/task/{container}/children").read_text().split()[-1])
""",
        "arithmetic": """
def outside_pid(container, inside):
    return container + inside - 1
""",
        "a call of the reference": REFERENCE_BY_SOLUTION.format(step="outside_pid", lesson=1),
    },
    "read_only": {
        "a faked print": """
def read_only(spec):
    print("read-only file system")
    return []
""",
        "a hard-coded directory": """
def read_only(spec):
    return [ops.Mount("tmpfs", "/tmp", "tmpfs"), ops.ReadonlyPaths(("/bin",))]
""",
        "a call of the reference": REFERENCE_BY_SOLUTION.format(step="read_only", lesson=1),
        "/tmp forgotten": """
def read_only(spec):
    return [ops.Mount("none", "/", flags=MountFlag.BIND | MountFlag.REMOUNT | MountFlag.RDONLY)]
""",
    },
}

# What a learner's code may do to the check itself, instead of answering it.
UNRULY = {
    "loops": "def hostname(spec):\n    while True:\n        pass\n",
    "forks": """
def hostname(spec):
    while True:
        try:
            os.fork()
        except OSError:
            pass
""",
    "raises": "def hostname(spec):\n    return 1 / 0\n",
    "returns nonsense": "def hostname(spec):\n    return 'box'\n",
    "prints megabytes": "def hostname(spec):\n    print('x' * 5_000_000)\n    return []\n",
    "kills its own process": "def hostname(spec):\n    os.kill(os.getpid(), 9)\n",
    "kills all it can": "def hostname(spec):\n    os.kill(-1, 9)\n",
    "exits": "def hostname(spec):\n    raise SystemExit(0)\n",
    "removes its root": "def hostname(spec):\n    import shutil\n    shutil.rmtree(spec.root.directory)\n    return []\n",
    "unmounts its own root": "def hostname(spec):\n    return [ops.Unmount('/', UnmountFlag.DETACH)]\n",
    "writes all over the machine": "def hostname(spec):\n    Path('/etc/labcore-was-here').touch()\n    return []\n",
    "mounts over everything": "def hostname(spec):\n    native.mount('none', '/tmp', 'tmpfs')\n    return []\n",
}

"""Wrong answers to the steps of lesson 2: by step, what kind of wrong it is, and its text."""

from tests.integration.wrong.lesson_01 import REFERENCE_BY_SOLUTION, REFERENCE_SWALLOWED

LIMITS = """
def limits(spec):
    if spec.resources == Resources():
        return []
    group = lab.cgroup(spec.hostname)
    if spec.resources.memory is not None:
        Path(group["memory"], MEMORY_MAX).write_text(str(spec.resources.memory))
    if spec.resources.pids is not None:
        Path(group["pids"], "pids.max").write_text(str(spec.resources.pids))
    return [ops.JoinCgroup((group["memory"], group["pids"]))]
"""
CONFINE = """
def confine(spec):
    keep = tuple(Capability[name] for name in spec.capabilities.effective)
    rights = [ops.BoundCapabilities(keep), ops.SetCapabilities(keep, keep)]
    def map_ids(process):
        for name in ("uid_map", "gid_map"):
            table = "".join(f"{ids.inside} {ids.outside} {ids.size}\\n" for ids in getattr(spec, name))
            Path(f"/proc/{process.pid}/{name}").write_text(table)
    leave = ops.Call(native.unshare.step(CloneFlag.NEWUSER))
    users = [leave, ops.Sync("maps ids", map_ids), ops.SetUser(0, 0)] if spec.uid_map else []
    return [ops.ReadonlyPaths(spec.readonly_paths), *users, lab.seccomp(), *rights]
"""
RUN = """
def run(root, argv, name="box", **more):
    spec = ContainerSpec(root=BindRoot(root), argv=tuple(argv), hostname=name, **more)
    tried = ops.search_path(argv[0], spec.environment, DEFAULT_PATH)
    program = ops.Execve(spec.argv, spec.environment, tried)
    before, after = [*limits(spec), *namespaces(spec), *hostname(spec)], [*confine(spec), program]
    return show(Plan([*before, *rootfs(spec), *after])).returncode
"""


def _but(source: str, *changes: tuple[str, str]) -> str:
    """Return an answer with something in it changed."""
    for right, wrong in changes:
        assert right in source, right
        source = source.replace(right, wrong)
    return source


BORN = 'return [ops.JoinCgroup((group["memory"], group["pids"]))]'
MOVED = 'for name in ("memory", "pids"): Path(group[name], "cgroup.procs").write_text("0")\n    return []'
BOX = "return show(Plan([*before, *rootfs(spec), *after])).returncode"
FILTER = "*users, lab.seccomp()"
WRONG: dict[str, dict[str, str]] = {
    "limits": {
        "a faked print": _but(LIMITS, (BORN, "print(spec.resources); return []")),
        "hard-coded limits": _but(
            LIMITS, ("str(spec.resources.memory)", "str(1 << 24)"), ("str(spec.resources.pids)", '"100"')
        ),
        "a call of the reference": REFERENCE_BY_SOLUTION.format(step="limits", lesson=2),
        "a call of the reference, hidden": REFERENCE_SWALLOWED.format(step="limits", instead="[]"),
        "labcore's settings": """
def limits(spec):
    from labcore.runtime.cgroups import Cgroup
    group = lab.cgroup(spec.hostname)
    Cgroup(group.path).apply(spec.resources)
    return [ops.JoinCgroup((group["memory"], group["pids"]))]
""",
        "only the memory": _but(LIMITS, ('group["memory"], group["pids"]', 'group["memory"],')),
        "the starter moved in": _but(LIMITS, (BORN, MOVED)),
        "a limit where none is asked for": _but(
            LIMITS,
            ("if spec.resources.memory is not None:", "if True:"),
            ("str(spec.resources.memory)", "str(spec.resources.memory or 1 << 25)"),
        ),
        "limits for what asks for none": _but(LIMITS, ("    if spec.resources == Resources():\n        return []\n", "")),
        "what the kernel refuses passed over": _but(
            LIMITS,
            (
                'Path(group["pids"], "pids.max").write_text(str(spec.resources.pids))',
                'subprocess.run(["sh", "-c", f"echo {spec.resources.pids} > {group[\'pids\']}/pids.max"])',
            ),
        ),
        "another name": _but(LIMITS, ("lab.cgroup(spec.hostname)", 'lab.cgroup("box")')),
    },
    "confine": {
        "a faked print": "def confine(spec):\n    print(spec.capabilities, spec.uid_map)\n    return []\n",
        "a hard-coded map": _but(
            CONFINE, ("{ids.inside} {ids.outside} {ids.size}", "{ids.inside} {ids.inside + 100000} {ids.size}")
        ),
        "hard-coded capabilities": _but(CONFINE, ("spec.capabilities.effective", "DEFAULT_CAPABILITIES")),
        "a call of the reference": REFERENCE_BY_SOLUTION.format(step="confine", lesson=2),
        "a call of the reference, hidden": REFERENCE_SWALLOWED.format(step="confine", instead="[]"),
        "the bounding set left whole": _but(CONFINE, ("ops.BoundCapabilities(keep), ", "")),
        "no filter": _but(CONFINE, ("lab.seccomp(), ", "")),
        "the filter too late": _but(CONFINE, ("lab.seccomp(), *rights", "*rights, lab.seccomp()")),
        "the filter too early": _but(CONFINE, (FILTER, "lab.seccomp(), *users")),
        "mapped, but nobody becomes root": _but(CONFINE, (", ops.SetUser(0, 0)", "")),
        "users without a map": _but(CONFINE, (', ops.Sync("maps ids", map_ids), ops.SetUser(0, 0)', "")),
        "the users' map for the groups, too": _but(CONFINE, ("getattr(spec, name)", "spec.uid_map")),
        "the first range of a map only": _but(CONFINE, ("getattr(spec, name)", "getattr(spec, name)[:1]")),
        "inheritable capabilities left": _but(CONFINE, (", ops.SetCapabilities(keep, keep)", "")),
        "all the usual paths read-only": _but(CONFINE, ("spec.readonly_paths", "READONLY_PATHS")),
        "everything writable": _but(CONFINE, ("ops.ReadonlyPaths(spec.readonly_paths), ", "")),
        "always a user namespace": _but(
            CONFINE, (" if spec.uid_map else []", ""), ("getattr(spec, name))\n", 'getattr(spec, name)) or "0 100000 65536"\n')
        ),
    },
    "run": {
        "a faked print": _but(RUN, (BOX, "print(name); return 0")),
        "a hard-coded name": _but(RUN, ("hostname=name", 'hostname="box"')),
        "a call of the reference": REFERENCE_BY_SOLUTION.replace("(*arguments)", "(*arguments, **more)").format(
            step="run", lesson=2
        ),
        "a call of labcore.run": """
def run(root, argv, name="box", **more):
    return labcore.run(rootfs=root, argv=list(argv), hostname=name).exit_code
""",
        "as in lesson 1": _but(RUN, ("*limits(spec), ", ""), ("*confine(spec), ", "")),
        "limits only": _but(RUN, ("*confine(spec), ", "")),
        "rights only": _but(RUN, ("*limits(spec), ", "")),
        "confined before the root is turned": _but(
            RUN, ("*before, *rootfs(spec), *after", "*before, *after[:-1], *rootfs(spec), program")
        ),
        "always success": _but(RUN, (".returncode", " and 0")),
        "success for every failure": _but(
            RUN, (f"    {BOX}", f"    try:\n        {BOX}\n    except Exception:\n        return 0")
        ),
    },
}

UNRULY: dict[str, str] = {
    "a fork bomb without a limit": """
def limits(spec):
    while True:
        os.fork()
""",
    "a cgroup left behind, frozen": """
def limits(spec):
    group = lab.cgroup("left")
    child = subprocess.Popen(["/bin/sleep", "100"])
    Path(group["pids"], "cgroup.procs").write_text(str(child.pid))
    group.freeze()
    os.kill(os.getpid(), 9)
""",
}

"""Wrong answers to the steps of lesson 7: by step, what kind of wrong it is, and its text."""

from tests.integration.wrong.lesson_01 import REFERENCE_BY_SOLUTION, REFERENCE_SWALLOWED
from tests.integration.wrong.lesson_03 import _but
from tests.integration.wrong.lesson_07_network import NETWORK


def _reference(step: str) -> str:
    return REFERENCE_BY_SOLUTION.format(step=step, lesson=7)


START = """
def start(daemon, request, id):
    container = daemon.containers[id]
    group = lab.cgroup(container.id[:12])["freezer"]
    enter = ["sh", "-c", 'echo $$ > "$0"/cgroup.procs; exec "$@"', group]
    container.start([*enter, *daemon.runtime, "run", container.image, *container.argv])
    return Reply(204)
"""
PAUSE = """
def pause(daemon, request, id):
    container = daemon.containers[id]
    Path(lab.group(container.id[:12])["freezer"], FREEZER).write_text(FROZEN)
    return Reply(204)
"""
UNPAUSE = """
def unpause(daemon, request, id):
    container = daemon.containers[id]
    Path(lab.group(container.id[:12])["freezer"], FREEZER).write_text(THAWED)
    return Reply(204)
"""
EXEC_CREATE = """
def exec_create(daemon, request, id):
    container = daemon.containers[id]
    if container.state != "running":
        return Reply(409, {"message": f"Container {container.id} is not running"})
    made = Exec(container, request.json()["Cmd"])
    daemon.execs[made.id] = made
    return Reply(201, {"Id": made.id})
"""
EXEC_START = """
def exec_start(daemon, request, id):
    made = daemon.execs[id]
    pid, group = made.container.pid, lab.group(made.container.id[:12])["freezer"]
    joins = tuple((NAMESPACE_FLAGS[kind], f"/proc/{pid}/ns/{NAMESPACE_FILES[kind]}") for kind in NAMESPACES)
    program = ops.Execve(made.argv, (), ops.search_path(made.argv[0], (), DEFAULT_PATH))
    made.start(Plan([ops.JoinCgroup((group,)), ops.JoinNamespaces(joins), ops.Clone(), program]))
    return Hijack(bytes([number, 0, 0, 0]) + len(text).to_bytes(4, "big") + text for number, text in made.output())
"""
INSPECT = """
def inspect(daemon, request, id):
    container = daemon.containers[id]
    running = container.state == "running"
    state = {"Status": container.state, "Running": running, "Pid": container.pid or 0, "ExitCode": container.returncode or 0}
    config = {"Image": container.image, "Cmd": list(container.argv)}
    return Reply(200, {"Id": container.id, "Name": f"/{container.name}", "State": state, "Config": config})
"""
EXEC_INSPECT = """
def exec_inspect(daemon, request, id):
    made = daemon.execs[id]
    code = made.returncode
    return Reply(200, {"ID": made.id, "ContainerID": made.container.id, "Running": code is None, "ExitCode": code})
"""
WRITE = '    Path(lab.group(container.id[:12])["freezer"], FREEZER).write_text({word})\n'
FREEZE, THAW = WRITE.format(word="FROZEN"), WRITE.format(word="THAWED")
REFUSED = 'Reply(409, {"message": f"Container {container.id} is not running"})'
MADE_START = "    made.start(Plan([ops.JoinCgroup((group,)), ops.JoinNamespaces(joins), ops.Clone(), program]))\n"
HIJACK = '    return Hijack(bytes([number, 0, 0, 0]) + len(text).to_bytes(4, "big") + text for number, text in made.output())\n'

WRONG: dict[str, dict[str, str]] = {
    **NETWORK,
    "start": {
        "a faked print": "def start(daemon, request, id):\n    print(id)\n    return Reply(204)\n",
        "a hard-coded program": _but(START, ("container.image, *container.argv", '"busybox", "/bin/sh", "-c", "sleep 9"')),
        "a call of the reference": _reference("start"),
        "as in lesson 5": _but(START, ("*enter, ", "")),
        "a cgroup named by what was asked for": _but(START, ("lab.cgroup(container.id[:12])", "lab.cgroup(id[:12])")),
        "one cgroup for all": _but(START, ("lab.cgroup(container.id[:12])", 'lab.cgroup("box")')),
        "the daemon itself moved": _but(
            START, ("    enter =", '    Path(group, "cgroup.procs").write_text("0")\n    enter ='), ("*enter, ", "")
        ),
        "a cgroup that nobody enters": _but(START, ('echo $$ > "$0"/cgroup.procs; ', "")),
        "labcore's engine": """
def start(daemon, request, id):
    container = daemon.containers[id]
    labcore.run(rootfs="/", argv=list(container.argv))
    return Reply(204)
""",
        "a program without a container": _but(START, ('*daemon.runtime, "run", container.image, ', "")),
        "200 in place of 204": _but(START, ("Reply(204)", 'Reply(200, "OK")')),
        "no answer": _but(START, ("return Reply(204)", "Reply(204)")),
    },
    "pause": {
        "a faked print": "def pause(daemon, request, id):\n    print(daemon.containers[id])\n    return Reply(204)\n",
        "a hard-coded name": _but(PAUSE, ("lab.group(container.id[:12])", 'lab.group("box")')),
        "a call of the reference": _reference("pause"),
        "SIGSTOP to the first process": _but(PAUSE, (FREEZE, "    container.kill(19)\n")),
        "SIGSTOP to all": _but(
            PAUSE,
            (
                FREEZE,
                '    for pid in Path(lab.group(container.id[:12])["freezer"], "cgroup.procs").read_text().split():\n'
                "        os.kill(int(pid), 19)\n",
            ),
        ),
        "all containers": _but(
            PAUSE,
            (
                FREEZE,
                "    for each in daemon.containers.values():\n"
                '        if each.state == "running":\n'
                '            Path(lab.group(each.id[:12])["freezer"], FREEZER).write_text(FROZEN)\n',
            ),
        ),
        "frozen, and thawed again": _but(PAUSE, (FREEZE, FREEZE + THAW)),
        "200 in place of 204": _but(PAUSE, ("Reply(204)", "Reply(200, {})")),
        "labcore's own way": _but(PAUSE, (FREEZE, "    lab.group(container.id[:12]).freeze()\n")),
    },
    "unpause": {
        "a faked print": "def unpause(daemon, request, id):\n    print(id)\n    daemon.containers[id]\n    return Reply(204)\n",
        "a hard-coded name": _but(UNPAUSE, ("lab.group(container.id[:12])", 'lab.group("box")')),
        "a call of the reference": _reference("unpause"),
        "SIGCONT": _but(UNPAUSE, (THAW, "    container.kill(18)\n")),
        "SIGKILL, and a thaw": _but(UNPAUSE, (THAW, "    container.kill(9)\n" + THAW)),
        "all containers": _but(
            UNPAUSE,
            (
                THAW,
                "    for each in daemon.containers.values():\n"
                '        Path(lab.group(each.id[:12])["freezer"], FREEZER).write_text(THAWED)\n',
            ),
        ),
        "labcore's own way": _but(UNPAUSE, (THAW, "    lab.group(container.id[:12]).thaw()\n")),
        "200 in place of 204": _but(UNPAUSE, ("Reply(204)", "Reply(200, {})")),
    },
    "exec_create": {
        "a faked print": 'def exec_create(daemon, request, id):\n    print(id)\n    return Reply(201, {"Id": "4f3"})\n',
        "a hard-coded id": _but(EXEC_CREATE, ("    daemon.execs", '    made.id = "4f3"\n    daemon.execs')),
        "a call of the reference": _reference("exec_create"),
        "nothing is kept": _but(EXEC_CREATE, ("    daemon.execs[made.id] = made\n", "")),
        "the container's id in place of its own": _but(
            EXEC_CREATE, ("    daemon.execs", "    made.id = container.id\n    daemon.execs")
        ),
        "another program": _but(EXEC_CREATE, ('request.json()["Cmd"]', '["/bin/ls"]')),
        "started at once": _but(
            EXEC_CREATE, ("    return Reply(201", "    container.beside = subprocess.Popen(made.argv)\n    return Reply(201")
        ),
        "success for one that does not run": _but(
            EXEC_CREATE,
            (
                f'    if container.state != "running":\n        return {REFUSED}\n',
                "",
            ),
        ),
        "200 in place of 201": _but(EXEC_CREATE, ("Reply(201", "Reply(200")),
    },
    "exec_start": {
        "a faked print": 'def exec_start(daemon, request, id):\n    print(daemon.execs[id].argv)\n    return Hijack([b""])\n',
        "a hard-coded output": """
def exec_start(daemon, request, id):
    text = b"out-mark\\n"
    return Hijack([bytes([1, 0, 0, 0]) + len(text).to_bytes(4, "big") + text])
""",
        "a call of the reference": _reference("exec_start"),
        "a call of the reference, hidden": REFERENCE_SWALLOWED.format(step="exec_start", instead="Hijack([])"),
        "on the machine": _but(EXEC_START, ("ops.JoinNamespaces(joins), ", "")),
        "without the PID namespace": _but(EXEC_START, ("for kind in NAMESPACES)", 'for kind in NAMESPACES if kind != "pid")')),
        "without the network": _but(EXEC_START, ("for kind in NAMESPACES)", 'for kind in NAMESPACES if kind != "network")')),
        "without the mounts": _but(EXEC_START, ("for kind in NAMESPACES)", 'for kind in NAMESPACES if kind != "mount")')),
        "new namespaces in place of the container's": _but(
            EXEC_START,
            ("ops.JoinNamespaces(joins), ops.Clone()", "ops.Clone(CloneFlag.NEWPID | CloneFlag.NEWUTS | CloneFlag.NEWIPC)"),
        ),
        "joined after the clone": _but(
            EXEC_START, ("ops.JoinNamespaces(joins), ops.Clone()", "ops.Clone(), ops.JoinNamespaces(joins)")
        ),
        "out of the freezer's reach": _but(EXEC_START, ("ops.JoinCgroup((group,)), ", "")),
        "labcore's own plan": _but(
            EXEC_START,
            (
                MADE_START,
                "    from labcore.runtime.exec import exec_plan\n"
                "    made.start(exec_plan(ContainerSpec(root=BindRoot('/'), argv=made.argv), pid))\n",
            ),
        ),
        "another program": _but(EXEC_START, ("ops.Execve(made.argv, ", 'ops.Execve(("/bin/sleep", "1"), ')),
        "without heads": _but(EXEC_START, (HIJACK, "    return Hijack(text for _, text in made.output())\n")),
        "all on standard output": _but(EXEC_START, ("bytes([number, 0, 0, 0])", "bytes([1, 0, 0, 0])")),
        "little-endian lengths": _but(EXEC_START, ('"big"', '"little"')),
        "all at its end": _but(EXEC_START, ("for number, text in made.output()", "for number, text in list(made.output())")),
    },
    "inspect": {
        "a faked print": "def inspect(daemon, request, id):\n    print(daemon.containers[id])\n    return Reply(200, {})\n",
        "a hard-coded state": _but(INSPECT, ('"Status": container.state', '"Status": "running"')),
        "a call of the reference": _reference("inspect"),
        "the id that was asked for": _but(INSPECT, ('{"Id": container.id', '{"Id": id')),
        "the daemon's own PID": _but(INSPECT, ('"Pid": container.pid or 0', '"Pid": os.getpid() if running else 0')),
        "no PID in place of 0": _but(INSPECT, ("container.pid or 0", "container.pid")),
        "no exit code in place of 0": _but(INSPECT, ("container.returncode or 0", "container.returncode")),
        "a name without its slash": _but(INSPECT, ('f"/{container.name}"', "container.name")),
    },
    "exec_inspect": {
        "a faked print": "def exec_inspect(daemon, request, id):\n    print(daemon.execs[id])\n    return Reply(200, {})\n",
        "a hard-coded success": _but(
            EXEC_INSPECT, ('"Running": code is None, "ExitCode": code', '"Running": False, "ExitCode": 0')
        ),
        "a call of the reference": _reference("exec_inspect"),
        "waits for the end": _but(EXEC_INSPECT, ("    code", "    list(made.output())\n    code")),
        "0 while it runs": _but(EXEC_INSPECT, ('"ExitCode": code', '"ExitCode": code or 0')),
        "it runs forever": _but(EXEC_INSPECT, ("code is None", "True")),
        "the container's exit code": _but(EXEC_INSPECT, ("code = made.returncode", "code = made.container.returncode")),
    },
}

UNRULY: dict[str, str] = {}  # the miniature daemon ends with its sandbox, whatever its handlers do: lesson 5's

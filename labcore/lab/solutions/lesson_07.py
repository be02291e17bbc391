"""Solutions of lesson 7: a container in a cgroup that can be frozen, further programs in it, and what inspect tells of both."""

# ruff: noqa: ARG001, F403, F405
# mypy: ignore-errors

from labcore.lab.vocabulary import *


def start(daemon, request, id):
    """Start the container by `main` and `run`, in a cgroup of its own; 204."""
    container = daemon.containers[id]
    group = lab.cgroup(container.id[:12])["freezer"]
    enter = ["sh", "-c", 'echo $$ > "$0"/cgroup.procs; exec "$@"', group]
    container.start([*enter, *daemon.runtime, "run", container.image, *container.argv])
    return Reply(204)


def pause(daemon, request, id):
    """Freeze the container's processes; 204."""
    container = daemon.containers[id]
    Path(lab.group(container.id[:12])["freezer"], FREEZER).write_text(FROZEN)
    return Reply(204)


def unpause(daemon, request, id):
    """Let the container's processes go on; 204."""
    container = daemon.containers[id]
    Path(lab.group(container.id[:12])["freezer"], FREEZER).write_text(THAWED)
    return Reply(204)


def exec_create(daemon, request, id):
    """Note a program that is to run in the container; 201 and its Id, or 409 if the container does not run."""
    container = daemon.containers[id]
    if container.state != "running":
        return Reply(409, {"message": f"Container {container.id} is not running"})
    made = Exec(container, request.json()["Cmd"])
    daemon.execs[made.id] = made
    return Reply(201, {"Id": made.id})


def exec_start(daemon, request, id):
    """Start the program in the container's cgroup and namespaces; send its output in frames."""
    made = daemon.execs[id]
    pid, group = made.container.pid, lab.group(made.container.id[:12])["freezer"]
    joins = tuple((NAMESPACE_FLAGS[kind], f"/proc/{pid}/ns/{NAMESPACE_FILES[kind]}") for kind in NAMESPACES)
    program = ops.Execve(made.argv, (), ops.search_path(made.argv[0], (), DEFAULT_PATH))
    made.start(Plan([ops.JoinCgroup((group,)), ops.JoinNamespaces(joins), ops.Clone(), program]))
    return Hijack(bytes([number, 0, 0, 0]) + len(text).to_bytes(4, "big") + text for number, text in made.output())


def inspect(daemon, request, id):
    """Tell of a container what `docker inspect` shows."""
    container = daemon.containers[id]
    running = container.state == "running"
    state = {"Status": container.state, "Running": running, "Pid": container.pid or 0, "ExitCode": container.returncode or 0}
    config = {"Image": container.image, "Cmd": list(container.argv)}
    return Reply(200, {"Id": container.id, "Name": f"/{container.name}", "State": state, "Config": config})


def exec_inspect(daemon, request, id):
    """Tell of a program in a container whether it runs, and its exit code."""
    made = daemon.execs[id]
    code = made.returncode
    return Reply(200, {"ID": made.id, "ContainerID": made.container.id, "Running": code is None, "ExitCode": code})

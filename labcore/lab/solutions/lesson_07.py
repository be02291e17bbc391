"""Solutions of lesson 7: a container that can be frozen, further programs in it, its network, and what inspect tells of it."""

# ruff: noqa: ARG001, F403, F405
# mypy: ignore-errors

from labcore.lab.vocabulary import *


def bridge(host):
    """Make the bridge `lab0` in the network of process `host`, with its address, unless it is there."""
    ip = lab.ip(host)
    if not ip.has("lab0"):
        ip.add_bridge("lab0")
        ip.add_address("10.7.0.1/24", "lab0")
        ip.set_up("lab0")


def connect(host, pid):
    """Lay a cable from the bridge into the network of process `pid`."""
    bridge(host)
    out, inside = lab.ip(host), lab.ip(pid)
    number = next(n for n in range(2, 255) if not out.has(f"veth{n}"))
    out.add_veth(f"veth{number}", f"peer{number}")
    out.set_netns(f"peer{number}", pid, "eth0")
    out.set_master(f"veth{number}", "lab0")
    out.set_up(f"veth{number}")
    inside.add_address(f"10.7.0.{number}/24", "eth0")
    inside.set_up("lo", "eth0")
    inside.add_default_route("10.7.0.1")


def run(root, argv, name="box", **more):
    """Start `argv` on a directory, or on an image of the store, connected to the bridge; return its exit code."""
    below = BindRoot(root)
    if not root.startswith("/"):
        store = lab.store()
        below = OverlayRoot(store, tuple(layers(lab.manifest(store, root), store)), "scratch")
    spec = ContainerSpec(root=below, argv=tuple(argv), hostname=name, **more)
    tried = ops.search_path(argv[0], spec.environment, DEFAULT_PATH)
    program = ops.Execve(spec.argv, spec.environment, tried)
    cable = ops.Sync("connects it to the bridge", lambda process: connect(lab.host(), process.pid))
    before, after = [*limits(spec), *namespaces(spec), cable, *hostname(spec)], [*confine(spec), program]
    return show(Plan([*before, *rootfs(spec), *after])).returncode


def publish(port, container, inside):
    """Pass connections to a port of this machine on to one of the container, as long as it runs."""

    def copy(source, target):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def serve(client):
        with lab.dial(lab.address(container.pid), inside) as server:
            lab.background(copy, client, server)
            copy(server, client)

    lab.accept(socket.create_server(("127.0.0.1", port)), serve, until=container.wait)


def create(daemon, request):
    """Make a container of an image that is here, with the ports that are to be published; answer with its id."""
    asked = request.json()
    try:
        argv = command(asked["Image"], asked.get("Cmd"), daemon.store)
    except ImageNotFound:
        return Reply(404, {"message": f"No such image: {asked['Image']}"})
    container = Container(asked["Image"], argv, request.query.get("name", ""))
    for inside, bindings in (asked.get("HostConfig", {}).get("PortBindings") or {}).items():
        for each in bindings:
            container.before_start(publish, int(each["HostPort"] or 0), container, int(inside.split("/")[0]))
    daemon.containers[container.id] = container
    return Reply(201, {"Id": container.id, "Warnings": []})


def start(daemon, request, id):
    """Start the container by the command of lesson 4, in a cgroup of its own; 204."""
    container = daemon.containers[id]
    enter = ["sh", "-c", 'echo $$ > "$0"/cgroup.procs; exec "$@"', lab.cgroup(container.id[:12])["freezer"]]
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

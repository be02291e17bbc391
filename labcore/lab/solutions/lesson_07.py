"""Solutions of lesson 7: a bridge, a cable to it, a published port."""

# ruff: noqa: F403, F405
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

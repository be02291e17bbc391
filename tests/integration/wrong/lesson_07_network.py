"""Wrong answers to the steps of lesson 7 that make a network: by step, what kind of wrong it is, and its text."""

from tests.integration.wrong.lesson_01 import REFERENCE_BY_SOLUTION, REFERENCE_SWALLOWED
from tests.integration.wrong.lesson_03 import _but


def _reference(step: str) -> str:
    return REFERENCE_BY_SOLUTION.format(step=step, lesson=7)


BRIDGE = """
def bridge(host):
    ip = lab.ip(host)
    if not ip.has("lab0"):
        ip.add_bridge("lab0")
        ip.add_address("10.7.0.1/24", "lab0")
        ip.set_up("lab0")
"""
CONNECT = """
def connect(host, pid):
    bridge(host)
    out, inside = lab.ip(host), lab.ip(pid)
    number = next(n for n in range(2, 255) if not out.has(f"veth{n}"))
    out.add_veth(f"veth{number}", f"peer{number}")
    out.set_netns(f"peer{number}", pid, "eth0")
    out.set_master(f"veth{number}", "lab0")
    out.set_up(f"veth{number}")
    inside.add_address(f"10.7.0.{number}/24", "eth0")
    inside.set_up("lo")
    inside.set_up("eth0")
    inside.add_default_route("10.7.0.1")
"""
RUN = """
def run(root, argv, name="box", **more):
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
"""
PUBLISH = """
def publish(port, container, inside):
    def copy(source, target):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def serve(client):
        with lab.dial(lab.address(container.pid), inside) as server:
            lab.background(copy, client, server)
            copy(server, client)

    lab.accept(socket.create_server(("127.0.0.1", port)), serve, until=container.wait)
"""
CREATE = """
def create(daemon, request):
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
"""

NETWORK: dict[str, dict[str, str]] = {
    "bridge": {
        "a faked print": 'def bridge(host):\n    print("lab0 UP 10.7.0.1/24")\n',
        "a hard-coded process": _but(BRIDGE, ("lab.ip(host)", "lab.ip(os.getpid())")),
        "a call of the reference": _reference("bridge"),
        "a call of the reference, hidden": REFERENCE_SWALLOWED.format(step="bridge", instead="None"),
        "a call of labcore's driver": """
def bridge(host):
    from labcore.network import bridges
    bridges.make_bridge(None, None, "", None)
""",
        "not up": _but(BRIDGE, ('        ip.set_up("lab0")\n', "")),
        "without an address": _but(BRIDGE, ('        ip.add_address("10.7.0.1/24", "lab0")\n', "")),
        "one address alone": _but(BRIDGE, ("10.7.0.1/24", "10.7.0.1/32")),
        "a veth pair in place of a bridge": _but(BRIDGE, ('ip.add_bridge("lab0")', 'ip.add_veth("lab0", "lab1")')),
        "errors are passed over": """
def bridge(host):
    try:
        ip = lab.ip(host)
        if not ip.has("lab0"):
            ip.add_bridge("lab0")
            ip.add_address("10.7.0.1/24", "lab0")
            ip.set_up("lab0")
    except Exception:
        pass
""",
        "made anew each time": BRIDGE.replace('    if not ip.has("lab0"):\n', "    if True:\n"),
    },
    "connect": {
        "a faked print": 'def connect(host, pid):\n    print("eth0 UP 10.7.0.2/24")\n',
        "a hard-coded address": _but(CONNECT, ('f"10.7.0.{number}/24"', '"10.7.0.2/24"')),
        "a hard-coded number": _but(CONNECT, ('next(n for n in range(2, 255) if not out.has(f"veth{n}"))', "2")),
        "a call of the reference": _reference("connect"),
        "a call of labcore's driver": """
def connect(host, pid):
    from labcore.network.attachment import attach
    with lab.ip(host)._netlink as netlink:
        attach(netlink, [], pid, [])
""",
        "the cable not laid": _but(
            CONNECT, ('    out.set_netns(f"peer{number}", pid, "eth0")\n', '    inside.add_veth("eth0", "eth1")\n')
        ),
        "not in the bridge": _but(CONNECT, ('    out.set_master(f"veth{number}", "lab0")\n', "")),
        "the host's end is down": _but(CONNECT, ('    out.set_up(f"veth{number}")\n', "")),
        "the container's end is down": _but(
            CONNECT, ('    inside.set_up("eth0")\n    inside.add_default_route("10.7.0.1")\n', "")
        ),
        "no loopback": _but(CONNECT, ('    inside.set_up("lo")\n', "")),
        "no default route": _but(CONNECT, ('    inside.add_default_route("10.7.0.1")\n', "")),
        "the way out leads to itself": _but(
            CONNECT, ('add_default_route("10.7.0.1")', 'add_default_route(f"10.7.0.{number}")')
        ),
        "the bridge's address": _but(CONNECT, ('f"10.7.0.{number}/24"', '"10.7.0.1/24"')),
        "no subnet": _but(
            CONNECT, ('f"10.7.0.{number}/24"', 'f"10.7.0.{number}/32"'), ('    inside.add_default_route("10.7.0.1")\n', "")
        ),
        "wired to the machine": _but(
            CONNECT, ("lab.ip(host), lab.ip(pid)", "lab.ip(os.getpid()), lab.ip(pid)"), ("bridge(host)", "bridge(os.getpid())")
        ),
        "an end is left over": _but(
            CONNECT, ("    bridge(host)\n", '    bridge(host)\n    lab.ip(host).add_veth(f"spare{pid}", f"more{pid}")\n')
        ),
        "a route that is refused is passed over": _but(
            CONNECT,
            (
                '    inside.add_default_route("10.7.0.1")\n',
                '    try:\n        inside.add_default_route("10.7.0.1")\n    except Exception:\n        pass\n',
            ),
        ),
        "another name inside": _but(
            CONNECT,
            (', pid, "eth0")', ', pid, "net0")'),
            ('24", "eth0")', '24", "net0")'),
            ('set_up("eth0")', 'set_up("net0")'),
        ),
    },
    "run": {
        "a faked print": """
def run(root, argv, name="box", **more):
    print(name, argv)
    return int(argv[2].split()[-1])
""",
        "a hard-coded image": _but(RUN, ("lab.manifest(store, root)", 'lab.manifest(store, "busybox")')),
        "a call of the reference": _reference("run").replace("(*arguments)", "(*arguments, **more)"),
        "as in lesson 3": _but(RUN, ("*namespaces(spec), cable, ", "*namespaces(spec), ")),
        "connected to itself": _but(RUN, ("connect(lab.host(), process.pid)", "connect(lab.host(), lab.host())")),
        "connected before it is there": _but(
            RUN, ("*namespaces(spec), cable, ", "*namespaces(spec), *[connect(lab.host(), os.getpid())][1:], ")
        ),
        "the machine's network in place of one": _but(
            RUN,
            ("**more)\n    tried", "**{'namespaces': tuple(k for k in NAMESPACES if k != 'network'), **more})\n    tried"),
            ("cable, ", ""),
        ),
        "no limits": _but(RUN, ("*limits(spec), ", "")),
    },
    "create": {
        "a faked print": """
def create(daemon, request):
    print(request.json())
    return Reply(201, {"Id": "0" * 64, "Warnings": []})
""",
        "a hard-coded port": _but(CREATE, ('int(each["HostPort"] or 0)', "8080")),
        "a call of the reference": _reference("create"),
        "as in lesson 6": _but(CREATE, ("container.before_start(publish, ", "print(")),
        "published at once": _but(CREATE, ("container.before_start(publish, ", "publish(")),
        "the two ports exchanged": _but(
            CREATE,
            (
                'publish, int(each["HostPort"] or 0), container, int(inside.split("/")[0])',
                'publish, int(inside.split("/")[0]), container, int(each["HostPort"])',
            ),
        ),
        "the first port only": _but(
            CREATE, ("    daemon.containers[", "    del container._before[1:]\n    daemon.containers[")
        ),
        "one port of the machine for each": _but(CREATE, ("for each in bindings:", "for each in bindings[:1]:")),
        "a port that is left open is not thought of": _but(CREATE, (" or 0)", ")")),
        "only with ports": _but(
            CREATE, ('(asked.get("HostConfig", {}).get("PortBindings") or {})', 'asked["HostConfig"]["PortBindings"]')
        ),
        "null is not thought of": _but(
            CREATE,
            ('(asked.get("HostConfig", {}).get("PortBindings") or {})', 'asked.get("HostConfig", {}).get("PortBindings", {})'),
        ),
        "without the image's 404": _but(CREATE, ("return Reply(404", "return Reply(500")),
    },
    "publish": {
        "a faked print": 'def publish(port, container, inside):\n    print(f"127.0.0.1:{port} -> {inside}")\n',
        "a hard-coded port": _but(PUBLISH, ("inside) as server", "80) as server")),
        "a hard-coded answer": """
def publish(port, container, inside):
    def serve(client):
        count = 0
        while data := client.recv(1 << 16):
            count += len(data)
        client.sendall(b"%d\\n" % count)

    lab.accept(socket.create_server(("127.0.0.1", port)), serve, until=container.wait)
""",
        "a call of the reference": _reference("publish"),
        "a call of labcore's proxy": """
def publish(port, container, inside):
    from labcore.network.proxy_server import main
    main()
""",
        "one direction only": _but(PUBLISH, ("            lab.background(copy, client, server)\n", "")),
        "one direction after the other": _but(
            PUBLISH, ("            lab.background(copy, client, server)\n", "            copy(client, server)\n")
        ),
        "the end is not passed on": _but(PUBLISH, ("        target.shutdown(socket.SHUT_WR)\n", "")),
        "the first piece only": _but(PUBLISH, ("while data := source.recv(1 << 16):", "if data := source.recv(1 << 16):")),
        "one after the other": """
def publish(port, container, inside):
    def copy(source, target):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def serve(client):
        with lab.dial(lab.address(container.pid), inside) as server:
            copy(client, server)
            copy(server, client)

    def serve_all(listener):
        while True:
            client, _ = listener.accept()
            with client, contextlib.suppress(OSError):
                serve(client)

    import contextlib
    listener = socket.create_server(("127.0.0.1", port))
    lab.background(serve_all, listener)
    lab.background(lambda: (container.wait(), listener.shutdown(socket.SHUT_RDWR)))
""",
        "connected once and for all": """
def publish(port, container, inside):
    def copy(source, target):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    servers = []

    def serve(client):
        if not servers:
            servers.append(lab.dial(lab.address(container.pid), inside))
        lab.background(copy, client, servers[0])
        copy(servers[0], client)

    lab.accept(socket.create_server(("127.0.0.1", port)), serve, until=container.wait)
""",
        "it gives up when nobody answers": """
def publish(port, container, inside):
    def copy(source, target):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def serve(listener):
        while True:
            client, _ = listener.accept()
            with client, lab.dial(lab.address(container.pid), inside) as server:
                lab.background(copy, client, server)
                copy(server, client)

    lab.background(serve, socket.create_server(("127.0.0.1", port)))
""",
        "it goes on when the container has ended": _but(
            PUBLISH, ("until=container.wait", "until=__import__('threading').Event().wait")
        ),
        "a port in use is passed over": _but(
            PUBLISH,
            (
                "    lab.accept(socket.create",
                "    with __import__('contextlib').suppress(OSError):\n        lab.accept(socket.create",
            ),
        ),
        "open to everybody": _but(PUBLISH, ('"127.0.0.1", port', '"", port')),
        "connected from the machine": _but(
            PUBLISH,
            (
                "lab.dial(lab.address(container.pid), inside)",
                "socket.create_connection((lab.address(container.pid), inside), timeout=1)",
            ),
        ),
    },
}

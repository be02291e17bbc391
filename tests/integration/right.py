"""Other right answers to the steps: by step, in what style they are written, and their text. Every check accepts them."""

RIGHT: dict[tuple[int, str], dict[str, str]] = {
    (1, "hostname"): {
        "a tuple": "def hostname(spec):\n    return (ops.SetHostname(hostname=spec.hostname),)\n",
    },
    (1, "namespaces"): {
        "a fold": """
def namespaces(spec):
    from functools import reduce
    from operator import or_
    return [ops.Clone(reduce(or_, map(NAMESPACE_FLAGS.get, spec.namespaces)))]
""",
    },
    (1, "rootfs"): {
        "the old root put into a directory, and /proc mounted before": """
def rootfs(spec):
    def bind(path):
        return ops.Mount(path, path, None, MountFlag.REC | MountFlag.BIND)
    made = [ops.Mount("", "/", None, MountFlag.PRIVATE | MountFlag.REC), bind(spec.root.directory)]
    made += [ops.Chdir(spec.root.directory), ops.Mount("of its own", "proc", "proc", MountFlag.NOSUID)]
    return [*made, ops.PivotRoot(".", "tmp"), ops.Chdir("/"), ops.Unmount("/tmp", UnmountFlag.DETACH)]
""",
    },
    (1, "run"): {
        "spawned, and 127 for a program that is not there": """
def run(root, argv, name="box"):
    spec = ContainerSpec(root=BindRoot(root), argv=tuple(argv), hostname=name)
    stages = [namespaces, hostname, rootfs]
    plan = [op for stage in stages for op in stage(spec)]
    tried = tuple(f"{directory}/{argv[0]}" for directory in DEFAULT_PATH.split(":")) if "/" not in argv[0] else (argv[0],)
    try:
        with spawn(Plan([*plan, ops.Execve(spec.argv, spec.environment, tried)])) as process:
            return process.wait()
    except FileNotFoundError:
        return 127
    except OSError as error:
        return 127 if error.errno == errno.ENOENT else 126
""",
    },
    (1, "outside_pid"): {
        "all processes looked through": """
def outside_pid(container, inside):
    mine = os.readlink(f"/proc/{container}/ns/pid")
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            status = Path("/proc", name, "status").read_text()
            numbers = status.partition("NSpid:")[2].splitlines()[0].split()
            if os.readlink(f"/proc/{name}/ns/pid") == mine and int(numbers[-1]) == inside:
                return int(name)
        except OSError:
            continue
""",
    },
    (1, "read_only"): {
        "the tmpfs first, and one flag more": """
def read_only(spec):
    return [
        ops.Mount("scratch", "/tmp", "tmpfs"),
        ops.Mount("", "/", None, MountFlag.RDONLY | MountFlag.REMOUNT | MountFlag.BIND | MountFlag.NOSUID),
    ]
""",
    },
    (2, "limits"): {
        "a table of files": """
def limits(spec):
    asked = {("memory", MEMORY_MAX): spec.resources.memory, ("pids", "pids.max"): spec.resources.pids}
    if not any(asked.values()):
        return []
    group = lab.cgroup(spec.hostname)
    for (controller, file), value in asked.items():
        if value is not None:
            with open(os.path.join(group[controller], file), "w") as limit:
                limit.write(f"{value}\\n")
    return [ops.JoinCgroup((group["pids"], group["memory"]))]
""",
    },
    (2, "confine"): {
        "users in a helper, paths one by one": """
def confine(spec):
    def lines(ranges):
        return "\\n".join(" ".join(map(str, (each.inside, each.outside, each.size))) for each in ranges)
    def write(process):
        proc = Path("/proc", str(process.pid))
        (proc / "gid_map").write_text(lines(spec.gid_map))
        (proc / "uid_map").write_text(lines(spec.uid_map))
    made = [ops.ReadonlyPaths((path,)) for path in spec.readonly_paths]
    if spec.uid_map:
        made += [ops.Call(native.unshare.step(CloneFlag.NEWUSER)), ops.Sync("users", write), ops.SetUser(0, 0)]
    keep = tuple(map(Capability.__getitem__, spec.capabilities.effective))
    return made + [lab.seccomp(), ops.BoundCapabilities(keep), ops.SetCapabilities(permitted=keep, effective=keep)]
""",
    },
    (2, "run"): {
        "one list, and a program looked for in the spec's own PATH": """
def run(root, argv, name="box", **more):
    spec = ContainerSpec(argv=tuple(argv), root=BindRoot(root), **{**more, "hostname": name})
    plan = []
    for stage in (hostname, rootfs, confine):
        plan += stage(spec)
    path = dict(each.split("=", 1) for each in spec.environment).get("PATH", DEFAULT_PATH)
    tried = [argv[0]] if "/" in argv[0] else [os.path.join(place, argv[0]) for place in path.split(":")]
    plan = [*namespaces(spec), *plan, ops.Execve(spec.argv, spec.environment, tuple(tried))]
    with spawn(Plan(list(limits(spec)) + plan)) as process:
        return process.wait()
""",
    },
    (3, "layers"): {
        "unpacked beside and renamed, by tarfile": """
def layers(manifest, store):
    import shutil
    names = []
    for layer in reversed(manifest["layers"]):
        algorithm, _, name = layer["digest"].partition(":")
        place = Path(store) / "layers" / name
        if not place.is_dir():
            beside = place.with_suffix(".part")
            shutil.rmtree(beside, ignore_errors=True)
            with tarfile.open(Path(store, "blobs", algorithm, name)) as archive:
                archive.extractall(beside)
            whiteouts(beside)
            beside.rename(place)
        names.append("layers/" + name)
    return names
""",
    },
    (3, "overlay"): {
        "whole paths, and names of its own": """
def overlay(root):
    top = os.path.join(root.directory, root.scratch)
    lower = ":".join(os.path.join(root.directory, layer) for layer in root.layers)
    data = f"upperdir={top}/mine,lowerdir={lower},workdir={top}/for-the-kernel{USERXATTR}"
    made = [ops.Mount("none", top, "tmpfs", MountFlag.NODEV), ops.MakeDirectories((f"{top}/for-the-kernel", f"{top}/mine"))]
    made += [ops.MakeDirectories((f"{top}/all",)), ops.Mount("none", f"{top}/all", "overlay", MountFlag(0), data)]
    return [*made, ops.Chdir(f"{top}/all")]
""",
    },
    (3, "rootfs"): {
        "two branches, /proc last": """
def rootfs(spec):
    private = ops.Mount("none", "/", flags=MountFlag.PRIVATE | MountFlag.REC)
    if isinstance(spec.root, BindRoot):
        here = spec.root.directory
        entered = [ops.Mount(here, here, flags=MountFlag.BIND), ops.Chdir(here)]
    else:
        entered = overlay(spec.root)
    turned = [ops.PivotRoot(), ops.Unmount(".", UnmountFlag.DETACH), ops.Chdir("/")]
    return [private, *entered, *turned, ops.Mount("proc", "/proc", "proc")]
""",
    },
    (3, "pull"): {
        "all is fetched and checked before anything is kept": """
def pull(registry, repository, tag, store):
    def get(kind, name):
        return lab.fetch("/".join((registry, "v2", repository, kind, name)))
    text = get("manifests", tag)
    manifest = json.loads(text)
    blobs = {part["digest"]: get("blobs", part["digest"]) for part in manifest["layers"] + [manifest["config"]]}
    for name, content in blobs.items():
        assert name == f"sha256:{hashlib.sha256(content).hexdigest()}"
    for name, content in blobs.items():
        (Path(store) / "blobs" / "sha256" / name[7:]).write_bytes(content)
    lab.tag(store, repository + ":" + tag, text)
    return manifest
""",
    },
    (3, "run"): {
        "a helper for the root, and errors as codes": """
def run(root, argv, name="box", **more):
    def below():
        if os.path.isabs(root):
            return BindRoot(root)
        store = lab.store()
        return OverlayRoot(directory=store, layers=tuple(layers(lab.manifest(store, root), store)), scratch="scratch")
    try:
        spec = ContainerSpec(hostname=name, argv=tuple(argv), root=below(), **more)
        program = ops.Execve(spec.argv, spec.environment, ops.search_path(argv[0], spec.environment, DEFAULT_PATH))
        ops_ = limits(spec) + namespaces(spec) + hostname(spec) + rootfs(spec) + confine(spec)
        return show(Plan([*ops_, program])).returncode
    except LookupError:
        return 125
""",
    },
    (3, "whiteouts"): {
        "a walk from the bottom": """
def whiteouts(directory):
    for place, _, files in os.walk(directory, topdown=False):
        for name in files:
            if name == ".wh..wh..opq":
                os.setxattr(place, OPAQUE, b"y")
            elif name.startswith(".wh."):
                os.mknod(os.path.join(place, name[4:]), stat.S_IFCHR | 0o600, os.makedev(0, 0))
            else:
                continue
            os.remove(os.path.join(place, name))
""",
    },
    (3, "dig"): {
        "asked of tar": """
def dig(manifest, store, path):
    blobs = [f"{store}/blobs/sha256/{layer['digest'][7:]}" for layer in manifest["layers"]]
    made = [subprocess.run(["tar", "-xOf", blob, path], capture_output=True) for blob in blobs]
    return [each.stdout for each in made if each.returncode == 0]
""",
    },
    (4, "preflight"): {
        "spawned, with words of its own": """
def preflight(tray):
    def works(*tried):
        try:
            with spawn(Plan(tried)) as process:
                process.wait()
        except OSError:
            return False
        return True
    found = {}
    for kind in NAMESPACES:
        if not works(ops.Clone(NAMESPACE_FLAGS[kind])):
            found[f"{kind} namespace"] = f"raise the limit in /proc/sys/user for {kind} namespaces"
    data = f"lowerdir={tray}/view,upperdir={tray}/upper,workdir={tray}/work"
    private = ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
    if not works(ops.Clone(CloneFlag.NEWNS), private, ops.Mount("overlay", f"{tray}/view", "overlay", data=data)):
        found["overlay"] = "modprobe overlay, or put the tray on a disk"
    if not list(Path("/sys/fs/cgroup").rglob("cgroup.procs")):
        found["cgroups"] = "mount them"
    return found
""",
    },
    (4, "devices"): {
        "node by node": """
def devices(spec):
    if confined() or "user" in spec.namespaces:
        made = lab.bound_devices(spec)
    else:
        made = [ops.MakeDevices(((f"dev/{each.path.split('/')[-1]}", each.major, each.minor),)) for each in spec.devices]
    begin = [ops.Umask(0), ops.Mount("none", "dev", "tmpfs", data="size=64k,mode=755")]
    pts = [ops.MakeDirectories(("dev/pts",)), ops.Mount("none", "dev/pts", "devpts", MountFlag.NOSUID, "ptmxmode=0666")]
    return [*begin, *pts, *made, ops.MakeLinks((("dev/ptmx", "/dev/pts/ptmx"),)), ops.Umask(0o022)]
""",
    },
    (4, "rootfs"): {
        "the old root put into a directory, and devices before /proc": """
def rootfs(spec):
    made = [ops.Mount("", "/", flags=MountFlag.PRIVATE | MountFlag.REC)]
    if isinstance(spec.root, BindRoot):
        made.append(ops.Mount(spec.root.directory, spec.root.directory, flags=MountFlag.BIND))
        made.append(ops.Chdir(spec.root.directory))
    else:
        made.extend(overlay(spec.root))
    made.extend(devices(spec))
    made.append(ops.Mount("none", "proc", "proc", MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC))
    return made + [ops.PivotRoot(".", "tmp"), ops.Chdir("/"), ops.Unmount("/tmp", UnmountFlag.DETACH)]
""",
        "/proc last": """
def rootfs(spec):
    directory = spec.root.directory
    bind = [ops.Mount(directory, directory, flags=MountFlag.BIND), ops.Chdir(directory)]
    return [
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
        *(bind if isinstance(spec.root, BindRoot) else overlay(spec.root)),
        *devices(spec),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
        ops.Mount("proc", "/proc", "proc"),
    ]
""",
    },
    (4, "main"): {
        "an error of its own for the usage": """
def main(words):
    match words:
        case ["run", image, program, *rest]:
            lacking = preflight(lab.tray("mine"))
            print(*(f"missing: {name} ({cure})" for name, cure in lacking.items()), sep="\\n")
            return run(image, [program, *rest]) if not lacking else 125
        case _:
            sys.stderr.write("run IMAGE PROGRAM\\n")
            return 2
""",
    },
    (4, "machine_of"): {
        "by struct": """
def machine_of(path):
    import struct
    with open(path, "rb") as file:
        head = file.read(64)
    if head[:4] != b"\\x7fELF":
        return None
    try:
        return struct.unpack_from("<H" if head[5:6] == b"\x01" else ">H", head, 18)[0]
    except struct.error:
        return None
""",
    },
    (5, "route"): {
        "word by word": """
def route(method, path, routes):
    words = path.split("/")
    if re.fullmatch(r"v[0-9.]+", words[1]) and len(words) > 2:
        del words[1]
    for verb, pattern, name in routes:
        wanted = pattern.split("/")
        if verb != method or len(wanted) != len(words):
            continue
        pairs = list(zip(wanted, words))
        if all(each == word or each[:1] == "{" for each, word in pairs):
            return name, [word for each, word in pairs if each[:1] == "{"]
    return None, []
""",
        "a tuple of values": r"""
def route(method, path, routes):
    bare = path[path.index("/", 1):] if re.match(r"/v\d+(\.\d+)?/", path) else path
    fit = ((name, re.match(re.sub("{.*?}", "([^/]*)", path) + "$", bare)) for verb, path, name in routes if verb == method)
    return next(((name, found.groups()) for name, found in fit if found), (None, ()))
""",
    },
    (5, "ping"): {
        "bytes": """
def ping(daemon, request):
    reply = Reply(status=200, headers={"Ostype": "linux", "Api-Version": "1.47"}, body=b"OK")
    return reply
""",
    },
    (5, "create"): {
        "by setdefault, and more in the answer": """
def create(daemon, request):
    body = json.loads(request.body)
    made = Container(body["Image"], tuple(body.get("Cmd") or ()), name=request.query.get("name") or "")
    daemon.containers.setdefault(made.id, made)
    return Reply(status=201, body=dict(Warnings=[], Id=made.id))
""",
    },
    (5, "start"): {
        "a list put together": """
def start(daemon, request, id):
    found = daemon.containers[id]
    words = list(daemon.runtime)
    words += ["run", found.image] + list(found.argv)
    found.start(words)
    return Reply(status=204, body=None)
""",
    },
    (5, "wait"): {
        "an expression": """
def wait(daemon, request, id):
    found = daemon.containers[id]
    return Reply(body=({"StatusCode": each.wait()} for each in [found]))
""",
    },
    (5, "list_containers"): {
        "a comprehension, with fields more": """
def list_containers(daemon, request):
    every = request.query.get("all", "0").lower() not in ("0", "false", "")
    shown = [each for each in daemon.containers.values() if every or each.state == "running"]
    return Reply(body=[dict(Id=each.id, Names=["/" + each.name], Image=each.image, Command=" ".join(each.argv),
        State=each.state, Status=each.state, Created=round(each.created), Ports=[], Labels={}) for each in shown])
""",
    },
    (5, "remove"): {
        "taken out by pop": """
def remove(daemon, request, id):
    found = daemon.containers[id]
    if found.state == "running" and request.query.get("force", "0") in ("0", "false"):
        return Reply(409, dict(message="stop it first"))
    if found.state == "running":
        found.kill(9)
        found.wait()
    daemon.containers.pop(found.id)
    return Reply(204)
""",
    },
    (6, "command"): {
        "step by step": """
def command(image, argv, store):
    part = lab.manifest(store, image)["config"]
    with open(os.path.join(store, "blobs", *part["digest"].split(":"))) as file:
        wanted = json.load(file).get("config") or {}
    words = list(wanted.get("Entrypoint") or [])
    words.extend(argv if argv else wanted.get("Cmd") or [])
    return words
""",
    },
    (6, "create"): {
        "a look before": """
def create(daemon, request):
    wanted = json.loads(request.body)
    image = wanted["Image"]
    try:
        lab.manifest(daemon.store, image)
    except LookupError:
        return Reply(status=404, body={"message": "No such image: " + image})
    argv = command(image, wanted.get("Cmd") or [], daemon.store)
    made = Container(image=image, argv=argv, name=request.query.get("name") or "")
    daemon.containers[made.id] = made
    return Reply(201, {"Warnings": None, "Id": made.id})
""",
    },
    (6, "images_create"): {
        "words of its own, and the layers": """
def images_create(daemon, request):
    asked, tag = request.query["fromImage"], request.query.get("tag") or "latest"
    def told():
        yield dict(status="Looking for " + asked)
        full = Reference.parse(asked + ":" + tag)
        try:
            manifest = pull(daemon.registry, full.repository, tag, daemon.store)
        except (OSError, ValueError) as error:
            yield dict(errorDetail={"code": 1, "message": f"{type(error).__name__}: {error}"}, error=str(error))
            return
        for layer in manifest["layers"]:
            yield dict(status="Pull complete", id=layer["digest"][7:19])
    return Reply(200, told(), {"Content-Type": "application/json"})
""",
    },
    (6, "attach"): {
        "a generator with struct": """
def attach(daemon, request, id):
    import struct
    def frames():
        for number, data in daemon.containers[id].output():
            yield struct.pack(">BxxxL", number, len(data))
            yield data
    return Hijack(frames())
""",
    },
    (6, "normalize"): {
        "from behind": """
def normalize(name):
    words = name.split("/")
    here = len(words) > 1 and (words[0] == "localhost" or set(words[0]) & {".", ":"})
    registry = words.pop(0) if here else "docker.io"
    words[-1], tag = words[-1].split(":") if ":" in words[-1] else (words[-1], "latest")
    if registry == "docker.io" and len(words) == 1:
        words.insert(0, "library")
    return [registry, "/".join(words), tag]
""",
    },
    (7, "bridge"): {
        "up first, and by the names of the links": """
def bridge(host):
    ip = lab.ip(host)
    if "lab0" in [link.name for link in ip.links()]:
        return
    ip.add_bridge("lab0")
    ip.set_up("lab0")
    ip.add_address("10.7.0.1/24", "lab0")
""",
    },
    (7, "connect"): {
        "made inside and moved out, numbered by the ports": """
def connect(host, pid):
    bridge(host)
    ip, own = lab.ip(host), lab.ip(pid)
    used = {link.name for link in ip.links()}
    number = min(n for n in range(10, 250) if f"port{n}" not in used)
    own.add_veth("eth0", f"port{number}")
    own.set_netns(f"port{number}", host)
    for name in ("lo", "eth0"):
        own.set_up(name)
    own.add_address(f"10.7.0.{number}/24", "eth0")
    own.add_default_route("10.7.0.1")
    ip.set_up(f"port{number}")
    ip.set_master(f"port{number}", "lab0")
""",
    },
    (7, "run"): {
        "a sync of its own, later": """
def run(root, argv, name="box", **more):
    def wire(process):
        connect(lab.host(), process.pid)

    def below():
        if os.path.isabs(root):
            return BindRoot(root)
        store = lab.store()
        return OverlayRoot(directory=store, layers=tuple(layers(lab.manifest(store, root), store)), scratch="scratch")
    spec = ContainerSpec(hostname=name, argv=tuple(argv), root=below(), **more)
    program = ops.Execve(spec.argv, spec.environment, ops.search_path(argv[0], spec.environment, DEFAULT_PATH))
    made = limits(spec) + namespaces(spec) + hostname(spec) + rootfs(spec) + [ops.Sync("wires it", wire)] + confine(spec)
    return show(Plan([*made, program])).returncode
""",
    },
    (7, "publish"): {
        "both ways in the background": """
def publish(port, container, inside):
    def pump(source, target):
        for data in iter(lambda: source.recv(4096), b""):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def serve(client):
        import threading
        server = lab.dial(lab.address(container.pid), inside)
        ways = [threading.Thread(target=pump, args=pair) for pair in ((client, server), (server, client))]
        for way in ways:
            way.start()
        for way in ways:
            way.join()
        server.close()

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    lab.accept(listener, serve, until=container.wait)
""",
    },
    (7, "start"): {
        "a script that names the cgroup": """
def start(daemon, request, id):
    container = daemon.containers[id]
    file = Path(lab.cgroup(container.id[:12])["freezer"]) / "cgroup.procs"
    moved = ["sh", "-c", f'echo $$ > {file} && exec "$@"', "sh"]
    container.start(moved + daemon.runtime + ["run", container.image, *container.argv])
    return Reply(status=204)
""",
    },
    (7, "pause"): {
        "the file opened": """
def pause(daemon, request, id):
    with open(os.path.join(lab.group(daemon.containers[id].id[:12])["freezer"], FREEZER), "w") as file:
        file.write(FROZEN)
    return Reply(204, "")
""",
    },
    (7, "exec_start"): {
        "namespaces one by one, and a generator": """
def exec_start(daemon, request, id):
    import struct
    made = daemon.execs[id]
    directory = f"/proc/{made.container.pid}/ns"
    kinds = [("ipc", CloneFlag.NEWIPC), ("uts", CloneFlag.NEWUTS), ("net", CloneFlag.NEWNET), ("pid", CloneFlag.NEWPID)]
    kinds += [("cgroup", CloneFlag.NEWCGROUP), ("mnt", CloneFlag.NEWNS)]
    joins = [ops.JoinNamespaces(tuple((flag, f"{directory}/{name}") for name, flag in kinds))]
    group = lab.group(made.container.id[:12])
    tried = tuple(f"{each}/{made.argv[0]}" for each in DEFAULT_PATH.split(":")) if "/" not in made.argv[0] else made.argv[:1]
    program = [ops.Clone(), ops.NewSession(), ops.Execve(made.argv, (), tried)]
    made.start(Plan([ops.JoinCgroup((group["freezer"],)), *joins, *program]))
    def frames():
        for number, text in made.output():
            yield struct.pack(">BxxxL", number, len(text))
            yield text
    return Hijack(frames())
""",
    },
    (8, "logical_lines"): {
        "comments out first, then joined by a regular expression": r"""
def logical_lines(text):
    kept = [line.rstrip() for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
    joined = re.sub(r"\\\n", "", "\n".join(kept) + "\n")
    return [line.strip(" \t\\") for line in joined.split("\n") if line.strip()]
""",
        "a generator": r"""
def logical_lines(text):
    parts = []
    for line in text.split("\n"):
        if re.match(r"\s*(#|$)", line):
            continue
        whole = re.fullmatch(r"(.*?)(\\?)\s*", line)
        parts.append(whole[1])
        if not whole[2]:
            yield "".join(parts).strip()
            parts.clear()
    if parts:
        yield "".join(parts).strip()
""",
    },
    (8, "value_of"): {
        "a look before": """
def value_of(name, rest):
    if name not in {"RUN", "CMD", "ENTRYPOINT", "SHELL", "VOLUME", "COPY", "ADD"} or not rest.startswith("["):
        return rest
    try:
        words = json.loads(rest)
        return words if {type(word) for word in words} <= {str} else rest
    except json.JSONDecodeError:
        return rest
""",
    },
    (8, "instruction"): {
        "by a regular expression": r"""
def instruction(line):
    name, rest = re.match(r"\s*(\S+)\s*(.*?)\s*$", line, re.DOTALL).groups()
    return [name.upper(), value_of(name.upper(), rest)]
""",
    },
    (8, "parse"): {
        "a map": """
def parse(text):
    return map(instruction, logical_lines(text))
""",
    },
    (8, "heredoc"): {
        "word by word": r"""
def heredoc(line, following):
    first, *words = line.split()
    lines = [line]
    for word in words if first.lower() in ("run", "copy", "add") else ():
        if not word.startswith("<<"):
            continue
        end, tabs = word[2:].lstrip("-").strip("'\""), word[2:3] == "-"
        while True:
            lines.append(next(following))
            if lines[-1] == end or tabs and lines[-1].strip("\t") == end:
                break
    return "\n".join(lines)
""",
    },
    (8, "escape"): {
        "cut at the equals sign": r"""
def escape(text):
    for line in text.splitlines():
        name, _, value = line.strip().removeprefix("#").partition("=")
        if not line.strip().startswith("#") or name.strip().lower() not in ("syntax", "check", "escape"):
            return "\\"
        if name.strip().lower() == "escape":
            return value.strip()
    return "\\"
""",
    },
    (9, "expand"): {
        "a walk through the text": """
def expand(text, variables):
    made, at = "", 0
    while at < len(text):
        if text.startswith("\\\\$", at):
            made, at = made + "$", at + 2
        elif found := re.compile(r"\\$(?:(\\w+)|\\{(\\w+)(:-)?([^}]*)\\})").match(text, at):
            value = variables.get(found[1] or found[2], "")
            made, at = made + (value or (found[4] if found[3] else "")), found.end()
        else:
            made, at = made + text[at], at + 1
    return made
""",
    },
    (9, "apply"): {
        "a match, on a copy": """
def apply(instruction, config):
    made = dict(config)
    match instruction:
        case ("CMD" | "ENTRYPOINT" as name, [*words]):
            made[name.title()] = list(words)
        case ("CMD" | "ENTRYPOINT" as name, text):
            made[name.title()] = ["/bin/sh", "-c", text]
        case ("ENV", text):
            lines = {line.split("=")[0]: line for line in made.get("Env") or []}
            for key, value in lab.pairs(expand(text, lab.environment(config))).items():
                lines[key] = key + "=" + value
            made["Env"] = list(lines.values())
        case ("WORKDIR", text):
            place = Path("/", made.get("WorkingDir") or "/", expand(text, lab.environment(config)))
            made["WorkingDir"] = str(place.resolve())
        case ("USER", text):
            made["User"] = expand(text, lab.environment(config))
        case ("EXPOSE", text):
            made["ExposedPorts"] = dict(made.get("ExposedPorts") or {})
            for port in expand(text, lab.environment(config)).split():
                made["ExposedPorts"][port if "/" in port else port + "/tcp"] = {}
        case ("LABEL", text):
            made["Labels"] = {**(made.get("Labels") or {}), **lab.pairs(expand(text, lab.environment(config)))}
    return made
""",
    },
    (9, "reaper"): {
        "handlers, and a wait": """
def reaper(argv):
    child = os.spawnvp(os.P_NOWAIT, argv[0], argv)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, lambda number, _: os.kill(child, number))
    pid = 0
    while pid != child:
        pid, status = os.wait()
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
""",
    },
    (9, "overlay"): {
        "mounted over its own place": """
def overlay(root):
    top = root.writable or root.scratch
    made = [ops.Chdir(root.directory)]
    if not root.writable:
        made.append(ops.Mount("tmpfs", top, "tmpfs"))
    made.append(ops.MakeDirectories((top + "/work", top + "/upper")))
    data = "upperdir=%s/upper,workdir=%s/work,lowerdir=%s" % (top, top, ":".join(root.layers))
    return (*made, ops.Mount("overlay", root.scratch, "overlay", data=data + USERXATTR), ops.Chdir(root.scratch))
""",
    },
    (9, "layer"): {
        "GNU's format, a walk, and a file": """
def layer(upper, store):
    file = Path(store, "new.tar")
    with tarfile.open(file, "w", format=tarfile.GNU_FORMAT) as archive:
        for folder, directories, files in os.walk(upper):
            for name in sorted(directories + files):
                path = os.path.join(folder, name)
                inside = "./" + os.path.relpath(path, upper)
                if stat.S_ISCHR(os.lstat(path).st_mode) and not os.lstat(path).st_rdev:
                    archive.addfile(tarfile.TarInfo(os.path.join(os.path.dirname(inside), ".wh." + name)))
                    continue
                archive.add(path, inside, recursive=False)
                if name in directories and OPAQUE in os.listxattr(path, follow_symlinks=False):
                    archive.addfile(tarfile.TarInfo(inside + "/.wh..wh..opq"))
    content = file.read_bytes()
    file.unlink()
    name = "sha256:" + hashlib.sha256(content).hexdigest()
    Path(store, "blobs", name.replace(":", "/")).write_bytes(content)
    return {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": name, "size": len(content)}
""",
    },
    (9, "run_step"): {
        "spawned, in a directory of its own": """
def run_step(command, config, below, store):
    import tempfile
    if isinstance(command, str):
        command = ["/bin/sh", "-c", command]
    with tempfile.TemporaryDirectory(dir=store) as place:
        root = OverlayRoot(store, tuple(layers({"layers": below}, store)), "scratch", writable=os.path.basename(place))
        spec = ContainerSpec(root, tuple(command), tuple(config.get("Env") or ("PATH=/bin",)), hostname="step")
        tried = ops.search_path(command[0], spec.environment, DEFAULT_PATH)
        plan = [*namespaces(spec), *hostname(spec), *rootfs(spec), *confine(spec), *lab.workdir_and_user(config, root)]
        with spawn(Plan([*plan, ops.Execve(spec.argv, spec.environment, tried)])) as process:
            code = process.wait()
        if code != 0:
            raise ValueError("exit code " + str(code))
        return layer(Path(store) / root.writable / "upper", store)
""",
    },
    (10, "cache_key"): {
        "by repr, and no digest of lesson 3": """
def cache_key(parent, instruction, content):
    return hashlib.sha512(repr((parent, tuple(instruction), content)).encode()).hexdigest()
""",
    },
    (10, "add_layer"): {
        "the cache is asked once": """
def add_layer(instruction, state, context, store):
    name, value = instruction
    cache = lab.cache(store)
    made = cache.get(state["key"])
    if made is None:
        if name == "RUN":
            made = run_step(value, state["config"], state["layers"], store)
        else:
            words = value if isinstance(value, list) else value.split()
            target = Path("/", state["config"].get("WorkingDir") or "/", words[-1])
            end = "/" if words[-1].endswith("/") else ""
            made = copy_step(words[:-1], f"{target}{end}", context, state["layers"], store)
        cache[state["key"]] = made
    else:
        print("known")
    state["layers"] = [*state["layers"], made]
""",
    },
    (10, "carry_out"): {
        "one case after the other": """
def carry_out(instruction, state, context, store):
    name, value = instruction
    if name == "FROM":
        for key, each in lab.base(store, value).items():
            state[key] = each
        return state["key"]
    state["key"] = cache_key(state["key"], instruction, reads(instruction, context))
    entry = {"created_by": " ".join([name, value if isinstance(value, str) else json.dumps(value)])}
    if name == "RUN" or name == "COPY":
        add_layer(instruction, state, context, store)
    else:
        state["config"] = apply(instruction, state["config"])
        entry["empty_layer"] = True
    state["history"].append(entry)
    return state["key"]
""",
    },
    (10, "image"): {
        "blobs by hand": """
def image(state, name, store):
    def keep(content):
        named = digest(content)
        Path(store, "blobs", named.replace(":", "/")).write_bytes(content)
        return named, len(content)
    ids = []
    for each in state["layers"]:
        ids.append(lab.diff_id(store, each))
    config = dict(rootfs=dict(type="layers", diff_ids=ids), os=state["os"], architecture=state["architecture"])
    config.update(history=state["history"], config=state["config"])
    named, size = keep(json.dumps(config, indent=1).encode())
    manifest = dict(schemaVersion=2, mediaType=MANIFEST, layers=state["layers"])
    manifest["config"] = dict(mediaType=CONFIG, digest=named, size=size)
    return lab.tag(store, name, json.dumps(manifest).encode())
""",
    },
    (10, "build"): {
        "with words of its own between": """
def build(instructions, step):
    total, last = len(instructions), None
    for at in range(total):
        pair = instructions[at]
        shown = pair[1] if type(pair[1]) is str else json.dumps(pair[1])
        print("Step", f"{at + 1}/{total}", ":", pair[0], shown)
        last = step(pair)
        print("", "--->", last.split(":")[-1][:12])
        print("done")
    return last
""",
    },
    (10, "reads"): {
        "by os.walk": """
def reads(instruction, context):
    if instruction[0] != "COPY":
        return ""
    value = instruction[1]
    words = (value if isinstance(value, list) else value.split())[:-1]
    seen = hashlib.sha256()
    def see(path):
        seen.update(repr((os.path.relpath(path, context), os.stat(path).st_mode)).encode())
        if os.path.isfile(path):
            seen.update(open(path, "rb").read())
    for word in words:
        top = os.path.join(context, word.strip("/"))
        see(top)
        for place, below, files in os.walk(top):
            below.sort()
            for each in sorted(below + files):
                see(os.path.join(place, each))
    return seen.hexdigest()
""",
    },
    (10, "ignored"): {
        "from behind": """
def ignored(patterns, path):
    ways = ["/".join(path.split("/")[:n]) for n in range(1, path.count("/") + 2)]
    for line in reversed(patterns):
        wanted = re.escape(line.strip("!").strip("/"))
        for mark, text in ((r"\\*\\*/", "(?:.*/)?"), (r"\\*\\*", ".*"), (r"\\*", "[^/]*"), (r"\\?", "[^/]")):
            wanted = wanted.replace(mark, text.replace("*", chr(0)))
        if any(re.fullmatch(wanted.replace(chr(0), "*"), each) for each in ways):
            return not line.startswith("!")
    return False
""",
    },
}

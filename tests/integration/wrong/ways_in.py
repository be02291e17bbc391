"""Ways into labcore that do a step's work: by step, each with its text. A program in a process of its own is one, too."""

import sys

EACH = """
def layers(manifest, store):
    stack = []
    for layer in manifest["layers"]:
        name = layer["digest"][7:]
        blob, place = Path(store, "blobs", "sha256", name), Path(store, "layers", name)
        if not place.exists():
            {deed}
        stack.insert(0, f"layers/{{name}}")
    return stack
"""


def _layers(*deed: str) -> str:
    return EACH.format(deed="\n            ".join(deed))


TAR = "place.mkdir(); subprocess.run(['tar', '-xf', blob, '-C', place], check=True); whiteouts(place)"
IN_SECRET = f"subprocess.run([{sys.executable!r}, '-c', 'import labcore.storage.unpack'], capture_output=True)"

WAYS_IN: dict[tuple[int, str], dict[str, str]] = {
    (1, "hostname"): {
        "a stage under another name": """
def hostname(spec):
    return labcore.STAGES["hostname"](spec)
""",
        "a stage in a fresh module": """
def hostname(spec):
    import importlib
    return importlib.reload(sys.modules["labcore.runtime.stages.namespaces"]).hostname(spec)
""",
        "what stands in the solution's file": """
def hostname(spec):
    sys.modules.pop("labcore.lab.solutions")
    from labcore.lab.solutions import solution
    return solution("hostname")(spec)
""",
    },
    (1, "rootfs"): {
        "a part of the stage": """
def rootfs(spec):
    from labcore.runtime import stages
    return stages.rootfs._bind(spec.root)
""",
    },
    (1, "run"): {
        "the plan of an engine": """
def run(root, argv, name="box"):
    return show(labcore.plan(rootfs=root, argv=list(argv), hostname=name)).returncode
""",
        "the library in a process of its own": f"""
def run(root, argv, name="box"):
    script = "import labcore, sys; sys.exit(labcore.run(rootfs=sys.argv[1], hostname=sys.argv[2], argv=sys.argv[3:]).exit_code)"
    return subprocess.run([{sys.executable!r}, "-c", script, root, name, *argv]).returncode
""",
        "the launch": """
def run(root, argv, name="box"):
    from labcore.runtime.launch import Launch
    spec = ContainerSpec(root=BindRoot(root), argv=tuple(argv), hostname=name)
    return Launch(spec).create().wait()
""",
    },
    (1, "outside_pid"): {
        "what the check itself looks with": """
def outside_pid(container, inside):
    from labcore.lab.checks.process_view import descendants
    return next(seen.pid for seen in descendants(container) if seen.numbers[-1] == inside)
""",
        "labcore's reader of /proc": """
def outside_pid(container, inside):
    from labcore import procfs
    return next(pid for pid in procfs.descendants(container) if procfs.ns_pids(pid)[-1] == inside)
""",
    },
    (2, "limits"): {
        "the engine's cgroup": """
def limits(spec):
    from labcore.runtime import cgroups
    group = lab.cgroup(spec.hostname)
    cgroups.Cgroup(group.path).apply(spec.resources)
    return [ops.JoinCgroup((group["memory"], group["pids"]))]
""",
    },
    (2, "confine"): {
        "the stages": """
def confine(spec):
    from labcore.runtime import stages
    return [*stages.filesystem.protection(spec), *stages.namespaces.users(spec), *stages.process.confine(spec)]
""",
    },
    (3, "digest"): {
        "the image store": """
def digest(content):
    from labcore.images import ImageStore
    return ImageStore(Path("/tmp/images")).put_blob(content, "text/plain").digest
""",
    },
    (3, "layers"): {
        "the store's unpacking": _layers(
            "from labcore.storage import unpack",
            "with unpack.unpacked(place.parent, lambda: blob.open('rb'), name, 'sha256') as done: done.commit(name)",
        ),
        "the store of layers": _layers(
            "from labcore.storage import LayerStore",
            "with LayerStore(Path(store, 'x')).unpacked(lambda: blob.open('rb')) as done: done.directory.rename(place)",
        ),
        "an engine": _layers(
            "done = labcore.Engine(Path(store, 'x'))", "Path(done.layers.add(layer['digest'], lambda: blob.open('rb')))"
        ),
        "the extractor": _layers(
            "from labcore.storage.unpack import Extractor", "place.mkdir(); Extractor(os.open(place, os.O_RDONLY))"
        ),
        "the reader of archives": _layers("from labcore.tar import Archive", "Archive(iter([blob.read_bytes()]))"),
        "an image's overlay": """
def layers(manifest, store):
    engine = labcore.Engine(Path(store, "x"))
    engine.images = type(engine.images)(Path(store))
    engine.images.tag(Reference.parse("x"), engine.images.put_blob(json.dumps(manifest).encode(), manifest["mediaType"]))
    return list(engine.spec("x", ["true"]).root.layers)
""",
        "another process, whose words nobody hears": _layers(IN_SECRET, TAR),
    },
    (3, "whiteouts"): {
        "the extractor": """
def whiteouts(directory):
    from labcore.storage.unpack import Extractor
    with Extractor(os.open(directory, os.O_RDONLY)) as extractor:
        extractor.extract([])
""",
    },
    (3, "overlay"): {
        "the store's own mount": """
def overlay(root):
    from labcore.storage.overlay import merged
    with merged(root, writable=False) as fd:
        return [ops.Chdir(f"/proc/self/fd/{fd}")]
""",
        "the options of a root": """
def overlay(root):
    return [ops.Mount("overlay", "x", "overlay", data=",".join(root.options("x", user_attributes=False)))]
""",
    },
    (3, "pull"): {
        "an engine": """
def pull(registry, repository, tag, store):
    name = Reference.parse(f"{registry.removeprefix('http://')}/{repository}:{tag}")
    list(labcore.Engine(Path(store)).pull(name))
    return lab.manifest(store, str(name))
""",
        "the client of a registry": """
def pull(registry, repository, tag, store):
    from labcore.registry.client import Client
    from labcore.registry.transport import Endpoint, Transport
    return Client(Transport(Endpoint.of(registry.removeprefix('http://'))), repository).manifest(tag)
""",
        "the library in a process of its own": f"""
def pull(registry, repository, tag, store):
    name = f"{{registry.removeprefix('http://')}}/{{repository}}:{{tag}}"
    script = "import sys; from labcore import Engine, spec; list(Engine(sys.argv[1]).pull(spec.Reference.parse(sys.argv[2])))"
    subprocess.run([{sys.executable!r}, "-c", script, store, name], check=True)
    return lab.manifest(store, name)
""",
    },
    (3, "dig"): {
        "the reader of archives": """
def dig(manifest, store, path):
    from labcore.tar import Archive
    blobs = [Path(store, "blobs", layer["digest"].replace(":", "/")) for layer in manifest["layers"]]
    return [b"".join(entry.content()) for blob in blobs for entry in Archive(iter([blob.read_bytes()]))]
""",
    },
    (4, "preflight"): {
        "what a lesson asks for": """
def preflight(tray):
    from labcore.lab.session import what_is_missing
    return dict.fromkeys(what_is_missing(("namespaces", "overlay", "cgroups")), "mend it")
""",
        "the doctor's table": "def preflight(tray):\n    return {each.name: each.cure for each in lab.doctor().findings}\n",
    },
    (4, "devices"): {
        "what fills any /dev": """
def devices(spec):
    from labcore.runtime import mounting, stages
    return [*mounting.mount_all(spec.mounts), *stages._fill_dev(spec.devices)]
""",
    },
    (4, "main"): {
        "the solution, in the process that it runs in": """
def main(words):
    from labcore.lab.solutions import solution
    return solution("main")(words)
""",
    },
    (4, "machine_of"): {
        "what the engine looks with": """
def machine_of(path):
    from labcore.elf import read_program as look
    return look(Path(path).read_bytes()).machine
""",
    },
    (5, "route"): {
        "the pattern of a route": """
def route(method, path, routes):
    from labcore.http import router
    for verb, pattern, name in routes:
        if verb == method and (found := router.pattern(pattern).fullmatch(path)):
            return name, list(found.groups())
    return None, []
""",
    },
    (5, "create"): {
        "the solution under another name": """
def create(daemon, request):
    return sys.modules["labcore.lab.solutions.lesson_05"].create(daemon, request)
""",
    },
    (5, "start"): {
        "an engine in a process of its own": f"""
def start(daemon, request, id):
    container = daemon.containers[id]
    script = "from labcore.engine import Engine; Engine('/tmp/engine')"
    container.start([{sys.executable!r}, "-c", script])
    container.wait()
    return Reply(204)
""",
    },
    (7, "bridge"): {
        "a network of the engine's": """
def bridge(host):
    from labcore.engine import Engine
    from labcore.spec.network import NetworkOptions
    Engine().networks.create(None)
""",
    },
    (7, "connect"): {
        "what the driver attaches with": """
def connect(host, pid):
    from labcore.network import attachment
    attachment._configure([], [])
""",
    },
    (7, "publish"): {
        "what holds the engine's published ports": """
def publish(port, container, inside):
    from labcore.network.proxy import target
    target(None, None)
""",
    },
    (7, "pause"): {
        "the runtime's freezer": """
def pause(daemon, request, id):
    from labcore.runtime.cgroups import removal
    removal.freeze([lab.group(daemon.containers[id].id[:12])["freezer"]])
    return Reply(204)
""",
    },
    (7, "exec_start"): {
        "the namespaces that the engine joins": """
def exec_start(daemon, request, id):
    from labcore.runtime.exec import joined_namespaces
    made = daemon.execs[id]
    made.start(Plan([ops.JoinNamespaces(joined_namespaces(made.container.pid)), ops.Clone(), ops.Execve(made.argv)]))
    return Hijack([])
""",
    },
    (8, "logical_lines"): {
        "what goes from instruction to instruction": """
def logical_lines(text):
    from labcore.builder.parser.lines import Cursor
    return list(iter(Cursor(text.split("\\n"), escape="\\\\").instruction, None))
""",
    },
    (8, "value_of"): {
        "what reads lists": """
def value_of(name, rest):
    from labcore.builder.parser import lexing
    return lexing.list_of(rest) or rest
""",
    },
    (8, "instruction"): {
        "what takes a line apart": """
def instruction(line):
    from labcore.builder.parser.statements import Statement
    found = Statement.of(line, "\\\\")
    return found.name, value_of(found.name, found.rest)
""",
    },
    (8, "parse"): {
        "the tree that is printed": """
def parse(text):
    from labcore.builder.parser.dump import dump
    return [tuple(line[1:-1].split(None, 1)) for line in dump(text).splitlines()]
""",
        "what reads an image's changes": """
def parse(text):
    from labcore.builder import learners
    return [learners.pair_of(each) for each in learners.parsed(text.encode(), "x", {}).instructions]
""",
    },
    (8, "heredoc"): {
        "what finds them": """
def heredoc(line, following):
    from labcore.builder.parser.heredocs import heredocs_of
    for each in heredocs_of(line):
        for text in following:
            line += "\\n" + text
            if text == each.name:
                break
    return line
""",
    },
    (8, "escape"): {
        "what reads directives": """
def escape(text):
    from labcore.builder.parser.directives import directives_of
    return directives_of(text.split("\\n"), "x").escape
""",
    },
}

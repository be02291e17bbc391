"""Wrong answers to the steps of lesson 3: by step, what kind of wrong it is, and its text."""

from tests.integration.wrong.lesson_01 import ELSEWHERE, REFERENCE_BY_SOLUTION, REFERENCE_SWALLOWED


def _reference(step: str) -> str:
    return REFERENCE_BY_SOLUTION.format(step=step, lesson=3)


LAYERS = """
def layers(manifest, store):
    stack = []
    for layer in manifest["layers"]:
        name = layer["digest"].removeprefix("sha256:")
        directory = Path(store, "layers", name)
        if not directory.exists():
            directory.mkdir()
            subprocess.run(["tar", "-xf", f"{store}/blobs/sha256/{name}", "-C", directory], check=True)
            whiteouts(directory)
        stack.insert(0, f"layers/{name}")
    return stack
"""
OVERLAY = """
def overlay(root):
    top = root.scratch
    options = f"lowerdir={':'.join(root.layers)},upperdir={top}/upper,workdir={top}/work"
    return [
        ops.Chdir(root.directory),
        ops.Mount("tmpfs", top, "tmpfs"),
        ops.MakeDirectories((f"{top}/upper", f"{top}/work", f"{top}/view")),
        ops.Mount("overlay", f"{top}/view", "overlay", data=options),
        ops.Chdir(f"{top}/view"),
    ]
"""
PULL = """
def pull(registry, repository, tag, store):
    base = f"{registry}/v2/{repository}"
    content = lab.fetch(f"{base}/manifests/{tag}")
    manifest = json.loads(content)
    for part in [manifest["config"], *manifest["layers"]]:
        blob = lab.fetch(f"{base}/blobs/{part['digest']}")
        if digest(blob) != part["digest"]:
            raise ValueError("other bytes came")
        Path(store, "blobs", part["digest"].replace(":", "/")).write_bytes(blob)
    lab.tag(store, f"{repository}:{tag}", content)
    return manifest
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
    before, after = [*limits(spec), *namespaces(spec), *hostname(spec)], [*confine(spec), program]
    return show(Plan([*before, *rootfs(spec), *after])).returncode
"""
WHITEOUTS = """
def whiteouts(directory):
    for mark in list(Path(directory).rglob(".wh.*")):
        mark.unlink()
        if mark.name == ".wh..wh..opq":
            os.setxattr(mark.parent, OPAQUE, b"y")
        else:
            os.mknod(mark.with_name(mark.name[4:]), stat.S_IFCHR)
"""


def _but(source: str, *changes: tuple[str, str]) -> str:
    """Return an answer with something in it changed."""
    for right, wrong in changes:
        assert right in source, right
        source = source.replace(right, wrong)
    return source


WRONG: dict[str, dict[str, str]] = {
    "digest": {
        "a faked print": """
def digest(content):
    print("sha256:" + hashlib.sha256(content).hexdigest())
""",
        "a hard-coded digest": """
def digest(content):
    return "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
""",
        "a call of the reference": _reference("digest"),
        "the digits alone": "def digest(content):\n    return hashlib.sha256(content).hexdigest()\n",
        "another algorithm": 'def digest(content):\n    return "sha256:" + hashlib.sha512(content).hexdigest()[:64]\n',
        "of what Python prints": """
def digest(content):
    return "sha256:" + hashlib.sha256(str(content).encode()).hexdigest()
""",
        "bytes in place of text": 'def digest(content):\n    return b"sha256:" + hashlib.sha256(content).digest()\n',
    },
    "layers": {
        "a faked print": _but(LAYERS, ("return stack", "print(stack)")),
        "hard-coded names": 'def layers(manifest, store):\n    return ["layers/3", "layers/2", "layers/1"]\n',
        "a call of the reference": _reference("layers"),
        "a call of labcore's unpacking": """
def layers(manifest, store):
    from labcore.storage.unpack import unpacked
    stack = []
    for layer in manifest["layers"]:
        name = layer["digest"][7:]
        blob, place = Path(store, "blobs", "sha256", name), Path(store, "layers", name)
        if not place.exists():
            with unpacked(place.parent, lambda: blob.open("rb"), name, "sha256") as done:
                done.commit(name)
        stack.insert(0, f"layers/{name}")
    return stack
""",
        "the lowest first": _but(LAYERS, ("stack.insert(0, ", "stack.append(")),
        "all in one directory": _but(
            LAYERS,
            ('Path(store, "layers", name)', 'Path(store, "layers", "all")'),
            ("if not directory.exists():", "if True:"),
            ("directory.mkdir()", "directory.mkdir(exist_ok=True)"),
            ("            whiteouts(directory)\n", ""),
            ("return stack", 'return ["layers/all"]'),
        ),
        "marks left as they are": _but(LAYERS, ("            whiteouts(directory)\n", "")),
        "the marks only taken away": _but(
            LAYERS, ("whiteouts(directory)", '[mark.unlink() for mark in list(directory.rglob(".wh.*"))]')
        ),
        "what tar says is passed over": _but(LAYERS, (", check=True", "")),
        "unpacked anew each time": _but(
            LAYERS,
            ('Path(store, "layers", name)', 'Path(store, "layers", os.urandom(8).hex())'),
            ('f"layers/{name}"', 'f"layers/{directory.name}"'),
        ),
        "the middle one left out": _but(LAYERS, ('manifest["layers"]:', 'manifest["layers"][::2]:')),
        "blobs thrown away": _but(
            LAYERS, ("whiteouts(directory)", 'whiteouts(directory); Path(f"{store}/blobs/sha256/{name}").unlink()')
        ),
    },
    "overlay": {
        "a faked print": _but(OVERLAY, ("    return [", "    print([*root.layers])\n    return [][:0] and [")),
        "a hard-coded directory": _but(OVERLAY, ("ops.Chdir(root.directory)", 'ops.Chdir("/var/lib/labcore/lab/store")')),
        "a call of the reference": _reference("overlay"),
        "a call of the reference, hidden": REFERENCE_SWALLOWED.format(step="overlay", instead="[ops.Chdir('/')]"),
        "a call of labcore's stage": """
def overlay(root):
    from labcore.runtime import stages
    spec = ContainerSpec(root=root, argv=("sh",))
    return [op for op in stages.rootfs.rootfs(spec)]
""",
        "the lowest on top": _but(OVERLAY, ("':'.join(root.layers)", "':'.join(reversed(root.layers))")),
        "no layer of its own": _but(OVERLAY, (",upperdir={top}/upper,workdir={top}/work", "")),
        "no workdir": _but(OVERLAY, (",workdir={top}/work", "")),
        "the whole store covered": _but(OVERLAY, ("top = root.scratch", "top = root.directory")),
        "on the disk, where it stays": _but(OVERLAY, ('        ops.Mount("tmpfs", top, "tmpfs"),\n', "")),
        "an image's layer to write to": _but(
            OVERLAY,
            ("':'.join(root.layers)", "':'.join(root.layers[1:])"),
            ("upperdir={top}/upper,workdir={top}/work", "upperdir={root.layers[0]},workdir={top}/work"),
            ('        ops.Mount("tmpfs", top, "tmpfs"),\n', ""),
        ),
        "a copy of the layers": """
def overlay(root):
    flat = f"{root.directory}/flat"
    for layer in reversed(root.layers):
        subprocess.run(["cp", "-a", f"{root.directory}/{layer}/.", flat])
    return [ops.Mount(flat, flat, flags=MountFlag.BIND), ops.Chdir(flat)]
""",
    },
    "rootfs": {
        "a faked print": """
def rootfs(spec):
    print("overlay", spec.root)
    return []
""",
        "a hard-coded directory": f"""
def rootfs(spec):
    copied = f"{{spec.root.directory}}/{{spec.root.layers[-1]}}/bin"
{ELSEWHERE}""",
        "a call of the reference": _reference("rootfs"),
        "a call of lesson 1's reference": REFERENCE_BY_SOLUTION.format(step="rootfs", lesson=1),
        "as in lesson 1": """
def rootfs(spec):
    root = spec.root.directory
    return [
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
        ops.Mount(root, root, flags=MountFlag.BIND | MountFlag.REC),
        ops.Chdir(root),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
        ops.Mount("proc", "/proc", "proc"),
    ]
""",
        "layers only": """
def rootfs(spec):
    return [
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
        *overlay(spec.root),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
        ops.Mount("proc", "/proc", "proc"),
    ]
""",
        "the mounts made private too late": """
def rootfs(spec):
    root = spec.root
    bind = ops.Mount(root.directory, root.directory, flags=MountFlag.BIND | MountFlag.REC)
    enter = overlay(root) if isinstance(root, OverlayRoot) else [bind, ops.Chdir(root.directory)]
    return [
        *enter,
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
        ops.Chdir("/"),
        ops.Mount("proc", "/proc", "proc"),
    ]
""",
    },
    "pull": {
        "a faked print": 'def pull(registry, repository, tag, store):\n    print(f"{repository}:{tag}: downloaded")\n',
        "a hard-coded tag": _but(PULL, ("manifests/{tag}", "manifests/latest")),
        "a call of the reference": _reference("pull"),
        "a call of labcore's pull": """
def pull(registry, repository, tag, store):
    from labcore.engine.image.endpoint import endpoint
    from labcore.engine.image.pull import pull as transfer
    from labcore.images import ImageStore
    name = Reference.parse(f"{registry.removeprefix('http://')}/{repository}:{tag}")
    for _ in transfer(ImageStore(Path(store)), name, endpoint(name)):
        pass
    return lab.manifest(store, str(name))
""",
        "nothing is checked": _but(
            PULL, ('        if digest(blob) != part["digest"]:\n            raise ValueError("other bytes came")\n', "")
        ),
        "only the sizes are compared": _but(PULL, ('digest(blob) != part["digest"]', 'len(blob) != part["size"]')),
        "the config is not checked": _but(
            PULL,
            ('if digest(blob) != part["digest"]:', 'if part is not manifest["config"] and digest(blob) != part["digest"]:'),
        ),
        "kept before it is checked": """
def pull(registry, repository, tag, store):
    base = f"{registry}/v2/{repository}"
    content = lab.fetch(f"{base}/manifests/{tag}")
    manifest = json.loads(content)
    for part in [manifest["config"], *manifest["layers"]]:
        path = Path(store, "blobs", part["digest"].replace(":", "/"))
        path.write_bytes(lab.fetch(f"{base}/blobs/{part['digest']}"))
        if digest(path.read_bytes()) != part["digest"]:
            raise ValueError("other bytes came")
    lab.tag(store, f"{repository}:{tag}", content)
    return manifest
""",
        "a warning in place of a refusal": _but(PULL, ('raise ValueError("other bytes came")', 'print("other bytes came")')),
        "layers without the config": _but(PULL, ('[manifest["config"], *manifest["layers"]]', 'manifest["layers"]')),
        "no name is given": _but(PULL, ('    lab.tag(store, f"{repository}:{tag}", content)\n', "")),
        "named before it is whole": _but(
            PULL,
            ('    lab.tag(store, f"{repository}:{tag}", content)\n', ""),
            ("    for part", '    lab.tag(store, f"{repository}:{tag}", content)\n    for part'),
        ),
        "what cannot be written is passed over": _but(
            PULL,
            (
                '        Path(store, "blobs", part["digest"].replace(":", "/")).write_bytes(blob)\n',
                '        subprocess.run(["tee", Path(store, "blobs", part["digest"].replace(":", "/"))], input=blob, '
                "stdout=subprocess.DEVNULL)\n",
            ),
        ),
        "an empty manifest is named": _but(PULL, ("content)\n    return", 'b"{}")\n    return')),
        "nothing comes back": _but(PULL, ("    return manifest\n", "")),
    },
    "run": {
        "a faked print": """
def run(root, argv, name="box", **more):
    print(name, argv)
    return int(argv[2].split()[-1])
""",
        "a hard-coded image": _but(RUN, ("lab.manifest(store, root)", 'lab.manifest(store, "busybox")')),
        "a call of the reference": _reference("run").replace("(*arguments)", "(*arguments, **more)"),
        "a call of labcore.run": """
def run(root, argv, name="box", **more):
    return labcore.run(root, list(argv), hostname=name).exit_code
""",
        "as in lesson 1": """
def run(root, argv, name="box", **more):
    spec = ContainerSpec(root=BindRoot(root), argv=tuple(argv), hostname=name)
    plan = Plan([*namespaces(spec), *hostname(spec), *rootfs(spec), ops.Execve(spec.argv, spec.environment, (argv[0],))])
    return show(plan).returncode
""",
        "images only": _but(
            RUN,
            ('    below = BindRoot(root)\n    if not root.startswith("/"):\n', "    if True:\n"),
        ),
        "no limits": _but(RUN, ("*limits(spec), ", "")),
        "no rights taken away": _but(RUN, ("*confine(spec), ", "")),
        "further fields dropped": _but(RUN, (", **more)\n    tried", ', environment=more.get("environment", ()))\n    tried')),
        "success for every failure": _but(
            RUN,
            (
                "    return show(Plan([*before, *rootfs(spec), *after])).returncode\n",
                "    try:\n        return show(Plan([*before, *rootfs(spec), *after])).returncode\n"
                "    except Exception:\n        return 0\n",
            ),
        ),
        "always success": _but(RUN, (".returncode", " and 0")),
    },
    "whiteouts": {
        "a faked print": 'def whiteouts(directory):\n    print("whiteouts:", list(Path(directory).rglob(".wh.*")))\n',
        "a hard-coded name": """
def whiteouts(directory):
    Path(directory, "etc", ".wh.base").unlink()
    os.mknod(Path(directory, "etc", "base"), stat.S_IFCHR)
""",
        "a call of the reference": _reference("whiteouts"),
        "opaque directories forgotten": _but(
            WHITEOUTS, ('            os.setxattr(mark.parent, OPAQUE, b"y")\n', "            continue\n")
        ),
        "an opaque mark taken for a name": """
def whiteouts(directory):
    for mark in list(Path(directory).rglob(".wh.*")):
        mark.unlink()
        os.mknod(mark.with_name(mark.name[4:]), stat.S_IFCHR)
""",
        "the marks only taken away": """
def whiteouts(directory):
    for mark in list(Path(directory).rglob(".wh.*")):
        mark.unlink()
""",
        "the marks left": _but(WHITEOUTS, ("        mark.unlink()\n", "")),
        "the top directory only": _but(WHITEOUTS, ("rglob", "glob")),
        "empty files for what is deleted": _but(
            WHITEOUTS, ("os.mknod(mark.with_name(mark.name[4:]), stat.S_IFCHR)", "mark.with_name(mark.name[4:]).touch()")
        ),
    },
    "dig": {
        "a faked print": 'def dig(manifest, store, path):\n    print(path, "s3cret")\n    return []\n',
        "a hard-coded secret": 'def dig(manifest, store, path):\n    return [b"s3cret\\n"]\n',
        "a call of the reference": _reference("dig"),
        "what a container sees": """
def dig(manifest, store, path):
    for layer in reversed(manifest["layers"]):
        with tarfile.open(Path(store, "blobs", layer["digest"].replace(":", "/"))) as archive:
            if path in archive.getnames():
                return [archive.extractfile(path).read()]
    return []
""",
        "the topmost first": """
def dig(manifest, store, path):
    found = []
    for layer in reversed(manifest["layers"]):
        with tarfile.open(Path(store, "blobs", layer["digest"].replace(":", "/"))) as archive:
            if path in archive.getnames():
                found.append(archive.extractfile(path).read())
    return found
""",
        "names in place of contents": """
def dig(manifest, store, path):
    found = []
    for layer in manifest["layers"]:
        with tarfile.open(Path(store, "blobs", layer["digest"].replace(":", "/"))) as archive:
            found += [name for name in archive.getnames() if name == path]
    return found
""",
    },
}

# What a learner's code may do to the check itself, where there is no container; and what it may do to the store.
UNRULY = {
    kind: f"def pull(registry, repository, tag, store):\n    import shutil, time\n    {deed}\n"
    for kind, deed in {
        "loops": "while True: pass",
        "never asks": "time.sleep(60)",
        "raises": "return 1 / 0",
        "always refuses": "raise ValueError('no')",
        "returns nonsense": "return object()",
        "returns much": "return ['x' * 1_000_000] * 20",
        "kills its own process": "os.kill(os.getpid(), 9)",
        "removes its store": "shutil.rmtree(store)",
        "removes all that the check has": "shutil.rmtree(Path(store).parent, ignore_errors=True)",
        "writes all over the machine": "Path('/etc/labcore-was-here').touch()",
    }.items()
}

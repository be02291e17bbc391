"""Solutions of lesson 3: digests, layers as directories, an overlay as the root, and a pull."""

# ruff: noqa: F403, F405
# mypy: ignore-errors

from labcore.lab.vocabulary import *


def digest(content):
    """Return the name of these bytes: `sha256:` and 64 hex digits."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def layers(manifest, store):
    """Unpack each layer once; return their names, the topmost first."""
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


def overlay(root):
    """Return the ops that stack `root.layers` below a new one, and enter it."""
    top = root.scratch
    options = f"lowerdir={':'.join(root.layers)},upperdir={top}/upper,workdir={top}/work{USERXATTR}"
    return [
        ops.Chdir(root.directory),
        ops.Mount("tmpfs", top, "tmpfs"),
        ops.MakeDirectories((f"{top}/upper", f"{top}/work", f"{top}/view")),
        ops.Mount("overlay", f"{top}/view", "overlay", data=options),
        ops.Chdir(f"{top}/view"),
    ]


def rootfs(spec):
    """Return the ops that make the root, a directory or an image's layers, with /proc."""
    root = spec.root
    bind = ops.Mount(root.directory, root.directory, flags=MountFlag.BIND | MountFlag.REC)
    enter = overlay(root) if isinstance(root, OverlayRoot) else [bind, ops.Chdir(root.directory)]
    return [
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
        *enter,
        ops.Mount("proc", "proc", "proc"),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
    ]


def pull(registry, repository, tag, store):
    """Get an image into `store`, each part checked against its digest; return the manifest."""
    base = f"{registry}/v2/{repository}"
    content = lab.fetch(f"{base}/manifests/{tag}")
    manifest = json.loads(content)
    for part in [manifest["config"], *manifest["layers"]]:
        blob = lab.fetch(f"{base}/blobs/{part['digest']}")
        if digest(blob) != part["digest"]:
            raise ValueError(f"{part['digest']} was asked for, and {digest(blob)} came")
        Path(store, "blobs", part["digest"].replace(":", "/")).write_bytes(blob)
    lab.tag(store, f"{repository}:{tag}", content)
    return manifest


def run(root, argv, name="box", **more):
    """Start `argv` on a directory, or on an image of the store; return its exit code."""
    below = BindRoot(root)
    if not root.startswith("/"):
        store = lab.store()
        below = OverlayRoot(store, tuple(layers(lab.manifest(store, root), store)), "scratch")
    spec = ContainerSpec(root=below, argv=tuple(argv), hostname=name, **more)
    tried = ops.search_path(argv[0], spec.environment, DEFAULT_PATH)
    program = ops.Execve(spec.argv, spec.environment, tried)
    before, after = [*limits(spec), *namespaces(spec), *hostname(spec)], [*confine(spec), program]
    return show(Plan([*before, *rootfs(spec), *after])).returncode


def whiteouts(directory):
    """Turn the marks of an unpacked layer into those of overlayfs."""
    for mark in list(Path(directory).rglob(".wh.*")):
        mark.unlink()
        if mark.name == ".wh..wh..opq":
            os.setxattr(mark.parent, OPAQUE, b"y")
        else:
            os.mknod(mark.with_name(mark.name.removeprefix(".wh.")), stat.S_IFCHR)


def dig(manifest, store, path):
    """Return what a file holds in each layer that has it, the lowest first."""
    found = []
    for layer in manifest["layers"]:
        with tarfile.open(Path(store, "blobs", layer["digest"].replace(":", "/"))) as archive:
            if path in archive.getnames():
                found.append(archive.extractfile(path).read())
    return found

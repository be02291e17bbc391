"""Solutions of lesson 9: variables, what changes the config, RUN, whose upper directory becomes a layer, and process 1."""

# ruff: noqa: F403, F405
# mypy: ignore-errors

from labcore.lab.vocabulary import *


def expand(text, variables):
    """Return a text with the values of its variables in their places."""
    known = {None: "$", **variables}
    pattern = r"\\\$|\$(\w+)|\$\{(\w+)(?::-([^}]*))?\}"
    return re.sub(pattern, lambda found: known.get(found[1] or found[2]) or found[3] or "", text)


def apply(instruction, config):
    """Return the config after an instruction; most say nothing of it."""
    name, value = instruction
    text = expand(str(value), lab.environment(config))
    if name in ("CMD", "ENTRYPOINT"):
        return config | {name.capitalize(): value if isinstance(value, list) else ["/bin/sh", "-c", value]}
    if name == "ENV":
        return config | {"Env": [f"{key}={each}" for key, each in (lab.environment(config) | lab.pairs(text)).items()]}
    if name == "WORKDIR":
        return config | {"WorkingDir": os.path.normpath(os.path.join("/", config.get("WorkingDir") or "", text))}
    if field := {"EXPOSE": "ExposedPorts", "LABEL": "Labels"}.get(name):
        more = lab.pairs(text) if name == "LABEL" else {port if "/" in port else f"{port}/tcp": {} for port in text.split()}
        return config | {field: (config.get(field) or {}) | more}
    return config | {"User": text} if name == "USER" else config


def overlay(root):
    """Return the ops that stack `root.layers` below the layer in `root.writable`, or below one in memory, and enter it."""
    top = root.writable or root.scratch
    options = f"lowerdir={':'.join(root.layers)},upperdir={top}/upper,workdir={top}/work{USERXATTR}"
    return [
        ops.Chdir(root.directory),
        *([] if root.writable else [ops.Mount("tmpfs", top, "tmpfs")]),
        ops.MakeDirectories((f"{top}/upper", f"{top}/work", f"{top}/view")),
        ops.Mount("overlay", f"{top}/view", "overlay", data=options),
        ops.Chdir(f"{top}/view"),
    ]


def layer(upper, store):
    """Keep what an upper directory holds as a layer of the store; return its descriptor."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path in sorted(Path(upper).rglob("*")):
            name, status = path.relative_to(upper), path.lstat()
            if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
                archive.addfile(tarfile.TarInfo(str(name.with_name(f".wh.{name.name}"))))
            else:
                archive.add(path, str(name), recursive=False)
            if OPAQUE in os.listxattr(path, follow_symlinks=False):
                archive.addfile(tarfile.TarInfo(f"{name}/.wh..wh..opq"))
    return lab.blob(store, content.getvalue())


def run_step(command, config, below, store):
    """Run a program on the layers below; return what it has written, as a layer. Raises RuntimeError if it fails."""
    place = lab.tray("step")
    root = OverlayRoot(store, tuple(layers({"layers": below}, store)), "scratch", writable=place)
    argv = command if isinstance(command, list) else ["/bin/sh", "-c", command]
    spec = ContainerSpec(root, tuple(argv), tuple(config.get("Env") or ()))
    program = ops.Execve(spec.argv, spec.environment, ops.search_path(argv[0], spec.environment, DEFAULT_PATH))
    before, after = [*limits(spec), *namespaces(spec), *hostname(spec)], [*confine(spec), *lab.workdir_and_user(config, root)]
    if code := show(Plan([*before, *rootfs(spec), *after, program])).returncode:
        raise RuntimeError(f"{command} returned a non-zero code: {code}")
    return layer(f"{place}/upper", store)


def copy_step(sources, destination, context, below, store):
    """Copy files of the context to a place on the layers below; return their layer. Raises ValueError for what is outside."""
    upper, place = Path(lab.tray("copy"), "upper"), destination.strip("/")
    is_there = any(Path(store, name, place).is_dir() for name in layers({"layers": below}, store))
    into = destination.endswith(("/", "/.")) or len(sources) > 1 or is_there
    for name in sources:
        source = Path(context, name.lstrip("/")).resolve()
        if not source.is_relative_to(Path(context).resolve()):
            raise ValueError(f"{name} is outside of the context, and all that a build is given is the context")
        target = upper / place / (source.name if into and not source.is_dir() else "")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-RT", "--preserve=mode,timestamps", source, target], check=True)
    return layer(upper, store)


def reaper(argv):
    """Be process 1 for a program: reap all that ends, pass on all signals; return its exit code, or 128 and its signal."""
    signals = signal.valid_signals()
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    child = os.posix_spawnp(argv[0], argv, os.environ, setsigmask=())
    while True:
        number = signal.sigwait(signals)
        if number != signal.SIGCHLD:
            os.kill(child, number)
        while number == signal.SIGCHLD and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
                return code if code >= 0 else 128 - code

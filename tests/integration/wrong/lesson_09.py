"""Wrong answers to the steps of lesson 9: by step, what kind of wrong it is, and its text."""

from tests.integration.wrong.lesson_01 import REFERENCE_BY_SOLUTION
from tests.integration.wrong.lesson_03 import _but


def _reference(step: str) -> str:
    return REFERENCE_BY_SOLUTION.format(step=step, lesson=9)


EXPAND = r"""
def expand(text, variables):
    def value(found):
        name = found[1] or found[2]
        return variables.get(name) or found[3] or "" if name else "$"
    return re.sub(r"\\\$|\$(\w+)|\$\{(\w+)(?::-([^}]*))?\}", value, text)
"""
APPLY = """
def apply(instruction, config):
    name, value = instruction
    text = expand(str(value), lab.environment(config))
    if name in ("CMD", "ENTRYPOINT"):
        return config | {name.capitalize(): value if isinstance(value, list) else ["/bin/sh", "-c", value]}
    if name == "ENV":
        variables = lab.environment(config) | lab.pairs(text)
        return config | {"Env": [f"{key}={each}" for key, each in variables.items()]}
    if name == "WORKDIR":
        return config | {"WorkingDir": os.path.normpath(os.path.join("/", config.get("WorkingDir") or "", text))}
    if field := {"EXPOSE": "ExposedPorts", "LABEL": "Labels"}.get(name):
        more = lab.pairs(text) if name == "LABEL" else {port if "/" in port else f"{port}/tcp": {} for port in text.split()}
        return config | {field: (config.get(field) or {}) | more}
    return config | {"User": text} if name == "USER" else config
"""
OVERLAY = """
def overlay(root):
    top = root.writable or root.scratch
    options = f"lowerdir={':'.join(root.layers)},upperdir={top}/upper,workdir={top}/work{USERXATTR}"
    return [
        ops.Chdir(root.directory),
        *([] if root.writable else [ops.Mount("tmpfs", top, "tmpfs")]),
        ops.MakeDirectories((f"{top}/upper", f"{top}/work", f"{top}/view")),
        ops.Mount("overlay", f"{top}/view", "overlay", data=options),
        ops.Chdir(f"{top}/view"),
    ]
"""
LAYER = """
def layer(upper, store):
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
"""
RUN_STEP = """
def run_step(command, config, below, store):
    place = lab.tray("step")
    root = OverlayRoot(store, tuple(layers({"layers": below}, store)), "scratch", writable=place)
    argv = command if isinstance(command, list) else ["/bin/sh", "-c", command]
    spec = ContainerSpec(root, tuple(argv), tuple(config.get("Env") or ()))
    program = ops.Execve(spec.argv, spec.environment, ops.search_path(argv[0], spec.environment, DEFAULT_PATH))
    before, after = [*limits(spec), *namespaces(spec), *hostname(spec)], [*confine(spec), *lab.workdir_and_user(config, root)]
    if code := show(Plan([*before, *rootfs(spec), *after, program])).returncode:
        raise RuntimeError(f"{command} returned a non-zero code: {code}")
    return layer(f"{place}/upper", store)
"""
COPY_STEP = """
def copy_step(sources, destination, context, below, store):
    upper, names = Path(lab.tray("copy"), "upper"), layers({"layers": below}, store)
    target = upper / destination.strip("/")
    found = [Path(store, name, destination.strip("/")) for name in names]
    into = destination.endswith(("/", "/.")) or len(sources) > 1 or any(each.is_dir() for each in found)
    for name in sources:
        source = Path(context, name.lstrip("/")).resolve()
        if not source.is_relative_to(Path(context).resolve()):
            raise ValueError(f"{name} is outside of the context")
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        else:
            place = target / source.name if into else target
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place)
    return layer(upper, store)
"""
REAPER = """
def reaper(argv):
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
"""
RAISES = """    if code := show(Plan([*before, *rootfs(spec), *after, program])).returncode:
        raise RuntimeError(f"{command} returned a non-zero code: {code}")
"""

WRONG: dict[str, dict[str, str]] = {
    "expand": {
        "a faked print": "def expand(text, variables):\n    print(text.replace('$', ''))\n",
        "a hard-coded text": 'def expand(text, variables):\n    return "/app/2/x"\n',
        "a call of the reference": _reference("expand"),
        "a call of the builder's": """
def expand(text, variables):
    from labcore.builder.parser.words import expand as builders
    return builders(text, variables)
""",
        "replaced name by name": """
def expand(text, variables):
    for name, value in variables.items():
        text = text.replace(f"${{{name}}}", value).replace(f"${name}", value)
    return text
""",
        "the process's own environment": """
def expand(text, variables):
    os.environ.update(variables)
    return os.path.expandvars(text)
""",
        "expanded twice": _but(EXPAND, ("    return re.sub", "    for _ in range(2):\n        text = re.sub"))
        + "    return text\n",
        "without braces": _but(
            EXPAND, (r"|\$\{(\w+)(?::-([^}]*))?\}", ""), ("found[1] or found[2]", "found[1]"), ("found[3] or ", "")
        ),
        "without a default": _but(EXPAND, ("(?::-([^}]*))?", "(?::-[^}]*)?"), ("found[3] or ", "")),
        "the default only where nothing is set": _but(
            EXPAND, ('variables.get(name) or found[3] or ""', 'variables.get(name, found[3]) or ""')
        ),
        "one that is not set stays": _but(
            EXPAND, ('found[3] or "" if name', "(found[3] if found[3] is not None else found[0]) if name")
        ),
        "one that is not set is an error": _but(
            EXPAND,
            (
                'variables.get(name) or found[3] or ""',
                "(variables[name] if found[3] is None else variables.get(name) or found[3])",
            ),
        ),
        "a backslash means nothing": _but(EXPAND, (r"\\\$|", "")),
        "the backslash stays": _but(EXPAND, ('else "$"', "else found[0]")),
        "names of letters only": _but(EXPAND, (r"\$(\w+)", r"\$([A-Za-z]+)"), (r"\{(\w+)", r"\{([A-Za-z_]+)")),
        "the variables are taken out": _but(EXPAND, ("variables.get(name)", "variables.pop(name, None)")),
    },
    "apply": {
        "a faked print": "def apply(instruction, config):\n    print(instruction)\n    return config\n",
        "a hard-coded field": _but(APPLY, ('{"User": text}', '{"User": "nobody"}')),
        "a call of the reference": _reference("apply"),
        "a call of the builder's": """
def apply(instruction, config):
    from labcore.builder.image_config import changed
    from labcore.images import Config
    name, value = instruction
    if name not in ("ENV", "CMD", "ENTRYPOINT", "WORKDIR", "USER", "EXPOSE", "LABEL"):
        return config
    line = f"{name} {value if isinstance(value, str) else json.dumps(value)}"
    whole = {"architecture": "amd64", "rootfs": {"diff_ids": []}, "config": config}
    return changed(Config.from_json(whole), line).run_json()
""",
        "the config that was given is changed": _but(
            APPLY,
            ("    name, value = instruction\n", "    name, value = instruction\n    old, config = config, dict(config)\n"),
            ('return config | {"User": text} if', "return old.update(User=text) or old if"),
        ),
        "the shell form parted into words": _but(APPLY, ('["/bin/sh", "-c", value]', "value.split()")),
        "the shell form without a shell": _but(APPLY, ('["/bin/sh", "-c", value]', "[value]")),
        "the shell form expanded": _but(APPLY, ('["/bin/sh", "-c", value]', '["/bin/sh", "-c", text]')),
        "the exec form as a line": _but(
            APPLY, ("value if isinstance(value, list)", '["/bin/sh", "-c", " ".join(value)] if isinstance(value, list)')
        ),
        "CMD behind what was there": _but(
            APPLY, ("{name.capitalize(): value if", "{name.capitalize(): [*(config.get(name.capitalize()) or ()), *value] if")
        ),
        "ENV without what was there": _but(APPLY, ("lab.environment(config) | lab.pairs(text)", "lab.pairs(text)")),
        "ENV keeps the old value": _but(
            APPLY, ("lab.environment(config) | lab.pairs(text)", "lab.pairs(text) | lab.environment(config)")
        ),
        "ENV twice": _but(
            APPLY,
            ('[f"{key}={each}" for', '[*(config.get("Env") or ()), *(f"{key}={each}" for'),
            ("variables.items()]", "lab.pairs(text).items())]"),
        ),
        "ENV by blanks": _but(APPLY, ("| lab.pairs(text)", '| dict(word.split("=", 1) for word in text.split())')),
        "ENV unexpanded": _but(APPLY, ("| lab.pairs(text)", "| lab.pairs(value)")),
        "WORKDIR from the root only": _but(APPLY, ('config.get("WorkingDir") or ""', '""')),
        "WORKDIR pasted together": _but(
            APPLY,
            (
                'os.path.normpath(os.path.join("/", config.get("WorkingDir") or "", text))',
                '(config.get("WorkingDir") or "") + "/" + text',
            ),
        ),
        "EXPOSE in place of what was there": _but(
            APPLY, ("(config.get(field) or {}) | more", '(name == "LABEL" and config.get(field) or {}) | more')
        ),
        "EXPOSE without a protocol": _but(APPLY, ('port if "/" in port else f"{port}/tcp"', "port")),
        "EXPOSE of one port": _but(APPLY, ("text.split()}", "[text]}")),
        "fields that are null are not thought of": _but(APPLY, ("(config.get(field) or {})", "config.get(field, {})")),
        "LABEL is not known": _but(APPLY, (', "LABEL": "Labels"', "")),
        "LABEL in place of what was there": _but(
            APPLY, ("(config.get(field) or {}) | more", '(name != "LABEL" and config.get(field) or {}) | more')
        ),
        "LABEL keeps the old value": _but(APPLY, ("(config.get(field) or {}) | more", "more | (config.get(field) or {})")),
        "LABEL by blanks": _but(
            APPLY,
            ('lab.pairs(text) if name == "LABEL"', 'dict(word.split("=", 1) for word in text.split()) if name == "LABEL"'),
        ),
        "LABEL of one pair": _but(
            APPLY, ('lab.pairs(text) if name == "LABEL"', 'dict([text.replace(chr(34), "").split("=", 1)]) if name == "LABEL"')
        ),
        "LABEL unexpanded": _but(APPLY, ('lab.pairs(text) if name == "LABEL"', 'lab.pairs(value) if name == "LABEL"')),
        "LABEL as lines, like ENV": _but(
            APPLY, ('lab.pairs(text) if name == "LABEL"', 'dict.fromkeys(text.split(), "") if name == "LABEL"')
        ),
        "the user's name is not expanded": _but(APPLY, ('{"User": text}', '{"User": value}')),
        "RUN is written down, too": _but(
            APPLY, ('if name in ("CMD", "ENTRYPOINT")', 'if name in ("CMD", "ENTRYPOINT", "RUN")')
        ),
        "only what it knows is returned": _but(APPLY, ('if name == "USER" else config', 'if name == "USER" else {}')),
    },
    "overlay": {
        "a faked print": 'def overlay(root):\n    print("overlay on", root.writable)\n    return []\n',
        "a hard-coded directory": _but(OVERLAY, ("root.writable or root.scratch", '"/tmp" if root.writable else root.scratch')),
        "a call of the reference": _reference("overlay"),
        "as in lesson 3": """
def overlay(root):
    top = root.scratch
    options = f"lowerdir={':'.join(root.layers)},upperdir={top}/upper,workdir={top}/work{USERXATTR}"
    return [
        ops.Chdir(root.directory),
        ops.Mount("tmpfs", top, "tmpfs"),
        ops.MakeDirectories((f"{top}/upper", f"{top}/work", f"{top}/view")),
        ops.Mount("overlay", f"{top}/view", "overlay", data=options),
        ops.Chdir(f"{top}/view"),
    ]
""",
        "a tmpfs over what is to stay": _but(
            OVERLAY, ('*([] if root.writable else [ops.Mount("tmpfs", top, "tmpfs")])', 'ops.Mount("tmpfs", top, "tmpfs")')
        ),
        "never in memory": _but(OVERLAY, ('        *([] if root.writable else [ops.Mount("tmpfs", top, "tmpfs")]),\n', "")),
        "only where something is to stay": _but(
            OVERLAY, ("root.writable or root.scratch", "root.writable"), ("[] if root.writable else ", "[] if True else ")
        ),
        "the layers the other way round": _but(OVERLAY, ("':'.join(root.layers)", "':'.join(root.layers[::-1])")),
        "not entered": _but(OVERLAY, ('        ops.Chdir(f"{top}/view"),\n', "        ops.Chdir(root.layers[-1]),\n")),
        "in the image's topmost layer": _but(
            OVERLAY, ("root.writable or root.scratch", "root.writable and '.' or root.scratch")
        ),
    },
    "layer": {
        "a faked print": 'def layer(upper, store):\n    print("sha256:", len(list(Path(upper).rglob("*"))))\n',
        "a hard-coded digest": """
def layer(upper, store):
    return {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "sha256:" + "0" * 64, "size": 0}
""",
        "a call of the reference": _reference("layer"),
        "tar alone": """
def layer(upper, store):
    return lab.blob(store, subprocess.run(["tar", "-C", upper, "-c", "."], capture_output=True, check=True).stdout)
""",
        "a file in place of each device only": _but(
            LAYER, ("            if OPAQUE in os.listxattr(path, follow_symlinks=False):\n", "            if False:\n")
        ),
        "the device beside its mark": _but(
            LAYER, ("            else:\n                archive", "            if True:\n                archive")
        ),
        "the mark at the top": _but(
            LAYER,
            (
                'archive.addfile(tarfile.TarInfo(str(name.with_name(f".wh.{name.name}"))))',
                'archive.addfile(tarfile.TarInfo(f".wh.{name.name}"))',
            ),
        ),
        "every device is a mark": _but(LAYER, (" and status.st_rdev == 0", "")),
        "without what is deleted": _but(
            LAYER, ('archive.addfile(tarfile.TarInfo(str(name.with_name(f".wh.{name.name}"))))', "continue")
        ),
        "the mark in place of its directory": _but(LAYER, ('f"{name}/.wh..wh..opq"', 'str(name.with_name(".wh..wh..opq"))')),
        "all of a directory again and again": _but(LAYER, (", recursive=False", "")),
        "without what lies deeper": _but(LAYER, ('rglob("*")', 'glob("*")'), (", recursive=False", ", recursive=False")),
        "files only": _but(LAYER, ("            else:\n", "            elif not path.is_dir() or path.is_symlink():\n")),
        "absolute names": _but(LAYER, ("archive.add(path, str(name)", "archive.add(path, str(path)")),
        "links are followed": _but(
            LAYER,
            ('tarfile.open(fileobj=content, mode="w")', 'tarfile.open(fileobj=content, mode="w", dereference=True)'),
            ("            else:\n", "            elif path.exists():\n"),
        ),
        "in no order": _but(LAYER, ('sorted(Path(upper).rglob("*"))', 'sorted(Path(upper).rglob("*"), reverse=True)')),
        "compressed, and called as if it were not": _but(
            LAYER,
            ('mode="w"', 'mode="w:gz"'),
            (
                "lab.blob(store, content.getvalue())",
                'lab.blob(store, content.getvalue(), "application/vnd.oci.image.layer.v1.tar+gzip")',
            ),
        ),
        "not in the store": _but(
            LAYER,
            (
                "    return lab.blob(store, content.getvalue())",
                """    held = content.getvalue()
    return {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest(held), "size": len(held)}""",
            ),
        ),
        "only the digest": _but(
            LAYER, ("lab.blob(store, content.getvalue())", 'lab.blob(store, content.getvalue())["digest"]')
        ),
        "before the archive is closed": _but(LAYER, ("    return lab.blob", "        return lab.blob")),
        "the upper directory is emptied": _but(
            LAYER,
            ("    return lab.blob", "    for path in Path(upper).glob('gone*'):\n        path.unlink()\n    return lab.blob"),
        ),
        "everything is root's": _but(
            LAYER, ("recursive=False", "recursive=False, filter=lambda each: each.replace(mode=0o644, uid=0, gid=0)")
        ),
    },
    "run_step": {
        "a faked print": 'def run_step(command, config, below, store):\n    print("running", command)\n',
        "a hard-coded program": _but(
            RUN_STEP, ('["/bin/sh", "-c", command]', '["/bin/true"]'), ("command if isinstance(command, list) else ", "")
        ),
        "a call of the reference": _reference("run_step"),
        "on the machine's own files": """
def run_step(command, config, below, store):
    argv = command if isinstance(command, list) else ["/bin/sh", "-c", command]
    with spawn(Plan([ops.Clone(), ops.Execve(tuple(argv), tuple(config.get("Env") or ()), ("/bin/sh",))])) as process:
        process.wait()
    return layer(Path(lab.tray("step"), "upper"), store)
""",
        "a failure makes a layer": _but(RUN_STEP, (RAISES, "    show(Plan([*before, *rootfs(spec), *after, program]))\n")),
        "a failure makes no layer": _but(
            RUN_STEP, ('raise RuntimeError(f"{command} returned a non-zero code: {code}")', "return None")
        ),
        "a failure tells nothing": _but(
            RUN_STEP, ('RuntimeError(f"{command} returned a non-zero code: {code}")', 'RuntimeError("it failed")')
        ),
        "without the environment": _but(RUN_STEP, ('tuple(config.get("Env") or ()))', '("PATH=/srv:/bin",))')),
        "without the working directory": _but(RUN_STEP, ("*lab.workdir_and_user(config, root)", "")),
        "unconfined": _but(RUN_STEP, ("*confine(spec), ", "")),
        "the user before the rights are taken away": _but(
            RUN_STEP,
            ("*confine(spec), *lab.workdir_and_user(config, root)", "*lab.workdir_and_user(config, root), *confine(spec)"),
        ),
        "under the machine's name": _but(RUN_STEP, ("*namespaces(spec), *hostname(spec)]", "*namespaces(spec)]")),
        "root, whatever the config says": _but(RUN_STEP, ("(config, root)", '({**config, "User": ""}, root)')),
        "the shell form only": _but(
            RUN_STEP, ('command if isinstance(command, list) else ["/bin/sh", "-c", command]', '["/bin/sh", "-c", command]')
        ),
        "the image's own program": _but(RUN_STEP, ("    spec = ", '    argv = config.get("Entrypoint") or argv\n    spec = ')),
        "the layer of the image below": _but(RUN_STEP, ('return layer(f"{place}/upper", store)', "return below[-1]")),
        "without the layers on top": _but(
            RUN_STEP, ('layers({"layers": below}, store)', 'layers({"layers": below[:3]}, store)')
        ),
        "written into a layer below": _but(
            RUN_STEP,
            (
                "    argv = command if",
                """    Path(store, layers({"layers": below}, store)[0], "stray").write_text("")
    argv = command if""",
            ),
        ),
        "what was there before stays in the upper directory": _but(
            RUN_STEP,
            (
                '    place = lab.tray("step")\n',
                """    place = f"{store}/kept"
    for part in ("upper", "work"):
        Path(place, part).mkdir(parents=True, exist_ok=True)
""",
            ),
        ),
    },
    "copy_step": {
        "a faked print": 'def copy_step(sources, destination, context, below, store):\n    print("COPY", sources)\n',
        "a hard-coded destination": _but(COPY_STEP, ('upper / destination.strip("/")', 'upper / "app"')),
        "a call of the reference": _reference("copy_step"),
        "never into a directory below": _but(COPY_STEP, (" or any(each.is_dir() for each in found)", "")),
        "a directory of the machine's": _but(
            COPY_STEP, ('Path(store, name, destination.strip("/"))', "Path(store, name, destination)")
        ),
        "into the topmost layer's directories only": _but(COPY_STEP, ("for each in found)", "for each in found[:1])")),
        "links in a directory are followed": _but(COPY_STEP, ("symlinks=True", "ignore_dangling_symlinks=True")),
        "the whole tray": _but(COPY_STEP, ('Path(lab.tray("copy"), "upper")', 'Path(lab.tray("copy"))')),
        "several in one file": _but(COPY_STEP, (" or len(sources) > 1", "")),
        "a slash means nothing": _but(COPY_STEP, ('destination.endswith(("/", "/.")) or ', "")),
        "a dot means nothing": _but(COPY_STEP, ('("/", "/.")', '"/"')),
        "the directory itself, not what is in it": _but(
            COPY_STEP, ("copytree(source, target,", "copytree(source, target / source.name,")
        ),
        "whatever lies outside": _but(COPY_STEP, ("if not source.is_relative_to(Path(context).resolve()):", "if False:")),
        "links that lead out are followed": _but(
            COPY_STEP, ("if not source.is_relative_to(Path(context).resolve()):", 'if ".." in name:')
        ),
        "what is missing is passed over": _but(
            COPY_STEP,
            (
                "        if source.is_dir():",
                "        if not source.exists():\n            continue\n        if source.is_dir():",
            ),
        ),
        "links in the context are followed": _but(
            COPY_STEP,
            ("symlinks=True", "symlinks=False"),
            (
                "        if source.is_dir():",
                "        (Path(context) / 'out').unlink(missing_ok=True)\n        if source.is_dir():",
            ),
        ),
        "moved, not copied": _but(COPY_STEP, ("shutil.copy2(source, place)", "source.rename(place)")),
        "the content alone": _but(COPY_STEP, ("copy2", "copyfile")),
        "from the root of the machine": _but(COPY_STEP, ('name.lstrip("/")', "name")),
    },
    "reaper": {
        "a faked print": "def reaper(argv):\n    print('reaping for', *argv)\n    return 0\n",
        "a hard-coded code": _but(REAPER, ("code if code >= 0 else 128 - code", "42")),
        "a call of the reference": _reference("reaper"),
        "it becomes the program": "def reaper(argv):\n    os.execvp(argv[0], argv)\n",
        "another init in its place": """
def reaper(argv):
    os.execv(labcore.native.program("labcore-init"), ["init", *argv])
""",
        "a call and nothing else": "def reaper(argv):\n    return subprocess.run(argv).returncode\n",
        "it ends with the first that ends": """
def reaper(argv):
    os.posix_spawnp(argv[0], argv, os.environ)
    return os.waitstatus_to_exitcode(os.wait()[1])
""",
        "it waits for the program alone": _but(REAPER, ("os.waitpid(-1, os.WNOHANG)", "os.waitpid(child, os.WNOHANG)")),
        "one for each SIGCHLD": _but(
            REAPER, ("        while number == signal.SIGCHLD and", "        if number == signal.SIGCHLD and")
        ),
        "the program's signals are blocked, too": _but(REAPER, (", setsigmask=()", "")),
        "no signal is passed on": _but(REAPER, ("os.kill(child, number)", "pass")),
        "SIGCHLD is passed on, too": _but(REAPER, ("        if number != signal.SIGCHLD:\n    ", "")),
        "those of its own process group": _but(REAPER, ("os.waitpid(-1,", "os.waitpid(0,")),
        "until one ends with 0": _but(REAPER, ("os.WNOHANG))[0]", "os.WNOHANG))[1]")),
        "0 is taken for a signal": _but(REAPER, ("code if code >= 0", "code if code > 0")),
        "SIGTERM alone": _but(REAPER, ("signal.valid_signals()", "{signal.SIGCHLD, signal.SIGTERM}")),
        "any signal kills": _but(REAPER, ("os.kill(child, number)", "os.kill(child, signal.SIGKILL)")),
        "SIGTERM, whatever came": _but(REAPER, ("os.kill(child, number)", "os.kill(child, signal.SIGTERM)")),
        "the status as wait(2) has it": _but(REAPER, ("os.waitstatus_to_exitcode(ended[1])", "ended[1]")),
        "a signal's number below zero": _but(REAPER, ("code if code >= 0 else 128 - code", "code")),
        "a signal's number alone": _but(REAPER, ("128 - code", "-code")),
    },
}

UNRULY: dict[str, str] = {}

"""Solutions of lesson 10: a cache key, one instruction, an image, and the builder that goes through them all."""

# ruff: noqa: F403, F405
# mypy: ignore-errors

from labcore.lab.vocabulary import *


def cache_key(parent, instruction, content):
    """Return what a step is known by: a digest of the key below it, the instruction, and what it reads."""
    return digest(json.dumps([parent, instruction, content]).encode())


def add_layer(instruction, state, context, store):
    """Add the layer of a RUN or a COPY to a state: from the cache if its key is known there, else made and put there."""
    (name, value), key, cache = instruction, state["key"], lab.cache(store)
    if key in cache:
        print(" ---> Using cache")
    elif name == "RUN":
        cache[key] = run_step(value, state["config"], state["layers"], store)
    else:
        *sources, destination = value if isinstance(value, list) else value.split()
        place = os.path.join(state["config"].get("WorkingDir") or "/", destination)
        cache[key] = copy_step(sources, place, context, state["layers"], store)
    state["layers"].append(cache[key])


def carry_out(instruction, state, context, store):
    """Carry out an instruction on a state; return the state's new key."""
    name, value = instruction
    if name == "FROM":
        state.update(lab.base(store, value))
    else:
        state["key"] = cache_key(state["key"], instruction, reads(instruction, context))
        if name in ("RUN", "COPY"):
            add_layer(instruction, state, context, store)
        else:
            state["config"] = apply(instruction, state["config"])
        state["history"].append({"created_by": f"{name} {value}", "empty_layer": name not in ("RUN", "COPY")})
    return state["key"]


def image(state, name, store):
    """Write a state's config and manifest, and give it a name; return the manifest's digest."""
    config = {each: state[each] for each in ("architecture", "os", "config", "history")}
    config["rootfs"] = {"type": "layers", "diff_ids": [lab.diff_id(store, each) for each in state["layers"]]}
    described = lab.blob(store, json.dumps(config).encode(), CONFIG)
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": state["layers"]}
    return lab.tag(store, name, json.dumps(manifest).encode())


def build(instructions, step):
    """Carry out instructions, one after the other, and say so as docker does; return the last one's ID."""
    for number, (name, value) in enumerate(instructions, 1):
        print(f"Step {number}/{len(instructions)} : {name} {value if isinstance(value, str) else json.dumps(value)}")
        id = step((name, value))
        print(f" ---> {id.removeprefix('sha256:')[:12]}")
    return id


def reads(instruction, context):
    """Return a digest of the files that a COPY reads: their names, modes and bytes, and no times; empty for others."""
    name, value = instruction
    if name != "COPY":
        return ""
    *sources, _ = value if isinstance(value, list) else value.split()
    found = []
    for place in (Path(context, source.lstrip("/")) for source in sources):
        for path in sorted([place, *place.rglob("*")]):
            content = digest(path.read_bytes()) if path.is_file() else ""
            found.append([str(path.relative_to(context)), path.stat().st_mode, content])
    return digest(json.dumps(found).encode())


def ignored(patterns, path):
    """Return whether the lines of a .dockerignore keep a path out of the context: the last that fits it decides."""
    out, marks = False, {"**/": "(.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    for line in patterns:
        parts = re.split(r"(\*\*/|\*\*|\*|\?)", line.lstrip("!").strip("/"))
        wanted = "".join(marks.get(part) or re.escape(part) for part in parts)
        if re.fullmatch(f"{wanted}(/.*)?", path):
            out = not line.startswith("!")
    return out

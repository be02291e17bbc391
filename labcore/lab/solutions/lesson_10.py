"""Solutions of lesson 10: a cache key, one instruction, an image, and the builder that goes through them all."""

# ruff: noqa: A001, ARG001, F403, F405
# mypy: ignore-errors

from labcore.lab.vocabulary import *


def cache_key(parent, instruction, content):
    """Return what a step is known by: a digest of the key below it, the instruction, and what it reads."""
    return digest(json.dumps([parent, instruction, content]).encode())


def make_layer(instruction, state, context, store):
    """Carry out a RUN or a COPY; return its layer's descriptor."""
    name, value = instruction
    if name == "RUN":
        return run_step(value, state["config"], state["layers"], store)
    *sources, destination = value if isinstance(value, list) else value.split()
    return copy_step(sources, destination, context, state["layers"], store)


def carry_out(instruction, state, context, store):
    """Carry out an instruction, from the cache if it is known there; return the state's new key."""
    name, value = instruction
    if name == "FROM":
        state.update(lab.base(store, value))
        return state["key"]
    key = state["key"] = cache_key(state["key"], instruction, reads(instruction, context))
    if name in ("RUN", "COPY"):
        cache = lab.cache(store)
        if key not in cache:
            cache[key] = make_layer(instruction, state, context, store)
        state["layers"].append(cache[key])
    else:
        state["config"] = apply(instruction, state["config"])
    state["history"].append({"created_by": f"{name} {value}", "empty_layer": name not in ("RUN", "COPY")})
    return key


def image(state, name, store):
    """Write a state's config and manifest, and give it a name; return the manifest's digest."""
    config = {each: state[each] for each in ("architecture", "os", "config", "history")}
    config["rootfs"] = {"type": "layers", "diff_ids": [lab.diff_id(store, each) for each in state["layers"]]}
    described = lab.put(store, json.dumps(config).encode(), CONFIG)
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
    for place in (Path(context, source) for source in sources):
        for path in sorted([place, *place.rglob("*")]):
            content = digest(path.read_bytes()) if path.is_file() else ""
            found.append([str(path.relative_to(context)), path.stat().st_mode, content])
    return digest(json.dumps(found).encode())


def ignored(patterns, path):
    """Return whether a path of the context is kept out of it by the lines of a .dockerignore: the last that fits decides."""
    out = False
    for pattern in patterns:
        keeps = pattern.startswith("!")
        wanted = pattern.lstrip("!").strip("/")
        parts = path.split("/")
        if any(fnmatch("/".join(parts[:depth]), wanted) for depth in range(1, len(parts) + 1)):
            out = not keeps
    return out

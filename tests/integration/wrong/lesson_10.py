"""Wrong answers to the steps of lesson 10: by step, what kind of wrong it is, and its text."""

from labcore.lab.solutions import source_of
from tests.integration.wrong.lesson_01 import REFERENCE_BY_SOLUTION
from tests.integration.wrong.lesson_03 import _but

CACHE_KEY, ADD_LAYER, CARRY_OUT, IMAGE, BUILD, READS, IGNORED = (
    f"\n{source_of(step, 10)}" for step in ("cache_key", "add_layer", "carry_out", "image", "build", "reads", "ignored")
)


def _reference(step: str) -> str:
    return REFERENCE_BY_SOLUTION.format(step=step, lesson=10)


def _key(expression: str) -> str:
    return f"\ndef cache_key(parent, instruction, content):\n    return {expression}\n"


WRONG: dict[str, dict[str, str]] = {
    "cache_key": {
        "a faked print": '\ndef cache_key(parent, instruction, content):\n    print("Using cache")\n',
        "a hard-coded key": _key("digest(b'busybox')"),
        "a call of the reference": _reference("cache_key"),
        "a call of labcore's": """
def cache_key(parent, instruction, content):
    from labcore.builder.cache_key import key_of
    return key_of(parent, *instruction, content)
""",
        "Python's hash": _key("str(hash((parent, str(instruction), content)))"),
        "another each time": _key("secrets.token_hex(32)"),
        "without the step below": _key("digest(json.dumps([instruction, content]).encode())"),
        "without its name": _key("digest(json.dumps([parent, instruction[1], content]).encode())"),
        "without its value": _key("digest(json.dumps([parent, instruction[0], content]).encode())"),
        "without what it reads": _key("digest(json.dumps([parent, instruction]).encode())"),
        "one behind the other": _key('digest(f"{parent}{instruction[0]}{instruction[1]}{content}".encode())'),
        "words without their list": _key(
            'digest(json.dumps([parent, instruction[0], "".join(instruction[1]), content]).encode())'
        ),
        "a number": _key("int(digest(json.dumps([parent, instruction, content]).encode())[7:], 16)"),
    },
    "add_layer": {
        "a faked print": '\ndef add_layer(instruction, state, context, store):\n    print(" ---> Using cache")\n',
        "a hard-coded layer": """
def add_layer(instruction, state, context, store):
    state["layers"].append(state["layers"][0])
""",
        "a call of the reference": _reference("add_layer"),
        "nothing is kept": """
def add_layer(instruction, state, context, store):
    name, value = instruction
    if name == "RUN":
        made = run_step(value, state["config"], state["layers"], store)
    else:
        *sources, destination = value if isinstance(value, list) else value.split()
        place = os.path.join(state["config"].get("WorkingDir") or "/", destination)
        made = copy_step(sources, place, context, state["layers"], store)
    state["layers"].append(made)
""",
        "by the instruction, not by the key": _but(ADD_LAYER, ('state["key"], lab', "repr(instruction), lab")),
        "a COPY is never kept": _but(
            ADD_LAYER, ("    if key in cache:", '    if name == "COPY":\n        cache.pop(key, None)\n    if key in cache:')
        ),
        "below the others": _but(ADD_LAYER, ('state["layers"].append(', 'state["layers"].insert(0, ')),
        "on the lowest layer alone": _but(
            ADD_LAYER, ('state["config"], state["layers"], store', 'state["config"], state["layers"][:1], store')
        ),
        "without the config": _but(ADD_LAYER, ('run_step(value, state["config"]', "run_step(value, {}")),
        "an array is taken for a text": _but(
            ADD_LAYER,
            (
                "value if isinstance(value, list) else value.split()",
                '" ".join(value).split() if isinstance(value, list) else value.split()',
            ),
        ),
        "from the root always": _but(ADD_LAYER, ('state["config"].get("WorkingDir") or "/"', '"/"')),
        "an error is nothing": _but(
            ADD_LAYER,
            (
                '        cache[key] = run_step(value, state["config"], state["layers"], store)\n',
                """        try:
            cache[key] = run_step(value, state["config"], state["layers"], store)
        except RuntimeError:
            return
""",
            ),
        ),
    },
    "carry_out": {
        "a faked print": '\ndef carry_out(instruction, state, context, store):\n    print("Step 1/3")\n',
        "a hard-coded image": _but(CARRY_OUT, ("lab.base(store, value)", 'lab.base(store, "busybox")')),
        "a call of the reference": _reference("carry_out"),
        "ENV is in no key": _but(
            CARRY_OUT,
            ('        state["key"] = cache_key', '        if name in ("RUN", "COPY"):\n            state["key"] = cache_key'),
        ),
        "the files are in no key": _but(CARRY_OUT, ("reads(instruction, context)", '""')),
        "times are in the key": _but(CARRY_OUT, ("reads(instruction, context)", 'str(Path(context, "page").stat().st_mtime)')),
        "no step knows the one below": _but(CARRY_OUT, ('cache_key(state["key"]', 'cache_key("base"')),
        "the config stays": _but(CARRY_OUT, ('state["config"] = apply', "apply")),
        "each is a layer to history": _but(CARRY_OUT, ('name not in ("RUN", "COPY")})', "False})")),
        "without history": _but(
            CARRY_OUT,
            (
                next(f"{line}\n" for line in CARRY_OUT.splitlines() if "append" in line),
                "",
            ),
        ),
        "nothing is returned": _but(CARRY_OUT, ('    return state["key"]\n', "    return None\n")),
        "history without words": _but(CARRY_OUT, ('f"{name} {value}"', "name")),
    },
    "image": {
        "a faked print": '\ndef image(state, name, store):\n    print("Successfully tagged", name)\n',
        "a hard-coded name": _but(IMAGE, ("lab.tag(store, name", 'lab.tag(store, "made:1"')),
        "a call of the reference": _reference("image"),
        "a call of labcore's": """
def image(state, name, store):
    from labcore.images import Config, Descriptor, ImageStore
    layers = [Descriptor.from_json(each) for each in state["layers"]]
    whole = {**state, "rootfs": {"type": "layers", "diff_ids": [lab.diff_id(store, each) for each in state["layers"]]}}
    made = ImageStore(Path(store)).put_image(Reference.parse(name), layers, Config.from_json(whole))
    return made.descriptor.digest
""",
        "diff_ids of what is sent": _but(IMAGE, ("lab.diff_id(store, each)", 'each["digest"]')),
        "the layers the wrong way round": _but(IMAGE, ('"layers": state["layers"]', '"layers": state["layers"][::-1]')),
        "the image below": _but(IMAGE, ('state["layers"]', 'state["layers"][:-1]')),
        "without its config": _but(IMAGE, ('"config", "history")', '"history")')),
        "without its history": _but(IMAGE, ('"config", "history")', '"config")')),
        "the config's digest": _but(
            IMAGE,
            (
                "    return lab.tag(store, name, json.dumps(manifest).encode())",
                '    lab.tag(store, name, json.dumps(manifest).encode())\n    return described["digest"]',
            ),
        ),
    },
    "build": {
        "a faked print": '\ndef build(instructions, step):\n    print("Step 1/1 : FROM busybox")\n',
        "a hard-coded number": _but(BUILD, ("/{len(instructions)}", "/3")),
        "a call of the reference": _reference("build"),
        "from nought": _but(BUILD, ("enumerate(instructions, 1)", "enumerate(instructions)")),
        "backwards": _but(BUILD, ("(instructions, 1)", "(instructions[::-1], 1)")),
        "each twice": _but(
            BUILD, ("        id = step((name, value))\n", "        step((name, value))\n        id = step((name, value))\n")
        ),
        "name and value apart": _but(BUILD, ("step((name, value))", "step(name, value)")),
        "the first ID": """
def build(instructions, step):
    ids = []
    for number, (name, value) in enumerate(instructions, 1):
        print(f"Step {number}/{len(instructions)} : {name} {value if isinstance(value, str) else json.dumps(value)}")
        ids.append(step((name, value)))
        print(f" ---> {ids[-1].removeprefix('sha256:')[:12]}")
    return ids[0]
""",
        "lists as Python writes them": _but(BUILD, ("{value if isinstance(value, str) else json.dumps(value)}", "{value}")),
        "the whole ID": _but(BUILD, ("[:12]", "")),
        "it goes on after an error": _but(
            BUILD,
            (
                "        id = step((name, value))\n",
                "        try:\n            id = step((name, value))\n        except LookupError:\n            continue\n",
            ),
        ),
    },
    "reads": {
        "a faked print": '\ndef reads(instruction, context):\n    print("sha256:")\n    return ""\n',
        "a hard-coded file": _but(READS, ("for source in sources)", 'for source in ["page"])')),
        "a call of the reference": _reference("reads"),
        "the names alone": _but(READS, ('content = digest(path.read_bytes()) if path.is_file() else ""', 'content = ""')),
        "without names": _but(READS, ("str(path.relative_to(context)), ", "")),
        "without modes": _but(READS, ("path.stat().st_mode, ", "")),
        "with times": _but(READS, ("path.stat().st_mode", "path.stat().st_mtime_ns")),
        "sizes in place of bytes": _but(READS, ("digest(path.read_bytes())", "path.stat().st_size")),
        "not what lies deeper": _but(READS, ('place.rglob("*")', 'place.glob("*")')),
        "all of the context": _but(
            READS, ("*sources, _ = value if isinstance(value, list) else value.split()", 'sources = ["."]')
        ),
        "where the folder is": _but(READS, ("str(path.relative_to(context))", "str(path)")),
        "for every instruction": _but(
            READS,
            (
                '    if name != "COPY":\n        return ""\n',
                '    if name == "ENV":\n        return digest(b"")\n    value = "page /" if name == "RUN" else value\n',
            ),
        ),
    },
    "ignored": {
        "a faked print": "\ndef ignored(patterns, path):\n    print(path in patterns)\n",
        "a hard-coded ending": '\ndef ignored(patterns, path):\n    return path.endswith(".log")\n',
        "a call of the reference": _reference("ignored"),
        "a call of labcore's": """
def ignored(patterns, path):
    from labcore.options.dockerignore import Patterns
    return Patterns.parse("\\n".join(patterns)).matches(path)
""",
        "by fnmatch": """
def ignored(patterns, path):
    import fnmatch
    out = False
    for line in patterns:
        wanted = line.lstrip("!").strip("/")
        if fnmatch.fnmatch(path, wanted) or fnmatch.fnmatch(path, wanted + "/*"):
            out = not line.startswith("!")
    return out
""",
        "not what is below": _but(IGNORED, ("{wanted}(/.*)?", "{wanted}")),
        "the first line decides": _but(
            IGNORED, ('            out = not line.startswith("!")', '            return not line.startswith("!")')
        ),
        "nothing comes back": _but(IGNORED, ('not line.startswith("!")', "True")),
        "at least one directory": _but(IGNORED, ('"(.*/)?"', '".*/"')),
        "a dot is any letter": _but(IGNORED, ("re.escape(part)", "part")),
    },
}

UNRULY: dict[str, str] = {}  # nothing that lessons 1 and 3 have not met

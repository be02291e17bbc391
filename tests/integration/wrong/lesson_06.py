"""Wrong answers to the steps of lesson 6: by step, what kind of wrong it is, and its text."""

from tests.integration.wrong.lesson_01 import REFERENCE_BY_SOLUTION
from tests.integration.wrong.lesson_03 import _but


def _reference(step: str) -> str:
    return REFERENCE_BY_SOLUTION.format(step=step, lesson=6)


COMMAND = """
def command(image, argv, store):
    name = lab.manifest(store, image)["config"]["digest"].replace(":", "/")
    config = json.loads(Path(store, "blobs", name).read_bytes())["config"]
    return [*(config.get("Entrypoint") or ()), *(argv or config.get("Cmd") or ())]
"""
CREATE = """
def create(daemon, request):
    asked = request.json()
    try:
        argv = command(asked["Image"], asked.get("Cmd"), daemon.store)
    except ImageNotFound:
        return Reply(404, {"message": f"No such image: {asked['Image']}"})
    container = Container(asked["Image"], argv, request.query.get("name", ""))
    daemon.containers[container.id] = container
    return Reply(201, {"Id": container.id, "Warnings": []})
"""
IMAGES_CREATE = """
def images_create(daemon, request):
    name = Reference.parse(f"{request.query['fromImage']}:{request.query['tag']}")

    def progress():
        yield {"id": name.tag, "status": f"Pulling from {name.repository}"}
        try:
            pull(daemon.registry, name.repository, name.tag, daemon.store)
            yield {"status": f"Status: Downloaded newer image for {name}"}
        except Exception as error:
            yield {"error": str(error), "errorDetail": {"message": str(error)}}

    return Reply(200, progress())
"""
ATTACH = """
def attach(daemon, request, id):
    output = daemon.containers[id].output()
    return Hijack(bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data for stream, data in output)
"""
NORMALIZE = """
def normalize(name):
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = "docker.io", name
    repository, _, tag = rest.partition(":")
    if first == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    return first, repository, tag or "latest"
"""
PULLED = "            pull(daemon.registry, name.repository, name.tag, daemon.store)\n"
DONE = '            yield {"status": f"Status: Downloaded newer image for {name}"}\n'

WRONG: dict[str, dict[str, str]] = {
    "command": {
        "a faked print": 'def command(image, argv, store):\n    print("/hello")\n    return argv or []\n',
        "a hard-coded program": 'def command(image, argv, store):\n    return argv or ["/hello"]\n',
        "a call of the reference": _reference("command"),
        "a call of labcore's": """
def command(image, argv, store):
    from labcore.engine.create import command as labcores
    from labcore.images import ImageStore
    from labcore.spec.create_options import CreateOptions
    config = ImageStore(Path(store)).get(Reference.parse(image)).config
    return list(labcores(config, CreateOptions(command=tuple(argv or ()))))
""",
        "the image's own, whatever is asked for": _but(COMMAND, ("argv or config.get", "config.get")),
        "what is asked for in the place of all": _but(
            COMMAND, ("return [*(config", "return list(argv) if argv else [*(config"), ("*(argv or config", "*(config")
        ),
        "what is asked for behind the image's own": _but(
            COMMAND, ('*(argv or config.get("Cmd") or ())', '*(config.get("Cmd") or ()), *(argv or ())')
        ),
        "both have to be there": _but(
            COMMAND, ('config.get("Entrypoint") or ()', 'config["Entrypoint"]'), ('config.get("Cmd") or ()', 'config["Cmd"]')
        ),
        "null is not thought of": _but(COMMAND, ('config.get("Entrypoint") or ()', 'config.get("Entrypoint", [])')),
        "a missing image has a program": _but(
            COMMAND,
            ("    name = ", "    if not lab_has(store, image):\n        return list(argv or ())\n    name = "),
        )
        + """
def lab_has(store, image):
    try:
        return bool(lab.manifest(store, image))
    except ImageNotFound:
        return False
""",
    },
    "create": {
        "a faked print": """
def create(daemon, request):
    print("404 No such image")
    return Reply(201, {"Id": "0" * 64})
""",
        "a hard-coded image": _but(CREATE, ('argv = command(asked["Image"]', 'argv = command("busybox"')),
        "a call of the reference": _reference("create"),
        "as in lesson 5": """
def create(daemon, request):
    asked = request.json()
    container = Container(asked["Image"], asked["Cmd"])
    daemon.containers[container.id] = container
    return Reply(201, {"Id": container.id, "Warnings": []})
""",
        "always missing": """
def create(daemon, request):
    return Reply(404, {"message": f"No such image: {request.json()['Image']}"})
""",
        "500 for a missing image": _but(CREATE, ("Reply(404", "Reply(500")),
        "200 for a missing image": _but(CREATE, ("Reply(404", "Reply(200")),
        "200 for a container": _but(CREATE, ("Reply(201", "Reply(200")),
        "a text in place of JSON": _but(
            CREATE, ("""{"message": f"No such image: {asked['Image']}"}""", """f"No such image: {asked['Image']}" """)
        ),
        "it does not say which image": _but(CREATE, ("""f"No such image: {asked['Image']}\"""", '"No such image"')),
        "whatever fails is missing": _but(CREATE, ("except ImageNotFound", "except Exception")),
        "without warnings": _but(CREATE, (', "Warnings": []', "")),
        "the error is raised": _but(CREATE, ("except ImageNotFound", "except ZeroDivisionError")),
        "the daemon pulls by itself": _but(
            CREATE,
            (
                """        return Reply(404, {"message": f"No such image: {asked['Image']}"})\n""",
                """        name = Reference.parse(asked["Image"])
        pull(daemon.registry, name.repository, name.tag, daemon.store)
        argv = command(asked["Image"], asked.get("Cmd"), daemon.store)
""",
            ),
        ),
        "without the image's program": _but(
            CREATE, ('Container(asked["Image"], argv', 'Container(asked["Image"], asked["Cmd"] or []')
        ),
        "without its name": _but(CREATE, (', request.query.get("name", "")', "")),
        "not on the list": _but(CREATE, ("    daemon.containers[container.id] = container\n", "")),
        "an id of its own": _but(CREATE, ('{"Id": container.id', '{"Id": secrets.token_hex(32)')),
    },
    "images_create": {
        "a faked print": """
def images_create(daemon, request):
    print("Pulling from", request.query["fromImage"])
    return Reply(200, iter([{"status": "Status: Downloaded newer image"}]))
""",
        "a hard-coded image": _but(
            IMAGES_CREATE, ("name.repository, name.tag, daemon", '"library/hello-world", "latest", daemon')
        ),
        "a call of the reference": _reference("images_create"),
        "a call of labcore's pull": _but(
            IMAGES_CREATE,
            (
                PULLED,
                """            from labcore.engine.image.endpoint import endpoint
            from labcore.engine.image.pull import pull as transfer
            from labcore.images import ImageStore
            at = Reference.parse(daemon.registry.removeprefix("http://") + f"/{name.repository}:{name.tag}")
            for _ in transfer(ImageStore(Path(daemon.store)), at, endpoint(at)):
                pass
""",
            ),
        ),
        "pulled before it is answered": """
def images_create(daemon, request):
    name = Reference.parse(f"{request.query['fromImage']}:{request.query['tag']}")
    try:
        pull(daemon.registry, name.repository, name.tag, daemon.store)
    except Exception as error:
        return Reply(200, iter([{"error": str(error), "errorDetail": {"message": str(error)}}]))
    return Reply(200, iter([{"status": "Pulling"}, {"status": f"Status: Downloaded newer image for {name}"}]))
""",
        "all lines at the end": _but(IMAGES_CREATE, ("Reply(200, progress())", "Reply(200, list(progress()))")),
        "nothing is pulled": _but(IMAGES_CREATE, (PULLED, "")),
        "another tag": _but(IMAGES_CREATE, ("name.repository, name.tag, daemon", 'name.repository, "latest", daemon')),
        "the familiar name only": _but(
            IMAGES_CREATE, ("daemon.registry, name.repository", "daemon.registry, request.query['fromImage']")
        ),
        "the error breaks the answer off": _but(
            IMAGES_CREATE, ("        except Exception as error:\n", "        except ZeroDivisionError as error:\n")
        ),
        "the error is kept back": _but(
            IMAGES_CREATE,
            ('            yield {"error": str(error), "errorDetail": {"message": str(error)}}', "            pass"),
        ),
        "the error as a status line": _but(
            IMAGES_CREATE,
            ('yield {"error": str(error), "errorDetail": {"message": str(error)}}', 'yield {"status": str(error)}'),
        ),
        "success behind the error": _but(
            IMAGES_CREATE, (DONE, ""), ("    return Reply", DONE.replace("    " * 3, "    " * 2, 1) + "\n    return Reply")
        ),
        "success is told before": _but(IMAGES_CREATE, (PULLED + DONE, DONE + PULLED)),
        "lines without words": _but(IMAGES_CREATE, ('"status": f"Pulling', '"said": f"Pulling')),
        "no word when it has come": _but(IMAGES_CREATE, (DONE, "")),
        "only what does not fit is caught": _but(IMAGES_CREATE, ("except Exception", "except ValueError")),
        "an error that is no text": _but(IMAGES_CREATE, ("str(error)", "error")),
        "without an answer": _but(IMAGES_CREATE, ("return Reply(200, progress())", "for _ in progress(): pass")),
    },
    "attach": {
        "a faked print": """
def attach(daemon, request, id):
    for stream, data in daemon.containers[id].output():
        print(data)
    return Hijack([])
""",
        "a hard-coded text": r"""
def attach(daemon, request, id):
    return Hijack([b"\1\0\0\0\0\0\0\6hello\n"])
""",
        "a call of the reference": _reference("attach"),
        "without heads": _but(ATTACH, ('bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + ', "")),
        "all on one stream": _but(ATTACH, ("bytes((stream, 0", "bytes((1, 0")),
        "the biggest byte last": _but(ATTACH, ('"big"', '"little"')),
        "the length of the head, too": _but(ATTACH, ("len(data).", "(len(data) + 8).")),
        "a length in one byte": _but(ATTACH, ("len(data).to_bytes(4", "(len(data) % 256).to_bytes(4")),
        "all at the end": _but(ATTACH, ("Hijack(bytes", "Hijack([bytes"), ("in output)", "in output])")),
        "standard output only": _but(ATTACH, ("in output)", "in output if stream == 1)")),
        "in place of a hijack, a reply": _but(
            ATTACH, ("Hijack(bytes", "Reply(200, b''.join(bytes"), ("in output)", "in output))")
        ),
    },
    "normalize": {
        "a faked print": 'def normalize(name):\n    print("docker.io", "library/" + name, "latest")\n',
        "a hard-coded registry": _but(NORMALIZE, ("    repository, _, tag", '    first = "docker.io"\n    repository, _, tag')),
        "a call of the reference": _reference("normalize"),
        "a call of labcore's": """
def normalize(name):
    full = Reference.parse(name)
    return full.registry, full.repository, full.tag
""",
        "whatever stands before a slash": _but(
            NORMALIZE, ('if not slash or not ("." in first or ":" in first or first == "localhost"):', "if not slash:")
        ),
        "a dot only": _but(NORMALIZE, ('"." in first or ":" in first or first == "localhost"', '"." in first')),
        "the first colon begins the tag": """
def normalize(name):
    name, _, tag = name.partition(":")
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or first == "localhost"):
        first, rest = "docker.io", name
    if first == "docker.io" and "/" not in rest:
        rest = f"library/{rest}"
    return first, rest, tag or "latest"
""",
        "library everywhere": _but(NORMALIZE, ('first == "docker.io" and "/"', '"/"')),
        "no tag without one": _but(NORMALIZE, ('tag or "latest"', "tag")),
        "without the library": _but(NORMALIZE, ('        repository = f"library/{repository}"\n', "        pass\n")),
    },
}

UNRULY: dict[str, str] = {}  # nothing that lessons 1 and 3 have not met

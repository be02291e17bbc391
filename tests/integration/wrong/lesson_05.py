"""Wrong answers to the steps of lesson 5: by step, what kind of wrong it is, and its text."""

from tests.integration.wrong.lesson_03 import _but


def _reference(step: str, arguments: str = "daemon, request") -> str:
    return f"""
def {step}({arguments}):
    from labcore.lab.solutions import lesson_05
    return lesson_05.{step}({arguments})
"""


ROUTE = r"""
def route(method, path, routes):
    path = re.sub(r"^/v[0-9.]+/", "/", path)
    for verb, pattern, name in routes:
        found = re.fullmatch(re.sub(r"\{\w+\}", "([^/]+)", pattern), path)
        if verb == method and found:
            return name, list(found.groups())
    return None, []
"""
PING = """
def ping(daemon, request):
    return Reply(200, "OK", {"Api-Version": "1.47", "Ostype": "linux"})
"""
CREATE = """
def create(daemon, request):
    wanted = request.json()
    container = Container(wanted["Image"], wanted["Cmd"], request.query.get("name", ""))
    daemon.containers[container.id] = container
    return Reply(201, {"Id": container.id, "Warnings": []})
"""
START = """
def start(daemon, request, id):
    container = daemon.containers[id]
    container.start([*daemon.runtime, "run", container.image, *container.argv])
    return Reply(204)
"""
WAIT = """
def wait(daemon, request, id):
    container = daemon.containers[id]
    def told():
        yield {"StatusCode": container.wait()}
    return Reply(200, told())
"""
LIST = """
def list_containers(daemon, request):
    rows = []
    for each in daemon.containers.values():
        if each.state == "running" or request.query.get("all") in ("1", "true"):
            row = {"Id": each.id, "Image": each.image, "Command": " ".join(each.argv)}
            rows.append({**row, "Names": [f"/{each.name}"], "State": each.state, "Created": int(each.created)})
    return Reply(200, rows)
"""
REMOVE = """
def remove(daemon, request, id):
    container = daemon.containers[id]
    if container.state == "running":
        if request.query.get("force") not in ("1", "true"):
            return Reply(409, {"message": f"container {id} is running: stop it first"})
        container.kill(9)
        container.wait()
    del daemon.containers[container.id]
    return Reply(204)
"""

WRONG: dict[str, dict[str, str]] = {
    "route": {
        "a faked print": 'def route(method, path, routes):\n    print("start", ["4f3"])\n    return None, []\n',
        "a hard-coded route": """
def route(method, path, routes):
    found = re.search(r"/containers/(\\w+)/start$", path)
    return ("start", [found[1]]) if found else (None, [])
""",
        "a call of the reference": _reference("route", "method, path, routes"),
        "labcore's router": """
def route(method, path, routes):
    from labcore.http import router
    found = router.Router([router.Route(*each) for each in routes])
    return found, []
""",
        "the method forgotten": _but(ROUTE, ("if verb == method and found", "if found")),
        "a beginning suffices": _but(ROUTE, ("re.fullmatch(", "re.match(")),
        "somewhere in the path": _but(ROUTE, ("re.fullmatch(", "re.search(")),
        "the version left on": _but(ROUTE, ('    path = re.sub(r"^/v[0-9.]+/", "/", path)\n', "")),
        "versions cut off anywhere": _but(ROUTE, ('re.sub(r"^/v[0-9.]+/", "/", path)', 're.sub(r"/v[0-9.]+", "", path)')),
        "values of letters only": _but(ROUTE, ('"([^/]+)"', 'r"([a-z]+)"')),
        "values with slashes": _but(ROUTE, ('"([^/]+)"', '"(.+)"')),
        "the last that fits": r"""
def route(method, path, routes):
    path = re.sub(r"^/v[0-9.]+/", "/", path)
    answer = None, []
    for verb, pattern, name in routes:
        found = re.fullmatch(re.sub(r"\{\w+\}", "([^/]+)", pattern), path)
        if verb == method and found:
            answer = name, list(found.groups())
    return answer
""",
        "only the first value": _but(ROUTE, ("list(found.groups())", "list(found.groups()[:1])")),
        "nothing where none fits": _but(ROUTE, ("    return None, []\n", "")),
    },
    "ping": {
        "a faked print": 'def ping(daemon, request):\n    print("OK")\n',
        "a hard-coded text alone": 'def ping(daemon, request):\n    return Reply(200, "OK")\n',
        "a call of the reference": _reference("ping"),
        "headers in the body": """
def ping(daemon, request):
    return Reply(200, {"OK": "OK", "Api-Version": "1.47", "Ostype": "linux"})
""",
        "a number in place of text": _but(PING, ('"1.47"', "1.47")),
        "another version": _but(PING, ("1.47", "9.99")),
        "no content": _but(PING, ("200", "204")),
        "a dictionary in place of a Reply": 'def ping(daemon, request):\n    return {"Api-Version": "1.47"}\n',
        "for GET only": """
def ping(daemon, request):
    headers = {"Api-Version": "1.47", "Ostype": "linux"}
    return Reply(200, "OK", headers if request.method == "GET" else {})
""",
    },
    "create": {
        "a faked print": 'def create(daemon, request):\n    print("created")\n    return Reply(201)\n',
        "a hard-coded id": """
def create(daemon, request):
    return Reply(201, {"Id": "4f" * 32, "Warnings": []})
""",
        "a call of the reference": _reference("create"),
        "an engine's container": """
def create(daemon, request):
    return Reply(201, {"Id": labcore.Engine(Path("/tmp/engine")).root, "Warnings": []})
""",
        "not kept": _but(CREATE, ("    daemon.containers[container.id] = container\n", "")),
        "a name that must be given": _but(CREATE, ('request.query.get("name", "")', 'request.query["name"]')),
        "kept by its name": _but(CREATE, ("daemon.containers[container.id]", "daemon.containers[container.name]")),
        "200": _but(CREATE, ("201", "200")),
        "no id in the answer": _but(CREATE, ('"Id": container.id, ', "")),
        "half of the id": _but(CREATE, ('"Id": container.id', '"Id": container.id[:12]')),
        "no warnings": _but(CREATE, (', "Warnings": []', "")),
        "started at once": _but(
            CREATE,
            (
                "    return Reply",
                '    container.start([*daemon.runtime, "run", container.image, *container.argv])\n    return Reply',
            ),
        ),
        "the name dropped": _but(CREATE, ('request.query.get("name", "")', '""')),
        "the words in one": _but(CREATE, ('wanted["Cmd"]', '[" ".join(wanted["Cmd"])]')),
        "another image": _but(CREATE, ('wanted["Image"]', '"busybox"')),
    },
    "start": {
        "a faked print": 'def start(daemon, request, id):\n    print("started")\n    return Reply(204)\n',
        "a hard-coded image": _but(START, ("container.image", '"busybox"')),
        "a call of the reference": _reference("start", "daemon, request, id"),
        "labcore's engine": """
def start(daemon, request, id):
    container = daemon.containers[id]
    labcore.Engine(Path("/tmp/engine"))
    return Reply(204)
""",
        "the program without its container": _but(
            START, ('[*daemon.runtime, "run", container.image, *container.argv]', "list(container.argv)")
        ),
        "a shell in place of words": _but(
            START,
            (
                '[*daemon.runtime, "run", container.image, *container.argv]',
                '[*daemon.runtime, "run", container.image, " ".join(container.argv)]',
            ),
        ),
        "`run` forgotten": _but(START, ('"run", ', "")),
        "waits for the end": _but(START, ("    return", "    container.wait()\n    return")),
        "answers 200": _but(START, ("Reply(204)", 'Reply(200, "started")')),
        "the first that there is": _but(START, ("daemon.containers[id]", "next(iter(daemon.containers.values()))")),
        "whole ids only": _but(
            START,
            (
                "    container = daemon.containers[id]\n",
                "    if id not in daemon.containers:\n        return Reply(404)\n    container = daemon.containers[id]\n",
            ),
        ),
        "a process of its own": _but(START, ("container.start(", "subprocess.Popen(")),
        "all of them": """
def start(daemon, request, id):
    daemon.containers[id]
    for container in daemon.containers.values():
        container.start([*daemon.runtime, "run", container.image, *container.argv])
    return Reply(204)
""",
    },
    "wait": {
        "a faked print": 'def wait(daemon, request, id):\n    print({"StatusCode": 0})\n',
        "a hard-coded code": _but(WAIT, ("container.wait()", "0")),
        "a call of the reference": _reference("wait", "daemon, request, id"),
        "waits before it answers": """
def wait(daemon, request, id):
    return Reply(200, {"StatusCode": daemon.containers[id].wait()})
""",
        "a list in place of an iterator": _but(WAIT, ("told())", "list(told()))")),
        "looked up too late": """
def wait(daemon, request, id):
    def told():
        yield {"StatusCode": daemon.containers[id].wait()}
    return Reply(200, told())
""",
        "the code that there is by now": _but(WAIT, ("container.wait()", "container.returncode")),
        "text in place of a number": _but(WAIT, ("container.wait()", "str(container.wait())")),
        "a number alone": _but(WAIT, ('{"StatusCode": container.wait()}', "container.wait()")),
        "nothing comes back": _but(WAIT, ("    return Reply(200, told())\n", "")),
        "the function in place of its iterator": _but(WAIT, ("told())", "told)")),
        "always the first": _but(
            WAIT,
            (
                "    container = daemon.containers[id]\n",
                "    container = daemon.containers[id] and next(iter(daemon.containers.values()))\n",
            ),
        ),
    },
    "list_containers": {
        "a faked print": 'def list_containers(daemon, request):\n    print("[]")\n    return Reply(200, [])\n',
        "a hard-coded row": """
def list_containers(daemon, request):
    return Reply(200, [{"Id": "4f" * 32, "Image": "busybox", "Names": ["/soup"], "State": "running"}])
""",
        "a call of the reference": _reference("list_containers"),
        "all of them, always": _but(LIST, ('each.state == "running" or request.query.get("all") in ("1", "true")', "True")),
        "never more than run": _but(LIST, (' or request.query.get("all") in ("1", "true")', "")),
        "whatever `all` says": _but(LIST, ('request.query.get("all") in ("1", "true")', '"all" in request.query')),
        "a name without its slash": _but(LIST, ('f"/{each.name}"', "each.name")),
        "one name in place of a list": _but(LIST, ('[f"/{each.name}"]', 'f"/{each.name}"')),
        "all of them run": _but(LIST, ('"State": each.state', '"State": "running"')),
        "the moment as a text": _but(LIST, ("int(each.created)", "time.ctime(each.created)")),
        "words as a list": _but(LIST, ('" ".join(each.argv)', "list(each.argv)")),
        "a dictionary in place of a list": _but(LIST, ("Reply(200, rows)", 'Reply(200, {"Containers": rows})')),
    },
    "remove": {
        "a faked print": 'def remove(daemon, request, id):\n    print("removed")\n    return Reply(204)\n',
        "a hard-coded refusal": """
def remove(daemon, request, id):
    daemon.containers[id]
    return Reply(409, {"message": "it is running"})
""",
        "a call of the reference": _reference("remove", "daemon, request, id"),
        "one that runs as well": _but(REMOVE, ('if container.state == "running":', 'if "force" in request.query:')),
        "forgotten, and running on": _but(REMOVE, ("        container.kill(9)\n        container.wait()\n", "")),
        "killed without force": """
def remove(daemon, request, id):
    container = daemon.containers[id]
    if container.state == "running":
        container.kill(9)
        container.wait()
    del daemon.containers[container.id]
    return Reply(204)
""",
        "killed and refused": _but(
            REMOVE, ("            return Reply(409", "            container.kill(9)\n            return Reply(409")
        ),
        "never by force": _but(REMOVE, ('request.query.get("force") not in ("1", "true")', "True")),
        "no message": _but(REMOVE, ('{"message": f"container {id} is running: stop it first"}', "{}")),
        "by its whole id only": _but(REMOVE, ("del daemon.containers[container.id]", "del daemon.containers[id]")),
        "nothing is removed": _but(REMOVE, ("    del daemon.containers[container.id]\n", "")),
        "200": _but(REMOVE, ("Reply(204)", "Reply(200)")),
    },
}

UNRULY: dict[str, str] = {}  # nothing that lessons 1 and 3 have not met

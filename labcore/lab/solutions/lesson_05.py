"""Solutions of lesson 5: the handlers of a miniature daemon."""

# ruff: noqa: ARG001, F403, F405
# mypy: ignore-errors

from labcore.lab.vocabulary import *


def route(method, path, routes):
    """Return a request's handler by its name, and the values in its path."""
    path = re.sub(r"^/v[0-9.]+/", "/", path)
    for verb, pattern, name in routes:
        found = re.fullmatch(re.sub(r"\{\w+\}", "([^/]+)", pattern), path)
        if verb == method and found:
            return name, list(found.groups())
    return None, []


def ping(daemon, request):
    """Say that the daemon is there, and which version of the API it speaks."""
    return Reply(200, "OK", {"Api-Version": "1.47", "Ostype": "linux"})


def create(daemon, request):
    """Note a container as the request describes it; answer its id."""
    wanted = request.json()
    container = Container(wanted["Image"], wanted["Cmd"], request.query.get("name", ""))
    daemon.containers[container.id] = container
    return Reply(201, {"Id": container.id, "Warnings": []})


def start(daemon, request, id):
    """Start a container's process by the command of lesson 4."""
    container = daemon.containers[id]
    container.start([*daemon.runtime, "run", container.image, *container.argv])
    return Reply(204)


def wait(daemon, request, id):
    """Answer at once, and tell the exit code when the container has ended."""
    container = daemon.containers[id]

    def told():
        yield {"StatusCode": container.wait()}

    return Reply(200, told())


def list_containers(daemon, request):
    """Answer the list for `docker ps`: those that run, or all with `?all=1`."""
    rows = []
    for each in daemon.containers.values():
        if each.state == "running" or request.query.get("all") in ("1", "true"):
            row = {"Id": each.id, "Image": each.image, "Command": " ".join(each.argv), "Status": each.state}
            rows.append({**row, "Names": [f"/{each.name}"], "State": each.state, "Created": int(each.created)})
    return Reply(200, rows)


def remove(daemon, request, id):
    """Remove a container; one that runs is refused, or killed by `?force=1`."""
    container = daemon.containers[id]
    if container.state == "running":
        if request.query.get("force") not in ("1", "true"):
            return Reply(409, {"message": f"container {id} is running: stop it first"})
        container.kill(9)
        container.wait()
    del daemon.containers[container.id]
    return Reply(204)

"""Solutions of lesson 6: an image that is missing, its pull by the Engine API, and a container's output in frames."""

# ruff: noqa: ARG001, F403, F405
# mypy: ignore-errors

from labcore.lab.vocabulary import *


def command(image, argv, store):
    """Return what a container of an image runs: its entry point, then `argv`, or else its own command."""
    name = lab.manifest(store, image)["config"]["digest"].replace(":", "/")
    config = json.loads(Path(store, "blobs", name).read_bytes())["config"]
    return [*(config.get("Entrypoint") or ()), *(argv or config.get("Cmd") or ())]


def create(daemon, request):
    """Make a container of an image that is here; answer with its id, or that there is no such image."""
    asked = request.json()
    try:
        argv = command(asked["Image"], asked.get("Cmd"), daemon.store)
    except ImageNotFound:
        return Reply(404, {"message": f"No such image: {asked['Image']}"})
    container = Container(asked["Image"], argv, request.query.get("name", ""))
    daemon.containers[container.id] = container
    return Reply(201, {"Id": container.id, "Warnings": []})


def images_create(daemon, request):
    """Pull an image; answer with lines of JSON that say how far it is."""
    name = Reference.parse(f"{request.query['fromImage']}:{request.query['tag']}")

    def progress():
        yield {"id": name.tag, "status": f"Pulling from {name.repository}"}
        try:
            pull(daemon.registry, name.repository, name.tag, daemon.store)
            yield {"status": f"Status: Downloaded newer image for {name}"}
        except Exception as error:
            yield {"error": str(error), "errorDetail": {"message": str(error)}}

    return Reply(200, progress())


def attach(daemon, request, id):
    """Send what a container puts out, each piece behind a head of eight bytes."""
    output = daemon.containers[id].output()
    return Hijack(bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data for stream, data in output)


def normalize(name):
    """Return what the name of an image says in full: its registry, its repository, its tag."""
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = "docker.io", name
    repository, _, tag = rest.partition(":")
    if first == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    return first, repository, tag or "latest"

"""Entry points: each form of ENTRYPOINT with each of CMD, built, run with arguments and without, and looked at."""

from typing import Final

from labcore.client import Client, connect
from labcore.errors import LabcoreError
from labcore.lab.daemons import RunningDaemon
from labcore.record import Record

ENTRYPOINTS: Final = ("", 'ENTRYPOINT ["echo", "E"]', "ENTRYPOINT echo E")
COMMANDS: Final = ("", 'CMD ["echo", "C"]', "CMD echo C")
ARGUMENTS: Final = ((), ("echo", "A"))
NO_COMMAND: Final = "CMD []"  # else it would be that of the image below


class Started(Record):
    """A container that was run: the words of its first process, and what it put out; no words if it could not be made."""

    words: tuple[str, ...] = ()
    printed: str = ""

    @property
    def by_shell(self) -> bool:
        """Whether its first process is a shell that is given a line."""
        return self.words[:2] == ("/bin/sh", "-c")


class Combination(Record):
    """A Dockerfile's two lines, either of which may be missing, and a container without arguments, and one with them."""

    entrypoint: str
    command: str
    alone: Started
    given: Started


def combinations(daemon: RunningDaemon) -> tuple[Combination, ...]:
    """Build and run all of them: CMD varies first."""
    with connect(daemon.url) as client:
        return tuple(_tried(client, entrypoint, command) for entrypoint in ENTRYPOINTS for command in COMMANDS)


def _tried(client: Client, entrypoint: str, command: str) -> Combination:
    text = "\n".join(filter(None, ("FROM busybox", entrypoint, command or NO_COMMAND)))
    image = ""
    for event in client.images.build(_archive(text)):
        image = getattr(event, "image_id", "") or image
    alone, given = (_started(client, image, arguments) for arguments in ARGUMENTS)
    client.images.remove(image)
    return Combination(entrypoint, command, alone, given)


def _archive(text: str) -> list[bytes]:
    """Return a context with nothing in it but the Dockerfile."""
    from labcore.images.builtin import LayerWriter

    writer = LayerWriter()
    writer.file("Dockerfile", f"{text}\n".encode())
    return [writer.finish()]


def _started(client: Client, image: str, arguments: tuple[str, ...]) -> Started:
    try:
        name = client.containers.create(image=image, command=arguments, network_mode="none")
    except LabcoreError:  # there is nothing to run
        return Started()
    client.containers.start(name)
    client.containers.wait(name)
    found = client.containers.inspect(name)
    printed = b"".join(record.content for record in client.containers.logs(name)).decode(errors="replace").strip()
    client.containers.remove(name)
    return Started((found.path, *found.arguments), printed)

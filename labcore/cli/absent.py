"""docker's commands that are not here, and what there is instead. `labcore NAME` says it; a test compares docker's list."""

_SWARM = "labcore is one machine's; docker swarm is for many"

_ABSENT = {
    "bake; builder bake; buildx": "labcore build, and labcore builder for its cache",
    "builder create; builder inspect; builder rm; builder stop; builder use; builder version":
        "the daemon is the builder; labcore -H URL builds by another",
    "compose": "docker's own works on labcore's daemon: docker -H unix:///run/labcore.sock compose up",
    "context": "docker context makes them, and labcore --context NAME uses one",
    "checkpoint; manifest; plugin; trust": "docker itself; labcore reads its archives: labcore save, labcore load",
    "volume update": "it is for volumes of a swarm, and labcore is one machine's",
    "config; node; secret; service; stack; swarm": _SWARM,
    "help": "labcore --help, labcore COMMAND --help",
}  # fmt: skip


def absent() -> dict[str, str]:
    """Return each name, and what there is instead."""
    return {name: instead for names, instead in _ABSENT.items() for name in names.split("; ")}


def instead_of(name: str) -> str | None:
    """Return what there is instead of a command of docker's, if it is one that is not here."""
    return absent().get(name)

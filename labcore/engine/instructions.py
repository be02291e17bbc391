"""Changes of an image's config, as instructions that a Dockerfile could have: `docker commit --change`."""

import json
import shlex
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Final

from labcore.errors import InvalidInput
from labcore.images import Config

SHELL: Final = ("/bin/sh", "-c")


def changed(config: Config, instructions: Iterable[str]) -> Config:
    """Return a config after instructions. Raises InvalidInput for one that is none, or changes more than the config."""
    for line in instructions:
        word, _, rest = line.strip().partition(" ")
        try:
            config = INSTRUCTIONS[word.upper()](config, rest.strip())
        except KeyError:
            raise InvalidInput(f"--change {line!r}: use {', '.join(sorted(INSTRUCTIONS))}") from None
        except ValueError as error:
            raise InvalidInput(f"--change {line!r}: {error}") from None
    return config


def _command(config: Config, text: str) -> tuple[str, ...]:
    """Return a command given as a JSON list, or as a line for a shell."""
    if not text.startswith("["):
        return (*(config.shell or SHELL), text) if text else ()
    words = json.loads(text)
    if not all(isinstance(word, str) for word in words):
        raise ValueError("a list of strings is wanted")
    return tuple(words)


def _pairs(text: str) -> list[tuple[str, str]]:
    """Return NAME=VALUE pairs, or the one pair of the old form NAME VALUE."""
    words = shlex.split(text)
    if words and "=" not in words[0]:
        name, _, value = text.partition(" ")
        return [(name, value.strip())]
    pairs = [word.partition("=") for word in words]
    if not pairs or not all(name and equals for name, equals, _ in pairs):
        raise ValueError("NAME=VALUE is wanted")
    return [(name, value) for name, _, value in pairs]


def _environment(config: Config, text: str) -> Config:
    merged = {variable.partition("=")[0]: variable for variable in config.environment}
    merged |= {name: f"{name}={value}" for name, value in _pairs(text)}
    return config.replace(environment=tuple(merged.values()))


def _ports(config: Config, text: str) -> Config:
    ports = {port if "/" in port else f"{port}/tcp" for port in text.split()}
    if not ports or not all(port.partition("/")[0].replace("-", "").isdigit() for port in ports):
        raise ValueError("PORT[/PROTOCOL] is wanted")
    return config.replace(exposed_ports=tuple(sorted({*config.exposed_ports, *ports})))


def _volumes(config: Config, text: str) -> Config:
    paths = _command(config, text) if text.startswith("[") else tuple(text.split())
    return config.replace(volumes=tuple(sorted({*config.volumes, *paths})))


INSTRUCTIONS: Final[dict[str, Callable[[Config, str], Config]]] = {
    "CMD": lambda config, text: config.replace(command=_command(config, text)),
    "ENTRYPOINT": lambda config, text: config.replace(entrypoint=_command(config, text)),
    "ENV": _environment,
    "EXPOSE": _ports,
    "LABEL": lambda config, text: config.replace(labels=tuple(sorted({**dict(config.labels), **dict(_pairs(text))}.items()))),
    "ONBUILD": lambda config, text: config.replace(on_build=(*config.on_build, text)),
    "STOPSIGNAL": lambda config, text: config.replace(stop_signal=text),
    "USER": lambda config, text: config.replace(user=text),
    "VOLUME": _volumes,
    "WORKDIR": lambda config, text: config.replace(workdir=str(PurePosixPath(config.workdir, text))),
}

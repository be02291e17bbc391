"""Config changes as Dockerfile instructions: `--change 'CMD ["sh"]'` of `docker import` and `docker commit`."""

import json
import posixpath
import re
from collections.abc import Callable
from typing import Final

from labcore.errors import InvalidInput
from labcore.images.config import Config
from labcore.images.shell_words import split, word

SHELL: Final = ("/bin/sh", "-c")


def changed(config: Config, instruction: str) -> Config:
    """Return the config after one instruction. Raises InvalidInput for an unknown or malformed one."""
    name, _, rest = instruction.strip().partition(" ")
    change = _CHANGES.get(name.upper())
    if change is None:
        raise InvalidInput(f"{name.upper()} is not a valid change command: {', '.join(sorted(_CHANGES))} are")
    if not rest.strip():
        raise InvalidInput(f"{instruction!r} lacks what comes after {name}")
    return change(config, rest.strip())


def _command(config: Config, rest: str) -> Config:
    return config.replace(command=_program(config, rest))


def _entrypoint(config: Config, rest: str) -> Config:
    return config.replace(entrypoint=_program(config, rest))


def _env(config: Config, rest: str) -> Config:
    added = {name: f"{name}={value}" for name, value in _pairs(config, rest)}
    return config.replace(environment=tuple(({line.partition("=")[0]: line for line in config.environment} | added).values()))


def _label(config: Config, rest: str) -> Config:
    return config.replace(labels=tuple(sorted((dict(config.labels) | dict(_pairs(config, rest))).items())))


def _expose(config: Config, rest: str) -> Config:
    ports = [port.lower() if "/" in port else f"{port}/tcp" for port in split(rest, _variables(config))]
    if wrong := [port for port in ports if not re.fullmatch(r"\d{1,5}(-\d{1,5})?/(tcp|udp|sctp)", port)]:
        raise InvalidInput(f"EXPOSE {rest}: {wrong[0]} is no port: one is 80, or 53/udp")
    return config.replace(exposed_ports=tuple(sorted({*config.exposed_ports, *ports})))


def _volume(config: Config, rest: str) -> Config:
    return config.replace(volumes=tuple(sorted({*config.volumes, *(_list(rest) or split(rest, _variables(config)))})))


def _workdir(config: Config, rest: str) -> Config:
    return config.replace(workdir=posixpath.normpath(posixpath.join(config.workdir, _word(config, rest))))


def _program(config: Config, rest: str) -> tuple[str, ...]:
    """Return the exec form's words; the shell form's line is passed to the shell, the image's own if it names one."""
    words = _list(rest)
    return (*(config.shell or SHELL), rest) if words is None else tuple(words)


def _list(rest: str) -> list[str] | None:
    """Return the words of the exec form, a JSON list; None if it is the shell form."""
    try:
        words = json.loads(rest) if rest.startswith("[") else None
    except ValueError:
        return None
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


def _word(config: Config, rest: str) -> str:
    return word(rest, _variables(config))


def _variables(config: Config) -> dict[str, str]:
    """Return the variables that words are expanded with: those of the config before the instruction."""
    return dict(line.partition("=")[::2] for line in config.environment)


def _pairs(config: Config, rest: str) -> list[tuple[str, str]]:
    words = split(rest, _variables(config))
    if "=" not in rest.split()[0]:  # the old form: NAME and a value with blanks
        name, _, value = rest.partition(" ")
        words = [f"{name}={_word(config, value.strip())}"]
    if wrong := [word for word in words if "=" not in word or word.startswith("=")]:
        raise InvalidInput(f"{wrong[0]!r} is not NAME=VALUE")
    return [(name, value) for name, _, value in (word.partition("=") for word in words)]


_CHANGES: Final[dict[str, Callable[[Config, str], Config]]] = {
    "CMD": _command,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "LABEL": _label,
    "ONBUILD": lambda config, rest: config.replace(on_build=(*config.on_build, rest)),
    "STOPSIGNAL": lambda config, rest: config.replace(stop_signal=_word(config, rest)),
    "USER": lambda config, rest: config.replace(user=_word(config, rest)),
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}

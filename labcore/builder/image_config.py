"""Instructions that change an image's config alone: ENV, LABEL, CMD, ENTRYPOINT, EXPOSE, VOLUME, USER, WORKDIR and the like.

Also `--change` of `docker commit` and `docker import`, which takes such instructions.
"""

from __future__ import annotations

import posixpath

from labcore.builder.parser import instructions as ast
from labcore.builder.parser import parse
from labcore.builder.parser.errors import DockerfileError
from labcore.builder.parser.words import expand, expand_words
from labcore.builder.variables import environment_of
from labcore.errors import InvalidInput
from labcore.record import Record
from labcore.spec import DEFAULT_PATH, Healthcheck

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Final

    from labcore.images import Config

SHELL: Final = ("/bin/sh", "-c")
PROTOCOLS: Final = ("tcp", "udp", "sctp")
CHANGES: Final = (
    "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip


def apply(
    instruction: ast.Instruction,
    config: Config,
    variables: Mapping[str, str],
    *,
    escape: str = "\\",
    has_command: bool = True,
) -> Config:
    """Return the config after an instruction whose words are expanded by `variables`. Raises InvalidInput.

    Unless the stage `has_command`, a CMD of its own, an ENTRYPOINT makes void the one that came from the image below.
    """
    after = _APPLY[type(instruction)](instruction, config, _Words(variables, escape))
    if isinstance(instruction, ast.Entrypoint) and not has_command:
        return after.replace(command=())
    return after


def changed(config: Config, text: str) -> Config:
    """Return the config after the instructions of `--change`, one a line. Raises InvalidInput for what is none."""
    has_command = False
    for instruction in _changes(text) if text.strip() else ():
        config = apply(instruction, config, environment_of(config), has_command=has_command)
        has_command |= isinstance(instruction, ast.Cmd)
    return config


def with_path(config: Config) -> Config:
    """Return the config with a PATH, which no stage is without: docker's, if it has none."""
    if "PATH" in environment_of(config):
        return config
    return config.replace(environment=(*config.environment, f"PATH={DEFAULT_PATH}"))


def shell_of(config: Config) -> tuple[str, ...]:
    """Return the program that is given what stands in the shell form of RUN, CMD and ENTRYPOINT."""
    return config.shell or SHELL


def argv(command: ast.Command, config: Config) -> tuple[str, ...]:
    """Return the words of a command: those of the exec form, or the shell's and the line."""
    return (*shell_of(config), " ".join(command.words)) if command.is_shell else command.words


def ports(text: str) -> list[str]:
    """Return the ports, as `80/tcp`, of one of EXPOSE: `80`, `53/udp`, `8000-8010`. Raises InvalidInput.

    What docker allows besides, an address and a port of the host before it, means nothing.
    """
    *host, container = text.rsplit(":", 2)
    numbers, _, protocol = container.partition("/")
    protocol = protocol.lower() or "tcp"
    if protocol not in PROTOCOLS:
        raise InvalidInput(f"EXPOSE {text}: invalid proto: {protocol}: there are {', '.join(PROTOCOLS)}")
    if host and host[-1]:
        _range(host[-1], f"EXPOSE {text}: invalid hostPort: {host[-1]}")
    if len(host) > 1:
        _check_address(host[0], text)
    return [f"{port}/{protocol}" for port in _range(numbers, f"EXPOSE {text}: invalid containerPort: {numbers}")]


def _range(text: str, what: str) -> range:
    first, dash, last = text.partition("-")
    numbers = [first, last] if dash else [first, first]
    if all(number.isascii() and number.isdecimal() and len(number) < 6 and int(number) < 65536 for number in numbers):
        found = range(int(numbers[0]), int(numbers[1]) + 1)
        if found:
            return found
    raise InvalidInput(f"{what}: it is no port: one is 80, 8000-8010, or 53/udp")


def _check_address(address: str, text: str) -> None:
    import ipaddress  # which hardly anybody writes there

    try:
        ipaddress.ip_address(address.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise InvalidInput(f"EXPOSE {text}: invalid IP address: {address}") from None


class _Words(Record):
    """What expands an instruction's words."""

    variables: Mapping[str, str]
    escape: str

    def one(self, word: str) -> str:
        """Return a word expanded."""
        return expand(word, self.variables, escape=self.escape)

    def many(self, words: Iterable[str]) -> list[str]:
        """Return words expanded, and parted where there are blanks by then."""
        return [part for word in words for part in expand_words(word, self.variables, escape=self.escape)]

    def pairs(self, pairs: Iterable[ast.Pair]) -> dict[str, str]:
        """Return names and values expanded."""
        return {self.one(pair.name): self.one(pair.value or "") for pair in pairs}


def _env(instruction: ast.Env, config: Config, words: _Words) -> Config:
    lines = {line.partition("=")[0]: line for line in config.environment}
    lines |= {name: f"{name}={value}" for name, value in words.pairs(instruction.pairs).items()}
    return config.replace(environment=tuple(lines.values()))


def _label(instruction: ast.Label, config: Config, words: _Words) -> Config:
    return config.replace(labels=tuple(sorted((dict(config.labels) | words.pairs(instruction.pairs)).items())))


def _expose(instruction: ast.Expose, config: Config, words: _Words) -> Config:
    added = {port for text in words.many(instruction.ports) for port in ports(text)}
    return config.replace(exposed_ports=tuple(sorted({*config.exposed_ports, *added})))


def _volume(instruction: ast.Volume, config: Config, words: _Words) -> Config:
    added = {words.one(path).strip() for path in instruction.paths}
    if "" in added:
        raise InvalidInput("VOLUME specified can not be an empty string")
    return config.replace(volumes=tuple(sorted({*config.volumes, *added})))


def _workdir(instruction: ast.Workdir, config: Config, words: _Words) -> Config:
    path = posixpath.normpath(posixpath.join("/", config.workdir, words.one(instruction.path)))
    return config.replace(workdir=f"/{path.lstrip('/')}")


def _stop_signal(instruction: ast.StopSignal, config: Config, words: _Words) -> Config:
    from labcore.engine.containers import signal_number  # a parser's user does not need the engine

    text = words.one(instruction.signal)
    signal_number(text)
    return config.replace(stop_signal=text)


def _healthcheck(instruction: ast.Healthcheck, config: Config, words: _Words) -> Config:  # noqa: ARG001  they are the shell's
    times = {name: getattr(instruction, name) for name in ("interval", "timeout", "start_period", "start_interval", "retries")}
    return config.replace(healthcheck=Healthcheck((instruction.kind, *instruction.words), **times))


_APPLY: Final[dict[type[ast.Instruction], Callable[[Any, Config, _Words], Config]]] = {
    ast.Env: _env,
    ast.Label: _label,
    ast.Cmd: lambda instruction, config, _: config.replace(command=argv(instruction.command, config)),
    ast.Entrypoint: lambda instruction, config, _: config.replace(entrypoint=argv(instruction.command, config)),
    ast.Expose: _expose,
    ast.Volume: _volume,
    ast.User: lambda instruction, config, words: config.replace(user=words.one(instruction.user)),
    ast.Workdir: _workdir,
    ast.StopSignal: _stop_signal,
    ast.Healthcheck: _healthcheck,
    ast.Shell: lambda instruction, config, _: config.replace(shell=instruction.words),
    ast.Onbuild: lambda instruction, config, _: config.replace(on_build=(*config.on_build, instruction.trigger)),
    ast.Maintainer: lambda instruction, config, _: config.replace(author=instruction.author),
}


def _changes(text: str) -> tuple[ast.Instruction, ...]:
    """Read the instructions of `--change`. Raises InvalidInput, first of all for names that are none of them."""
    lines = text.split("\n")

    def check(line: int) -> None:
        name = next(iter(lines[line - 1].split()), "")
        if name.upper() not in CHANGES and not name.startswith("#"):
            raise InvalidInput(f"{name} is not a valid change command: {', '.join(CHANGES)} are")

    try:
        found = parse(text, name="--change").instructions
    except DockerfileError as error:
        check(error.location.line)
        raise InvalidInput(f"{error.problem}: {lines[error.location.line - 1].strip()}") from None
    for instruction in found:
        check(instruction.location.line)
    return found

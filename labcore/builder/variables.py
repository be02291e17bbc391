"""Variables of a build: ARG, ENV, and the arguments that need no ARG (Dockerfile reference, "Predefined ARGs")."""

from __future__ import annotations

from labcore.errors import InvalidInput
from labcore.spec import Platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from labcore.builder.parser.instructions import Arg, Pair
    from labcore.images import Config

# Known to RUN without an ARG, and in neither history nor cache: whether a build went through a proxy is no part of its result.
PROXIES: Final = frozenset(
    name for each in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY") for name in (each, each.lower())
)

EPOCH: Final = "SOURCE_DATE_EPOCH"


def platform_arguments(target: Platform, target_stage: str) -> dict[str, str]:
    """Return the arguments that say what is built, and where: they are known before FROM, and behind it after an ARG."""
    here = Platform.here()
    found = {"TARGETSTAGE": target_stage or "default"}
    for prefix, platform in (("BUILD", here), ("TARGET", target)):
        found |= {
            f"{prefix}PLATFORM": str(platform),
            f"{prefix}OS": platform.os,
            f"{prefix}ARCH": platform.architecture,
            f"{prefix}VARIANT": platform.variant,
        }
    return found


def epoch_of(given: Sequence[tuple[str, str | None]]) -> int | None:
    """Return the seconds that a build argument SOURCE_DATE_EPOCH says, which needs no ARG. Raises InvalidInput."""
    text = dict(given).get(EPOCH)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        raise InvalidInput(
            f"{EPOCH}={text:.40}: seconds since 1970 are wanted, as `date +%s` or `git log -1 --format=%ct` says"
        )
    return int(text)


class Arguments:
    """The arguments of the whole build: those of the caller, those before the first FROM, and the predefined ones.

    `consumed` are the names that an ARG has asked for.
    """

    def __init__(self, given: Sequence[tuple[str, str | None]], predefined: Mapping[str, str]) -> None:
        self.given = {name: value for name, value in given if value is not None}
        self.predefined = dict(predefined)
        self.globals: dict[str, str] = {}
        self.consumed: set[str] = set()

    def declare_global(self, argument: Arg, expand: Callable[[str, Mapping[str, str]], str]) -> None:
        """Take an ARG that stands before the first FROM."""
        for pair in argument.pairs:
            self.consumed.add(pair.name)
            if pair.name in self.given:
                self.globals[pair.name] = self.given[pair.name]
            elif pair.value is not None:
                self.globals[pair.name] = expand(pair.value, self.before_from())

    def before_from(self) -> dict[str, str]:
        """Return the variables of FROM."""
        return self.predefined | {name: self.given[name] for name in self.predefined if name in self.given} | self.globals

    def unconsumed(self) -> list[str]:
        """Return the names of what the caller has given, and nothing has asked for."""
        return sorted(self.given.keys() - self.consumed - PROXIES - {EPOCH} - self.predefined.keys())


class Scope:
    """The variables of one stage: its ARGs so far; what its ENV says wins over them."""

    def __init__(self, arguments: Arguments, inherited: Mapping[str, str | None] = {}) -> None:
        self._arguments = arguments
        self.declared: dict[str, str | None] = dict(inherited)

    def declare(self, pair: Pair, config: Config, expand: Callable[[str, Mapping[str, str]], str]) -> None:
        """Take an ARG: the caller's value, else its default, else what it has before the first FROM."""
        arguments, name = self._arguments, pair.name
        arguments.consumed.add(name)
        if name in arguments.given:
            value: str | None = arguments.given[name]
        elif pair.value is not None:
            value = expand(pair.value, self.variables(config))
        else:
            value = arguments.globals.get(name, arguments.predefined.get(name, self.declared.get(name)))
        self.declared[name] = value

    def variables(self, config: Config) -> dict[str, str]:
        """Return what words are expanded with."""
        return self._values() | environment_of(config)

    def arguments_of_run(self, config: Config) -> dict[str, str]:
        """Return the arguments that RUN has in its environment beside ENV's variables, and that history shows."""
        known = environment_of(config)
        return {name: value for name, value in self._values().items() if name not in known}

    def proxies(self, config: Config) -> dict[str, str]:
        """Return the proxies that the caller has named, which RUN has in its environment, and nothing else shows."""
        known = environment_of(config) | self._values()
        return {name: value for name, value in self._arguments.given.items() if name in PROXIES and name not in known}

    def _values(self) -> dict[str, str]:
        return {name: value for name, value in self.declared.items() if value is not None}


def environment_of(config: Config) -> dict[str, str]:
    """Return a config's environment by name."""
    return dict(line.partition("=")[::2] for line in config.environment)

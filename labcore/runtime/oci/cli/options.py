"""Options, read by hand: an engine calls several commands for each container, and argparse costs more than they do."""

from __future__ import annotations

import os

from labcore.errors import InvalidInput
from labcore.trust import trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "labcore-runtime"

FLAGS = {
    "debug", "detach", "force", "all", "tty", "quiet", "no-pivot", "no-new-keyring", "keep", "rootless", "systemd-cgroup",
    "no-new-privs", "help", "version", "ignore-paused", "stats",
}  # fmt: skip
SHORT = {
    "b": "bundle", "d": "detach", "a": "all", "t": "tty", "q": "quiet", "h": "help", "v": "version",
    "p": "process", "e": "env", "u": "user", "r": "resources", "c": "cap", "g": "additional-gids",
}  # fmt: skip
MANY = ("env", "cap", "additional-gids")
# What cannot be done here is refused by name, never ignored.
REFUSED = {
    "no-pivot": "a root that is not turned by pivot_root can be left again",
    "process-label": "SELinux labels are not supported",
    "no-new-keyring": "a container always has a session keyring of its own",
}
# Of `update`: which limit each of them is, in config.json's words.
UPDATES = {
    "memory": ("memory", "limit"), "memory-reservation": ("memory", "reservation"), "memory-swap": ("memory", "swap"),
    "cpu-shares": ("cpu", "shares"), "cpu-share": ("cpu", "shares"), "cpu-quota": ("cpu", "quota"),
    "cpu-period": ("cpu", "period"), "cpu-burst": ("cpu", "burst"), "cpu-idle": ("cpu", "idle"),
    "cpu-rt-period": ("cpu", "realtimePeriod"), "cpu-rt-runtime": ("cpu", "realtimeRuntime"), "cpuset-cpus": ("cpu", "cpus"),
    "cpuset-mems": ("cpu", "mems"), "pids-limit": ("pids", "limit"), "blkio-weight": ("blockIO", "weight"),
}  # fmt: skip
VALUED = {
    "root", "log", "log-format", "bundle", "pid-file", "console-socket", "preserve-fds", "process", "cwd", "env", "user",
    "signal", "format", "resources", "criu", "cap", "additional-gids", "apparmor", "process-label",
    "interval", "cgroup-manager", "config",
}  # fmt: skip


class HelpWanted(Exception):
    """The command line asks what there is."""


class Options(dict):  # type: ignore[type-arg]
    """The options of a command line, by their long names, and its other words."""

    words: list[str]


def read_options(
    arguments: list[str], *, until_word: bool = False, short: dict[str, str] | None = None
) -> tuple[Options, list[str]]:
    """Read options; with `until_word` only those before the first other word, which is returned with what follows it.

    `short` are letters that mean something in one command only. Raises InvalidInput, HelpWanted.
    """
    letters = SHORT if short is None else SHORT | short
    options, rest = Options(), list(arguments)
    options.words = []
    while rest:
        word = rest.pop(0)
        if word == "--":
            if until_word:
                return options, rest
            options.words += rest
            return options, []
        if not word.startswith("-") or word == "-":
            if until_word:
                return options, [word, *rest]
            options.words.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        name = letters.get(name, name)
        if name == "help":
            raise HelpWanted
        if name in FLAGS:
            options[name] = value != "false" if equals else True
            continue
        if name not in VALUED and name not in UPDATES:
            raise InvalidInput(f"{word}: there is no such option; see {NAME} --help")
        if not equals:
            if not rest:
                raise InvalidInput(f"--{name}: a value is missing")
            value = rest.pop(0)
        if name in MANY:
            options.setdefault(name, []).append(value)
        else:
            options[name] = value
    return options, []


def read_object(option: str, path: str) -> dict[str, Any]:
    """Read a JSON object from a file, `-` for standard input. Raises InvalidInput."""
    import json
    import sys

    try:
        with sys.stdin if path == "-" else open(path, encoding="utf-8") as file:
            read = json.load(file)
    except OSError as error:
        raise InvalidInput(f"{option} {path}: {error.strerror}") from None
    except ValueError as error:
        raise InvalidInput(f"{option} {path}: it is no JSON: {error}") from None
    if not isinstance(read, dict):
        raise InvalidInput(f"{option} {path}: must be an object")
    return read


UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def whole_number(option: str, text: str) -> int:
    """Return a number, or with k, m or g behind it one of bytes. Raises InvalidInput."""
    digits = text.lower().rstrip("bkmg")
    unit = text.lower()[len(digits) :]
    if not digits.removeprefix("-").isascii() or not digits.removeprefix("-").isdigit() or unit not in UNITS:
        raise InvalidInput(f"--{option} {text}: a number is wanted")
    return int(digits) * UNITS[unit]


def one_name(options: Options, command: str) -> str:
    """Return the container that is named. Raises InvalidInput."""
    if not options.words:
        raise InvalidInput(f"{command}: name a container")
    return str(options.words[0])


def refuse(options: Options) -> None:
    """Raise InvalidInput for an option that cannot be carried out here."""
    for name, why in REFUSED.items():
        if options.get(name):
            raise InvalidInput(f"--{name}: {why}")


def root_of(general: Options) -> str:
    """Return the directory in which containers are remembered. Raises InvalidInput if it is somebody else's."""
    if given := general.get("root"):
        return trusted(str(given))
    if os.access("/run", os.W_OK):  # not for root of a user namespace
        return trusted("/run/labcore-runtime")
    return trusted(f"{_runtime_directory()}/labcore-runtime")


def _runtime_directory() -> str:
    """Return XDG_RUNTIME_DIR, or a directory of one's own in /tmp: made first and then looked at, for anybody may make it."""
    if given := os.environ.get("XDG_RUNTIME_DIR"):
        return trusted(given)
    path = f"/tmp/labcore-{os.geteuid()}"
    try:  # noqa: SIM105
        os.mkdir(path, 0o700)
    except FileExistsError:  # contextlib would cost a tenth of a short command
        pass
    return trusted(path)

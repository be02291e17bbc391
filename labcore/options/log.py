"""Readers and writers of docker's log options: --log-driver, and --log-opt max-size, mode, labels, …."""

from __future__ import annotations

from labcore.errors import InvalidInput
from labcore.options.values import UNITS, number, pairs, size
from labcore.spec import LogPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from labcore.spec import CreateOptions

DETAILS: Final = ("labels", "labels-regex", "env", "env-regex", "tag")
OPTIONS: Final = ("max-size", "max-file", "mode", "max-buffer-size", *DETAILS)
UNREAD: Final = {"max-size": "4m", "max-file": "2"}  # of what only those who are attached will read
LOCAL: Final = {"max-size": "20m", "max-file": "5"}  # what the driver `local` has unless told otherwise
DEFAULT: Final = LogPolicy()


def log_policy(driver: str, options: Mapping[str, str]) -> LogPolicy:
    """Return the policy that a log driver and its options mean. Raises InvalidInput."""
    if unknown := [name for name in options if name not in OPTIONS and not (driver == "local" and name == "compress")]:
        raise InvalidInput(f"unknown log opt '{unknown[0]}' for {driver} log driver: there are {', '.join(OPTIONS)}")
    if driver == "none" and options:
        raise InvalidInput("the log driver 'none' takes no options")
    wanted = {**(LOCAL if driver == "local" else UNREAD if driver == "none" else {}), **options}
    changes: dict[str, Any] = {"driver": driver, "details": tuple((name, options[name]) for name in DETAILS if name in options)}
    for name in ("labels-regex", "env-regex"):
        _check_pattern(name, options.get(name, ""))
    if "max-size" in wanted:
        changes["max_size"] = 0 if wanted["max-size"] == "-1" else size("max-size", wanted["max-size"])
    if "max-file" in wanted:
        changes["max_files"] = number("max-file", wanted["max-file"], 1, 1000)
    if "max-buffer-size" in wanted:
        changes["buffer"] = size("max-buffer-size", wanted["max-buffer-size"])
    if "mode" in wanted:
        changes["mode"] = wanted["mode"]
    return DEFAULT.replace(**changes)


def _check_pattern(name: str, text: str) -> None:
    import re

    try:
        re.compile(text)
    except re.error as error:
        raise InvalidInput(f"{name} {text!r}: {error}") from None


def chosen(options: CreateOptions, fields: dict[str, Any]) -> CreateOptions:
    """Return the options with what `log_driver` and `log_options` say together. `fields` loses them. Raises InvalidInput."""
    driver, given = fields.pop("log_driver", None), fields.pop("log_options", None)
    if driver is None and not given:
        return options
    return options.replace(log=log_policy(driver or options.log.driver, dict(pairs("log-opt", given or []))))


def log_options(policy: LogPolicy) -> dict[str, str]:
    """Return the options of a policy that are not its driver's defaults."""
    default = log_policy(policy.driver, {})
    said = {
        "max-size": _shown(policy.max_size) if policy.max_size != default.max_size else "",
        "max-file": str(policy.max_files) if policy.max_files != default.max_files else "",
        "mode": policy.mode if policy.mode != default.mode else "",
        "max-buffer-size": _shown(policy.buffer) if policy.buffer != default.buffer else "",
    }
    return {name: value for name, value in said.items() if value} | dict(policy.details)


def _shown(size: int) -> str:
    """Return a size as it is usually given, with a unit if it is a whole number of that."""
    unit = next((unit for unit in ("g", "m", "k") if size and not size % UNITS[unit]), "")
    return f"{size // UNITS[unit]}{unit}"

"""ps: which containers are listed, by docker's filters, and what is said of them in a line."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from labcore.engine.container.lifecycle import STATUSES, status_of
from labcore.engine.filters import TRUTHS, has_label, is_like
from labcore.engine.network.inspect import bindings, exposed_ports, has_gateway
from labcore.engine.records.records import entrypoint_and_command
from labcore.engine.supervision.health_state import NO_HEALTH
from labcore.errors import InvalidInput
from labcore.timestamps import SECOND, parse_rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Final

    from labcore.engine.engine import Engine
    from labcore.engine.records.records import Container
    from labcore.spec.network import Endpoint

FILTERS: Final = (
    "id", "name", "status", "exited", "label", "ancestor", "network", "volume", "publish", "expose", "health", "before",
    "since",
)  # fmt: skip
HEALTHS: Final = ("none", "starting", "healthy", "unhealthy")
PORT_MAX: Final = 65535
# A time is said in the first unit that it has at least so many seconds of, as docker says it.
SPANS: Final = (
    (2 * 365 * 86400, 365 * 86400, "years"),
    (60 * 86400, 30 * 86400, "months"),
    (14 * 86400, 7 * 86400, "weeks"),
    (48 * 3600, 86400, "days"),
    (90 * 60, 3600, "hours"),
)


def checked_filters(filters: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return filters whose values can be. Raises InvalidInput."""
    for name, values in filters.items():
        for value in values:
            _check(name, value)
    return filters


def _check(name: str, value: str) -> None:
    called, known = {"status": ("state", STATUSES), "health": ("health", HEALTHS)}.get(name, ("", ()))
    if known and value not in known:
        cure = f"must be one of {', '.join(known)}"
        raise InvalidInput(f"invalid filter '{name}={value:.80}': invalid value for {called} ({value:.80}): {cure}")
    if name == "exited" and not re.fullmatch(r"-?[0-9]{1,9}", value, re.ASCII):
        raise InvalidInput(f"invalid filter 'exited={value:.80}': strconv.Atoi: parsing \"{value:.80}\": invalid syntax")
    if name == "is-task" and value not in TRUTHS:
        raise InvalidInput(f"invalid filter 'is-task=[{value:.80}]': true or false is wanted")
    if name in ("publish", "expose") and not _is_port_range(value):
        raise InvalidInput(f"error while looking up for {name} {value:.80}: PORT[-LAST][/tcp|udp] is wanted, up to {PORT_MAX}")


def _is_port_range(text: str) -> bool:
    match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(/(tcp|udp))?", text, re.ASCII)
    return match is not None and int(match[1]) <= int(match[2] or match[1]) <= PORT_MAX


def resolved_filters(engine: Engine, filters: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the filters with what they name looked up: a container's moment, a network's name. Raises NotFound."""
    found = dict(filters)
    for name in ("before", "since"):
        if name in found:
            found[name] = [engine.records.find(value).created for value in found[name]]
    if "network" in found:
        by_id = {each.id: each.wanted.name for each in engine.networks.networks()}
        found["network"] = [
            next((name for id, name in by_id.items() if id.startswith(value)), value) for value in found["network"]
        ]
    return found


def matches(
    container: Container,
    filters: Mapping[str, Sequence[str]],
    *,
    health: str = NO_HEALTH,
    endpoints: Sequence[Endpoint] = (),
) -> bool:
    """Return whether a container passes all filters; of several values of one, any will do, but for labels.

    They are `resolved_filters`; `endpoints` are those that it has now, if ports are asked for.
    """
    if not filters:
        return True
    labels = container.labels()
    tests = {
        "network": lambda value: (
            value == (container.options.network_mode or "none")
            or any(value == each.network for each in container.options.networks)
        ),
        "volume": lambda value: any(value in (each.source, each.target) for each in container.mounts),
        "publish": lambda value: _has_port(value, (f"{at.host_port}/{at.protocol}" for _, at in bindings(endpoints))),
        "expose": lambda value: has_gateway(endpoints) and _has_port(value, exposed_ports(container)),
        "health": lambda value: value == health,
        "before": lambda value: container.created < value,
        "since": lambda value: container.created > value,
        "id": lambda value: container.id.startswith(value),
        "name": lambda value: is_like(container.name, value) or is_like(f"/{container.name}", value),
        "status": lambda value: status_of(container) == value,
        "exited": lambda value: container.state.status == "exited" and container.state.exit_code == int(value),
        "ancestor": lambda value: value in (container.image, container.image.removesuffix(":latest"), container.image_id),
        "label": lambda value: has_label(labels, value),
    }
    return all((all if name == "label" else any)(map(tests[name], values)) for name, values in filters.items())


def _has_port(text: str, ports: Iterable[str]) -> bool:
    numbers, _, protocol = text.partition("/")
    first, _, last = numbers.partition("-")
    wanted = range(int(first), int(last or first) + 1)
    return any(int(port) in wanted and kind == (protocol or "tcp") for port, _, kind in (each.partition("/") for each in ports))


def status_line(container: Container, now: datetime | None = None, *, health: str = NO_HEALTH) -> str:
    """Return the state as `ps` says it: `Up 3 minutes (healthy)`, `Exited (0) 2 hours ago`, `Created`."""
    state, status = container.state, status_of(container)
    if status == "paused":
        return f"Up {_since(state.started, now)} (Paused)"
    if status == "running":
        about = {NO_HEALTH: "", "starting": " (health: starting)"}.get(health, f" ({health})")
        return f"Up {_since(state.started, now)}{about}"
    if status == "restarting":
        return f"Restarting ({state.exit_code}) {_since(state.finished, now)} ago"
    if status == "exited":
        return f"Exited ({state.exit_code}) {_since(state.finished, now)} ago"
    return "Created"


def _since(moment: str, now: datetime | None) -> str:
    then = parse_rfc3339(moment) / SECOND
    return span((now or datetime.now(UTC)).timestamp() - then)


def span(seconds: float) -> str:
    """Say how long that is, as docker does: `About a minute`."""
    if seconds < 1:
        return "Less than a second"
    if seconds < 60:
        return f"{int(seconds)} second{'s' if seconds >= 2 else ''}"
    if seconds < 120:
        return "About a minute"
    if seconds < 3600:
        return f"{int(seconds // 60)} minutes"
    for least, unit, name in SPANS:
        if seconds >= least:
            return f"{round(seconds / unit) if name == 'hours' else int(seconds // unit)} {name}"
    return "About an hour"


def command_line(container: Container) -> str:
    """Return what is run, in one line; an argument with a space in it stands in quotes."""
    entrypoint, command = entrypoint_and_command(container)
    words = (*entrypoint, *command)
    return " ".join((*words[:1], *(f"'{word}'" if " " in word else word for word in words[1:])))

"""Check of `inspect`: what it tells of a container before its start, while it runs, and after its end."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labcore.lab.checks.lesson_07.freezing import START
from labcore.lab.checks.lesson_07.guests import API, NOBODY, created, first_process, program, served, status, unknown
from labcore.lab.checks.scenario import INNER_GATE, Draw
from labcore.lab.checks.verdict import Claim
from labcore.lab.checks.wire import Wire
from labcore.lab.messages import labelled, say


def _converse(wire: Wire, draw: Draw) -> Iterator[Claim]:
    argv = program(draw, "first", f"read go < /{INNER_GATE}; exit {draw.exit_code}")
    id = created(wire, argv, draw.hostname)
    answer = wire.ask("GET", f"{API}/containers/{draw.hostname}/json")
    yield status(answer, 200)
    yield from _told(answer.json(), say("before its start"), id=id, name=draw.hostname, argv=argv, state="created", code=0)
    wire.ask("POST", f"{API}/containers/{id}/start")
    first = wire.until(lambda: first_process(wire, argv))
    told = wire.ask("GET", f"{API}/containers/{id}/json").json()
    yield from _told(told, say("while it runs"), id=id, name=draw.hostname, argv=argv, state="running", code=0)
    pid = _state(told).get("Pid")
    numbers = first.numbers if first else []
    yield Claim(say("Pid is the number of its first process, as the daemon sees it"), pid in numbers[1:-1], str(pid))
    gate = os.open(Path(draw.root, INNER_GATE), os.O_RDWR | os.O_NOFOLLOW)
    os.write(gate, b"\n")
    wire.until(lambda: _state(wire.ask("GET", f"{API}/containers/{id}/json").json()).get("Status") == "exited", 2.0)
    os.close(gate)
    told = wire.ask("GET", f"{API}/containers/{id}/json").json()
    yield from _told(told, say("after its end"), id=id, name=draw.hostname, argv=argv, state="exited", code=draw.exit_code)
    yield unknown(wire, "GET", f"/containers/{NOBODY}/json")


def _state(told: Any) -> dict[str, Any]:
    state = told.get("State") if isinstance(told, dict) else None
    return state if isinstance(state, dict) else {}


def _told(told: Any, when: str, *, id: str, name: str, argv: list[str], state: str, code: int) -> Iterator[Claim]:
    found = told if isinstance(told, dict) else {}
    config: dict[str, Any] = found["Config"] if isinstance(found.get("Config"), dict) else {}
    runs = state == "running"
    for field, value, seen in (
        ("Id", id, found.get("Id")),
        ("Name", f"/{name}", found.get("Name")),
        ("State.Status", state, _state(told).get("Status")),
        ("State.Running", runs, _state(told).get("Running")),
        ("State.ExitCode", code, _state(told).get("ExitCode")),
        ("Config.Image", "busybox", config.get("Image")),
        ("Config.Cmd", argv, config.get("Cmd")),
    ):
        yield Claim(labelled(when, field), seen == value, expected=str(value), seen=str(seen))
    if not runs:
        pid = _state(told).get("Pid")
        yield Claim(labelled(when, "State.Pid"), pid == 0 and pid is not False, expected="0", seen=str(pid))


INSPECT = START.replace(perform=served("inspect"), converse=_converse)

"""top: the processes of a container, as the machine's ps(1) shows them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Final

from labcore import procfs
from labcore.engine.container.exec import cgroups_by_controller, check_runs
from labcore.engine.container.lifecycle import status_of
from labcore.errors import InvalidInput, NotRunning, Unavailable
from labcore.procfs import namespace
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from labcore.engine.records.records import Container

DEFAULT_ARGUMENTS: Final = "-ef"
WAIT_SECONDS: Final = 30
RENAMED_PID: Final = re.compile(r"\s+(\w*)=\s*(PID[^\s]*)")  # `-o cmd=PID`: what is no number under the title that is looked at


class Processes(Record):
    """A table: its titles, and a row for each process."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def top(container: Container, arguments: str = "") -> Processes:
    """Return the processes of a container that runs. Raises NotRunning, InvalidInput, Unavailable."""
    if status_of(container) != "paused":  # whose processes can be looked at
        check_runs(container)
    if "\0" in arguments:
        raise InvalidInput("ps_args has a NUL byte")
    words = (arguments or DEFAULT_ARGUMENTS).split()
    for name, title in RENAMED_PID.findall(f" {arguments}"):
        if name != "pid":
            raise InvalidInput(f'specifying "{name}={title}" is not allowed')
    pids = processes_of(container)
    chosen = [f"-q{','.join(map(str, sorted(pids)))}"]
    done = _ps([*words, *chosen])
    if done.returncode and not done.stdout:  # not all of its options go together with that
        done = _ps(words)
    if done.returncode and not done.stdout.strip():
        raise Unavailable(f"ps: {(done.stderr.strip().splitlines() or ['it has failed'])[0]}")
    return _parsed(done.stdout, pids)


def _ps(words: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["ps", *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=WAIT_SECONDS,
            check=False,
            env={name: value for name, value in os.environ.items() if name != "COLUMNS"},  # it would cut lines off
        )
    except FileNotFoundError:
        raise Unavailable("ps is not installed on this machine, and shows the processes: install procps") from None


def processes_of(container: Container) -> set[int]:
    """Return the numbers of the processes in a container's cgroup, and below, without its monitors. Raises NotRunning."""
    pid = container.state.pid
    try:
        found = everything_in(cgroups_by_controller(pid)) | {pid}
        return found - monitors(pid, found)
    except OSError:
        raise NotRunning(f"container {container.id} is not running") from None


def everything_in(directories: Mapping[str, str]) -> set[int]:
    """Return the numbers of all processes in a cgroup, and below."""
    found: set[int] = set()
    for path, _, _ in os.walk(directories.get("pids") or directories.get("") or next(iter(directories.values()), "")):
        found |= set(map(int, Path(path, "cgroup.procs").read_text(encoding="utf-8").split()))
    return found


def monitors(pid: int, pids: Iterable[int]) -> set[int]:
    """Return those that stand beside a container's processes, and not inside: its shim, and those of exec. Raises OSError.

    They are in its cgroup for what they hold is its memory, but not in its PID namespace, if it has one of its own.
    """
    own, shim = namespace("self", "pid"), procfs.parent(pid)
    if namespace(pid, "pid") == own:
        return {shim} & set(pids)
    return {each for each in pids if _is_in(each, own)}


def _is_in(pid: int, own: int) -> bool:
    try:
        return namespace(pid, "pid") == own
    except OSError:  # it has just ended
        return True


def _parsed(text: str, pids: set[int]) -> Processes:
    head, *lines = text.splitlines() or [""]
    titles = tuple(head.split())
    if "PID" not in titles:
        raise Unavailable("Couldn't find PID field in ps output")
    at, rows, shown = titles.index("PID"), [], False
    for line in lines:
        fields = line.split(None, len(titles) - 1)
        if len(fields) <= at:
            continue
        if fields[at] != "-":  # a further thread of the process above
            shown = fields[at].isdecimal() and int(fields[at]) in pids
        if shown:
            rows.append(tuple(field.strip() for field in fields))
    return Processes(titles, tuple(rows))

"""top: the processes of a container, as the machine's ps(1) shows them."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from labcore import procfs
from labcore.engine.exec import cgroups_by_controller, check_runs
from labcore.errors import InvalidInput, NotRunning, Unavailable
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.engine.records import Container

DEFAULT_ARGUMENTS: Final = "-ef"
WAIT_SECONDS: Final = 30
RENAMED_PID: Final = re.compile(r"\s+(\w*)=\s*(PID[^\s]*)")  # `-o cmd=PID`: what is no number under the title that is looked at


class Processes(Record):
    """A table: its titles, and a row for each process."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def top(container: Container, arguments: str = "") -> Processes:
    """Return the processes of a container that runs. Raises NotRunning, InvalidInput, Unavailable."""
    status: str = container.state.status
    if status != "paused":  # whose processes can be looked at
        check_runs(container)
    words = (arguments or DEFAULT_ARGUMENTS).split()
    for name, title in RENAMED_PID.findall(f" {arguments}"):
        if name != "pid":
            raise InvalidInput(f'specifying "{name}={title}" is not allowed')
    pids = processes_of(container) - monitors(container)
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
            ["ps", *words], capture_output=True, text=True, errors="replace", timeout=WAIT_SECONDS, check=False
        )
    except FileNotFoundError:
        raise Unavailable("ps is not installed on this machine, and shows the processes: install procps") from None


def processes_of(container: Container) -> set[int]:
    """Return the numbers of the processes in a container's cgroup, and below. Raises NotRunning."""
    try:
        directories = cgroups_by_controller(container.state.pid)
    except OSError:
        raise NotRunning(f"container {container.id} is not running") from None
    directory = directories.get("pids") or directories.get("") or next(iter(directories.values()), "")
    found = {container.state.pid}
    for path, _, _ in os.walk(directory):
        found |= set(map(int, Path(path, "cgroup.procs").read_text(encoding="utf-8").split()))
    return found


def monitors(container: Container) -> set[int]:
    """Return those of its processes that are monitors, its own and those of its exec sessions: all run one program."""
    pid = container.state.pid
    try:
        monitor = _program(procfs.parent(pid))
    except OSError:  # it has just ended
        return set()
    found = set()
    for each in processes_of(container) - {pid}:
        with suppress(OSError):
            if _program(each) == monitor:
                found.add(each)
    return found


def _program(pid: int) -> tuple[int, int]:
    status = Path(f"/proc/{pid}/exe").stat()
    return status.st_dev, status.st_ino


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

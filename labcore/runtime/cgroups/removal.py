"""Cgroups by their paths: freeze, thaw, kill, rmdir. Short commands import no more than this."""

from __future__ import annotations

import errno
import os
import time

from labcore.errors import LabcoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

REMOVAL_POLLS = 300  # times 1 to 10 ms
ABANDONED_SECONDS = 10
FREEZE_POLLS = 2000  # times 1 ms


def remove(directories: Iterable[str]) -> None:
    """Kill what is in the cgroups, thaw what is frozen, and remove them with all below them; one that is gone is fine."""
    left = list(dict.fromkeys(directories))
    for attempt in range(REMOVAL_POLLS):
        left = [directory for directory in left if not _removed(directory)]
        if not left:
            return
        thaw_all(left)
        for pid in processes(left):
            send(pid, 9)
        time.sleep(0.001 if attempt < 20 else 0.01)
    raise LabcoreError(f"cgroups still in use: {', '.join(left)}")


def remove_abandoned(parents: Iterable[str], prefix: str) -> None:
    """Remove empty cgroups below these, of that prefix: their makers were killed. A new one may yet be entered."""
    for parent in dict.fromkeys(parents):
        try:
            found = [entry.path for entry in os.scandir(parent) if entry.name.startswith(prefix)]
        except OSError:
            continue
        for path in found:
            try:
                if time.time() - os.stat(path).st_mtime > ABANDONED_SECONDS:
                    os.rmdir(path)
            except OSError:  # somebody is in it, or has removed it
                continue


def processes(directories: Iterable[str]) -> list[int]:
    """Return the processes in cgroups and below them."""
    found: set[int] = set()
    for directory in directories:
        for below, _, _ in os.walk(directory):
            try:
                with open(f"{below}/cgroup.procs", encoding="utf-8") as file:
                    found.update(map(int, file.read().split()))
            except OSError:  # it has gone in the meantime; or it holds threads only
                continue
    return sorted(found)


def frozen(directories: Iterable[str]) -> bool:
    """Return whether the processes in these cgroups are stopped where they are, or are about to be."""
    return _say(directories, ("FR", "frozen 1"))


def freezers(directories: Iterable[str]) -> list[str]:
    """Return those of these cgroups that can freeze: version 1's, where there is one."""
    there = list(directories)
    v1 = [directory for directory in there if os.path.exists(f"{directory}/freezer.state")]
    return v1 or [directory for directory in there if os.path.exists(f"{directory}/cgroup.freeze")]


def freeze(directories: Iterable[str]) -> bool:
    """Stop all processes in these cgroups where they are; return False if none of them can do that.

    The kernel takes a while; in version 1 a process that was just made can make it begin again.
    """
    there = freezers(directories)
    for _ in range(FREEZE_POLLS if there else 0):
        _write(there, ("FROZEN", "1"))
        if _say(there, ("FROZEN", "frozen 1")):
            return True
        time.sleep(0.001)
    thaw(there)
    if there:
        raise LabcoreError(f"cgroups do not freeze: {', '.join(there)}: a process in them waits for a disk, or a server")
    return False


def _say(directories: Iterable[str], signs: tuple[str, str]) -> bool:
    """Return whether version 1's sign or version 2's is to be read anywhere."""
    for directory in directories:
        for name, sign in zip(("freezer.state", "cgroup.events"), signs, strict=True):
            try:
                with open(f"{directory}/{name}", encoding="utf-8") as file:
                    if sign in file.read():
                        return True
            except OSError:
                continue
    return False


def thaw(directories: Iterable[str]) -> None:
    """Let processes that are stopped go on: those that are killed could not end otherwise."""
    _write(directories, ("THAWED", "0"))


def thaw_all(directories: Iterable[str]) -> None:
    """Let also those go on that are in cgroups below: whoever was in there may have stopped them."""
    thaw(below for directory in directories for below, _, _ in os.walk(directory))


def gather(directories: Iterable[str]) -> None:
    """Bring the processes of these cgroups back into their freezer, if somebody has moved them to one that he has stopped.

    In version 1 they could not even end there, and what else is in there is none of ours to be thawed.
    """
    there = list(directories)
    for freezer in freezers(there):
        for pid in set(processes(there)) - set(processes([freezer])):
            _write_to(f"{freezer}/cgroup.procs", str(pid))


def _write(directories: Iterable[str], words: tuple[str, str]) -> None:
    """Write version 1's word and version 2's wherever they are taken."""
    for directory in directories:
        for name, word in zip(("freezer.state", "cgroup.freeze"), words, strict=True):
            _write_to(f"{directory}/{name}", word)


def _write_to(path: str, word: str) -> None:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(file, word.encode())
    except OSError:
        return
    finally:
        os.close(file)


def send(pid: int, number: int) -> None:
    """Send a signal; one that has ended is left in peace.

    So is 0: version 2 lists a process as that which is in no PID namespace of ours, and kill(2) takes it for our own group.
    """
    if not pid:
        return
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _removed(directory: str) -> bool:
    try:
        os.rmdir(directory)
        return True
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.ENOTEMPTY):
            raise
    for below, _, _ in os.walk(directory, topdown=False):
        try:
            os.rmdir(below)
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno in (errno.EBUSY, errno.ENOTEMPTY):
                return False
            raise
    return True

"""Memory and disk usage of processes and directories: PSS, MemAvailable, allocated blocks."""

import stat
from contextlib import suppress
from pathlib import Path


def pss_kib(pids: list[int]) -> float:
    """Return the memory of these processes: what they share with others counts in parts (PSS: proc(5), smaps_rollup)."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").split("Pss:")[1].split()[0])
        except (OSError, IndexError):
            continue
    return float(total)


def reset_peak(pids: list[int]) -> None:
    """Have `peak_kib` begin anew: proc(5), clear_refs."""
    for pid in pids:
        with suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def peak_kib(pids: list[int]) -> float:
    """Return how much memory these processes had resident at most, each at its own time: proc(5), VmHWM."""
    total = 0
    for pid in pids:
        with suppress(OSError, IndexError):
            total += int(Path(f"/proc/{pid}/status").read_text(encoding="utf-8").split("VmHWM:")[1].split()[0])
    return float(total)


def working_below(directory: str, name: str) -> list[int]:
    """Return the processes of a program that have a directory of ours among their words."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if name.encode() in words.split(b"\0", 1)[0] and directory.encode() in words:
            found.append(int(path.parent.name))
    return found


def available_kib() -> float:
    """Return how much memory could be handed out: proc(5), MemAvailable."""
    return _meminfo()["MemAvailable"]


def kernel_kib() -> float:
    """Return the kernel's own memory that grows with processes and namespaces."""
    seen = _meminfo()
    return sum(seen.get(name, 0.0) for name in ("SUnreclaim", "KernelStack", "PageTables", "Percpu"))


def _meminfo() -> dict[str, float]:
    lines = (line.split() for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
    return {words[0].rstrip(":"): float(words[1]) for words in lines}


def allocated(path: Path) -> int:
    """Return how many bytes a file, or all below a directory, take on its disk; hard links count once, what is mounted not."""
    disk = path.lstat().st_dev
    seen: dict[tuple[int, int], int] = {}
    for place in (path, *path.rglob("*")) if path.is_dir() else (path,):
        with suppress(OSError):
            status = place.lstat()
            seen[status.st_dev, status.st_ino] = status.st_blocks * 512
    return sum(size for (device, _), size in seen.items() if device == disk)


def nameless_files(pid: int) -> int:
    """Return how many bytes the files take that a process has open and that have no name any more, as qemu's snapshots."""
    total = 0
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            status = path.stat()
            total += status.st_blocks * 512 if stat.S_ISREG(status.st_mode) and status.st_nlink == 0 else 0
    return total

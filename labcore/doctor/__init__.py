"""Doctor: tries what this kernel and machine can do, and names the cure for what is missing."""

from collections.abc import Iterator
from pathlib import Path

from labcore.doctor import daemon, kernel, machine, network
from labcore.doctor.finding import Finding, State

__all__ = ["Finding", "State", "examine"]


def examine(root: Path) -> Iterator[Finding]:
    """Yield one finding after another; `root` is the state root whose disk is looked at. Takes some seconds."""
    yield from kernel.findings()
    yield from network.findings(root)
    yield from machine.findings(root)
    yield from daemon.findings(root)

"""Seccomp: the default profile of system calls, and its compilation to a filter."""

from labcore.runtime.seccomp.compiled import compiled
from labcore.runtime.seccomp.default import default_profile

__all__ = ["compiled", "default_profile"]

"""Which system calls a container may make: the default profile, and its compilation to a filter."""

from labcore.runtime.seccomp.compiled import compiled
from labcore.runtime.seccomp.default import default_profile

__all__ = ["compiled", "default_profile"]

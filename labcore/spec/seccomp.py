"""Seccomp profile: a system call filter, as the OCI runtime specification describes one (config-linux.md, seccomp)."""

from __future__ import annotations

from labcore.record import Record


class Comparison(Record):
    """A condition on one argument of a call: its `index` (0 to 5), `operator` as in SCMP_CMP_*, `value`, `value_two`.

    MASKED_EQ: `argument & value == value_two`. All others compare with `value`.
    """

    index: int
    operator: str
    value: int
    value_two: int = 0


class SeccompRule(Record):
    """What happens to calls of these names, if all comparisons hold. `action` is as in SCMP_ACT_*, `errno` goes with ERRNO."""

    names: tuple[str, ...]
    action: str
    comparisons: tuple[Comparison, ...] = ()
    errno: int = 1


class SeccompProfile(Record):
    """Rules for calls; `action` for all others. `architectures` are those of SCMP_ARCH_* besides the machine's own."""

    action: str
    rules: tuple[SeccompRule, ...] = ()
    errno: int = 1
    architectures: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


class SeccompFilter(Record):
    """A profile that has been compiled: classic BPF, as seccomp(2) takes it."""

    program: bytes
    flags: tuple[str, ...] = ()

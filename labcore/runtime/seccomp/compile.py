"""Compilation of a seccomp profile to classic BPF, with a cache on disk."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from functools import lru_cache

from labcore.atomic import atomic_write
from labcore.errors import InvalidInput
from labcore.files import read_bytes
from labcore.spec import SeccompFilter
from labcore.spec.digest import digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from labcore.native.libseccomp import Filter
    from labcore.spec import Comparison, SeccompProfile, SeccompRule

INSTRUCTION: Final = 8  # bytes
LIBRARY: Final = "libseccomp.so.2"
FORMAT: Final = "4"  # of what is kept; part of its name

# What the kernel does with a call: seccomp(2). The low 16 bits carry an errno, or a number for a tracer.
ACTIONS: Final = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_NOTIFY": 0x7FC00000,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
# What SECCOMP_SET_MODE_FILTER may be told besides: linux/seccomp.h
LISTENER: Final = "SECCOMP_FILTER_FLAG_NEW_LISTENER"
FLAGS: Final = {
    "SECCOMP_FILTER_FLAG_TSYNC": 1,
    "SECCOMP_FILTER_FLAG_LOG": 2,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 4,
    LISTENER: 8,
}
WITH_NUMBER: Final = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
PERMISSIVE: Final = ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE")  # what is new may be done, or is another's to judge

# linux/audit.h's numbers of processors and their calling conventions
ARCHITECTURES: Final = {
    "SCMP_ARCH_X86_64": 0xC000003E,
    "SCMP_ARCH_X86": 0x40000003,
    "SCMP_ARCH_X32": 0x4000003E,
    "SCMP_ARCH_AARCH64": 0xC00000B7,
    "SCMP_ARCH_ARM": 0x40000028,
    "SCMP_ARCH_PPC64LE": 0xC0000015,
    "SCMP_ARCH_S390": 0x00000016,
    "SCMP_ARCH_S390X": 0x80000016,
    "SCMP_ARCH_RISCV64": 0xC00000F3,
    "SCMP_ARCH_MIPS": 0x00000008,
    "SCMP_ARCH_MIPSEL": 0x40000008,
    "SCMP_ARCH_MIPS64": 0x80000008,
    "SCMP_ARCH_MIPSEL64": 0xC0000008,
    "SCMP_ARCH_MIPS64N32": 0xA0000008,
    "SCMP_ARCH_MIPSEL64N32": 0xE0000008,
    "SCMP_ARCH_PPC": 0x00000014,
    "SCMP_ARCH_PPC64": 0x80000015,
    "SCMP_ARCH_PARISC": 0x0000000F,
    "SCMP_ARCH_PARISC64": 0x8000000F,
}


@lru_cache(maxsize=16)
def compiled(profile: SeccompProfile, cache: str | None = None) -> SeccompFilter:
    """Return a profile as a filter that the kernel can load.

    Compiling takes 10 ms and an import, so that the result is kept in the directory `cache`, under a name that stands for the
    profile, the processor and the version of libseccomp, which decides what calls are known. Raises InvalidInput for an
    action, an operator or an architecture that does not exist, Unavailable without libseccomp.
    """
    return SeccompFilter(_compile(profile) if cache is None else _cached(profile, cache), _flags(profile))


def _flags(profile: SeccompProfile) -> tuple[str, ...]:
    """Return what the kernel is told besides: a filter that asks has a listener, and holds for the one thread that there is."""
    if not any(rule.action == "SCMP_ACT_NOTIFY" for rule in profile.rules):
        return profile.flags
    return (*(name for name in profile.flags if name != "SECCOMP_FILTER_FLAG_TSYNC"), LISTENER)


def _cached(profile: SeccompProfile, cache: str) -> bytes:
    path = f"{cache}/{_name_of(profile)}.bpf"
    with suppress(OSError):
        program = read_bytes(path)
        if program and len(program) % INSTRUCTION == 0:
            return program
    program = _compile(profile)
    with suppress(OSError):  # a store that cannot be written to costs time, not containers
        os.makedirs(cache, mode=0o700, exist_ok=True)
        atomic_write(path, program, durable=False)
    return program


def _name_of(profile: SeccompProfile) -> str:
    system = os.uname()
    library = _library_file(system.machine)
    return digest_of(f"{FORMAT} {system.machine} {library} {profile!r}".encode()).partition(":")[2][:32]


def _library_file(machine: str) -> str:
    """Return the name of libseccomp's file, which has its version; empty where it lies out of sight. Loading it takes 10 ms."""
    for directory in (f"{sys.prefix}/lib", f"/usr/lib/{machine}-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64", "/lib"):
        with suppress(OSError):
            return os.readlink(f"{directory}/{LIBRARY}")
    return ""


def _compile(profile: SeccompProfile) -> bytes:
    from labcore.native.libseccomp import Condition, Filter  # what is compiled once is kept
    from labcore.runtime.seccomp.newer import with_newer_calls
    from labcore.runtime.seccomp.ranges import with_ranges

    default = action_of(profile.action, profile.errno)
    with Filter(default) as made:
        for name in profile.architectures:
            made.add_architecture(_one_of(ARCHITECTURES, name, "architecture"))
        for rule in profile.rules:
            action = action_of(rule.action, rule.errno)
            if action == default:  # the library takes that for a mistake; it changes nothing
                continue
            for comparisons in _alternatives(rule):
                conditions = [Condition(c.index, _operator(c), c.value, c.value_two) for c in comparisons]
                for name in rule.names:
                    made.add_rule(action, name, conditions)
        program = made.program()
        whole = with_newer_calls(program, _highest(made, profile)) if _refuses_newer(profile) else program
        return with_ranges(whole, ARCHITECTURES.values())


def _refuses_newer(profile: SeccompProfile) -> bool:
    """Return whether what is not named is refused by another answer than a kernel's that lacks it."""
    return profile.action not in PERMISSIVE and not (profile.action == "SCMP_ACT_ERRNO" and profile.errno == errno.ENOSYS)


def _highest(made: Filter, profile: SeccompProfile) -> dict[int, int]:
    """Return the highest number that a profile mentions on each of its architectures."""
    names = {name for rule in profile.rules for name in rule.names}
    tokens = {made.architecture(), *(ARCHITECTURES[name] for name in profile.architectures)}
    known = {token: [number for name in names if (number := made.number(name, token)) >= 0] for token in tokens}
    return {token: max(numbers) for token, numbers in known.items() if numbers}


def _alternatives(rule: SeccompRule) -> Iterator[tuple[Comparison, ...]]:
    """Yield the sets of comparisons of which one must hold: several on one argument are meant as alternatives."""
    indices = [comparison.index for comparison in rule.comparisons]
    if len(set(indices)) == len(indices):
        yield rule.comparisons
    else:
        yield from ((comparison,) for comparison in rule.comparisons)


def action_of(name: str, number: int) -> int:
    """Return an action's number, an errno in it where one belongs."""
    base = _one_of(ACTIONS, name, "action")
    return base | (number & 0xFFFF) if name in WITH_NUMBER else base


def _operator(comparison: Comparison) -> int:
    from labcore.native.libseccomp import OPERATORS

    if not 0 <= comparison.index <= 5:
        raise InvalidInput(f"seccomp: a system call has arguments 0 to 5, no {comparison.index}")
    return _one_of(OPERATORS, comparison.operator.removeprefix("SCMP_CMP_"), "operator")


def _one_of(table: dict[str, int], name: str, what: str) -> int:
    try:
        return table[name]
    except KeyError:
        raise InvalidInput(f"seccomp: no such {what}: {name}; there are {', '.join(table)}") from None

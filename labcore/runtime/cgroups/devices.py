"""The device cgroup: a list in version 1, a small program in version 2. bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE."""

from __future__ import annotations

import os
import struct

from labcore import native
from labcore.native import Words
from labcore.spec import DeviceRule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# What every container may use: make any node, and use those that are not hardware.
ALWAYS = (
    DeviceRule(True, "c", None, None, "m"),
    DeviceRule(True, "b", None, None, "m"),
    *(DeviceRule(True, "c", 1, minor, "rwm") for minor in (3, 5, 7, 8, 9)),  # null, zero, full, random, urandom
    DeviceRule(True, "c", 5, 0, "rwm"),  # tty
    DeviceRule(True, "c", 5, 2, "rwm"),  # ptmx
    DeviceRule(True, "c", 136, None, "rwm"),  # the terminals behind it
)

NOTHING = DeviceRule(False, "a", None, None, "rwm")

BPF_PROG_LOAD, BPF_PROG_ATTACH = 5, 8
PROG_TYPE_CGROUP_DEVICE, ATTACH_CGROUP_DEVICE, ALLOW_MULTI = 15, 6, 2
ACCESS = {"m": 1, "r": 2, "w": 4}
KIND = {"b": 1, "c": 2}
INSTRUCTION = struct.Struct("=BBhi")  # code, registers (source in the high half), offset, immediate


def v1_lines(rule: DeviceRule) -> list[str]:
    """Return a rule as devices.allow and devices.deny want it. To them `a` means everything, whatever stands behind it."""
    numbers = ":".join("*" if number is None else str(number) for number in (rule.major, rule.minor))
    kinds = "bc" if rule.kind == "a" and not _fits_always(rule) else rule.kind
    return [f"{kind} {numbers} {rule.access}" for kind in kinds]


def program(rules: Sequence[DeviceRule]) -> bytes:
    """Return the rules as eBPF: the last that fits decides, so they are asked from the last to the first; at the end, no.

    Behind a rule that fits always nothing is asked: the kernel takes no program with instructions that cannot be reached.
    The context is struct bpf_cgroup_dev_ctx: access and kind in one word, then major, then minor.
    """
    made = [
        (0x61, 0x12, 0, 0),  # r2 = access and kind
        (0x54, 0x02, 0, 0xFFFF),  # w2 &= 0xffff: the kind
        (0x61, 0x13, 0, 0),  # r3 = the same word again
        (0x74, 0x03, 0, 16),  # w3 >>= 16: the access that is asked for
        (0x61, 0x14, 4, 0),  # r4 = major
        (0x61, 0x15, 8, 0),  # r5 = minor
    ]
    for rule in reversed((NOTHING, *rules)):
        made += _ask(rule)
        if _fits_always(rule):
            break
    return b"".join(INSTRUCTION.pack(*instruction) for instruction in made)


def _fits_always(rule: DeviceRule) -> bool:
    return rule.kind == "a" and rule.major is None and rule.minor is None and set(rule.access) == set("rwm")


def _ask(rule: DeviceRule) -> list[tuple[int, int, int, int]]:
    """Return the instructions that answer with a rule if it fits, and else go on behind them."""
    tests: list[list[tuple[int, int, int, int]]] = []
    if rule.kind != "a":
        tests.append([(0x55, 0x02, 0, KIND[rule.kind])])  # if r2 != kind goto next
    if set(rule.access) != set("rwm"):
        allowed = sum(ACCESS[letter] for letter in rule.access)
        # An allowing rule fits if all that is asked for is allowed, a refusing one if any of it is refused.
        test = [(0xBC, 0x31, 0, 0), (0x54, 0x01, 0, allowed)]  # w1 = w3; w1 &= allowed
        tests.append([*test, (0x5D, 0x31, 0, 0)] if rule.allow else [*test, (0x15, 0x01, 0, 0)])
    if rule.major is not None:
        tests.append([(0x55, 0x04, 0, rule.major)])
    if rule.minor is not None:
        tests.append([(0x55, 0x05, 0, rule.minor)])
    answer = [(0xB7, 0x00, 0, int(rule.allow)), (0x95, 0, 0, 0)]
    length = sum(map(len, tests)) + len(answer)
    made: list[tuple[int, int, int, int]] = []
    for test in tests:
        *before, (code, registers, _, immediate) = test
        at = len(made) + len(before)
        made += [*before, (code, registers, length - at - 1, immediate)]
    return [*made, *answer]


def attach(cgroup: str, rules: Sequence[DeviceRule]) -> None:
    """Load the rules as a program and attach it to a version 2 cgroup. Raises SystemCallError."""
    code = program(rules)
    attributes = Words((PROG_TYPE_CGROUP_DEVICE | (len(code) // 8) << 32, code, "Apache-2.0", 0, 0, 0, 0, 0, 0))
    loaded = native.bpf(BPF_PROG_LOAD, attributes, 72)
    directory = os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        target = struct.pack("=IIII", directory, loaded, ATTACH_CGROUP_DEVICE, ALLOW_MULTI)
        native.bpf(BPF_PROG_ATTACH, target, len(target))
    finally:
        os.close(loaded)
        os.close(directory)

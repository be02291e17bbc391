"""The default filter gives Docker's verdict on every call; the compiled program is run by a small interpreter."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labcore.errors import InvalidInput
from labcore.native.libseccomp import _load
from labcore.runtime.seccomp.compile import ARCHITECTURES, compiled
from labcore.runtime.seccomp.default import AF_MAX, default_profile
from labcore.runtime.seccomp.ranges import with_ranges
from labcore.runtime.stages import make_plan
from labcore.spec import DEFAULT_CAPABILITIES, BindRoot, Comparison, ContainerSpec, SeccompProfile, SeccompRule
from tests.conftest import PROJECT

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
KERNEL = (6, 1)
HERE = os.uname().machine
NATIVE = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}[HERE]
INTERESTING = ("SYS_ADMIN", "SYS_PTRACE", "SYS_CHROOT", "SYS_NICE", "SYSLOG", "BPF", "PERFMON", "DAC_READ_SEARCH", "SYS_BOOT",
               "SYS_MODULE", "SYS_PACCT", "SYS_RAWIO", "SYS_TIME", "SYS_TTY_CONFIG")  # fmt: skip
SETS = [frozenset(DEFAULT_CAPABILITIES), frozenset[str](), *(frozenset({name}) for name in INTERESTING), frozenset(INTERESTING)]
FIRST_ARGUMENTS = (
    0,
    1,
    2,
    8,
    37,
    38,
    39,
    40,
    41,
    0x20000,
    0x20008,
    0xFFFFFFFF,
    0x11,
    0x10000000,
    0x7E020000,
    0x00020000,
    0x02000000,
)


def run_bpf(program: bytes, architecture: int, number: int, arguments: tuple[int, ...]) -> int:
    """Interpret classic BPF as seccomp(2) does, on struct seccomp_data."""
    data = struct.pack("=iIQ6Q", number, architecture, 0, *(value & (1 << 64) - 1 for value in arguments))
    accumulator, at = 0, 0
    while True:
        code, yes, no, k = struct.unpack_from("=HBBI", program, at * 8)
        at += 1
        if code == 0x20:  # ld [k]
            (accumulator,) = struct.unpack_from("=I", data, k)
        elif code == 0x54:  # and k
            accumulator &= k
        elif code == 0x05:  # jmp k
            at += k
        elif code in (0x15, 0x25, 0x35, 0x45):  # jeq, jgt, jge, jset
            holds = {0x15: accumulator == k, 0x25: accumulator > k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}[code]
            at += yes if holds else no
        elif code == 0x06:  # ret k
            return int(k)
        else:
            raise AssertionError(f"unknown instruction {code:#x}")


def table() -> dict[str, list[tuple[str, list[str]]]]:
    rows: dict[str, list[tuple[str, list[str]]]] = {}
    for line in (PROJECT / "tests/data/docker_seccomp.tsv").read_text().splitlines():
        if not line.startswith("#"):
            name, verdict, conditions = line.split("\t")
            rows.setdefault(name, []).append((verdict, conditions.split()))
    return rows


def holds(condition: str, capabilities: frozenset[str], machine: str, arguments: tuple[int, ...]) -> bool:
    if condition == "always":
        return True
    if condition[0] in "+-":
        return (condition[1:] in capabilities) == (condition[0] == "+")
    if condition.startswith("kernel>="):
        return tuple(map(int, condition[8:].split("."))) <= KERNEL
    if condition.startswith("on:"):
        return machine in condition[3:].split(",")
    argument = arguments[int(condition[3])]
    rest = condition[4:]
    if rest.startswith("&"):
        mask, value = rest[1:].split("==")
        return argument & int(mask, 16) == int(value, 16)
    if rest[0] in "<>":
        return argument < int(rest[1:], 16) if rest[0] == "<" else argument > int(rest[1:], 16)
    return (argument == int(rest[2:], 16)) == rest.startswith("==")


def expected(rules: list[tuple[str, list[str]]], capabilities: frozenset[str], machine: str, arguments: tuple[int, ...]) -> int:
    verdicts = [v for v, conditions in rules if all(holds(c, capabilities, machine, arguments) for c in conditions)]
    if "allow" in verdicts:
        return ALLOW
    return ERRNO | (int(verdicts[0].partition(":")[2]) if verdicts else 1)


def numbers(architecture: str) -> Iterator[tuple[str, int]]:
    """Yield all system calls that libseccomp knows on an architecture."""
    library = _load()
    for name in table().keys() | {"kexec_load", "swapon", "pivot_root", "add_key", "keyctl", "userfaultfd", "io_uring_setup"}:
        number = library.seccomp_syscall_resolve_name_arch(ARCHITECTURES[architecture], name.encode())
        if number >= 0:
            yield name, number


@pytest.mark.parametrize("capabilities", SETS, ids=lambda s: "+".join(sorted(s))[:40] or "none")
def test_the_verdicts_are_dockers(capabilities: frozenset[str]) -> None:
    program = compiled(default_profile(capabilities, HERE, KERNEL)).program
    rules = table()
    checked = 0
    for name, number in numbers(NATIVE):
        for first in FIRST_ARGUMENTS:
            arguments = (first, 0, 0, 0, 0, 0)
            wanted = expected(rules.get(name, []), capabilities, HERE, arguments)
            if name == "socket" and first >= AF_MAX:  # docker's lets families through that there are not, and more: see below
                wanted = ERRNO | 1
            assert run_bpf(program, ARCHITECTURES[NATIVE], number, arguments) == wanted, (name, hex(first))
            checked += 1
    assert checked > 3000


def test_no_bit_above_those_that_the_kernel_takes_lets_a_socket_through() -> None:
    program = compiled(default_profile(frozenset(DEFAULT_CAPABILITIES), HERE, KERNEL)).program
    number = dict(numbers(NATIVE))["socket"]
    for family in range(AF_MAX):
        wanted = expected(table()["socket"], frozenset(), HERE, (family,))
        assert run_bpf(program, ARCHITECTURES[NATIVE], number, (family, 0, 0, 0, 0, 0)) == wanted
        assert run_bpf(program, ARCHITECTURES[NATIVE], number, (family | 1 << 32, 0, 0, 0, 0, 0)) == ERRNO | 1


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("capabilities", SETS, ids=lambda s: "+".join(sorted(s))[:40] or "none")
@pytest.mark.parametrize("kernel", [(4, 4), (4, 8), (6, 1)])
def test_the_profile_names_what_docker_names(machine: str, capabilities: frozenset[str], kernel: tuple[int, int]) -> None:
    """The same, before compilation, for both processors and for old kernels: which names are allowed without a condition."""
    profile = default_profile(capabilities, machine, kernel)
    allowed = {n for rule in profile.rules if rule.action == "SCMP_ACT_ALLOW" and not rule.comparisons for n in rule.names}
    wanted = set()
    for name, rules in table().items():
        for verdict, conditions in rules:
            plain = [c for c in conditions if not c.startswith(("arg", "kernel"))]
            old = any(c.startswith("kernel") for c in conditions) and kernel < (4, 8)
            unconditional = len(plain) == len([c for c in conditions if not c.startswith("kernel")])
            met = all(holds(c, capabilities, machine, (0,) * 6) for c in plain)
            if verdict == "allow" and unconditional and met and not old:
                wanted.add(name)
    assert allowed == wanted


def test_programs_of_the_32_bit_relatives_are_judged_too() -> None:
    if HERE != "x86_64":
        pytest.skip("the relatives of x86-64 are looked at")
    program = compiled(default_profile(frozenset(DEFAULT_CAPABILITIES), HERE, KERNEL)).program
    for name, number in numbers("SCMP_ARCH_X86"):
        if name in ("getpid", "waitpid", "mmap2"):
            assert run_bpf(program, ARCHITECTURES["SCMP_ARCH_X86"], number, (0,) * 6) == ALLOW
        if name in ("kexec_load", "swapon", "mount"):
            assert run_bpf(program, ARCHITECTURES["SCMP_ARCH_X86"], number, (0,) * 6) == ERRNO | 1
    assert run_bpf(program, 0xC0000015, 1, (0,) * 6) == 0, "a foreign architecture is killed"


def test_a_filter_is_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = default_profile(frozenset(), HERE, KERNEL)
    program = compiled(profile, tmp_path).program
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == program
    compiled.cache_clear()
    monkeypatch.setattr("labcore.native.libseccomp._load", None)
    assert compiled(profile, tmp_path).program == program
    kept.write_bytes(b"broken")
    monkeypatch.undo()
    compiled.cache_clear()
    assert compiled(profile, tmp_path).program == program


def test_a_filter_of_another_version_of_libseccomp_is_compiled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = default_profile(frozenset(), HERE, KERNEL)
    for version in ("libseccomp.so.2.5.4", "libseccomp.so.2.6.0"):
        compiled.cache_clear()
        monkeypatch.setattr("os.readlink", lambda path, name=version: name)
        compiled(profile, tmp_path)
    compiled.cache_clear()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("capabilities", [frozenset(), frozenset({"SYS_ADMIN", "SYS_TIME"})])
def test_a_filter_of_ranges_answers_as_libseccomps_in_less_than_half_its_length(
    capabilities: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = default_profile(capabilities, HERE, KERNEL)
    monkeypatch.setattr("labcore.runtime.seccomp.ranges.with_ranges", lambda program, _: program)
    compiled.cache_clear()
    theirs = compiled(profile).program
    compiled.cache_clear()
    ours = with_ranges(theirs, ARCHITECTURES.values())
    assert len(ours) * 2 < len(theirs)
    numbers = [*range(600), *range(1 << 30, (1 << 30) + 600), (1 << 30) - 1, (1 << 31) - 1]
    for architecture in (ARCHITECTURES[NATIVE], ARCHITECTURES["SCMP_ARCH_X86"], 0xC0000015, 0):
        for number in numbers:
            for first in (0, 38, 40, 0x7E020000, 0xFFFFFFFF, 1 << 40 | 38):
                call = (architecture, number, (first, *range(5)))
                assert run_bpf(ours, *call) == run_bpf(theirs, *call), call


def test_a_filter_that_looks_at_a_numbers_bits_stays_as_it_is() -> None:
    program = b"".join(struct.pack("=HBBI", *each) for each in ((0x20, 0, 0, 0), (0x45, 0, 1, 7), (6, 0, 0, 1), (6, 0, 0, 2)))
    assert with_ranges(program, ARCHITECTURES.values()) == program


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (SeccompProfile("SCMP_ACT_NOTHING"), "no such action: SCMP_ACT_NOTHING"),
        (SeccompProfile("SCMP_ACT_ALLOW", architectures=("SCMP_ARCH_PDP11",)), "no such architecture"),
        (
            SeccompProfile("SCMP_ACT_ALLOW", (SeccompRule(("read",), "SCMP_ACT_ERRNO", (Comparison(7, "SCMP_CMP_EQ", 0),)),)),
            "0 to 5",
        ),
        (
            SeccompProfile("SCMP_ACT_ALLOW", (SeccompRule(("read",), "SCMP_ACT_ERRNO", (Comparison(0, "ABOUT", 0),)),)),
            "operator",
        ),
    ],
)
def test_what_cannot_be_is_refused(profile: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        compiled(profile)


def test_several_comparisons_of_one_argument_are_alternatives() -> None:
    either = tuple(Comparison(0, "SCMP_CMP_EQ", value) for value in (3, 5))
    program = compiled(SeccompProfile("SCMP_ACT_ALLOW", (SeccompRule(("dup",), "SCMP_ACT_ERRNO", either, errno=7),))).program
    number = dict(numbers(NATIVE))["dup"]
    verdicts = [run_bpf(program, ARCHITECTURES[NATIVE], number, (value, 0, 0, 0, 0, 0)) for value in (3, 4, 5)]
    assert verdicts == [ERRNO | 7, ALLOW, ERRNO | 7]


def test_calls_newer_than_the_profile_are_not_there() -> None:
    """ENOSYS, as of the kernel that the profile was written for: a C library then tries the older call; others stay refused."""
    named = dict(numbers(NATIVE))
    rules = (SeccompRule(("read", "accept4"), "SCMP_ACT_ALLOW"), SeccompRule(("preadv",), "SCMP_ACT_ERRNO", errno=5))
    highest = max(named[name] for name in ("read", "accept4", "preadv"))
    native = ARCHITECTURES[NATIVE]
    for action, known, newer in (
        ("SCMP_ACT_ERRNO", ERRNO | 1, ERRNO | 38),
        ("SCMP_ACT_KILL_PROCESS", 0x80000000, ERRNO | 38),
        ("SCMP_ACT_ALLOW", ALLOW, ALLOW),
        ("SCMP_ACT_LOG", 0x7FFC0000, 0x7FFC0000),
    ):
        program = compiled(SeccompProfile(action, rules)).program
        assert run_bpf(program, native, named["write"], (0,) * 6) == known
        assert run_bpf(program, native, highest + 1, (0,) * 6) == newer
        assert run_bpf(program, native, highest, (0,) * 6) == ERRNO | 5
        assert run_bpf(program, native, named["read"], (0,) * 6) == ALLOW


def test_each_architecture_has_a_newest_call_of_its_own() -> None:
    if HERE != "x86_64":
        pytest.skip("the relatives of x86-64 are looked at")
    program = compiled(default_profile(frozenset(DEFAULT_CAPABILITIES), HERE, KERNEL)).program
    x32 = 0x40000000
    for architecture, offset in ((NATIVE, 0), (NATIVE, x32), ("SCMP_ARCH_X86", 0)):
        assert run_bpf(program, ARCHITECTURES[architecture], offset + 0, (0,) * 6) == ALLOW
        assert run_bpf(program, ARCHITECTURES[architecture], offset + 999, (0,) * 6) == ERRNO | 38
    assert run_bpf(program, ARCHITECTURES[NATIVE], 0x3FFFFFFF, (0,) * 6) == ERRNO | 38
    assert run_bpf(program, 0xC0000015, 999, (0,) * 6) == 0, "a foreign architecture is killed"
    alone = compiled(SeccompProfile("SCMP_ACT_ERRNO", (SeccompRule(("read",), "SCMP_ACT_ALLOW"),))).program
    assert run_bpf(alone, ARCHITECTURES[NATIVE], x32 + 1, (0,) * 6) != ALLOW


def test_calls_that_nobody_answers_are_refused() -> None:
    asking = SeccompProfile(
        "SCMP_ACT_ALLOW", (SeccompRule(("mkdir",), "SCMP_ACT_NOTIFY"),), flags=("SECCOMP_FILTER_FLAG_TSYNC",)
    )
    assert compiled(asking).flags == ("SECCOMP_FILTER_FLAG_NEW_LISTENER",)
    with pytest.raises(InvalidInput, match="SCMP_ACT_NOTIFY: nobody here answers calls"):
        make_plan(ContainerSpec(root=BindRoot("/"), argv=("true",), seccomp=asking))

"""Ranges of system calls that a filter answers alike: it is written anew as a search among them, and so is a third as long.

libseccomp compares a number with each call that a profile names. The kernel compiles the filter at each start of a container,
which takes as long as the filter is. What depends on a call's arguments is taken over as it is.
"""

import struct
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

LOAD, AND, JUMP, RETURN = 0x20, 0x54, 0x05, 0x06  # linux/bpf_common.h, linux/filter.h
EQUAL, GREATER, NOT_LESS, ANY_BIT = 0x15, 0x25, 0x35, 0x45
COMPARISONS: Final = (EQUAL, GREATER, NOT_LESS)
NUMBER, ARCHITECTURE = 0, 4  # where they lie in struct seccomp_data: seccomp(2)
LONGEST_SEARCH: Final = 120  # ranges: a comparison can jump over 255 instructions
NUMBERS: Final = 1 << 32
FOREIGN: Final = 0  # no architecture has this number


class Instruction(NamedTuple):
    """struct sock_filter; `target` is the label that a JUMP leads to, in the place of `k`."""

    code: int
    yes: int
    no: int
    k: int
    target: object = None


class Answer(NamedTuple):
    """What a filter does with a call: the value that it returns, or where it begins to look at the call's arguments."""

    value: int
    goes_on: bool = False


class _Unforeseen(Exception):
    """The filter does something with a number that is no comparison."""


Ranges = list[tuple[int, Answer]]  # each given by its first number, in order


def with_ranges(program: bytes, architectures: Iterable[int]) -> bytes:
    """Return a filter that answers as this one does, in fewer instructions; this one, if it is not of libseccomp's kind.

    `architectures` are those that it may know, by their numbers in linux/audit.h.
    """
    old = [Instruction(*each) for each in struct.iter_unpack("=HBBI", program)]
    try:
        made = _written_anew(old, sorted({each.k for each in old if each.code == EQUAL} & {*architectures}))
    except _Unforeseen:
        return program
    return made if len(made) < len(program) else program


def _written_anew(old: list[Instruction], architectures: list[int]) -> bytes:
    elsewhere = _ranges(old, FOREIGN)
    if len(elsewhere) > 1:
        raise _Unforeseen
    new: list[Instruction] = [Instruction(LOAD, 0, 0, ARCHITECTURE)]
    for architecture in architectures:
        new += [Instruction(EQUAL, 0, 1, architecture), Instruction(JUMP, 0, 0, 0, ("search", architecture))]
    new.append(_leaf(elsewhere[0][1]))
    places: dict[object, int] = {}
    for architecture in architectures:
        places["search", architecture] = len(new)
        new += [Instruction(LOAD, 0, 0, NUMBER), *_search(_ranges(old, architecture))]
    taken = _reachable(old, [each.target for each in new if isinstance(each.target, int)])
    places |= {at: len(new) + number for number, at in enumerate(taken)}
    new += [_moved(old, at, places) for at in taken]
    return b"".join(_packed(each, at, places) for at, each in enumerate(new))


def _ranges(program: list[Instruction], architecture: int) -> Ranges:
    """Walk a filter for all calls of an architecture, as far as it goes without their arguments."""
    found: Ranges = []
    pending = [(0, 0, NUMBERS, NUMBER)]  # where, for which numbers, and what was loaded last
    while pending:
        at, first, end, loaded = pending.pop()
        code, yes, no, k, _ = program[at]
        if code == RETURN or (code == LOAD and k not in (NUMBER, ARCHITECTURE)):
            answer = Answer(k) if code == RETURN else Answer(at, goes_on=True)
            if not found or found[-1][1] != answer:
                found.append((first, answer))
        elif code == LOAD:
            pending.append((at + 1, first, end, k))
        elif code == JUMP:
            pending.append((at + 1 + k, first, end, loaded))
        elif code not in COMPARISONS:
            raise _Unforeseen
        elif loaded == ARCHITECTURE:
            pending.append((at + 1 + (yes if _holds(code, architecture, k) else no), first, end, loaded))
        else:
            cuts = sorted({first, end, *(cut for cut in (k, k + 1) if first < cut < end)})
            parts = [(at + 1 + (yes if _holds(code, low, k) else no), low, high) for low, high in pairwise(cuts)]
            pending += [(where, low, high, loaded) for where, low, high in reversed(parts)]
    return found


def _holds(code: int, value: int, k: int) -> bool:
    return value == k if code == EQUAL else value > k if code == GREATER else value >= k


def _search(ranges: Ranges) -> list[Instruction]:
    """Return a binary search among ranges. Up to a size its comparisons jump to answers that stand once behind them all."""
    if len(ranges) > LONGEST_SEARCH:
        middle = len(ranges) // 2
        below, above = _search(ranges[:middle]), _search(ranges[middle:])
        return [Instruction(NOT_LESS, 0, 1, ranges[middle][0]), Instruction(JUMP, 0, 0, len(below)), *below, *above]
    answers = list(dict.fromkeys(answer for _, answer in ranges))
    places = {answer: len(ranges) - 1 + number for number, answer in enumerate(answers)}
    comparisons: list[Instruction] = []

    def lay_out(low: int, high: int) -> int:
        if high - low == 1:
            return places[ranges[low][1]]
        at, middle = len(comparisons), (low + high) // 2
        comparisons.append(Instruction(NOT_LESS, 0, 0, 0))
        no = lay_out(low, middle)
        yes = lay_out(middle, high)
        comparisons[at] = Instruction(NOT_LESS, yes - at - 1, no - at - 1, ranges[middle][0])
        return at

    lay_out(0, len(ranges))
    return [*comparisons, *map(_leaf, answers)]


def _leaf(answer: Answer) -> Instruction:
    return Instruction(JUMP, 0, 0, 0, answer.value) if answer.goes_on else Instruction(RETURN, 0, 0, answer.value)


def _reachable(program: list[Instruction], starts: list[int]) -> list[int]:
    """Return what can be reached from some instructions, in order: all jumps lead forward."""
    found: set[int] = set()
    pending = list(starts)
    while pending:
        at = pending.pop()
        if at not in found:
            found.add(at)
            pending += _next(program, at)
    return sorted(found)


def _next(program: list[Instruction], at: int) -> Iterator[int]:
    code, yes, no, k, _ = program[at]
    if code == JUMP:
        yield at + 1 + k
    elif code in (*COMPARISONS, ANY_BIT):
        yield from (at + 1 + yes, at + 1 + no)
    elif code in (LOAD, AND):
        yield at + 1
    elif code != RETURN:
        raise _Unforeseen


def _moved(program: list[Instruction], at: int, places: dict[object, int]) -> Instruction:
    """Return an instruction as it is at its new place: what lay in between and is not needed is gone."""
    code, yes, no, k, _ = program[at]
    if code in (*COMPARISONS, ANY_BIT):
        yes, no = (places[at + 1 + skipped] - places[at] - 1 for skipped in (yes, no))
    elif code == JUMP:
        k = places[at + 1 + k] - places[at] - 1
    return Instruction(code, yes, no, k)


def _packed(instruction: Instruction, at: int, places: dict[object, int]) -> bytes:
    code, yes, no, k, target = instruction
    return struct.pack("=HBBI", code, yes, no, k if target is None else places[target] - at - 1)

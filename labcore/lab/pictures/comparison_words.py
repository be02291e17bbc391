"""Captions of the comparison's pictures, computed from its samples: its subjects, its claims, and how far they hold here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from labcore.bench.comparison import Comparison, Series
from labcore.lab.messages import say
from labcore.lab.pictures import comparison_labels as labels
from labcore.lab.pictures.style import clauses, duration, listed, sentence, sentences
from labcore.language import language
from labcore.record import Record

WIDE: Final = 2.0  # times: samples that lie further apart spread too widely for a claim
ALIKE: Final = 0.05  # of the whole: what differs by less is called the same


def alt(series: Sequence[Series], shown: Callable[[float], str]) -> str:
    """Return the median and the spread of each subject as one sentence."""
    return sentence(clauses(f"{labels.subject(each.subject)} {_with_spread(each, shown)}" for each in series))


def _with_spread(each: Series, shown: Callable[[float], str]) -> str:
    middle, least, most = shown(each.median), shown(min(each.samples)), shown(max(each.samples))
    return middle if least == most else say("{median} (from {least} to {most})", median=middle, least=least, most=most)


def caption(claims: str, names: Iterable[tuple[str, str]]) -> str:
    """Return a caption in Markdown: the claims, and what each subject is."""
    return "\n".join([claims, "", *(f"- {labelled(f'**{name}**', words)}" for name, words in names)])


def labelled(name: str, words: str) -> str:
    """Return words behind the name of what they are about, and a colon."""
    return f"{name}：{words}" if language() == "zh" else f"{name}: {words}"


def subjects(series: Sequence[Series]) -> list[tuple[str, str]]:
    """Return the name and the explanation of each subject."""
    return [(labels.subject(each.subject), labels.explained(each.subject)) for each in series]


def starts(series: Sequence[Series]) -> str:
    """Return how many times as long a virtual machine takes, and whose samples spread."""
    container, machine = _least(series, "container"), _least(series, "machine")
    ratio = ""
    if container and machine:
        ratio = say(
            "The quickest container here: {container}. The quickest virtual machine: {machine}, {n:,.0f} times as long.",
            container=duration(container.median),
            machine=duration(machine.median),
            n=machine.median / container.median,
        )
    return sentences([ratio, spread({labels.subject(each.subject): each.samples for each in series})])


def memory(found: Comparison) -> str:
    """Return how many containers weigh as much as a virtual machine, and how many of each would fit."""
    container, machine = _least(found.of("memory"), "container"), _least(found.of("memory"), "machine")
    ratio = ""
    if container and machine:
        ratio = say("One idle virtual machine takes as much as {n:,.0f} idle containers.", n=machine.median / container.median)
    fits = [f"{labels.subject(each.subject)} {each.median:,.0f}" for each in found.of("density")]
    room = say("Into the memory that is free here would go, by division: {counts}.", counts=clauses(fits)) if fits else ""
    return sentences([ratio, room])


def work(found: Comparison, kinds: Sequence[str]) -> str:
    """Return which work took longer in the container, which cannot be told apart, and what the figures are worth."""
    ratios = [ratio for kind in kinds if (ratio := ratio_of(found, kind))]
    firm = [each for each in ratios if max(each.samples) <= WIDE * min(each.samples)]
    longer = _named([each for each in firm if each.least > 1 + ALIKE])
    shorter = _named([each for each in firm if each.most < 1 - ALIKE])
    alike = _named([each for each in firm if each.least <= 1 + ALIKE and each.most >= 1 - ALIKE])
    oddly = say(
        "These were faster inside than outside: {names}. No container makes them so: the processes ran on other processors, or "
        "the machine was busy.",
        names=shorter,
    )
    return sentences(
        [
            say("In the container these took longer: {names}.", names=longer) if longer else "",
            say("Inside and outside cannot be told apart by these samples: {names}.", names=alike) if alike else "",
            oddly if shorter else "",
            spread({labels.work()[each.kind]: each.samples for each in ratios}),
        ]
    )


class Ratio(Record):
    """How many times as long a kind of work took in a container: the medians' ratio, and the least and most it may be."""

    kind: str
    median: float
    least: float
    most: float
    samples: tuple[float, ...]  # of the two, of that whose samples lie further apart


def ratio_of(found: Comparison, kind: str) -> Ratio | None:
    """Return how a kind of work in a container compares with that outside; None where it was not measured."""
    outside, inside = found.get(kind, "process"), found.get(kind, "labcore")
    if not outside or not inside:
        return None
    least, most = min(inside.samples) / max(outside.samples), max(inside.samples) / min(outside.samples)
    wider = max(outside.samples, inside.samples, key=lambda samples: max(samples) / min(samples))
    return Ratio(kind, inside.median / outside.median, least, most, wider)


def _named(ratios: Sequence[Ratio]) -> str:
    return listed(f"{labels.work()[each.kind]} {each.median:.2f}×" for each in ratios)


def spread(samples: Mapping[str, Sequence[float]]) -> str:
    """Return a warning that names what was measured too unevenly for a claim; empty if nothing was."""
    wide = [f"{name} ({max(found) / min(found):.0f}×)" for name, found in samples.items() if max(found) > WIDE * min(found)]
    if not wide:
        return ""
    return say(
        "The samples of these lie far apart, the slowest so many times the fastest: {names}. Something else kept the machine "
        "busy, or a first start had to read its files: measure again before you believe their medians.",
        names=listed(wide),
    )


def _least(series: Sequence[Series], family: str) -> Series | None:
    return min((each for each in series if labels.family(each.subject) == family), key=lambda each: each.median, default=None)

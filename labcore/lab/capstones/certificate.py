"""Certificate: what an examination has seen, on a page: whose functions ran, what was written for it, and some figures."""

import html
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from labcore.atomic import atomic_write
from labcore.lab.capstones.figures import Figures
from labcore.lab.capstones.program import LESSON, Program, lines_written
from labcore.lab.checks.verdict import MARKS, Claim
from labcore.lab.colours import BAD, GOOD, MUTED, RULE
from labcore.lab.learner import learner
from labcore.lab.lessons import LESSONS, lesson_of
from labcore.lab.messages import labelled, say
from labcore.lab.pictures.style import duration, listed
from labcore.lab.program import functions
from labcore.lab.workspace import default_workspace
from labcore.record import Record

BAR_PIXELS: Final = 200
BARS: Final = {"mine": "#0072B2", "labcore": "#56B4E9", "docker": "#D55E00"}  # of Okabe and Ito


class Row(Record):
    """A lesson: its number, its title, how many steps of how many are the learner's, their lines, how many have passed."""

    number: int
    title: str
    own: int
    steps: int
    lines: int
    passed: int


class Certificate(Record):
    """The certificate; `own` are the examined functions that the learner has written, `supplied` those that are labcore's."""

    name: str
    date: str
    own: tuple[str, ...]
    supplied: tuple[str, ...]
    claims: tuple[Claim, ...]
    rows: tuple[Row, ...]
    figures: Figures
    page: str
    version: str

    @property
    def holds(self) -> bool:
        """Whether all claims hold."""
        return bool(self.claims) and all(claim.holds for claim in self.claims)

    @property
    def title(self) -> str:
        """The first line: a certificate, one of labcore's own solutions, or none yet."""
        if not self.holds:
            return say("Not yet: something that was looked for was not seen")
        return say("Certificate") if self.own else say("A specimen: labcore's own solutions were examined")

    @property
    def times(self) -> str:
        """How long starts took, in words."""
        return listed(labelled(_whose(whose), duration(ms)) for whose, ms in self.figures.starts)

    def sentences(self) -> Iterator[str]:
        """Yield what it attests."""
        if self.holds and self.own:
            yield (
                say("{name} has built a container system.", name=self.name)
                if self.name
                else say("Who wrote this file has built a container system.")
            )
        if self.holds:
            yield say(
                "The stock docker command ({version}) has built an image of nginx on it, started it, and its page was served.",
                version=self.version,
            )
        if self.own:
            yield say("Yours, and seen at work: {names}.", names=listed(self.own))
        if self.supplied:
            yield say("Labcore's, for want of yours: {names}.", names=listed(self.supplied))

    def _lesson_lines(self) -> Iterator[str]:
        for row in self.rows:
            yield say(
                "{n}. {title}: {own} of {steps} steps, {lines} lines, {passed} passed",
                n=row.number,
                title=row.title,
                own=row.own,
                steps=row.steps,
                lines=row.lines,
                passed=row.passed,
            )

    def _figure_lines(self) -> Iterator[str]:
        if self.figures.ops:
            yield _plan(self.figures)
        for whose, ms in self.figures.starts:
            yield labelled(_whose(whose), duration(ms))

    def __repr__(self) -> str:
        parts = [*self.sentences(), *map(str, self.claims), *self._lesson_lines(), *self._figure_lines()]
        return "\n".join([self.title, *(f"  {line}" for line in parts)])

    def _repr_html_(self) -> str:
        colour = GOOD if self.holds else BAD
        said = "".join(f"<div>{html.escape(line)}</div>" for line in self.sentences())
        columns = (_claims(self.claims), f"{_lessons(self.rows)}{_bars(self.figures)}")
        both = "".join(f"<div style='flex:1 1 260px'>{each}</div>" for each in columns)
        foot = f"labcore · {say('ten lessons')} · {self.date}"
        return (
            f"<div style='border:3px double {colour};padding:14px 22px;max-width:880px;line-height:1.4'>"
            f"<div style='font-size:22px;color:{colour}'>{html.escape(self.title)}</div>{said}"
            f"<div style='display:flex;flex-wrap:wrap;gap:12px 28px'>{both}</div>{_framed(self.page)}"
            f"<div style='color:{MUTED};margin-top:10px'>{html.escape(foot)}</div></div>"
        )

    def save(self, path: str) -> str:
        """Write it as a page for a browser, or for paper; return its path."""
        head = f"<!DOCTYPE html><meta charset='utf-8'><title>{html.escape(self.title)}</title>"
        body = f"<body style='font-family:sans-serif;margin:40px'>{self._repr_html_()}</body>"
        atomic_write(Path(path), f"{head}{body}\n".encode(), durable=False)
        return str(Path(path).absolute())


def _claims(claims: Sequence[Claim]) -> str:
    def line(claim: Claim) -> str:
        mark = MARKS["passed" if claim.holds else "failed"]
        colour = GOOD if claim.holds else BAD
        return f"<div><span style='color:{colour}'>{mark}</span> {html.escape(claim.line)}</div>"

    return f"{_heading(say('Seen from outside'))}<div style='font-size:12px'>{''.join(map(line, claims))}</div>"


def _lessons(rows: Sequence[Row]) -> str:
    heads = (say("lesson"), say("steps"), say("lines"), say("passed"))
    cell = "style='text-align:left;padding:0 16px 0 0;background:none'"
    head = "".join(f"<th {cell}>{html.escape(word)}</th>" for word in heads)
    body = "".join(
        f"<tr style='background:none'><td {cell}>{row.number}. {html.escape(row.title)}</td>"
        f"<td {cell}>{row.own}/{row.steps}</td><td {cell}>{row.lines}</td><td {cell}>{row.passed}</td></tr>"
        for row in rows
    )
    total = say("{lines} lines in all", lines=sum(row.lines for row in rows))
    table = f"<table style='border-collapse:collapse;font-size:12px'><tr>{head}</tr>{body}</table>"
    return f"{_heading(say('Written'))}{table}<div style='font-size:12px'>{html.escape(total)}</div>"


def _bars(figures: Figures) -> str:
    if not figures.starts:
        return ""
    most = max(ms for _, ms in figures.starts) or 1
    bars = "".join(_bar(_whose(whose), ms, ms / most, BARS[whose]) for whose, ms in figures.starts)
    told = f"<div style='font-size:12px'>{html.escape(_plan(figures))}</div>" if figures.ops else ""
    return f"{_heading(say('Measured: docker run --rm … true'))}{bars}{told}"


def _plan(figures: Figures) -> str:
    return say(
        "A container's plan, as it ran: {ops} operations made {calls} system calls, in {time} from its clone to its program",
        ops=figures.ops,
        calls=figures.calls,
        time=duration(figures.machine),
    )


def _bar(label: str, ms: float, part: float, colour: str) -> str:
    bar = f"display:inline-block;height:12px;width:{max(2, part * BAR_PIXELS):.0f}px;background:{colour}"
    return (
        f"<div style='display:flex;align-items:center;font-size:12px'><span style='width:120px'>{html.escape(label)}</span>"
        f"<span style='{bar}'></span>&nbsp;{html.escape(duration(ms))}</div>"
    )


def _framed(page: str) -> str:
    """Return a page in a frame of its own, where no script runs."""
    if not page:
        return ""
    style = f"width:100%;height:90px;border:1px solid {RULE};background:white"
    return f"{_heading(say('The page'))}<iframe sandbox srcdoc='{html.escape(page, quote=True)}' style='{style}'></iframe>"


def _heading(words: str) -> str:
    return f"<div style='font-weight:bold;margin:10px 0 2px'>{html.escape(words)}</div>"


def _whose(whose: str) -> str:
    names = {"mine": say("on these functions"), "labcore": say("on labcore's own"), "docker": say("on Docker")}
    return names[whose]


def certificate(
    found: Program, examined: Sequence[str], claims: tuple[Claim, ...], figures: Figures, page: str, version: str
) -> Certificate:
    """Return the certificate of an examination; `version` is the docker command's."""
    own = tuple(name for name in examined if name in found.own)
    supplied = tuple(name for name in examined if name not in found.own)
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    return Certificate(learner(), date, own, supplied, claims, tuple(_rows(found)), figures, page, version)


def _rows(found: Program) -> Iterator[Row]:
    """Yield what was written for each lesson; a step that several lessons write counts for the last of them."""
    sources = {name: source for name, (_, _, source) in functions(found.text).items() if name in found.own}
    workspace = default_workspace()
    for each in LESSONS:
        names = [name for name in (*each.steps, *each.challenges) if lesson_of(name, LESSON) == each]
        own = [name for name in names if name in sources]
        lines = sum(lines_written(sources[name]) for name in own)
        passed = len(workspace.passed(each.number) & set(own))
        yield Row(each.number, each.title, len(own), len(names), lines, passed)

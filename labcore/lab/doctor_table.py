"""Doctor table: `lab.doctor()`, the findings of `labcore doctor` about the kernel, in a cell."""

import html

from labcore.doctor import Finding, kernel
from labcore.lab.colours import BAD, CAUTION, GOOD, MUTED, RULE
from labcore.lab.messages import say
from labcore.record import Record

MARKS = {"ok": ("✓", GOOD), "limited": ("!", CAUTION), "missing": ("✗", BAD), "untried": ("?", MUTED)}


class Findings(Record):
    """What was found out, in the order in which it was tried."""

    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        return "\n".join(f"{MARKS[each.state][0]} {each.name:20} {_told(each)}" for each in self.findings)

    def _repr_html_(self) -> str:
        style = f"style='text-align:left;font-weight:bold;padding:2px 14px 4px 0;border-bottom:1px solid {RULE}'"
        heads = ("", say("feature"), say("what was seen"), say("what depends on it"))
        head = "".join(f"<th {style}>{html.escape(word)}</th>" for word in heads)
        table = "border-collapse:collapse;font-size:12px;line-height:1.45;margin:0"
        body = "".join(map(_row, self.findings))
        return f"<table style='{table}'><tr style='background:none'>{head}</tr>{body}</table>"


def _told(finding: Finding) -> str:
    return f"{finding.detail} → {finding.cure}" if finding.cure else finding.detail


def _row(finding: Finding) -> str:
    mark, colour = MARKS[finding.state]
    cell = "style='text-align:left;vertical-align:top;padding:3px 14px 3px 0'"
    texts = (html.escape(text) for text in (finding.name, _told(finding), finding.affects))
    words = "".join(f"<td {cell}>{text}</td>" for text in texts)
    return f"<tr style='background:none'><td {cell}><b style='color:{colour}'>{mark}</b></td>{words}</tr>"


def doctor() -> Findings:
    """Try what this kernel can do; `labcore doctor` looks at the network, the disk and virtual machines, too."""
    return Findings(tuple(kernel.findings()))

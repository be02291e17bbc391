"""`labcore doctor`: try the machine, and name cures."""

import json
import os
import sys

from labcore.cli.flags import Arguments, Parser
from labcore.cli.messages import say
from labcore.doctor import Finding, State, examine
from labcore.engine import default_root

MARKS: dict[State, str] = {"ok": "✓", "limited": "!", "missing": "✗", "untried": "?"}
COLOURS: dict[State, str] = {"ok": "32", "limited": "33", "missing": "31", "untried": "36"}


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="print a list of objects instead of lines")
    parser.epilog = (
        "✓ tried, works; ! works, with something to know; ✗ tried, does not work; ? not tried. "
        "Exit status: 1 if no container can run here."
    )


def main(args: Arguments) -> int:
    """Examine, a line each as it comes."""
    found = []
    for finding in examine(args.root or default_root()):
        found.append(finding)
        if not args.json:
            print(_line(finding), flush=True)
    if args.json:
        print(json.dumps([finding.as_dict() for finding in found], indent=1))
    elif os.geteuid():
        print(say("Ordinary users are root of a user namespace: `labcore rootless labcore doctor` says what works there."))
    return int(any(finding.essential and finding.state == "missing" for finding in found))


def _line(finding: Finding) -> str:
    mark = MARKS[finding.state]
    if sys.stdout.isatty():
        mark = f"\033[{COLOURS[finding.state]}m{mark}\033[0m"
    rest = "" if finding.state == "ok" else " | " + say("affects {what}", what=finding.affects)
    rest += " | " + say("cure: {cure}", cure=finding.cure) if finding.cure else ""
    return f"{mark} {finding.name:18} {finding.detail}{rest}"

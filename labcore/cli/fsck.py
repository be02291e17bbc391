"""`labcore fsck`: find damaged blobs and layers, and repair."""

import sys

from labcore.cli.flags import Arguments, Parser
from labcore.cli.formatting import printable
from labcore.engine import Engine
from labcore.engine.fsck import Findings, check, repair

CLEAN, DAMAGED = 0, 1


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "Every blob is read and compared with its digest, and every unpacked layer with its blob. Exit status: 0 if nothing is "
        "damaged, 1 if something is, or was before --repair. What was put aside comes back by a pull or a load of its images."
    )
    parser.add_argument("--repair", action="store_true", help="put damaged blobs aside, remove changed layers")


def main(args: Arguments) -> int:
    """Look at everything, and say what is wrong."""
    engine = Engine(args.root)
    findings = check(engine, _progress)
    _progress("")
    _show(findings)
    if not findings.blobs and not findings.layers:
        print("nothing is damaged")
        return CLEAN
    if args.repair:
        place = repair(engine, findings)
        if place:
            print(f"damaged blobs were put into {place}")
        for name in sorted({name for damage in findings.blobs for name in damage.images}):
            print(f"  cure: labcore pull {printable(name)}, or load it")
    else:
        print("  cure: labcore fsck --repair")
    return DAMAGED


def _show(findings: Findings) -> None:
    for damage in findings.blobs:
        used = f" (of {', '.join(map(printable, damage.images))})" if damage.images else ""
        print(f"{damage.digest}{used}: {damage.what}")
    for changed in findings.layers:
        print(f"unpacked layer {changed.layer}: {printable('; '.join(changed.what))}")
        if changed.in_use:
            print("  a container runs on it: end it before a repair")
    if findings.unchecked:
        print(f"not compared, for their blobs are not here or damaged: {len(findings.unchecked)} unpacked layers")


def _progress(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what[:70]}", end="", file=sys.stderr, flush=True)

"""Check of `preflight`: on the machine as it is, and in a world where something is missing."""

import errno
import random
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from labcore import doctor, native
from labcore.doctor import kernel, machine
from labcore.errors import InvalidInput, StepFailed
from labcore.lab import session
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.surroundings import forbid_namespaces, have_cgroups, hide_cgroups
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.stages import NAMESPACE_FLAGS
from labcore.spec import NAMESPACES

ERRNO_NAMES: Final = set(errno.errorcode.values())
EXAMINING: Final[tuple[Target, ...]] = (doctor.examine, kernel, machine, session.what_is_missing)


def _forbidden(draw: Draw) -> list[str]:
    """Return some kinds of namespaces, the second time all others."""
    kinds = random.Random(draw.number).sample(sorted(NAMESPACES), len(NAMESPACES))
    return sorted(kinds[3:] if draw.again else kinds[:3])


def _lacks(draw: Draw) -> list[str]:
    """Return what is missing in the broken world: kinds of namespaces, the overlay, and one time of two the cgroups."""
    cgroups = ["cgroups"] if draw.again == (draw.which == 0) else []
    return sorted([*(f"{kind} namespace" for kind in _forbidden(draw)), "overlay", *cgroups])


def _perform_preflight(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    have_cgroups()
    good, bad, base = (_tray(draw, name) for name in ("good", "bad", "base"))
    native.mount("overlay", bad, "overlay", data=f"lowerdir={bad},upperdir={base}/upper,workdir={base}/work")
    whole = _named(mine.preflight(_tray(draw, "first")))
    lacks = _lacks(draw)
    if "cgroups" in lacks:
        hide_cgroups()
    forbid_namespaces(_forbidden(draw))
    broken = _named(mine.preflight(good if "mount" in _forbidden(draw) else bad))
    return {"whole": whole, "broken": broken, "cause": _cause(_forbidden(draw)[0])}


def _cause(kind: str) -> str:
    """Return why no namespace of this kind can be made here."""
    try:
        with spawn(Plan([ops.Clone(NAMESPACE_FLAGS[kind])])) as process:
            process.wait()
    except StepFailed as error:
        return error.cause
    raise LookupError(f"a {kind} namespace could be made")


def _tray(draw: Draw, name: str) -> str:
    """Return a tray on a file system that can be an overlay's upper one, whatever this machine's /tmp is."""
    tray = Path(draw.root, "tmp", name)
    tray.mkdir()
    native.mount("tmpfs", str(tray), "tmpfs")
    for part in ("upper", "work", "view"):
        (tray / part).mkdir()
    return str(tray)


def _named(returned: Any) -> dict[str, str]:
    """Return what a preflight found. Raises InvalidInput for what is no dictionary."""
    if returned is None:
        raise InvalidInput(say("{name} returned nothing: is `return` missing?", name="preflight"))
    if not isinstance(returned, dict):
        what = repr(returned)
        raise InvalidInput(say("preflight returned {what}: it returns a dictionary, what is missing and its cure", what=what))
    return {str(name): cure if isinstance(cure, str) else "" for name, cure in returned.items()}


def _conclude_preflight(returned: Any, draw: Draw) -> Iterator[Claim]:
    whole, broken = returned["whole"], returned["broken"]
    yield Claim(say("on this machine as it is, nothing is missing"), not whole, ", ".join(whole))
    for name in _lacks(draw):
        yield Claim(_missing(name), name in broken, ", ".join(broken) or say("nothing"))
    others = [name for name in broken if name not in _lacks(draw)]
    yield Claim(say("and nothing is named that is there"), not others, ", ".join(others))
    bare = [name for name, cure in broken.items() if not cure.strip()]
    yield Claim(say("each comes with a cure"), not bare, ", ".join(bare))
    errors = [name for name, cure in broken.items() if returned["cause"] in cure or set(cure.split()) & ERRNO_NAMES]
    yield Claim(say("a cure says what to do, not what went wrong"), not errors, ", ".join(errors))


def _missing(name: str) -> str:
    if name == "overlay":
        return say("where the tray lies on an overlay, or nothing can be mounted, the overlay is missing")
    if name == "cgroups":
        return say("where no cgroups are mounted, they are missing")
    return say("where no {kind} namespaces may be made, “{name}” is missing", kind=name.partition(" ")[0], name=name)


PREFLIGHT = Scenario(_perform_preflight, None, _conclude_preflight, None, twice=True, forbidden=EXAMINING)

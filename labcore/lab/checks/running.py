"""Check of `run`, which lessons 1 to 3 write, each with more in it: what all of them ask of it."""

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from labcore.lab.checks.confinement import drawn_resources, drawn_spec
from labcore.lab.checks.containers import ended_as_drawn, own_environment, own_name, own_number, own_root
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import LOOKED_UP, Draw
from labcore.lab.checks.surroundings import share_mounts
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say


def call_run(mine: ModuleType, draw: Draw, root: str, argv: Sequence[str], **more: Any) -> dict[str, Any]:
    """Run a program, and one that is not there; the second time without a name, for there is one by default."""
    share_mounts()
    name = () if draw.again else (draw.hostname,)
    return {"code": mine.run(root, list(argv), *name, **more), "missing": run_missing(mine, draw, root)}


def run_missing(mine: ModuleType, draw: Draw, root: str) -> Any:
    """Run a program that is not there; return the exit code, or 127 if that raises an error, as it should."""
    try:
        return mine.run(root, [f"/bin/{draw.token}"], draw.hostname)
    except Exception:
        return 127


def by_default(draw: Draw) -> Draw:
    """Return what was drawn with the name that a `run` gives by default, which it is to give the second time."""
    return draw.replace(hostname="box") if draw.again else draw


def further_fields(draw: Draw) -> dict[str, Any]:
    """Return what a `run` is given besides: limits, rights, and a PATH of its own."""
    spec = drawn_spec(draw)
    more = {name: getattr(spec, name) for name in ("capabilities", "uid_map", "gid_map", "readonly_paths")}
    return {**more, "resources": drawn_resources(draw), "environment": own_path(draw)}


def own_path(draw: Draw) -> tuple[str, ...]:
    """Return an environment with a PATH in which `ash` is found, and nowhere else."""
    return (f"TOKEN={draw.token}", "PATH=/srv:/bin")


def looked_up(program: tuple[str, ...]) -> tuple[str, ...]:
    """Return a script's program by the name of its shell that is in no directory of the usual PATH."""
    return (LOOKED_UP, *program[1:])


def run_as_drawn(seen: ProcessView, draw: Draw, environment: tuple[str, ...]) -> Iterator[Claim]:
    """A container on the root that was drawn, with that name and environment."""
    yield own_number(seen)
    yield from own_name(seen, by_default(draw))
    yield from own_root(seen, draw)
    yield from own_environment(seen, environment)


def ended_or_failed(returned: Any, draw: Draw) -> Iterator[Claim]:
    """The exit code that was drawn, and for a program that is not there no success."""
    yield from ended_as_drawn(returned["code"], draw)
    missing = returned["missing"]
    told = type(missing) is int and missing != 0
    yield Claim(
        say("a program that is not there is no success: an error is raised, or another code than 0"), told, repr(missing)
    )

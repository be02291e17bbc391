"""Check of `run_step`: a container on the layers below, looked at from outside; what it wrote is a layer afterwards."""

import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore.builder import run_step as builders_step
from labcore.builder.run import container as builders_run
from labcore.lab.checks.confinement import FILTERED
from labcore.lab.checks.containers import own_environment, own_number, own_root
from labcore.lab.checks.drawn_images import prints
from labcore.lab.checks.image_claims import stacked, store_is_whole
from labcore.lab.checks.lesson_03.running import a_state_root, enter_state_root, state_store
from labcore.lab.checks.lesson_09.layering import WRITING, blob_of, described, members_of
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.running import own_path
from labcore.lab.checks.scenario import GATE, SECONDS, Draw, Scenario
from labcore.lab.checks.surroundings import share_mounts
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.lab.solutions import solution
from labcore.lab.stores import manifest
from labcore.native import Capability
from labcore.runtime.probe import confined
from labcore.spec import DEFAULT_CAPABILITIES

FORBIDDEN: tuple[Target, ...] = (*WRITING, builders_run, builders_step)


@contextmanager
def an_unpacked_state_root(draw: Draw) -> Iterator[None]:
    """Make the state root of lesson 3's `run`, with the image's layers unpacked: nothing may be written to them."""
    with a_state_root(draw):
        store = state_store(draw)
        solution("layers")(manifest(str(store), draw.hostname), str(store))
        draw.keep("prints", prints(store))
        yield


def _script(draw: Draw) -> str:
    """Return a line for the shell: it waits at the gate, writes a file where it is, changes one, and deletes one."""
    return f"read go < /{GATE}; echo {draw.token} > made; echo $TOKEN > /etc/base; rm /etc/middle"


def _program(draw: Draw) -> tuple[str, ...]:
    return ("/bin/sh", "-c", _script(draw))


def _config(draw: Draw) -> dict[str, Any]:
    return {"Env": list(own_path(draw)), "WorkingDir": f"/srv/{draw.mark}", "Cmd": ["never"], "Entrypoint": ["/never"]}


def _perform(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    share_mounts()
    enter_state_root(draw)
    store = str(state_store(draw))
    below = manifest(store, draw.hostname)["layers"]
    command: Any = ["ash", *_program(draw)[1:]] if draw.again else _script(draw)
    first = mine.run_step(command, _config(draw), below, store)
    if blob_of(first, state_store(draw)) is None:
        return {"first": first, "second": None, "user": None, "failed": ""}
    second = mine.run_step(f"cat /srv/{draw.mark}/made > /copied", {}, [*below, first], store)
    user = mine.run_step("/bin/busybox id -u > /tmp/who", {"User": _user(draw)}, below, store)
    return {"first": first, "second": second, "user": user, "failed": _failed(mine, draw, below, store)}


def _user(draw: Draw) -> str:
    """Return a user of no name; an ordinary user's lab has root alone."""
    return "0" if confined() else str(draw.number)


def _failed(mine: ModuleType, draw: Draw, below: list[Any], store: str) -> str:
    """Run a step that fails; return what is raised, as it should be, and what it says."""
    try:
        mine.run_step(f"echo {draw.token} > /lost; exit $(({draw.exit_code + 1} - 1))", {}, below, store)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _argv(draw: Draw) -> tuple[str, ...]:
    return ("ash", *_program(draw)[1:]) if draw.again else _program(draw)


def _observe(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    yield own_number(seen)
    yield from stacked(seen, draw)
    yield from _rooted(seen, draw)
    yield from own_environment(seen, own_path(draw))
    here = Path(f"/proc/{seen.pid}/cwd").readlink()
    yield equal(say("it begins in the config's working directory"), f"/srv/{draw.mark}", str(here))
    wanted = sum(1 << Capability[name] for name in DEFAULT_CAPABILITIES)
    yield Claim(say("what it can ever gain are the usual capabilities"), int(seen.status("CapBnd"), 16) == wanted)
    yield Claim(say("a filter looks at its system calls"), seen.status("Seccomp") == FILTERED, say("none"))
    yield Claim(say("{path} is read-only", path="/proc/sys"), "ro" in seen.mount("/proc/sys").options)
    yield Claim(say("its host name is not the machine's"), seen.hostname != seen.parent.hostname, seen.hostname)
    same = [kind for kind in ("mount", "pid", "uts", "ipc", "network") if seen.namespace(kind) == seen.parent.namespace(kind)]
    yield Claim(say("its namespaces are its own"), not same, " ".join(same))


def _rooted(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    for claim in own_root(seen, draw):
        if claim.text != say("it begins in /"):
            yield claim


def _conclude(returned: Any, draw: Draw) -> Iterator[Claim]:
    store = state_store(draw)
    for each in (returned["first"], returned["second"], returned["user"]):
        if not (yield from described(each, store)):
            return
    first, second = members_of(returned["first"], store), members_of(returned["second"], store)
    directories = {"etc", "srv", f"srv/{draw.mark}", "."}
    files = sorted(first.keys() - directories)
    wanted = sorted(["etc/.wh.middle", "etc/base", f"srv/{draw.mark}/made"])
    yield equal(say("in the layer: what it wrote and what it deleted, and nothing else"), " ".join(wanted), " ".join(files))
    for path in (f"srv/{draw.mark}/made", "etc/base"):
        yield equal(say("/{path} in the layer", path=path), draw.token, held(returned["first"], store, path))
    yield equal(say("a second step stands on the first: /copied"), draw.token, held(returned["second"], store, "copied"))
    others = sorted(second.keys() - {".", "copied"})
    yield Claim(say("and has nothing of the first's in its layer"), not others, " ".join(others))
    yield equal(
        say("where the config names a user, its program is that one's"), _user(draw), held(returned["user"], store, "tmp/who")
    )
    yield Claim(say("a step that fails is an error"), returned["failed"] != "", say("none"))
    told = re.search(rf"\b{draw.exit_code}\b", returned["failed"]) is not None
    yield Claim(say("which tells the exit code"), told, returned["failed"])
    yield from store_is_whole(draw, store)


def held(descriptor: Any, store: Path, path: str) -> str:
    """Return what a file of a layer holds; empty if there is none."""
    with tarfile.open(Path(store, "blobs", descriptor["digest"].replace(":", "/"))) as archive:
        found = [each for each in archive.getmembers() if each.name.removeprefix("./") == path]
        file = archive.extractfile(found[0]) if found else None
        return file.read().decode(errors="replace").strip() if file else ""


RUN_STEP = Scenario(
    _perform, _observe, _conclude, _argv, twice=True, prepare=an_unpacked_state_root, forbidden=FORBIDDEN, seconds=2 * SECONDS
)

"""Check of `copy_step`: files of a context become a layer, and nothing outside of it is reached."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore.builder import copy_step as builders_step
from labcore.builder.copy import archive as builders_copying
from labcore.lab.checks.image_claims import store_is_whole
from labcore.lab.checks.lesson_03.running import enter_state_root, state_store
from labcore.lab.checks.lesson_09.layering import WRITING, described, members_of
from labcore.lab.checks.lesson_09.running import an_unpacked_state_root, held
from labcore.lab.checks.scenario import SECONDS, Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.lab.stores import manifest

OUTSIDE = "../outside"
WITH_PAGES = -2  # the case whose layer has /www


def _context(draw: Draw) -> Path:
    return Path(draw.root, "context")


@contextmanager
def _a_context(draw: Draw) -> Iterator[None]:
    """Make a context, with a file beside it, and a link to that in it."""
    context = _context(draw)
    (context / "pages" / draw.mark).mkdir(parents=True)
    (context / "more").mkdir()
    for name in ("one", "two", f"pages/{draw.mark}/leaf", "pages/index", "more/extra"):
        (context / name).write_text(f"{name} {draw.token}", encoding="utf-8")
    (context / "one").chmod(0o750)
    (context / OUTSIDE).resolve().write_text(draw.token, encoding="utf-8")
    (context / "out").symlink_to("../outside")
    with an_unpacked_state_root(draw):
        yield


def _cases(draw: Draw) -> list[tuple[str, list[str], str, set[str]]]:
    """Return what each case is about, the sources, the destination, and the files that the layer is to have."""
    return [
        (say("one file, and its new name"), ["one"], f"/app/{draw.hostname}", {f"app/{draw.hostname}"}),
        (say("one file, into a directory: the name ends in a slash"), ["one"], "/app/", {"app/one"}),
        (say("one file, into the working directory: COPY one ."), ["one"], f"/{draw.hostname}/.", {f"{draw.hostname}/one"}),
        (say("one file, into a directory that the layers below have"), ["one"], "/srv", {"srv/one"}),
        (say("one file, whose name is a directory's of the machine only"), ["one"], "/usr", {"usr"}),
        (say("several files"), ["one", "/two"], "/srv/both", {"srv/both/one", "srv/both/two"}),
        (say("several directories: what is in them"), ["pages", "more"], "/both/",
         {"both/index", f"both/{draw.mark}/leaf", "both/extra"}),
        (say("a directory: what is in it"), ["pages"], "/www", {"www/index", f"www/{draw.mark}/leaf"}),
        (say("all of the context"), ["."], "/app",
         {"app/one", "app/two", "app/out", "app/pages/index", f"app/pages/{draw.mark}/leaf",
          "app/more/extra"}),
    ]  # fmt: skip


def _perform(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    enter_state_root(draw)
    store, context = str(state_store(draw)), str(_context(draw))
    below = manifest(store, draw.hostname)["layers"]
    made = [mine.copy_step(sources, target, context, below, store) for _, sources, target, _ in _cases(draw)]
    with_pages = [*below, made[WITH_PAGES]] if isinstance(made[WITH_PAGES], dict) else below
    upon = mine.copy_step(["one"], "/www", context, with_pages, store)
    return {
        "made": made,
        "upon": upon,
        "refused": [_refused(mine, [name], context, below, store) for name in (OUTSIDE, "out", "missing")],
    }


def _refused(mine: ModuleType, sources: list[str], context: str, below: list[Any], store: str) -> str:
    """Copy what must not be, or cannot be, copied; return what is raised, as it should be."""
    try:
        mine.copy_step(sources, "/app/", context, below, store)
    except Exception as error:
        return type(error).__name__
    return ""


def _conclude(returned: Any, draw: Draw) -> Iterator[Claim]:
    store = state_store(draw)
    for each in returned["made"]:
        if not (yield from described(each, store)):
            return
    for (what, _, _, wanted), descriptor in zip(_cases(draw), returned["made"], strict=True):
        files = {name for name, member in members_of(descriptor, store).items() if not member.isdir()}
        yield equal(what, " ".join(sorted(wanted)), " ".join(sorted(files)))
    strays = {f"{name}/" for name in members_of(returned["made"][0], store)} - {"./", "app/", f"app/{draw.hostname}/"}
    yield Claim(say("and there is nothing else in it"), not strays, " ".join(sorted(strays)))
    upon = members_of(returned["upon"], store) if (yield from described(returned["upon"], store)) else {}
    yield Claim(say("also where it is the last one that has the directory"), "www/one" in upon)
    yield equal(say("a file holds what it held"), f"one {draw.token}", held(returned["made"][1], store, "app/one"))
    one = members_of(returned["made"][1], store).get("app/one")
    yield equal(say("keeps its mode, and is root's"), f"750 {os.geteuid()}", f"{one.mode & 0o7777:o} {one.uid}" if one else "")
    out = members_of(returned["made"][-1], store).get("app/out")
    yield Claim(say("a symbolic link stays one"), out is not None and out.issym())
    outside, link, missing = returned["refused"]
    yield Claim(say("what lies outside of the context is an error"), outside != "")
    yield Claim(say("also where a link leads there"), link != "")
    yield Claim(say("a file that is not there is an error"), missing != "")
    kept = _context(draw)
    whole = (kept / "one").is_file() and (kept / "pages" / draw.mark / "leaf").is_file()
    yield Claim(say("the context is as it was"), whole)
    yield from store_is_whole(draw, store)


COPY_STEP = Scenario(
    _perform,
    None,
    _conclude,
    None,
    prepare=_a_context,
    forbidden=(*WRITING, builders_step, builders_copying),
    seconds=2 * SECONDS,
)

"""Checks of `reads` and `ignored`: what a COPY's key knows of its files, and what never gets into a context."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say
from labcore.options.dockerignore import Patterns


def _changes() -> dict[str, bool]:
    """Return what is done to a copy of the folder, and whether the digest is the same then."""
    return {
        say("the same files in another folder: the same"): True,
        say("a file that is only touched: the same"): True,
        say("a file that no COPY names: the same"): True,
        say("other bytes, as many as before: another"): False,
        say("a file deep inside of a directory: another"): False,
        say("a file with another name: another"): False,
        say("a file that may be executed: another"): False,
        say("an empty file more: another"): False,
    }


def _change(place: Path, number: int, draw: Draw) -> None:
    page, leaf = place / "page", place / "sub" / "deep" / "leaf"
    if number == 1:
        os.utime(page, (draw.number, draw.number))
    elif number == 2:
        (place / "other").write_text(draw.mark, encoding="utf-8")
    elif number == 3:
        page.write_text(draw.token[::-1], encoding="utf-8")
    elif number == 4:
        leaf.write_text(draw.token, encoding="utf-8")
    elif number == 5:
        leaf.rename(leaf.with_name("twig"))
    elif number == 6:
        page.chmod(0o755)
    elif number == 7:
        (place / "sub" / "empty").touch()


def _folder(draw: Draw, name: str) -> Path:
    place = Path(draw.root, name)
    (place / "sub" / "deep").mkdir(parents=True)
    (place / "page").write_text(draw.token, encoding="utf-8")
    (place / "other").write_text(draw.token, encoding="utf-8")
    (place / "sub" / "deep" / "leaf").write_text(draw.mark, encoding="utf-8")
    (place / "two words").write_text(draw.mark, encoding="utf-8")
    return place


def _perform_reads(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    place = _folder(draw, "folder")
    copy = ("COPY", "page sub /srv/")
    first = mine.reads(copy, str(place))
    found: dict[str, Any] = {
        "first": first if isinstance(first, str) else [repr(first)],
        "changed": [],
    }  # JSON writes bytes, too
    for number in range(len(_changes())):
        other = Path(draw.root, f"folder-{number}")
        shutil.copytree(place, other)
        _change(other, number, draw)
        found["changed"].append(mine.reads(copy, str(other)))
    found["words"] = [mine.reads(("COPY", ["two words", "/srv/"]), str(place)), mine.reads(("COPY", "/page /srv/"), str(place))]
    found["others"] = [mine.reads(("RUN", "cat page > /srv/page"), str(place)), mine.reads(("ENV", "page=sub"), str(place))]
    return found


def _conclude_reads(returned: Any, draw: Draw) -> Iterator[Claim]:  # noqa: ARG001  what is drawn shows in its digests
    first = returned["first"]
    yield Claim(say("it returns a text"), isinstance(first, str) and bool(first), repr(first))
    for (text, same), found in zip(_changes().items(), returned["changed"], strict=True):
        yield Claim(text, (found == first) == same, str(found))
    one, other = returned["words"]
    yield Claim(
        say("of an array each word is a file; a slash in front means the folder"), bool(one) and bool(other) and one != other
    )
    yield Claim(say("what reads no file: an empty text"), returned["others"] == ["", ""], str(returned["others"]))


READS = Scenario(_perform_reads, None, _conclude_reads, None)


def _ignoring(draw: Draw) -> list[tuple[list[str], str]]:
    """Return questions: lines of a .dockerignore, and a path."""
    name, deep = draw.mark, f"{draw.hostname}/{draw.token}"
    return [
        ([name], name),
        ([name], f"{name}/below/it"),
        ([name], f"{name}-more"),
        ([name], f"{deep}/{name}"),
        ([f"/{name}/"], f"{name}/file"),
        (["*.log"], f"{name}.log"),
        (["*.log"], f"{deep}/{name}.log"),
        (["**/*.log"], f"{deep}/{name}.log"),
        (["**/*.log"], f"{name}.log"),
        (["*/tmp"], f"{draw.hostname}/tmp/x"),
        (["*/tmp"], f"{deep}/tmp"),
        ([f"{name}?"], f"{name}7"),
        ([f"{name}?"], f"{name}/7"),
        ([f"{name}.txt"], f"{name}xtxt"),
        (["*.md", f"!{name}.md"], f"{name}.md"),
        (["*.md", f"!{name}.md"], "other.md"),
        ([f"!{name}.md", "*.md"], f"{name}.md"),
        (["**"], f"{deep}/x"),
        (["docs/**/old"], f"docs/{deep}/old"),
        (["docs/**/old"], "docs/old/file"),
        ([f"**/{name}"], f"x{name}"),
        ([], name),
    ]


def _perform_ignored(mine: ModuleType, draw: Draw) -> list[Any]:
    return [mine.ignored(lines, path) for lines, path in _ignoring(draw)]


def _conclude_ignored(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield Claim(say("it returns True or False"), all(isinstance(each, bool) for each in returned), repr(returned[0]))
    answers = [Patterns.parse("\n".join(lines)).matches(path) for lines, path in _ignoring(draw)]
    groups = {
        say("a path, and all that is below it"): range(5),
        say("`*` stands for a name's letters, and for no slash"): range(5, 7),
        say("`**/` stands for any directories, or for none"): (7, 8, 17, 18, 19, 20),
        say("`*` in the middle of a path"): (9, 10),
        say("`?` stands for one letter, and a dot for a dot"): (11, 12, 13),
        say("the last line that fits decides, and `!` takes back in"): (14, 15, 16),
        say("without a line nothing is kept out"): (21,),
    }
    for text, numbers in groups.items():
        wrong = [at for at in numbers if returned[at] != answers[at]]
        lines, path = _ignoring(draw)[wrong[0]] if wrong else ([], "")
        yield Claim(text, not wrong, f"{' '.join(lines)} | {path}: {returned[wrong[0]]}" if wrong else "")


IGNORED = Scenario(_perform_ignored, None, _conclude_ignored, None, forbidden=(Patterns,))

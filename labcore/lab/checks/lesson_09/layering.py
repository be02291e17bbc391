"""Check of `layer`: an upper directory with all that overlayfs leaves there becomes a layer in the store."""

import hashlib
import os
import stat
import tarfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from labcore.builder import layers as builders_layers
from labcore.lab.checks.drawn_images import prints
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.lab.vocabulary import OPAQUE
from labcore.spec import media
from labcore.storage import UpperStore, layer_tar

WRITING: Final[tuple[Target, ...]] = (builders_layers, UpperStore.layer, layer_tar)


def _upper(draw: Draw) -> Path:
    return Path(draw.root, "upper")


def _store(draw: Draw) -> Path:
    return Path(draw.root, "store")


@contextmanager
def an_upper(draw: Draw) -> Iterator[None]:
    """Make an upper directory as a container leaves it; the second time one that nothing was written to."""
    upper = _upper(draw)
    upper.mkdir()
    for part in ("blobs/sha256", "layers", "scratch"):
        (_store(draw) / part).mkdir(parents=True)
    if not draw.again:
        (upper / "etc" / "deep" / draw.mark).mkdir(parents=True)
        (upper / "etc" / "deep" / draw.mark / "leaf").write_text(draw.token, encoding="utf-8")
        (upper / "etc" / "run").write_text("#!/bin/sh\n", encoding="utf-8")
        (upper / "etc" / "run").chmod(0o751)
        with suppress(OSError):  # an ordinary user's lab has no other users
            os.chown(upper / "etc" / "run", draw.number, draw.number + 1)
        (upper / "link").symlink_to(f"etc/{draw.hostname}")
        (upper / "nowhere").symlink_to(draw.token)
        (upper / "fresh").mkdir(0o750)
        os.setxattr(upper / "fresh", OPAQUE, b"y")
        (upper / "fresh" / "new").write_bytes(b"")
        for path in (f"gone-{draw.mark}", f"etc/{draw.hostname}"):
            os.mknod(upper / path, stat.S_IFCHR, os.makedev(0, 0))
        with suppress(OSError):  # nor may it make devices, but marks
            os.mknod(upper / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    draw.keep("upper", prints(upper))
    yield


def _perform(mine: ModuleType, draw: Draw) -> Any:
    return mine.layer(str(_upper(draw)), str(_store(draw)))


def blob_of(returned: Any, store: Path) -> Path | None:
    """Return the blob of a store that a descriptor names; None for what is no descriptor, and for one that is not there."""
    digest = returned.get("digest") if isinstance(returned, dict) else None
    path = Path(store, "blobs", digest.replace(":", "/")) if isinstance(digest, str) else None
    return path if path and path.is_file() else None


def described(returned: Any, store: Path) -> Generator[Claim, None, bool]:
    """A descriptor of a blob that is in the store; return whether there is one."""
    blob = blob_of(returned, store)
    yield Claim(say("it returns the descriptor of a blob that is in the store"), blob is not None, repr(returned))
    if blob is None:
        return False
    held = blob.read_bytes()
    yield equal(say("its type is that of a layer"), media.LAYER, returned.get("mediaType"))
    digest = f"sha256:{hashlib.sha256(held).hexdigest()}"
    yield Claim(say("its digest is that of the blob in the store"), returned["digest"] == digest, returned["digest"][:20])
    yield equal(say("its size is the blob's"), str(len(held)), str(returned.get("size")))
    readable = tarfile.is_tarfile(blob)
    yield Claim(say("its bytes are a whole archive"), readable)
    return readable


def members_of(returned: Any, store: Path) -> dict[str, tarfile.TarInfo]:
    """Return what is in a layer, in its order, by path."""
    path = Path(store, "blobs", returned["digest"].replace(":", "/"))
    with tarfile.open(path) as archive:
        return {os.path.normpath(member.name): member for member in archive.getmembers()}


def _conclude(returned: Any, draw: Draw) -> Iterator[Claim]:
    if not (yield from described(returned, _store(draw))):
        return
    members = {name: member for name, member in members_of(returned, _store(draw)).items() if name != "."}
    yield Claim(say("the upper directory is as it was"), prints(_upper(draw)) == draw.kept("upper"))
    if draw.again:
        yield Claim(say("of an empty upper directory the layer is empty"), not members, " ".join(members))
        return
    if not (yield from _named(members, draw)):
        return
    run, link = members["etc/run"], members["link"]
    kept, owner = f"{run.mode & 0o7777:o} {run.uid}:{run.gid}", (_upper(draw) / "etc" / "run").stat()
    yield equal(say("a file keeps its mode and its owner"), f"751 {owner.st_uid}:{owner.st_gid}", kept)
    yield Claim(say("a symbolic link stays one"), link.issym() and link.linkname == f"etc/{draw.hostname}", link.linkname)
    with tarfile.open(Path(_store(draw), "blobs", returned["digest"].replace(":", "/"))) as archive:
        file = archive.extractfile(next(each for each in archive if os.path.normpath(each.name) == _leaf(draw)))
        yield equal(say("a file holds what it held"), draw.token, file.read().decode() if file else "")


def _leaf(draw: Draw) -> str:
    return f"etc/deep/{draw.mark}/leaf"


def _named(members: dict[str, tarfile.TarInfo], draw: Draw) -> Generator[Claim, None, bool]:
    """Each path, and nothing else; return whether all files are there."""
    plain = {"etc", "etc/deep", f"etc/deep/{draw.mark}", _leaf(draw), "etc/run", "link", "nowhere", "fresh", "fresh/new"}
    plain |= {"null"} if (_upper(draw) / "null").is_char_device() else set()
    marks = {f".wh.gone-{draw.mark}", f"etc/.wh.{draw.hostname}"}
    missing = sorted(plain - members.keys())
    yield Claim(say("each file and directory is in it"), not missing, say("no {names}", names=" ".join(missing)))
    absent = sorted(marks - members.keys())
    yield Claim(say("what is deleted is marked by a file .wh.NAME"), not absent, say("no {names}", names=" ".join(absent)))
    devices = [name for name, member in members.items() if member.ischr() and name != "null"]
    yield Claim(say("and not by overlayfs's device"), not devices, " ".join(devices))
    kept = "null" not in plain or ("null" in members and members["null"].ischr() and members["null"].devminor == 3)
    yield Claim(say("another device is none of these marks, and stays one"), kept)
    empty = all(members[mark].isreg() and not members[mark].size for mark in marks & members.keys())
    yield Claim(say("a mark is an empty file"), empty)
    yield Claim(say("a directory that hides what is below has .wh..wh..opq in it"), "fresh/.wh..wh..opq" in members)
    others = sorted(members.keys() - plain - marks - {"fresh/.wh..wh..opq"})
    yield Claim(say("and there is nothing else in it"), not others, " ".join(others))
    order = list(members)
    late = [name for name in order if "/" in name and os.path.dirname(name) in order[order.index(name) :]]  # noqa: PTH120
    yield Claim(say("a directory comes before what is in it"), not late, " ".join(late))
    return not missing


LAYER = Scenario(_perform, None, _conclude, None, twice=True, prepare=an_upper, forbidden=WRITING)

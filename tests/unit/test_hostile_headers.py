"""Headers that no tar writes, by each way in which archives come: taken, or refused by an error in words."""

import bz2
import gzip
import io
import lzma
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
import zstandard

from labcore.engine.image.archives import import_root, load
from labcore.errors import LabcoreError
from labcore.images import ImageStore
from labcore.storage import LayerStore
from labcore.storage.copy_in import extract_into
from labcore.storage.files import Files
from tests.conftest import needs_root
from tests.unit.test_tar import LARGEST, NONE, header, padded, pax

SEEDS = range(12)
EACH = 40
ODD_NUMBERS = (
    b"\xff" * 12, LARGEST, b"\x80" + bytes(10) + b"\x07", b"77777777777", b"-1", b"0x10", b"\0", b" 7 ", b"\xb2", b"010",
)  # fmt: skip
ODD_WORDS = (
    b"", b"/", b".", b"..", b"../up", b"a/../../up", b"a\0b", b"\xff\xfe", b"n" * 300, b"d/" * 1800 + b"f", b"\n", b"a/",
    b"a", b"a/b", b"a/b/c",
    b"-1", b"0", b"1e9", b"nan", b"9" * 25, b"4294967295", b"99999999999", "٣".encode(), b"1.", b".5", b"1,2",
    b"0,0", b"/proc/self/fd/0",
)  # fmt: skip
KEYS = (
    b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime", b"SCHILY.xattr.user.x", b"SCHILY.xattr.",
    b"SCHILY.xattr.security.capability",
    b"GNU.sparse.map", b"GNU.sparse.size", b"GNU.sparse.major", b"GNU.sparse.realsize", b"GNU.sparse.name",
    b"GNU.sparse.offset",
)  # fmt: skip


def odd(random: Random) -> bytes:
    """Return an archive of a few entries, each of them odd in a few ways, its checksums right."""
    parts = []
    for _ in range(random.randint(1, 4)):
        if random.random() < 0.5:
            parts.append(pax(*((random.choice(KEYS), random.choice(ODD_WORDS)) for _ in range(random.randint(1, 3)))))
        if random.random() < 0.2:
            long = random.choice(ODD_WORDS)
            parts.append(header(b"long", random.choice([b"L", b"K"]), len(long)) + padded(long))
        fields = random.sample(["mode", "uid", "gid", "length", "mtime", "major", "minor", "rest"], random.randint(0, 2))
        name, kind = random.choice(ODD_WORDS)[:100], bytes([random.choice(b"0123456gxSVDLKZ7\0")])
        content = random.randbytes(random.choice([0, 0, 5, 700]))
        said = {field: random.choice(ODD_NUMBERS)[: 12 if field in ("length", "mtime") else 8] for field in fields}
        parts.append(header(name, kind, len(content), link=random.choice(ODD_WORDS)[:100], **said) + padded(content))
    return b"".join(parts) + bytes(1024)


def take(raw: bytes, place: Path, owner: tuple[int, int] | None = None) -> None:
    """Have an archive come as files for a container; all that comes of it lies in `place`."""
    place.mkdir(exist_ok=True)
    fd = os.open(place, os.O_PATH | os.O_DIRECTORY)
    try:
        extract_into(io.BytesIO(raw), Files(fd, "there:"), "/", owner=owner)
    finally:
        os.close(fd)


def imported_and_loaded(raw: bytes, store: ImageStore, layers: LayerStore) -> None:
    with suppress(LabcoreError):
        import_root(store, io.BytesIO(raw), "root.tar", layers=layers)
    with suppress(LabcoreError):
        load(store, io.BytesIO(raw), layers=layers)


@pytest.mark.parametrize("what", NONE)
def test_what_no_file_can_have_comes_in_no_way(tmp_path: Path, what: str) -> None:
    needs_root()
    store, layers = ImageStore(tmp_path / "images"), LayerStore(tmp_path / "storage")
    with pytest.raises(LabcoreError):
        import_root(store, io.BytesIO(NONE[what]), "root.tar", layers=layers)
    with pytest.raises(LabcoreError):
        load(store, io.BytesIO(NONE[what]), layers=layers)
    assert store.entries() == []
    with pytest.raises(LabcoreError):
        take(NONE[what], tmp_path / "root")


@pytest.mark.parametrize("compress", [bz2.compress, gzip.compress, lzma.compress, zstandard.compress])
def test_what_is_cut_off_comes_in_no_way(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    """Even where the archive itself is whole: what is behind its end has been cut off, or is garbage."""
    needs_root()
    store, layers = ImageStore(tmp_path / "images"), LayerStore(tmp_path / "storage")
    whole = compress(header(b"file") + bytes(1024) + Random(1).randbytes(300_000))
    for raw in (whole[:-3], whole[: len(whole) // 2], whole + b"garbage that follows"):
        with pytest.raises(LabcoreError, match="damaged, or not complete"):
            import_root(store, io.BytesIO(raw), "root.tar", layers=layers)
        with pytest.raises(LabcoreError, match="damaged, or not complete"):
            take(raw, tmp_path / "root")
        with pytest.raises(LabcoreError):
            load(store, io.BytesIO(raw), layers=layers)
    assert store.entries() == []


@pytest.mark.parametrize("seed", SEEDS)
def test_odd_headers(tmp_path: Path, seed: int) -> None:
    needs_root()
    random = Random(seed)
    store, layers = ImageStore(tmp_path / "images"), LayerStore(tmp_path / "storage")
    victim = tmp_path / "up"
    victim.write_text("untouched")
    for number in range(EACH):
        raw = odd(random)
        for owner in (None, (0, 0)):
            with suppress(LabcoreError):
                take(raw, tmp_path / f"root-{number}", owner)
        if number % 8 == 0:  # which waits for the disk
            imported_and_loaded(raw, store, layers)
    assert victim.read_text() == "untouched"
    assert {path.name for path in tmp_path.iterdir()} <= {"up", "images", "storage", *(f"root-{n}" for n in range(EACH))}

"""Archives, friendly and hostile. Nothing outside the target may change, whatever a layer says."""

import gzip
import hashlib
import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from labcore.errors import StoreDamaged
from labcore.storage import LayerStore
from tests.conftest import needs_root


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


def entry(name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def archive(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def unpack(tmp_path: Path, *entries: tuple[tarfile.TarInfo, bytes], compress: bool = False) -> Path:
    data = archive(*entries)
    store = LayerStore(tmp_path / "storage")
    raw = gzip.compress(data) if compress else data
    name = store.add("sha256:" + hashlib.sha256(data).hexdigest(), lambda: io.BytesIO(raw))
    return store.directory / "layers" / name


@pytest.mark.parametrize("compress", [False, True])
def test_kinds_of_entries(tmp_path: Path, compress: bool) -> None:
    layer = unpack(
        tmp_path,
        entry("d", tarfile.DIRTYPE, mode=0o750, mtime=1000),
        entry("d/f", content=b"text", mode=0o4755, uid=1000, gid=100, mtime=2000),
        entry("link", tarfile.SYMTYPE, linkname="/absolute/elsewhere"),
        entry("hard", tarfile.LNKTYPE, linkname="d/f"),
        entry("null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
        entry("pipe", tarfile.FIFOTYPE),
        entry("missing/parents/f", content=b"x"),
        entry("labelled", content=b"x", pax_headers={"SCHILY.xattr.user.colour": "blue"}),
        compress=compress,
    )
    status = (layer / "d/f").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime) == (0o4755, 1000, 100, 2000)
    assert ((layer / "d").stat().st_mode & 0o7777, (layer / "d").stat().st_mtime) == (0o750, 1000)
    assert os.readlink(layer / "link") == "/absolute/elsewhere"
    assert (layer / "hard").stat().st_ino == status.st_ino
    assert (layer / "null").stat().st_rdev == os.makedev(1, 3)
    assert stat.S_ISFIFO((layer / "pipe").stat().st_mode)
    assert (layer / "missing/parents/f").read_bytes() == b"x"
    assert os.getxattr(layer / "labelled", "user.colour") == b"blue"


def test_later_entries_replace_earlier_ones(tmp_path: Path) -> None:
    layer = unpack(
        tmp_path,
        entry("a", content=b"first"),
        entry("a", content=b"second"),
        entry("b", tarfile.DIRTYPE),
        entry("b/inner", content=b"x"),
        entry("b", content=b"a file now"),
        entry("c", tarfile.SYMTYPE, linkname="a"),
        entry("c", content=b"not through the link"),
    )
    assert (layer / "a").read_bytes() == b"second"
    assert (layer / "b").read_bytes() == b"a file now"
    assert (layer / "c").read_bytes() == b"not through the link"


def test_whiteouts_become_overlayfs_own(tmp_path: Path) -> None:
    layer = unpack(tmp_path, entry("d/.wh.gone"), entry("e/.wh..wh..opq"), entry("e/f", content=b"x"))
    assert (layer / "d/gone").lstat().st_rdev == 0
    assert stat.S_ISCHR((layer / "d/gone").lstat().st_mode)
    assert os.getxattr(layer / "e", "trusted.overlay.opaque") == b"y"


HOSTILE = {
    "dot-dot": [entry("../victim", content=b"evil")],
    "dot-dot inside": [entry("a/../../victim", content=b"evil")],
    "absolute": [entry("/../victim", content=b"evil")],
    "through a symlink": [entry("d", tarfile.SYMTYPE, linkname=".."), entry("d/victim", content=b"evil")],
    "through an absolute symlink": [entry("d", tarfile.SYMTYPE, linkname="/OUTSIDE"), entry("d/victim", content=b"evil")],
    "hard link outside": [entry("h", tarfile.LNKTYPE, linkname="../victim"), entry("h", content=b"evil")],
    "hard link through a symlink": [
        entry("d", tarfile.SYMTYPE, linkname="/OUTSIDE"),
        entry("h", tarfile.LNKTYPE, linkname="d/victim"),
        entry("h2", content=b"evil"),
    ],
    "whiteout of a parent": [entry("d/.wh...", content=b"")],
    "whiteout of oneself": [entry(".wh..", content=b"")],
    "overlay's own attribute": [entry("f", content=b"x", pax_headers={"SCHILY.xattr.trusted.overlay.redirect": "/etc"})],
    "an unknown kind": [entry("f", b"Z")],
    "a directory over the root": [entry(".", tarfile.SYMTYPE, linkname="/OUTSIDE"), entry("victim", content=b"evil")],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_touch_nothing_outside(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "storage" / "layers"
    outside.mkdir(parents=True)
    victims = [outside / "victim", tmp_path / "storage" / "victim", tmp_path / "victim"]
    for victim in victims:
        victim.write_text("untouched")
    entries = [entry(info.name, info.type, content, linkname=info.linkname.replace("/OUTSIDE", str(outside)),
                     pax_headers=info.pax_headers) for info, content in HOSTILE[name]]  # fmt: skip
    before = {p for p in tmp_path.rglob("*") if "storage/layers/" not in str(p)}
    try:
        unpack(tmp_path, *entries)
    except (StoreDamaged, OSError) as error:
        assert str(error)
    assert [victim.read_text() for victim in victims] == ["untouched"] * 3
    assert all(victim.stat().st_nlink == 1 for victim in victims)
    assert {p for p in tmp_path.rglob("*") if "storage/layers/" not in str(p)} - before <= {
        tmp_path / "storage/format",
        tmp_path / "storage/scratch",
    }
    assert not list(outside.glob(".incoming-*"))


def test_a_wrong_digest_leaves_no_layer(tmp_path: Path) -> None:
    store = LayerStore(tmp_path / "storage")
    with pytest.raises(StoreDamaged, match="should have the digest sha256:0000"):
        store.add("sha256:" + "0" * 64, lambda: io.BytesIO(archive(entry("f", content=b"x"))))
    assert list((store.directory / "layers").iterdir()) == []


@pytest.mark.parametrize("raw", [b"", b"no tar at all" * 100, gzip.compress(b"x" * 4096)[:-12], b"\x1f\x8bnonsense"])
def test_what_is_no_archive(tmp_path: Path, raw: bytes) -> None:
    store = LayerStore(tmp_path / "storage")
    with pytest.raises(StoreDamaged):
        store.add("sha256:" + "0" * 64, lambda: io.BytesIO(raw))
    assert list((store.directory / "layers").iterdir()) == []


ODD = {
    "a time that is none": [entry("f", content=b"x", pax_headers={"mtime": "nan"})],
    "a time without end": [entry("f", content=b"x", pax_headers={"mtime": "inf"})],
    "an owner out of range": [entry("f", content=b"x", uid=99999999999)],
    "a hard link to nothing": [entry("h", tarfile.LNKTYPE, linkname="nothing")],
    "below a file": [entry("f", content=b"x"), entry("f/g", content=b"x")],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_archives_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreDamaged):
        unpack(tmp_path, *ODD[name])
    assert list((tmp_path / "storage/layers").iterdir()) == []


def test_flipped_bits(tmp_path: Path) -> None:
    raw = bytearray(gzip.compress(archive(entry("f", content=os.urandom(4000)))))
    for offset in range(0, len(raw), 97):
        damaged = bytes(raw[:offset]) + bytes([raw[offset] ^ 0x10]) + bytes(raw[offset + 1 :])
        with pytest.raises(StoreDamaged):
            LayerStore(tmp_path / "storage").add("sha256:" + "0" * 64, lambda data=damaged: io.BytesIO(data))


def test_a_directory_that_a_later_entry_replaces(tmp_path: Path) -> None:
    layer = unpack(tmp_path, entry("d", tarfile.DIRTYPE), entry("d/e", tarfile.DIRTYPE), entry("d", content=b"file"))
    assert (layer / "d").read_bytes() == b"file"
    layer = unpack(tmp_path, entry("d", tarfile.DIRTYPE), entry("d/e", tarfile.DIRTYPE), entry(".wh.d"))
    assert (layer / "d").lstat().st_rdev == 0


def test_deep_directories(tmp_path: Path) -> None:
    layer = unpack(tmp_path, entry("/".join("d" * 200) + "/f", content=b"x"))
    assert (layer / "d/d/d").is_dir()


def test_only_root_may_look_in(tmp_path: Path) -> None:
    unpack(tmp_path, entry("setuid", content=b"x", mode=0o4755))
    assert (tmp_path / "storage").stat().st_mode & 0o7777 == 0o700


@pytest.mark.parametrize("diff_id", ["", "..", "sha256:", "sha256:" + "A" * 64, "../" * 20])
def test_a_layers_digest_is_checked(tmp_path: Path, diff_id: str) -> None:
    with pytest.raises(StoreDamaged, match="no digest of a layer"):
        LayerStore(tmp_path / "storage").add(diff_id, lambda: io.BytesIO(b""))


def test_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage/format").write_text("99\n")
    with pytest.raises(Exception, match="has format '99'"):
        unpack(tmp_path, entry("f", content=b"x"))

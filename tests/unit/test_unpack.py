"""Archives, friendly and hostile. Nothing outside the target may change, whatever a layer says."""

import errno
import gzip
import hashlib
import io
import os
import stat
import subprocess
import tarfile
from pathlib import Path
from random import Random

import pytest
import zstandard

from labcore.errors import StoreDamaged, StoreFull
from labcore.storage import LayerStore
from tests.conftest import needs_root, small_disk


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


def test_a_whiteout_hides_what_lies_below_and_not_its_own_layers(tmp_path: Path) -> None:
    before = [entry("f", content=b"new"), entry("d", tarfile.DIRTYPE), entry("d/e", content=b"new")]
    whiteouts = [entry(".wh.f"), entry(".wh.d")]
    for entries in (before + whiteouts, whiteouts + before):
        layer = unpack(tmp_path, *entries)
        assert (layer / "f").read_bytes() == b"new"
        assert (layer / "d/e").read_bytes() == b"new"
        assert os.getxattr(layer / "d", "trusted.overlay.opaque") == b"y"


def test_a_path_below_what_was_whited_out(tmp_path: Path) -> None:
    """In a layer a whiteout and what lies below its name come in any order: the result is one."""
    below = entry("a/b/c/d", content=b"new")
    for entries in ([entry("a/.wh.b"), below], [below, entry("a/.wh.b")]):
        layer = unpack(tmp_path, *entries)
        assert (layer / "a/b/c/d").read_bytes() == b"new"
        assert os.getxattr(layer / "a/b", "trusted.overlay.opaque") == b"y"
    layer = unpack(tmp_path, entry(".wh.test"), entry("test/.wh.test"))
    assert (layer / "test/test").lstat().st_rdev == 0
    assert os.getxattr(layer / "test", "trusted.overlay.opaque") == b"y"


def test_the_root_is_as_the_archive_says(tmp_path: Path) -> None:
    layer = unpack(tmp_path, entry("f", content=b"x"), entry("./", tarfile.DIRTYPE, mode=0o555, uid=7, gid=8, mtime=1000))
    status = layer.stat()
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid, status.st_mtime) == (0o555, 7, 8, 1000)
    assert unpack(tmp_path, entry("g")).stat().st_mode & 0o7777 == 0o755


def test_what_aufs_has_left_is_no_file(tmp_path: Path) -> None:
    """Hard links are made of what it kept for them: image-spec, layer.md."""
    layer = unpack(
        tmp_path,
        entry(".wh..wh.aufs"),
        entry(".wh..wh.orph", tarfile.DIRTYPE),
        entry(".wh..wh.plnk", tarfile.DIRTYPE),
        entry(".wh..wh.plnk/1.2", content=b"linked"),
        entry("one", tarfile.LNKTYPE, linkname=".wh..wh.plnk/1.2"),
        entry("two", tarfile.LNKTYPE, linkname=".wh..wh.plnk/1.2"),
    )
    assert sorted(os.listdir(layer)) == ["one", "two"]
    assert (layer / "one").stat().st_ino == (layer / "two").stat().st_ino


def test_attributes_that_are_not_the_archives_to_set(tmp_path: Path) -> None:
    """Overlayfs's own are left out; what no file of that kind may have, and what this kernel does not know, is passed over."""

    def labelled(**attributes: str) -> dict[str, str]:
        return {"SCHILY.xattr." + name.replace("__", "."): value for name, value in attributes.items()}

    layer = unpack(
        tmp_path,
        entry("etc", tarfile.DIRTYPE, pax_headers=labelled(user__overlay__opaque="y", trusted__overlay__opaque="y")),
        entry("etc/f", pax_headers=labelled(trusted__overlay__redirect="/root", user__overlay__origin="", user__colour="blue")),
        entry("link", tarfile.SYMTYPE, linkname="etc", pax_headers=labelled(user__colour="blue")),
        entry("pipe", tarfile.FIFOTYPE, pax_headers=labelled(user__colour="blue")),
        entry("label", pax_headers=labelled(nosuch__label="x", security__ima="\x03\x02x")),
    )
    assert sorted(os.listdir(layer)) == ["etc", "label", "link", "pipe"]
    assert [name for name in os.listxattr(layer / "etc") if "overlay" in name] == []
    assert os.listxattr(layer / "etc/f") == ["user.colour"]


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
    "dot-dot in a known directory": [entry("d/f", content=b"x"), entry("d/../victim", content=b"evil"), entry("d/..")],
    "nothing but dots in a known directory": [entry("d/f", content=b"x"), entry("d/..", tarfile.SYMTYPE, linkname="/OUTSIDE")],
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


@pytest.mark.parametrize(
    "raw",
    [b"", b"no tar at all" * 100, gzip.compress(b"x" * 4096)[:-12], b"\x1f\x8bnonsense"],
    ids=["nothing", "text", "half a gzip", "nonsense"],
)
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


def test_one_directory_spelled_in_many_ways(tmp_path: Path) -> None:
    """Directories that are known by what was written before the last slash are still the ones that were meant."""
    names = ["d/e/", "d/e/a", "./d/e/b", "d//e/c", "d/e/./d", "/d/e/e", "d/", "d/f", "d/.", "d/g", "e/", "e/a", "./", "a"]
    kinds = [tarfile.DIRTYPE if name.endswith(("/", ".")) else tarfile.REGTYPE for name in names]
    layer = unpack(tmp_path, *(entry(name, kind) for name, kind in zip(names, kinds, strict=True)))
    found = sorted(str(path.relative_to(layer)) for path in layer.rglob("*") if path.is_file())
    assert found == ["a", "d/e/a", "d/e/b", "d/e/c", "d/e/d", "d/e/e", "d/f", "d/g", "e/a"]


def test_deep_directories(tmp_path: Path) -> None:
    layer = unpack(tmp_path, entry("/".join("d" * 200) + "/f", content=b"x"))
    assert (layer / "d/d/d").is_dir()


def test_directories_that_are_too_deep(tmp_path: Path) -> None:
    """No path in the store gets longer than the kernel takes; a directory that goes may be as deep as one that is there."""
    with pytest.raises(StoreDamaged, match="a directory whose path has more than 3584 bytes"):
        unpack(tmp_path, entry("d/" * 1793 + "f", content=b"x"))
    assert list((tmp_path / "storage/layers").iterdir()) == []
    layer = unpack(tmp_path, entry("a/" + "d/" * 1700 + "f", content=b"x"), entry("a", content=b"a file now"))
    assert (layer / "a").read_bytes() == b"a file now"


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


def made_by(tool: list[str], source: Path, tmp_path: Path) -> Path:
    """Return what the archive that a tool makes of a directory becomes here."""
    data = subprocess.run([*tool, "-C", str(source), "."], capture_output=True, check=True).stdout
    store = LayerStore(tmp_path / "storage")
    return store.directory / "layers" / store.add("sha256:" + hashlib.sha256(data).hexdigest(), lambda: io.BytesIO(data))


def facts(path: Path) -> dict[bytes, tuple[object, ...]]:
    """Return all that can be seen of a tree: kinds, owners, times to the nanosecond, contents, links, attributes."""
    root = os.fsencode(path)
    found: dict[bytes, tuple[object, ...]] = {}
    inodes: dict[int, bytes] = {}
    for where, directories, files in os.walk(root):
        for name in sorted(directories + files):
            full = os.path.join(where, name)
            status = os.lstat(full)
            short = full[len(root) :]
            first = inodes.setdefault(status.st_ino, short)
            content: object = None
            if stat.S_ISREG(status.st_mode):
                content = Path(os.fsdecode(full)).read_bytes()
            elif stat.S_ISLNK(status.st_mode):
                content = os.readlink(full)
            time = 0 if stat.S_ISLNK(status.st_mode) else status.st_mtime_ns
            names = os.listxattr(full, follow_symlinks=False)
            attributes = tuple(sorted((name, os.getxattr(full, name, follow_symlinks=False)) for name in names))
            owner = (status.st_uid, status.st_gid)
            found[short] = (status.st_mode, owner, time, content, first, status.st_rdev, attributes)
    return found


def test_all_that_a_tree_can_hold(tmp_path: Path) -> None:
    source = tmp_path / "source"
    long = source / ("directory-" + "x" * 200)
    long.mkdir(parents=True)
    (long / ("file-" + "y" * 240)).write_text("long names")
    (source / ("link-" + "z" * 150)).symlink_to("t" * 180)
    os.link(long / ("file-" + "y" * 240), source / "hard")
    bytes_only = os.path.join(os.fsencode(source), b"\xff\xfe not UTF-8")
    os.close(os.open(bytes_only, os.O_CREAT | os.O_WRONLY))
    os.utime(bytes_only, ns=(1_500_000_000_123_456_789, 1_500_000_000_123_456_789))
    os.mknod(source / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mkfifo(source / "pipe")
    with (source / "sparse").open("wb") as file:
        file.seek(50 << 20)
        file.write(b"end of a hole")
        file.truncate(60 << 20)
    (source / "program").write_bytes(b"\x7fELF")
    os.chown(source / "program", 12345, 54321)
    (source / "program").chmod(0o6755)
    os.setxattr(source / "program", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
    os.setxattr(source / "hard", "user.odd", b"any\nbytes\x00=\xff")
    old = source / "old"
    old.write_text("before 1970")
    os.utime(old, (-1_000_000, -1_000_000))

    pax = ["tar", "-c", "--sparse", "--xattrs", "--xattrs-include=*", "--format=pax"]
    layer = made_by(pax, source, tmp_path)
    assert facts(layer) == facts(source)
    assert (layer / "sparse").stat().st_blocks < 1000
    for version in ("0.0", "0.1", "1.0"):
        layer = made_by([*pax, f"--sparse-version={version}", f"--transform=s/hard/hard{version}/"], source, tmp_path)
        sparse = layer / "sparse"
        assert (sparse.read_bytes(), sparse.stat().st_blocks < 1000) == ((source / "sparse").read_bytes(), True)
    gnu = made_by(["tar", "-c", "--sparse", "--format=gnu"], source, tmp_path)
    for path, seen in facts(gnu).items():
        assert seen[:2] == facts(source)[path][:2]
        assert seen[3:6] == facts(source)[path][3:6]
    assert (gnu / "sparse").stat().st_blocks < 1000


@pytest.mark.parametrize("compress", ["gzip", "zstd", "two members", "two frames"])
def test_compressions(tmp_path: Path, compress: str) -> None:
    data = archive(entry("f", content=os.urandom(3 << 20)))
    half = len(data) // 2
    zstd = zstandard.ZstdCompressor().compress
    raw = {
        "gzip": lambda: gzip.compress(data),
        "two members": lambda: gzip.compress(data[:half]) + gzip.compress(data[half:]),
        "zstd": lambda: zstd(data),
        "two frames": lambda: zstd(data[:half]) + zstd(data[half:]),
    }[compress]()
    store = LayerStore(tmp_path / "storage")
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    name = store.add(digest, lambda: io.BytesIO(raw))
    assert (store.directory / "layers" / name / "f").stat().st_size == 3 << 20
    for damaged in (raw[:-9], raw[: len(raw) // 2], raw[:1000] + b"\0\1\2" + raw[1003:]):
        with pytest.raises(StoreDamaged):
            LayerStore(tmp_path / "other").add(digest, lambda raw=damaged: io.BytesIO(raw))
    assert list((tmp_path / "other/layers").iterdir()) == []


def test_a_window_that_would_take_all_memory(tmp_path: Path) -> None:
    greedy = zstandard.ZstdCompressionParameters(window_log=30)
    writer = zstandard.ZstdCompressor(compression_params=greedy).compressobj()
    raw = writer.compress(archive(entry("f", content=b"x"))) + writer.flush()
    with pytest.raises(StoreDamaged, match="too much memory"):
        LayerStore(tmp_path / "storage").add("sha256:" + "0" * 64, lambda: io.BytesIO(raw))


def test_random_damage_changes_nothing_outside_and_is_always_named(tmp_path: Path) -> None:
    """Fuzz: an archive with everything in it, with a few bytes changed, checksums mended; it is taken or it is refused."""
    random = Random(20)
    plain = archive(
        entry("d", tarfile.DIRTYPE), entry("d/f", content=b"x" * 700), entry("d/l", tarfile.SYMTYPE, linkname="/"),
        entry("h", tarfile.LNKTYPE, linkname="d/f"), entry("n" * 150, content=b"y"), entry("d/.wh.g"),
        entry("x", content=b"x", pax_headers={"SCHILY.xattr.user.a": "b", "mtime": "1.5"}),
    )  # fmt: skip
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    taken = 0
    for number in range(400):
        data = bytearray(plain)
        for _ in range(random.randrange(1, 6)):
            data[random.randrange(len(data))] = random.choice(b"\0/.0179xS\xff" + bytes([random.randrange(256)]))
        for block in range(0, len(data), 512):  # a header whose checksum is right gets further
            header = data[block : block + 512]
            if header[257:262] == b"ustar":
                header[148:156] = b" " * 8
                data[block + 148 : block + 156] = b"%06o\0 " % sum(header)
        store = LayerStore(tmp_path / str(number % 8))
        try:
            store.add("sha256:" + hashlib.sha256(data).hexdigest(), lambda data=bytes(data): io.BytesIO(data))
            taken += 1
        except StoreDamaged as error:
            assert str(error)
    assert 20 < taken < 380
    assert victim.read_text() == "untouched"
    assert {path.name for path in tmp_path.iterdir()} == {"victim", *map(str, range(8))}


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    data = archive(entry("f", content=os.urandom(2 << 20)))
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    with small_disk(tmp_path / "disk", "1m") as disk:
        store = LayerStore(disk / "storage")
        with pytest.raises(StoreFull, match=r"no room for layer .* `labcore system prune`") as raised:
            store.add(digest, lambda: io.BytesIO(data))
        assert raised.value.errno == errno.ENOSPC
        assert list((disk / "storage/layers").iterdir()) == []
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        assert store.add(digest, lambda: io.BytesIO(data))


def test_more_directories_than_may_be_open(tmp_path: Path) -> None:
    names = [f"{number}/inner" for number in range(1500)]
    layer = unpack(tmp_path, *(entry(name, tarfile.DIRTYPE, mtime=1000 + at) for at, name in enumerate(names)))
    assert [(layer / name).stat().st_mtime for name in names] == [1000 + at for at in range(1500)]

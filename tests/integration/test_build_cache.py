"""The build cache: records, what they keep from collections, prune, damage, and two processes at once."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from labcore.builder.parser.instructions import RunMount
from labcore.engine import Engine
from labcore.engine.build_cache import BuildCache, CacheRecord
from labcore.engine.fsck import check, repair
from labcore.engine.image.remove import remove_image
from labcore.engine.prune import collected
from labcore.engine.prune_cache import Space, prune_cache
from labcore.errors import InvalidInput
from labcore.spec import Reference
from labcore.storage.layers import layer_id
from tests.builds import base, clean, made, put, run
from tests.conftest import needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")
A, B, C = ("sha256:" + letter * 64 for letter in "abc")


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


def keys(cache: BuildCache) -> list[str]:
    return [record.key for record in cache.records()]


def test_a_record_is_found_and_counted(own: Engine) -> None:
    cache = own.build_cache
    assert cache.find(A) is None
    assert cache.records() == []
    assert cache.remove([A]) == []
    cache.put(CacheRecord(A, parent_key=B, description="RUN true"))
    first = cache.find(A)
    assert first
    assert (first.uses, first.parent_key, first.description, first.layer) == (1, B, "RUN true", None)
    second = cache.find(A)
    assert second
    assert second.uses == 2
    assert second.created == first.created <= first.last_used <= second.last_used
    assert cache.records() == [second]
    with pytest.raises(InvalidInput, match="is no key of the build cache"):
        cache.find("../../escape")


def test_what_is_cached_stays_and_goes_with_its_record(own: Engine) -> None:
    layer = made(own, "echo x > /x")
    assert layer
    remove_image(own, "busybox")
    collected(own)
    assert own.layers.has(layer.diff_id)
    assert own.images.has_blob(layer.descriptor.digest, layer.descriptor.size)
    assert own.layers.ids() == [layer_id(layer.diff_id)]
    assert clean(own)
    [gone] = own.build_cache.remove([layer.diff_id])
    assert gone.diff_id == layer.diff_id
    collected(own)
    assert not own.layers.ids()
    assert not list(own.images.blobs.digests())
    assert clean(own)


def test_what_a_build_uses_is_not_removed(own: Engine) -> None:
    cache, other = own.build_cache, Engine(own.root).build_cache
    for key in (A, B):
        cache.put(CacheRecord(key))
    with cache.using():
        assert cache.find(A)
        cache.put(CacheRecord(C))
        assert other.in_use() == {A, C}
        assert [record.key for record in other.remove([A, B, C])] == [B]
    assert other.in_use() == set()
    assert [record.key for record in other.remove([A, B, C])] == [A, C]


def test_layers_of_a_build_stay(own: Engine) -> None:
    ids = base(own)
    with own.build_cache.using():
        own.build_cache.keep_layers(ids)
        remove_image(own, "busybox")
        collected(own)
        assert own.layers.ids() == ids
    collected(own)
    assert own.layers.ids() == []


def test_what_another_record_was_made_on_stays(own: Engine) -> None:
    cache = own.build_cache
    cache.put(CacheRecord(A))
    cache.put(CacheRecord(B, parent_key=A))
    cache.put(CacheRecord(C, parent_key=B))
    assert cache.remove([A, B]) == []
    assert {record.key for record in cache.remove([B, C])} == {B, C}
    assert {record.key for record in cache.remove([A])} == {A}


def timed(cache: BuildCache, key: str, hour: int, parent: str = "", size: int = 10) -> None:
    cache.put(
        CacheRecord(key, parent_key=parent, size=size, created="2026-01-01T00:00:00Z", last_used=f"2026-01-01T0{hour}:00:00Z")
    )


def test_prune_begins_with_what_nothing_was_made_on(own: Engine) -> None:
    cache, d, e = own.build_cache, "d" * 64, "e" * 64
    timed(cache, A, 1)
    timed(cache, B, 2, A)
    timed(cache, C, 3, B)
    timed(cache, d, 4, A)
    timed(cache, e, 5, size=100)
    assert prune_cache(own, space=Space(most=125)).keys == (C, B)[::-1]
    assert keys(cache) == [d, e, A]
    assert prune_cache(own, space=Space(most=125, reserved=1000)).keys == ()
    assert prune_cache(own, wanted=lambda record: record.key in (A, e)).keys == (e,)
    with cache.using():
        assert cache.find(d)
        assert prune_cache(own, every=True).keys == ()
    assert set(prune_cache(own, every=True).keys) == {A, d}


def test_prune_frees_what_only_the_cache_has(own: Engine) -> None:
    layer = made(own, "head -c 100000 /dev/zero > /x")
    run(own, "head -c 200000 /dev/zero > /c/x", mounts=[RunMount("cache", target="/c")])
    assert layer
    image = own.images.get(Reference.parse("busybox"))
    config = image.config.replace(diff_ids=(*image.config.diff_ids, layer.diff_id), history=())
    own.images.put_image(Reference.parse("derived"), [*image.layers, layer.descriptor], config)
    pruned = prune_cache(own)
    assert len(pruned.keys) == 1
    assert 200_000 <= pruned.freed < 300_000
    assert own.build_cache.find(layer.diff_id)
    assert prune_cache(own, every=True).keys == (layer.diff_id,)
    assert own.layers.has(layer.diff_id)
    assert clean(own)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"[]", b"{", b'{"format": 2, "record": {"key": "KEY"}}', b'{"format": 1}', b"[" * 100_000,
        b'{"format": 1, "record": {"key": "KEY", "later": 1}}', b'{"format": 1, "record": {"key": 3}}',
        b'{"format": 1, "record": {"key": "KEY", "diff_id": "../../x"}}',
        b'{"format": 1, "record": {"key": "KEY", "layer": {"media_type": "x", "digest": "sha256:../../x", "size": 1}}}',
        b'{"format": 1, "record": {"key": "another"}}',
    ],
)  # fmt: skip
def test_a_damaged_record_is_as_if_it_was_not_there(own: Engine, content: bytes) -> None:
    cache = own.build_cache
    cache.put(CacheRecord(B))
    place = own.root / "builder" / "cache" / f"{A}.json"
    place.write_bytes(content.replace(b"KEY", A.encode()))
    assert cache.find(A) is None
    collected(own)
    assert clean(own)
    assert A not in keys(cache)
    cache.put(CacheRecord(A))
    assert keys(cache) == [A, B]


def test_a_record_whose_blob_is_gone(own: Engine) -> None:
    layer = made(own, "echo x > /x")
    assert layer
    own.images.blob_path(layer.descriptor).unlink()
    assert own.build_cache.find(layer.diff_id) is None


def test_fsck_looks_at_cached_layers(own: Engine) -> None:
    layer = made(own, "echo right > /x")
    assert layer
    place = own.root / "storage" / "layers" / layer_id(layer.diff_id)
    (place / "x").write_text("wrong\n")
    findings = check(own)
    assert [(each.layer, each.what) for each in findings.layers] == [(place.name, ("/x has another content",))]
    repair(own, findings)
    found = own.build_cache.find(layer.diff_id)
    assert found
    assert found.layer
    own.layers.add(found.diff_id, lambda: own.images.blob_path(layer.descriptor).open("rb"))
    assert (place / "x").read_text() == "right\n"
    assert clean(own)


def test_cache_mounts_are_records_too(own: Engine) -> None:
    mount = RunMount("cache", target="/c")
    for _ in range(2):
        run(own, "head -c 100000 /dev/zero > /c/file", mounts=[mount])
    [record] = own.build_cache.records()
    assert (record.kind, record.description, record.uses) == ("exec.cachemount", "cache mount /c", 2)
    assert 100_000 <= record.size < 200_000
    assert record.created <= record.last_used
    assert own.build_cache.in_use() == set()

    def used() -> None:
        run(own, "touch /c/ready; while test -e /c/ready; do sleep 0.02; done", mounts=[mount])

    thread = threading.Thread(target=used)
    thread.start()
    [place] = (own.root / "builder" / "mounts").glob("*/0")
    while not (place / "ready").exists():
        pass
    assert own.build_cache.in_use() == {record.key}
    assert own.build_cache.remove([record.key]) == []
    (place / "ready").unlink()
    thread.join(30)
    assert [gone.key for gone in own.build_cache.remove([record.key])] == [record.key]
    assert not place.exists()
    assert own.build_cache.records() == []


WRITER = """
import sys
from labcore.engine import Engine
from labcore.engine.build_cache import CacheRecord
cache = Engine(sys.argv[1]).build_cache
for number in range(200):
    key = f"sha256:{number % 10:064}"
    with cache.using():
        cache.put(CacheRecord(key, description=sys.argv[2]))
        assert cache.find(key), key
    cache.remove([f"sha256:{(number + 5) % 10:064}"])
"""


def test_two_processes_at_once(own: Engine) -> None:
    both = [subprocess.Popen([sys.executable, "-c", WRITER, own.root, name]) for name in ("one", "two")]
    assert [process.wait(120) for process in both] == [0, 0]
    assert not list((own.root / "builder" / "cache").glob(".*"))
    assert all(record.description in ("one", "two") for record in own.build_cache.records())
    for path in (own.root / "builder" / "cache").glob("*.json"):
        json.loads(path.read_text())


def test_a_full_disk_is_no_reason_to_miss(own: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    own.build_cache.put(CacheRecord(A))
    monkeypatch.setattr("labcore.engine.build_cache.atomic_write", full)
    found = own.build_cache.find(A)
    assert found


def full(path: Path, *_: object, **__: object) -> None:
    raise OSError(28, "No space left on device", str(path))


def test_an_image_of_a_cached_layer_can_be_removed(own: Engine) -> None:
    layer = made(own, "echo x > /x")
    assert layer
    image = own.images.get(Reference.parse("busybox"))
    config = image.config.replace(diff_ids=(*image.config.diff_ids, layer.diff_id), history=())
    own.images.put_image(Reference.parse("derived"), [*image.layers, layer.descriptor], config)
    put(own, layer)
    remove_image(own, "derived")
    assert own.build_cache.find(layer.diff_id)
    assert clean(own)

"""Layers of a build: an upper directory becomes a layer as unpacking its archive would have made it; archives; both drivers."""

import io
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from labcore.builder.layers import NewLayer, layer_of_archive
from labcore.engine import Engine
from labcore.engine.prune import collected
from labcore.errors import InvalidInput, StoreDamaged, StoreFull
from labcore.storage.layers import layer_id
from tests.builds import base, clean, made, put
from tests.conftest import needs_root, small_disk

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


def names(engine: Engine, layer: NewLayer) -> list[str]:
    with tarfile.open(engine.images.blob_path(layer.descriptor)) as archive:
        return archive.getnames()


EVERYTHING = """
mkdir -p /new/deep; echo one > /new/deep/file; ln /new/deep/file /new/link; ln -s /nowhere /new/dangling; mkfifo /new/fifo
chmod 4750 /new/deep/file; chown 7:8 /new/deep; chmod 1770 /new/deep; touch -d '2001-02-03 04:05:06' /new/deep/file
rm /etc/passwd; rm -r /home; rm -r /var; mkdir /var; echo x > /var/x; truncate -s 1M /new/sparse
rm -r /usr; echo file > /usr; printf 'long' > /new/$(printf '%0180d' 7)
"""


def test_an_upper_directory_is_as_its_archive_is_unpacked(own: Engine, storage: str) -> None:
    layer = made(own, EVERYTHING)
    assert layer
    assert layer.descriptor.digest == layer.diff_id
    assert layer.size == len("one\nx\nfile\nlong") + (1 << 20)
    assert own.layers.size(layer.diff_id) == layer.size
    found = names(own, layer)
    assert {"new/deep/file", "new/link", "new/fifo", "etc/.wh.passwd", ".wh.home", "usr"} <= set(found)
    assert "new/.wh..wh..opq" not in found  # it hides nothing
    assert (storage == "copy") or "var/.wh..wh..opq" in found
    assert clean(own)
    again = made(
        own,
        "test ! -e /home; test -f /usr; test $(ls /var) = x; cat /new/link >/c",
        layers=[*base(own), layer_id(layer.diff_id)],
    )
    assert again
    assert names(own, again) == ["c"]
    assert clean(own)


def test_nothing_changed_is_no_layer(own: Engine, storage: str) -> None:
    assert made(own, "true; cat /etc/hosts /etc/resolv.conf /etc/hostname > /dev/null") is None
    assert clean(own)


def test_files_that_were_bound_leave_no_trace(own: Engine, storage: str) -> None:
    layer = made(own, "echo mine > /etc/own")
    assert layer
    assert names(own, layer) == ["etc", "etc/own"]
    assert clean(own)


def test_the_same_files_give_the_same_layer(own: Engine, storage: str) -> None:
    script = "mkdir -p /a/b; echo x > /a/b/c; touch -d @7 /a/b/c /a/b /a"
    first, second = made(own, script), made(own, script)
    assert first == second
    assert clean(own)


def test_an_epoch_clamps_times(own: Engine, storage: str) -> None:
    script = "mkdir /a; echo x > /a/new; echo y > /a/old; touch -d @500 /a/old"
    first = made(own, script, epoch=1000)
    time.sleep(0.01)
    second = made(own, script, epoch=1000)
    assert first
    assert first == second
    with tarfile.open(own.images.blob_path(first.descriptor)) as archive:
        assert [member.mtime for member in archive] == [1000, 1000, 500]
    assert clean(own)


def test_a_changed_top_directory_is_in_the_layer(own: Engine, storage: str) -> None:
    layer = made(own, "chmod 700 /")
    assert layer
    assert names(own, layer) == ["."]
    assert clean(own)
    upper = made(own, "stat -c %a / > /mode", layers=[*base(own), layer_id(layer.diff_id)])
    assert upper
    with tarfile.open(own.images.blob_path(upper.descriptor)) as archive:
        member = archive.extractfile("mode")
        assert member
        assert member.read() == b"700\n"
    assert clean(own)


def test_a_socket_is_left_out(own: Engine, storage: str) -> None:
    layer = made(own, "echo x > /x; nc -l -p 1 -s 127.0.0.1 & nc -lU /socket & sleep 0.2; kill %1 %2 || true")
    assert layer
    assert names(own, layer) == ["x"]
    assert clean(own)


def test_a_name_that_would_delete_is_refused(own: Engine) -> None:
    with pytest.raises(InvalidInput, match=r"/\.wh\.x: in a layer this name would delete another file"):
        made(own, "touch /.wh.x")
    collected(own)
    assert clean(own)


def archive(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


@pytest.mark.parametrize("size", [10, 5 << 20])
def test_an_archive_is_stored_and_unpacked(own: Engine, size: int) -> None:
    content = archive({"a": b"x" * size, "deep/b": b"y"})
    with own.images.using(), own.layers.using():
        layer = layer_of_archive(own, (content[at : at + 65536] for at in range(0, len(content), 65536)))
        put(own, layer)
    assert layer.size == size + 1
    assert own.layers.has(layer.diff_id)
    assert clean(own)


@pytest.mark.parametrize("size", [10, 5 << 20])
def test_a_bad_archive_leaves_nothing(own: Engine, size: int) -> None:
    content = archive({"a": b"x" * size, "../b": b"y"})
    with own.images.using(), pytest.raises(StoreDamaged, match="leads upwards"):
        layer_of_archive(own, iter([content]))
    collected(own)
    assert clean(own)


KILLED = """
import os, signal, sys
from itertools import count
from tests.builds import made
from labcore.engine import Engine
engine = Engine(sys.argv[1])
for moment in count(1):
    if not (pid := os.fork()):
        passed = count(1)
        def at(event, arguments):
            if event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.removexattr") and next(passed) == 4 * moment:
                os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(at)
        made(engine, "for i in 1 2 3; do mkdir /d$i; echo $i > /d$i/f; done; rm -r /home")
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL, status
print(moment)
"""


def test_killed_at_any_moment_nothing_is_half_there(own: Engine) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, own.root], check=True, capture_output=True, text=True)
    assert int(done.stdout) > 5
    assert made(own, "true") is None  # whoever comes next removes what was left
    collected(own)
    assert clean(own)


def test_a_layer_that_is_there_already_stays(own: Engine) -> None:
    script = "echo x > /x; touch -d @7 /x"
    first = made(own, script)
    assert first
    place = own.root / "storage" / "layers" / layer_id(first.diff_id)
    before = place.stat().st_ino
    assert made(own, script) == first
    assert place.stat().st_ino == before
    assert clean(own)


def test_a_full_disk_is_said_and_leaves_nothing_half_there(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "24m") as place:
        own = Engine(place / "root")
        own.seed("busybox")
        assert made(own, "head -c 99000000 /dev/zero > /big && echo 'there was room' || rm /big") is None
        with pytest.raises(StoreFull, match="no room for a blob"):
            made(own, "head -c 12000000 /dev/urandom > /big")
        collected(own)
        assert clean(own)
        assert made(own, "echo small > /small")
        own.networks.close()

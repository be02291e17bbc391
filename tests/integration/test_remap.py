"""Containers whose users are others outside, on layers that they share with containers of all kinds."""

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

import labcore
from labcore.engine import Engine
from labcore.errors import StepFailed
from labcore.native import PIPE
from labcore.runtime import make_plan, spawn
from labcore.spec import ContainerSpec, IdRange, OverlayRoot
from labcore.storage import LayerStore
from tests.conftest import needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")
IDS = IdRange(inside=0, outside=200_000, size=65_536)


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


def test_root_inside_is_nobody_outside(engine: Engine) -> None:
    plan = labcore.plan("busybox", ["sh", "-c", "id -u; cat /proc/self/uid_map; read line"], root=engine.root, remap=IDS)
    with spawn(plan, stdin=PIPE, stdout=PIPE) as process:
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert f"Uid:\t{IDS.outside}\t" in status
        out, _ = process.communicate(b"\n", 10)
    assert out.split() == [b"0", b"0", b"200000", b"65536"]


@pytest.mark.parametrize("path", ["/bin:/sbin", "/sbin:/bin:/usr/bin", "/sbin:/bin"])
def test_a_program_is_found_wherever_on_path_it_lies(engine: Engine, path: str) -> None:
    """The monitor tries one place after another; that some are left untried is no failure."""
    done = labcore.run("busybox", ["sh", "-c", "exit 5"], root=engine.root, remap=IDS, env={"PATH": path})
    assert done.exit_code == 5
    with pytest.raises(StepFailed, match="there is no nosuch in any directory of PATH"):
        labcore.run("busybox", ["nosuch"], root=engine.root, remap=IDS, env={"PATH": path})


def test_files_belong_to_the_containers_root_and_can_be_changed(engine: Engine) -> None:
    script = (
        "stat -c '%u %g' /bin/busybox; echo new > /etc/passwd && chown 5:6 /etc/passwd && stat -c '%u %g' /etc/passwd; ls /dev"
    )
    done = labcore.run("busybox", ["sh", "-c", script], root=engine.root, remap=IDS)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.decode().split("\n")
    assert lines[:2] == ["0 0", "5 6"]
    assert {"null", "tty", "shm", "pts"} <= set(lines)


def test_the_kernel_is_out_of_reach(engine: Engine) -> None:
    """What root may do to the machine it may not do here, whatever capabilities it is left."""
    script = "echo 1 > /proc/sys/vm/drop_caches; hostname changed && hostname; mknod /x c 1 3"
    done = labcore.run("busybox", ["sh", "-c", script], root=engine.root, remap=IDS, privileged=True)
    assert done.stdout == b"changed\n"
    assert done.stderr.count(b"ermi") >= 2


def layer(*entries: tuple[str, bytes | None]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, content in entries:
            member = tarfile.TarInfo(name)
            if content is None:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            else:
                member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content or b""))
    return file.getvalue()


@pytest.fixture
def stacked(engine: Engine, tmp_path: Path) -> ContainerSpec:
    """A container on three layers, of which the topmost removes a file and hides a directory's old content."""
    base = engine.spec("busybox", ["sh"])
    assert isinstance(base.root, OverlayRoot)
    lower = layer(("d", None), ("d/old", b"old"), ("gone", b"gone"), ("stays", b"stays"))
    upper = layer((".wh.gone", b""), ("d", None), ("d/.wh..wh..opq", b""), ("d/new", b"new"))
    store = LayerStore(Path(base.root.directory))
    ids = [
        store.add(f"sha256:{hashlib.sha256(tar).hexdigest()}", lambda t=tar: io.BytesIO(gzip.compress(t)))
        for tar in (lower, upper)
    ]  # type: ignore[misc]
    root = store.overlay([*(name.rpartition("/")[2] for name in base.root.layers), *ids])
    return base.replace(root=root, argv=("sh", "-c", "ls / | grep -E 'gone|stays'; ls /d"))


@pytest.mark.parametrize("remap", [False, True], ids=["plain", "remapped"])
def test_deleted_files_stay_deleted(stacked: ContainerSpec, engine: Engine, remap: bool) -> None:
    """In a user namespace overlayfs reads user.* attributes: a layer that has only trusted.* would show what it hides again."""
    spec = stacked
    if remap:
        model = engine.spec("busybox", ["sh"], remap=IDS)
        kept = {name: getattr(model, name) for name in ("namespaces", "uid_map", "gid_map", "mounts", "devices", "sysctls")}
        spec = stacked.replace(**kept)
    with spawn(make_plan(spec), stdout=PIPE) as process:
        out, _ = process.communicate(b"", 10)
    assert out.split() == [b"stays", b"new"]


def test_the_host_keeps_its_files(stacked: ContainerSpec) -> None:
    assert isinstance(stacked.root, OverlayRoot)
    for name in stacked.root.layers:
        assert os.stat(Path(stacked.root.directory, name)).st_uid == 0

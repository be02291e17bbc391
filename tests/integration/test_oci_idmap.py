"""Mounts whose files have other owners inside than on the disk: `mounts[].uidMappings`, `idmap` and `ridmap` (config.md)."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labcore.runtime.oci.example import features
from tests.integration.test_oci import Bundle, bundle, rootfs  # noqa: F401  fixtures

pytestmark = pytest.mark.usefixtures("nothing_left")

OVERFLOW = 65534
LOOK = ("sh", "-c", "cd /vol && stat -c %u:%g . file below/file; touch new && stat -c %u:%g new")


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A directory whose files are 100's, with a mount below it."""
    made = tmp_path / "volume"
    (made / "below").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    for path in (made / "file", tmp_path / "other/file"):
        path.touch()
        os.chown(path, 100, 200)
    os.chown(made, 100, 200)
    return made


def mapped(*options: str, uids: tuple[int, int, int] | None = None, gids: tuple[int, int, int] | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"source": "volume", "destination": "/vol", "options": list(options)}
    for name, numbers in (("uidMappings", uids), ("gidMappings", gids)):
        if numbers:
            made[name] = [dict(zip(("containerID", "hostID", "size"), numbers, strict=True))]
    return made


def look(bundle: Bundle, mount: dict[str, Any]) -> list[str]:  # noqa: F811
    """Return the owners of the volume, of its file, and of that on the mount below it."""
    bundle.config["mounts"].append(mount)
    script = f'mount --bind {bundle.directory}/other {bundle.directory}/volume/below && exec "$@"'
    before = ("unshare", "-m", "sh", "-c", script, "sh")
    said = bundle.program(*LOOK[:2], LOOK[2].partition(";")[0])("run", bundle.name, before=before)
    bundle.config["mounts"].remove(mount)
    return said.split()


@pytest.mark.usefixtures("volume")
def test_owners_are_mapped_as_the_mount_says(bundle: Bundle) -> None:  # noqa: F811
    own = {"uids": (100, 7000, 10), "gids": (200, 8000, 10)}
    assert look(bundle, mapped("rbind", **own)) == ["7000:8000", "7000:8000", "100:200"]
    assert look(bundle, mapped("rbind", "idmap", **own)) == ["7000:8000", "7000:8000", "100:200"]
    assert look(bundle, mapped("rbind", "ridmap", **own)) == ["7000:8000"] * 3


def test_what_is_written_belongs_on_disk_to_whom_it_is_mapped_from(bundle: Bundle, volume: Path) -> None:  # noqa: F811
    volume.chmod(0o777)
    bundle.config["mounts"].append(mapped("bind", uids=(100, 7000, 10), gids=(200, 8000, 10)))
    bundle.config["process"]["user"] = {"uid": 7003, "gid": 8004}
    bundle.run("touch", "/vol/new")
    status = (volume / "new").stat()
    assert (status.st_uid, status.st_gid) == (103, 204)
    bundle.config["process"]["user"] = {"uid": 6000, "gid": 6000}
    assert "Value too large" in bundle.run("touch", "/vol/other", status=1)


@pytest.mark.usefixtures("volume")
def test_owners_are_mapped_into_the_user_namespace(bundle: Bundle, rootfs: Path) -> None:  # noqa: F811
    bundle.config["linux"]["namespaces"].append({"type": "user"})
    for name in ("uidMappings", "gidMappings"):
        bundle.config["linux"][name] = [{"containerID": 0, "hostID": 100_000, "size": 65536}]
    subprocess.run(["chown", "-R", "-h", "100000:100000", rootfs], check=True)
    for path in (rootfs, *rootfs.parents):
        if str(path).startswith("/tmp/"):
            path.chmod(0o755)
    assert look(bundle, mapped("rbind", "idmap")) == ["100:200", "100:200", f"{OVERFLOW}:{OVERFLOW}"]
    assert look(bundle, mapped("rbind", "ridmap")) == ["100:200"] * 3
    own = {"uids": (100, 100_001, 10), "gids": (200, 100_002, 10)}
    assert look(bundle, mapped("rbind", **own)) == ["1:2", "1:2", f"{OVERFLOW}:{OVERFLOW}"]


@pytest.mark.usefixtures("volume")
def test_maps_that_cannot_be(bundle: Bundle) -> None:  # noqa: F811
    def said(mount: dict[str, Any]) -> str:
        bundle.config["mounts"].append(mount)
        try:
            return bundle.run("true", status=1)
        finally:
            bundle.config["mounts"].remove(mount)

    assert "has both uidMappings and gidMappings" in said(mapped("bind", uids=(0, 1, 1)))
    assert "idmap needs uidMappings and gidMappings, or a user namespace" in said(mapped("bind", "idmap"))
    tmpfs = mapped(uids=(0, 1, 1), gids=(0, 1, 1)) | {"type": "tmpfs"}
    assert "only a bind mount can be id-mapped" in said(tmpfs)
    twice = mapped("bind", uids=(0, 1, 5), gids=(0, 1, 5))
    twice["uidMappings"] *= 2
    assert "/volume: uidMappings: the kernel does not take them" in said(twice)
    proc = mapped("bind", uids=(0, 1, 5), gids=(0, 1, 5)) | {"source": "/proc"}
    assert "/proc: its file system maps no owners" in said(proc)
    assert bundle("list", "--quiet") == ""


def test_features_tell_of_it() -> None:
    found = features()
    assert found["linux"]["mountExtensions"]["idmap"]["enabled"]
    assert {"idmap", "ridmap"} <= set(found["mountOptions"])

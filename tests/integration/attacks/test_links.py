"""Links of an image that lie in the way to a place on which something is mounted, or which is made, with all rights yet."""

import os
from pathlib import Path

import pytest

from labcore.native import program
from labcore.spec import DEFAULT_MOUNTS, MountPoint
from tests.integration.attacks.conftest import Box, in_a_user_namespace, unchanging
from tests.integration.test_oci import Bundle

pytestmark = pytest.mark.usefixtures("nothing_left")


def mounted_below(bundle: Bundle, image: Path, link: str) -> str:
    (image / "data").symlink_to(link)
    bundle.config["root"]["path"] = str(image)
    bundle.config["mounts"].append({"destination": "/data/made/here", "type": "tmpfs", "source": "tmpfs"})
    return bundle.program("true")("run", bundle.name, status=None)


def test_a_link_upwards_stays_inside(bundle: Bundle, image: Path, outside: Path) -> None:
    """An image's link to ../../..: the root has been turned before the first of its paths is followed."""
    (image / str(outside)[1:]).mkdir(parents=True)
    bundle.config["mounts"].pop()  # that of /tmp
    mounted_below(bundle, image, f"../../../../../..{outside}")
    assert list(outside.iterdir()) == []
    assert (image / str(outside)[1:] / "made/here").is_dir()


def test_a_link_upwards_stays_inside_in_a_user_namespace(bundle: Bundle, image: Path, outside: Path) -> None:
    """There /proc can be had only while the old root is to be seen, and `/..` leads there: it is taken in hand before."""
    in_a_user_namespace(bundle)
    mounted_below(bundle, image, f"/..{outside}")
    assert list(outside.iterdir()) == []


def test_a_link_to_another_process_is_not_followed(bundle: Bundle, image: Path, outside: Path) -> None:
    """With the host's processes to be seen, /proc/PID/root is the host's root: directories were made there with all rights."""
    kinds = bundle.config["linux"]["namespaces"]
    bundle.config["linux"]["namespaces"] = [kind for kind in kinds if kind["type"] != "pid"]
    assert "ELOOP" in mounted_below(bundle, image, f"/proc/{os.getpid()}/root{outside}")
    assert list(outside.iterdir()) == []
    bundle.config["mounts"].pop()
    bundle.config["process"]["cwd"] = f"/proc/{os.getpid()}/root{outside}/made"
    assert "ELOOP" in bundle.run("true", status=1)
    assert list(outside.iterdir()) == []


def test_a_link_to_a_volumes_descriptor_is_not_followed(image_box: Box, outside: Path) -> None:
    """Volumes wait as descriptors until they are attached: a read-only one would get a directory through /proc/self/fd."""
    for number in range(3, 12):
        (image_box.root / f"link{number}").symlink_to(f"/proc/self/fd/{number}")
        mounts = (
            *DEFAULT_MOUNTS,
            MountPoint(f"/link{number}/made", "tmpfs"),
            MountPoint("/volume", "bind", str(outside), ("bind", "ro")),
        )
        with pytest.raises(OSError, match=r"ELOOP|ENOENT"):
            image_box("true", mounts=mounts)
    assert list(outside.iterdir()) == []


def test_a_device_in_the_place_of_a_link(bundle: Bundle, image: Path) -> None:
    """A device is to be made where the image has a link to /proc/self/exe: that file's owner and mode would be changed."""
    monitor = Path(program("labcore-monitor"))
    before = unchanging(monitor)
    (image / "node").symlink_to("/proc/self/exe")
    bundle.config["root"]["path"] = str(image)
    bundle.config["linux"]["devices"] = [
        {"path": "/node", "type": "c", "major": 1, "minor": 3, "fileMode": 0o622, "uid": 7, "gid": 7}
    ]
    assert bundle.run("stat", "-c", "%F %a %u", "/node") == "character special file 622 7\n"
    assert unchanging(monitor) == before

"""Ways out of the root: chroot, descriptors, handles, numbers of users, hooks."""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.native import Step
from labcore.runtime import ops
from labcore.runtime.oci.life import Life, WrongState
from labcore.runtime.oci.lifecycle import Runtime
from labcore.runtime.stages import STAGES
from tests.integration.attacks.conftest import EVERYTHING, Box, in_a_user_namespace, start
from tests.integration.test_oci import Bundle

pytestmark = pytest.mark.usefixtures("nothing_left")


def test_chroot_leads_back_to_the_containers_root_only(box: Box) -> None:
    """The classic: a chroot below the working directory, then `..` for ever. Its end is the root of the mount tree."""
    pivoted = box("attack", "chroot").split()
    assert "bin" in pivoted
    assert "boot" not in pivoted
    turned = [ops.Call(chroot_here())]
    stages = {
        "rootfs": lambda spec: [*STAGES["rootfs"](spec)[:-3], *turned],
        "mounts": None,
        "devices": None,
        "protection": None,
    }
    assert "boot" in box("attack", "chroot", stages=stages)  # a root that was made by chroot is left this way


def chroot_here() -> Step:
    return Step("chroot", {"x86_64": 161, "aarch64": 51}[os.uname().machine], (".",))


@pytest.fixture
def lent(tmp_path: Path) -> Iterator[list[int]]:
    """Descriptors of a directory of the host that every child inherits, at many numbers."""
    first = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    made = [first, *(os.dup(first) for _ in range(30))]
    for fd in made:
        os.set_inheritable(fd, True)
    yield made
    for fd in made:
        os.close(fd)


def test_no_descriptor_leaks_in(box: Box, bundle: Bundle, lent: list[int]) -> None:
    """A starter's directory, inherited, is a door to the host: all descriptors are closed before a path is followed."""
    look = "for fd in $(seq 3 64); do ls -d /proc/self/fd/$fd/.. 2>/dev/null; done; true"
    assert box.sh(look) == ""
    assert bundle.program("sh", "-c", look)("run", bundle.name, pass_fds=lent) == ""
    start(bundle, "sleep", "60")
    assert bundle("exec", bundle.name, "sh", "-c", look, pass_fds=lent) == ""
    assert box.sh(look, without="close_range") != ""


def test_no_working_directory_is_a_descriptor(box: Box, bundle: Bundle, lent: list[int]) -> None:
    """An image's working directory is /proc/self/fd/N, and N the runtime's own: CVE-2024-21626."""
    for number in (*range(3, 13), 20, *lent[-2:]):
        directory = f"/proc/self/fd/{number}"
        with pytest.raises(Exception, match=r"ENOENT|ENOTDIR|EACCES|ELOOP"):
            box("pwd", workdir=directory)
    for number in (3, 4, 5, 6, 7, 8, 9, 20):
        bundle.config["process"]["cwd"] = f"/proc/self/fd/{number}"
        assert "started" not in bundle.program("echo", "started")("run", bundle.name, status=None, pass_fds=lent)


def test_a_file_cannot_be_opened_by_its_handle(image_box: Box, tmp_path: Path) -> None:
    """Past all directories, by its number in the file system: what `shocker` did. DAC_READ_SEARCH is not given."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    kind, handle = handle_of(secret)
    assert image_box("attack", "handle", handle.hex(), str(kind)) == "EPERM\n"
    assert image_box("attack", "handle", handle.hex(), str(kind), seccomp=None) == "EPERM\n"
    assert image_box("attack", "handle", handle.hex(), str(kind), seccomp=None, capabilities=EVERYTHING) == "secret"


def handle_of(path: Path) -> tuple[int, bytes]:
    memory = ctypes.create_string_buffer(136)
    ctypes.memmove(memory, (128).to_bytes(4, "little"), 4)
    libc = ctypes.CDLL(None, use_errno=True)
    mount = ctypes.c_int()
    if libc.name_to_handle_at(-100, os.fsencode(path), memory, ctypes.byref(mount), 0):
        pytest.skip(f"needs a file system whose files have handles: {os.strerror(ctypes.get_errno())}")
    size = int.from_bytes(memory.raw[:4], "little")
    return int.from_bytes(memory.raw[4:8], "little"), memory.raw[8 : 8 + size]


# --- rights


def test_a_process_that_joins_a_user_namespace_is_not_root_outside(bundle: Bundle, outside: Path) -> None:
    """By exec: until it becomes root of the namespace, it is the machine's root to every file that it meets."""
    in_a_user_namespace(bundle)
    bundle.config["mounts"].append({"destination": "/mnt", "source": str(outside), "options": ["bind"]})
    outside.chmod(0o755)
    start(bundle, "sleep", "60")
    said = bundle("exec", bundle.name, "sh", "-c", "id -u; touch /mnt/mine", status=1)
    assert said == "0\ntouch: /mnt/mine: Permission denied\n"
    assert list(outside.iterdir()) == []


def test_a_hook_out_of_the_image_has_the_containers_rights(bundle: Bundle, image: Path) -> None:
    """startContainer hooks are programs of the container's root: capabilities, filter, cgroups and user are the container's."""
    (image / "hook").write_text("#!/bin/sh\ncat > /dev/null\n(cat /proc/self/status /proc/self/cgroup; attack calls) > /said\n")
    (image / "hook").chmod(0o755)
    bundle.config["root"]["path"] = str(image)
    bundle.config["hooks"] = {"startContainer": [{"path": "/hook", "env": ["PATH=/bin"]}]}
    own = bundle.run("cat", "/proc/self/status", "/proc/self/cgroup")
    hooks = (image / "said").read_text()
    for line in own.splitlines():
        if line.startswith(("Cap", "Seccomp", "Uid", "NoNewPrivs")) or ":/" in line:
            assert line in hooks.splitlines()
    assert "mount EPERM" in hooks


def test_what_is_executed_next_is_a_living_container(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that ends while a process is about to join it may leave its number to one of the host."""
    start(bundle, "sleep", "60")
    seen = iter(["running"])
    monkeypatch.setattr(Life, "status", lambda _: next(seen, "stopped"))
    with pytest.raises(WrongState, match="nothing can be executed in it any more"):
        Runtime(bundle.state).exec(bundle.name, {**bundle.config["process"], "args": ["true"]})

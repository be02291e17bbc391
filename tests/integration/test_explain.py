"""Failures that really happen, and what is said about them."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labcore.errors import StepFailed
from labcore.native import CloneFlag, MountFlag
from labcore.runtime import Plan, make_plan, ops, spawn
from labcore.spec import BindRoot, ContainerSpec
from tests.conftest import PROJECT, needs_root, within_reach

pytestmark = pytest.mark.usefixtures("nothing_left")
PRIVATE = ops.Mount("none", "/", None, MountFlag.REC | MountFlag.PRIVATE)
OWN_MOUNTS = ops.Clone(CloneFlag.NEWNS)


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


def failure(*plan: ops.Op) -> StepFailed:
    with pytest.raises(StepFailed) as caught:
        spawn(Plan(plan))
    return caught.value


def check(error: StepFailed, number: int, cause: str, cure: str) -> None:
    assert error.errno == number
    assert cause in error.cause, error.cause
    assert cure in error.cure, error.cure
    assert str(error).startswith(f"op {error.index}, ")


def overlay(data: str) -> tuple[ops.Op, ...]:
    scratch = ops.Mount("tmpfs", "/tmp", "tmpfs")
    other = ops.Mount("tmpfs", "/tmp/other", "tmpfs")
    directories = ops.MakeDirectories(("lower", "upper", "work", "root", "other"))
    more = ops.MakeDirectories(("other/work",))
    return (
        OWN_MOUNTS,
        PRIVATE,
        scratch,
        ops.Chdir("/tmp"),
        directories,
        other,
        more,
        ops.Mount("o", "root", "overlay", data=data),
    )


def test_overlay_without_workdir() -> None:
    error = failure(*overlay("lowerdir=lower,upperdir=upper"))
    check(error, errno.EINVAL, "needs a workdir", "workdir=")


def test_overlay_with_work_inside_upper() -> None:
    error = failure(*overlay("lowerdir=lower,upperdir=upper,workdir=upper"))
    check(error, errno.EINVAL, "inside one another", "side by side")


def test_overlay_with_work_on_another_file_system(tmp_path: Path) -> None:
    (tmp_path / "upper").mkdir()
    (tmp_path / "lower").mkdir()
    options = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir=/dev/shm"
    error = failure(OWN_MOUNTS, PRIVATE, ops.Mount("o", str(tmp_path), "overlay", data=options))
    check(error, errno.EINVAL, "must be on one file system", "one directory")


def test_overlay_with_a_missing_layer(tmp_path: Path) -> None:
    error = failure(OWN_MOUNTS, PRIVATE, ops.Mount("o", str(tmp_path), "overlay", data="lowerdir=/nowhere:/nothing"))
    check(error, errno.ENOENT, "/nowhere, /nothing does not exist", "make it first")


def test_mount_on_a_missing_place() -> None:
    check(
        failure(OWN_MOUNTS, PRIVATE, ops.Mount("tmpfs", "/nowhere", "tmpfs")),
        errno.ENOENT,
        "/nowhere does not exist",
        "make it",
    )


def test_mount_of_a_directory_on_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    plan = (OWN_MOUNTS, PRIVATE, ops.Mount("/etc", str(tmp_path / "file"), None, MountFlag.BIND))
    check(failure(*plan), errno.ENOTDIR, "file is a file", "name a directory")


def test_a_link_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "proc").symlink_to("/proc/self/root/tmp")
    made = ops.MakeDirectories((f"{tmp_path}/proc/made",))
    check(failure(OWN_MOUNTS, PRIVATE, made), errno.ELOOP, "a symbolic link lies in the way", "take it out of the image")


def test_an_unknown_file_system(tmp_path: Path) -> None:
    check(
        failure(OWN_MOUNTS, PRIVATE, ops.Mount("x", str(tmp_path), "cheesefs")),
        errno.ENODEV,
        "called cheesefs",
        "modprobe cheesefs",
    )


def test_private_on_what_is_no_mount_point(tmp_path: Path) -> None:
    plan = (OWN_MOUNTS, ops.Mount("none", str(tmp_path), None, MountFlag.PRIVATE))
    check(failure(*plan), errno.EINVAL, "is no mount point", "BIND")


def test_pivot_root_where_the_root_is_already() -> None:
    check(failure(OWN_MOUNTS, PRIVATE, ops.PivotRoot("/", "/")), errno.EBUSY, "is the root already", "BIND")


def test_pivot_root_into_a_plain_directory(tmp_path: Path) -> None:
    plan = (OWN_MOUNTS, PRIVATE, ops.Chdir(str(tmp_path)), ops.PivotRoot(".", "."))
    error = failure(*plan)
    assert error.errno in (errno.EINVAL, errno.EBUSY)
    assert "mount" in error.cause
    assert "BIND" in error.cure


def test_pivot_root_under_shared_propagation(tmp_path: Path) -> None:
    share = ops.Mount("none", "/", None, MountFlag.REC | MountFlag.SHARED)
    bind = ops.Mount(str(tmp_path), str(tmp_path), None, MountFlag.BIND)
    plan = (OWN_MOUNTS, PRIVATE, share, bind, ops.Chdir(str(tmp_path)), ops.PivotRoot(".", "."))
    check(failure(*plan), errno.EINVAL, "are shared with another mount namespace", "PRIVATE")


def test_in_a_chroot(engine, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The same failures have another cause inside a chroot, and it is told apart."""
    script = (
        "import os, sys\n"
        "from labcore.errors import StepFailed\n"
        "from labcore.native import CloneFlag, MountFlag\n"
        "from labcore.runtime import Plan, ops, spawn\n"
        "import labcore.native.monitor\n"
        "os.chroot(sys.argv[1]); os.chdir('/')\n"
        "private = ops.Mount('none', '/', None, MountFlag.PRIVATE)\n"
        "own = ops.Clone(CloneFlag.NEWNS)\n"
        "for plan in ([own, private], [ops.Clone(CloneFlag.NEWUSER)]):\n"
        "    try: spawn(Plan(plan))\n"
        "    except StepFailed as error: print(error.cause)\n"
    )
    # A chroot that is not a mount point, but still has /proc and this Python's files: binds in a private namespace.
    root = tmp_path / "root"
    for name in {"proc", "usr", "lib", "lib64", "root", "etc", "bin", "work", PROJECT.parts[1]}:
        (root / name).mkdir(parents=True)
    binds = " && ".join(f"mount --rbind /{n.name} {n}" for n in root.iterdir() if Path("/", n.name).is_dir())
    command = ["unshare", "-m", "sh", "-c", f'{binds}; exec "$@"', "sh", sys.executable, "-c", script, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.count("is a chroot") == 2, done.stdout + done.stderr


def test_user_namespaces_used_up() -> None:
    """The limit counts for each user namespace by itself: it is set to 0 in one that is made for this."""
    script = (
        "from labcore.errors import StepFailed\n"
        "from labcore.native import CloneFlag\n"
        "from labcore.runtime import Plan, ops, spawn\n"
        "open('/proc/sys/user/max_user_namespaces', 'w').write('0')\n"
        "try: spawn(Plan([ops.Clone(CloneFlag.NEWUSER)]))\n"
        "except StepFailed as error: print(error)\n"
    )
    command = ["unshare", "--user", "--map-root-user", sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "ENOSPC" in done.stdout, done.stderr
    assert "max_user_namespaces=0" in done.stdout
    assert "cure: sudo sysctl user.max_user_namespaces=15000" in done.stdout


def test_apparmors_block_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    """No kernel here has that setting: the explanation is tried on the reading alone."""
    from labcore.runtime import explain, explain_privileges

    settings = {"user/max_user_namespaces": "1000", "kernel/apparmor_restrict_unprivileged_userns": "1"}
    monkeypatch.setattr(explain_privileges, "read_setting", settings.get)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = explain.explain(Plan([ops.Clone(CloneFlag.NEWUSER)]), 0, "clone3", errno.EPERM)
    assert "AppArmor" in found.cause
    assert "apparmor_restrict_unprivileged_userns=0" in found.cure


def test_a_missing_capability() -> None:
    script = (
        "from labcore import native\n"
        "from labcore.errors import StepFailed\n"
        "from labcore.runtime import Plan, ops, spawn\n"
        "keep = [c for c in native.capget()['effective'] if c is not native.Capability.SYS_ADMIN]\n"
        "native.capset(effective=keep, permitted=keep, inheritable=[])\n"
        "try: spawn(Plan([ops.Clone(native.CloneFlag.NEWUTS)]))\n"
        "except StepFailed as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout
    assert "op 0, clone NEWUTS: EPERM" in said
    assert "root without CAP_SYS_ADMIN" in said
    assert "cure: " in said


def test_an_ordinary_user_is_told_what_to_do() -> None:
    script = (
        "import os\n"
        "from labcore.errors import StepFailed\n"
        "from labcore.native import CloneFlag\n"
        "from labcore.runtime import Plan, ops, spawn, explain\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: spawn(Plan([ops.Clone(CloneFlag.NEWNS)]))\n"
        "except StepFailed as error: print(error)\n"
    )
    said = subprocess.run(within_reach(sys.executable, "-c", script), cwd="/", capture_output=True, text=True).stdout
    assert "you are user 65534" in said
    assert "sudo labcore" in said


def test_failures_are_explained_in_chinese_too(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = (OWN_MOUNTS, PRIVATE, ops.Mount("tmpfs", "/nowhere", "tmpfs"))
    monkeypatch.setenv("LABCORE_LANG", "zh")
    check(failure(*plan), errno.ENOENT, "路径不存在：/nowhere", "先创建它：MakeDirectories")
    check(failure(OWN_MOUNTS, PRIVATE, ops.PivotRoot("/", "/")), errno.EBUSY, "新的根就是当前的根", "BIND")
    monkeypatch.setenv("LABCORE_LANG", "en")
    check(failure(*plan), errno.ENOENT, "/nowhere does not exist", "make it first")


# --- programs


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("bin", "proc", "sys", "dev"):
        (tmp_path / name).mkdir()
    return tmp_path


def run_in(root: Path, *argv: str) -> StepFailed:
    return failure(*make_plan(ContainerSpec(BindRoot(str(root)), argv)))


def executable(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o755)


def test_no_such_command(root: Path) -> None:
    check(run_in(root, "nope"), errno.ENOENT, "there is no nope in any directory of PATH", "look what there is")
    check(run_in(root, "/bin/nope"), errno.ENOENT, "there is no /bin/nope", "")


def test_not_executable(root: Path) -> None:
    (root / "bin/plain").write_text("text")
    check(run_in(root, "plain"), errno.EACCES, "/bin/plain is not executable", "chmod +x")


def test_a_directory(root: Path) -> None:
    (root / "bin/d").mkdir()
    check(run_in(root, "/bin/d"), errno.EACCES, "/bin/d is a directory", "name a program")


def test_a_missing_loader(root: Path) -> None:
    executable(root / "bin/dynamic", Path("/bin/true").read_bytes())
    error = run_in(root, "dynamic")
    check(error, errno.ENOENT, "/bin/dynamic is there, but the loader that it names, /lib", "libraries")


def test_a_script_without_its_interpreter(root: Path) -> None:
    executable(root / "bin/script", b"#!/usr/bin/python9 -u\nprint()\n")
    check(run_in(root, "script"), errno.ENOENT, "its interpreter /usr/bin/python9 is not in this root", "has /usr/bin/python9")
    executable(root / "bin/dos", b"#!/bin/sh\r\n")
    check(run_in(root, "dos"), errno.ENOENT, "carriage return", "Unix line ends")


def test_neither_program_nor_script(root: Path) -> None:
    executable(root / "bin/data", b"just text\n")
    check(run_in(root, "data"), errno.ENOEXEC, "neither a program of this machine nor a script", "#!/bin/sh")


def test_another_architecture(root: Path) -> None:
    head = bytearray(Path("/bin/true").read_bytes())
    head[18:20] = (0xF3).to_bytes(2, "little")
    executable(root / "bin/foreign", bytes(head))
    check(run_in(root, "foreign"), errno.ENOEXEC, "is built for riscv64", "this architecture")


def test_links_are_followed_inside_the_root(root: Path) -> None:
    (root / "bin/link").symlink_to("/bin/absent")
    (root / "bin/loop").symlink_to("loop")
    check(run_in(root, "/bin/link"), errno.ENOENT, "there is no /bin/link", "")
    assert "no /bin/loop" in run_in(root, "/bin/loop").cause
    (root / "bin/escape").symlink_to("../../../../../../../bin/true")  # inside, that is /bin/true, which is not there
    check(run_in(root, "/bin/escape"), errno.ENOENT, "there is no /bin/escape", "")


def test_a_fifo_is_not_opened(root: Path) -> None:
    os.mkfifo(root / "bin/pipe", 0o755)
    check(run_in(root, "/bin/pipe"), errno.EACCES, "/bin/pipe is no regular file", "name a program")


def test_layers_are_looked_through_as_overlayfs_does(tmp_path: Path) -> None:
    from labcore.runtime.rootfs_lookup import find

    top, low = tmp_path / "top", tmp_path / "low"
    for path in (top / "a", low / "b", low / "gone", low / "new", top / "new"):
        path.mkdir(parents=True)
    (low / "a").symlink_to("/etc")  # hidden by the directory above, and never to be followed
    (top / "b").symlink_to("a")
    os.mknod(top / "gone", 0o20000, 0)
    os.setxattr(top / "new", "trusted.overlay.opaque", b"y")
    for path in (low / "b/f", low / "gone/f", low / "new/f", top / "a/g"):
        path.write_text("x")
    layers = [top, low]
    assert find(layers, "/a/shadow") is None
    assert find(layers, "/a/g") == top / "a/g"
    assert find(layers, "/b/g") == top / "a/g"
    assert find(layers, "/b/f") is None
    assert find(layers, "/gone/f") is None
    assert find(layers, "/new/f") is None


def test_a_working_directory_that_is_a_file(root: Path) -> None:
    (root / "file").touch()
    error = failure(*make_plan(ContainerSpec(BindRoot(str(root)), ("true",), workdir="/file/inner")))
    assert error.errno == errno.ENOTDIR


def test_a_list_of_layers_as_python_prints_it() -> None:
    error = failure(*overlay("lowerdir=('lower', 'other'),upperdir=upper,workdir=work"))
    check(error, errno.ENOENT, "lowerdir is a list as Python prints it", "join its names by colons")


def test_a_filter_after_the_right_to_load_one_is_gone() -> None:
    allow = b"\x06\x00\x00\x00\x00\x00\xff\x7f"
    error = failure(ops.Clone(), ops.SetCapabilities((), ()), ops.LoadFilter(allow))
    check(error, errno.EACCES, "has given up", "put it before SetCapabilities")


def test_a_device_of_the_new_root_by_a_path_of_the_old_one(tmp_path: Path) -> None:
    read_only = ops.Mount("tmpfs", str(tmp_path), "tmpfs", MountFlag.RDONLY)
    error = failure(OWN_MOUNTS, PRIVATE, read_only, ops.MakeDevices(((f"{tmp_path}/null", 1, 3),)))
    check(error, errno.EROFS, f"{tmp_path}/null is in the old root", "leave out the first slash")


def test_namespaces_whose_files_are_not_there() -> None:
    error = failure(ops.JoinNamespaces(((CloneFlag.NEWNS, "/proc/self/ns/mount"),)), ops.Clone())
    check(error, errno.ENOENT, "/proc/self/ns/mount does not exist", "cgroup ipc mnt net")

"""Whoever comes in: processes that join by exec, the files that they come from, and what a neighbour does meanwhile."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labcore.native import program
from tests.conftest import PROJECT
from tests.integration.attacks.conftest import Box, start, unchanging
from tests.integration.test_oci import Bundle
from tests.threads import Started

pytestmark = pytest.mark.usefixtures("nothing_left")
MONITOR = Path(program("labcore-monitor"))


# --- the program's own file: CVE-2019-5736


def executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_the_monitors_file_cannot_be_changed(bundle: Bundle, image: Path) -> None:
    """A program that begins with `#!/proc/self/exe` runs the runtime's own file in the container, where others can open it."""
    executable(image / "script", "#!/proc/self/exe\n")
    bundle.config["root"]["path"] = str(image)
    before = unchanging(MONITOR)
    start(bundle, "attack", "spoil", "60")
    for _ in range(40):
        bundle("exec", bundle.name, "/script", status=None)
        if bundle.output().count("held") > 3:
            break
    after = unchanging(MONITOR)
    MONITOR.chmod(0o755)  # that what a test finds does no harm
    assert set(bundle.output().splitlines()) == {"held EROFS"}
    assert after == before


def test_nor_can_the_starters_own(image: Path, tmp_path: Path) -> None:
    """What shares its starter's memory has its starter's file: Python, loaded by whatever an image calls ld-linux."""
    own = tmp_path / "python"
    shutil.copy(os.path.realpath(sys.executable), own)
    before = unchanging(own)
    compile_loader(image)
    executable(image / "script", "#!/proc/self/exe\n")
    run = "import sys, labcore; done = labcore.run(rootfs=sys.argv[1], argv=[sys.argv[2]]); print(done.exit_code, done.stdout)"
    environment = os.environ | {"PYTHONPATH": ":".join([str(PROJECT), *sys.path]), "PYTHONHOME": sys.base_prefix}
    for argument in ("/script", "/proc/self/exe"):
        command = [str(own), "-c", run, str(image), argument]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=30)
        assert done.stdout == "126 b''\n", done.stderr
    assert unchanging(own) == before


def compile_loader(image: Path) -> None:
    """Put a loader into the image that makes the file of the process that it is loaded for setuid."""
    loaders = set(re.findall(rb"/lib\S*/ld-linux\S*?\.so\.\d", Path(os.path.realpath(sys.executable)).read_bytes()[:4096]))
    source = image.parent / "loader.c"
    source.write_text(LOADER)
    for loader in loaders or {b"/lib64/ld-linux-x86-64.so.2"}:
        target = image / os.fsdecode(loader)[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        bare = ["-nostdlib", "-static", "-fPIE", "-pie", "-ffreestanding", "-fno-stack-protector", "-Wl,--no-dynamic-linker"]
        subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", *bare, f"-I{PROJECT}/csrc", "-o", target, source], check=True)


LOADER = r"""
#include <fcntl.h>
#include "raw.h"
void _start(void)
{
    long fd = raw_syscall(SYS_openat, AT_FDCWD, (uint64_t) "/proc/self/exe", O_RDONLY, 0, 0, 0);
    long failed = raw_syscall(SYS_fchmod, (uint64_t)fd, 04711, 0, 0, 0, 0);
    raw_syscall(SYS_write, 1, (uint64_t)(failed ? "refused\n" : "changed\n"), 8, 0, 0, 0);
    raw_syscall(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}
"""


# --- the moment before a joining process has become its program


def test_a_joining_process_cannot_be_looked_into(bundle: Bundle) -> None:
    """A loop in the container looks for new processes and opens mem, root, cwd, fd, environ, and traces them."""
    start(bundle, "attack", "scan", "30")
    until = time.monotonic() + 8
    while time.monotonic() < until:
        bundle("exec", bundle.name, "sleep", "0")
    found = bundle.output()
    assert found.count("met ") > 100
    opened = set(re.findall(r"opened (\S+) of (.*)", found))
    assert {name for _, name in opened} <= {"sleep"}, opened  # once it is a program of the container, it may


def test_a_process_of_another_container_cannot_be_traced(bundle: Bundle, box: Box) -> None:
    """Another container's processes have no number in here; one's own may be traced, as Docker has it since Linux 4.8."""
    start(bundle, "sleep", "60")
    pid = int(re.findall(r'"pid": (\d+)', bundle("state", bundle.name))[0])
    assert box("attack", "trace", str(pid)) == "ESRCH\n"
    assert bundle("exec", bundle.name, "attack", "trace", "1") == "done\n"


def test_root_of_the_machine_cannot_be_signalled(bundle: Bundle) -> None:
    """`kill -9 -1` reaches everybody in the PID namespace, and nobody outside."""
    with Started(["sleep", "60"]) as innocent:
        bundle.run("sh", "-c", f"kill -9 {innocent.pid} 2>/dev/null; kill -9 -1; exit 3", status=3)
        assert innocent.poll() is None
        innocent.kill()


# --- places that are exchanged for links while something is mounted on them


def test_a_place_that_turns_into_a_link_leads_nowhere(bundle: Bundle, image: Path, tmp_path: Path) -> None:
    """Two containers share a root; one exchanges a directory with a link to / while the other is being mounted together."""
    bundle.config["root"]["path"] = str(image)
    other = Bundle(tmp_path / "other", image)
    other.directory.mkdir()
    other.name += "-other"
    (image / "place/deep").mkdir(parents=True)
    (image / "link").symlink_to("/../../../../.." + str(tmp_path))
    host = tmp_path / "deep"
    host.mkdir()
    start(bundle, "attack", "flip", "/place", "/link", "60")
    before = Path("/proc/self/mountinfo").read_text()
    other.config["mounts"] += [
        {"destination": "/place/deep", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/place/deep/made", "type": "bind", "source": str(tmp_path / "other"), "options": ["bind"]},
    ]
    outcomes = set()
    for _ in range(12):
        said = other.program("sh", "-c", "grep -c ' /place' /proc/self/mountinfo; :")("run", other.name, status=None)
        outcomes.add(said.partition(":")[0])
    assert Path("/proc/self/mountinfo").read_text() == before
    assert list(host.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["deep", "image", "other", "state"]

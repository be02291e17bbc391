"""The C code: its own test program under the sanitizers, every file with warnings as errors, and compiled for arm64."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import PROJECT, needs

CSRC = PROJECT / "csrc"
SOURCES = sorted(CSRC.glob("*.c"))
WARNINGS = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow", "-Wno-missing-field-initializers", "-Werror"]
PYTHON = ["-DPy_LIMITED_API=0x030b0000", f"-I{sysconfig.get_path('include')}"]
MULTIARCH = f"{os.uname().machine}-linux-gnu"
ARM64 = "aarch64-linux-gnu-gcc"


def compile_c(compiler: str, *arguments: str) -> None:
    done = subprocess.run([compiler, *WARNINGS, f"-I{CSRC}", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_walker_under_the_sanitizers(tmp_path: Path) -> None:
    program = tmp_path / "test_walker"
    sanitize = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    compile_c("cc", *sanitize, "-o", str(program), str(PROJECT / "tests/c/test_walker.c"), str(CSRC / "walker.c"))
    done = subprocess.run([program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "walker: all tests passed\n"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_warnings(source: Path, tmp_path: Path) -> None:
    compile_c("cc", *PYTHON, "-O2", "-c", str(source), "-o", str(tmp_path / "object"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_arm64_compiles(source: Path, tmp_path: Path) -> None:
    """Compiled, not run: what arm64 does with it is untried here, and the README says so."""
    needs(ARM64)
    _lend_pyconfig(tmp_path)
    compile_c(ARM64, *PYTHON, f"-I{tmp_path}", "-O2", "-c", str(source), "-o", str(tmp_path / "object"))


def _lend_pyconfig(directory: Path) -> None:
    """Debian keeps one part of Python's headers for each architecture; for a compile alone, this machine's own will do."""
    here = sysconfig.get_config_var("MULTIARCH") or ""
    version = Path(sysconfig.get_path("include")).name
    ours = Path("/usr/include", here, version, "pyconfig.h")
    if here and ours.exists():
        target = directory / "aarch64-linux-gnu" / version
        target.mkdir(parents=True)
        (target / "pyconfig.h").write_bytes(ours.read_bytes())


def test_compiles_against_headers_of_2018(tmp_path: Path) -> None:
    """conda-forge and manylinux compile against kernel headers of Linux 4.18: what came later must come from compat.h."""
    emit = f"import runpy; runpy.run_path('csrc/build_native.py')['ffi'].emit_c_code({str(tmp_path / 'native.c')!r})"
    subprocess.run([sys.executable, "-c", emit], cwd=PROJECT, check=True)
    include = _headers_of_2018(tmp_path / "include")
    own = subprocess.run(["cc", "-print-file-name=include"], capture_output=True, text=True, check=True).stdout.strip()
    system = ["-nostdinc", "-isystem", own, "-isystem", str(include), "-isystem", str(include / MULTIARCH)]
    for source in (*SOURCES, tmp_path / "native.c"):
        compile_c("cc", *system, *PYTHON, "-Wno-error", "-c", str(source), "-o", str(tmp_path / "object"))


def _headers_of_2018(target: Path) -> Path:
    """Return a copy of this machine's headers from which system calls after 423, and what belongs to them, are taken away."""
    here = Path("/usr/include")
    target.mkdir()
    for entry in here.iterdir():
        if entry.name not in ("linux", MULTIARCH):
            (target / entry.name).symlink_to(entry)
    shutil.copytree(here / "linux", target / "linux", symlinks=True)
    shutil.copytree(here / MULTIARCH, target / MULTIARCH, symlinks=True)
    for name in ("openat2.h", "close_range.h", "mount.h"):
        (target / "linux" / name).unlink()
    newer = r"^#define\s+(__NR_\w+\s+4(2[4-9]|[3-9]\d)|CLONE_(PIDFD|NEWTIME|CLEAR_SIGHAND|INTO_CGROUP|ARGS_SIZE_\w+)\s.*|"
    newer += r"(?:FSOPEN|FSMOUNT|FSCONFIG|MOVE_MOUNT|MOUNT_ATTR|OPEN_TREE|AT_RECURSIVE)\w*\s.*)$"
    others = r"struct (?:clone_args|mount_attr)\s*\{[^}]*\};|enum fsconfig_command\s*\{[^}]*\};"
    for name in (
        "linux/sched.h",
        *(f"{MULTIARCH}/{name}" for name in ("asm/unistd_64.h", "sys/mount.h", "bits/fcntl-linux.h")),
    ):
        text = (target / name).read_text()
        (target / name).write_text(re.sub(others, "", re.sub(newer, "", text, flags=re.MULTILINE)))
    return target


def test_arm64_links_the_programs(tmp_path: Path) -> None:
    needs(ARM64)
    for name, sources in {
        "monitor": ["monitor.c", "discard.c", "message.c", "shim.c", "output.c", "log.c", "walker.c"],
        "init": ["init.c"],
        "hello": ["hello.c"],
        "floor": ["floor.c"],
    }.items():
        compile_c(ARM64, "-Os", "-static", "-o", str(tmp_path / name), *(str(CSRC / source) for source in sources))
        described = subprocess.run(["readelf", "-h", str(tmp_path / name)], capture_output=True, text=True).stdout
        assert "AArch64" in described


def test_arm64_links_the_program_without_a_libc(tmp_path: Path) -> None:
    needs(ARM64)
    compile_c(ARM64, "-Os", "-static", "-nostdlib", "-ffreestanding", "-o", str(tmp_path / "exec"), str(CSRC / "exec.c"))

"""The C code: its own test program under the sanitizers, every file with warnings as errors, and compiled for arm64."""

import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import PROJECT, needs

CSRC = PROJECT / "csrc"
SOURCES = sorted(CSRC.glob("*.c"))
WARNINGS = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow", "-Wno-missing-field-initializers", "-Werror"]
PYTHON = ["-DPy_LIMITED_API=0x030b0000", f"-I{sysconfig.get_path('include')}"]
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


def test_arm64_links_the_programs(tmp_path: Path) -> None:
    needs(ARM64)
    for name, sources in {"monitor": ["monitor.c", "walker.c"], "hello": ["hello.c"], "floor": ["floor.c"]}.items():
        compile_c(ARM64, "-Os", "-static", "-o", str(tmp_path / name), *(str(CSRC / source) for source in sources))
        described = subprocess.run(["readelf", "-h", str(tmp_path / name)], capture_output=True, text=True).stdout
        assert "AArch64" in described

"""The benchmark's parts: that it compares like with like, and what it writes. No figure is judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import labcore
from labcore.bench.measure import Row, Subject, measure
from labcore.bench.render import table
from labcore.bench.start import filter_file
from labcore.engine import Engine
from labcore.native import program
from labcore.runtime.observe import file_system
from labcore.spec import OverlayRoot
from tests.conftest import ON_CI, needs_root


def floor_output(engine: Engine, *argv: str) -> str:
    spec = engine.spec("busybox", ["true"])
    assert isinstance(spec.root, OverlayRoot)
    filter_path = filter_file(spec, engine.root)
    command = [program("labcore-floor"), spec.root.directory, spec.root.layers[0], filter_path, *argv]
    done = subprocess.run(command, input="\n", capture_output=True, text=True, timeout=30)
    *output, nanoseconds = done.stdout.splitlines()
    assert nanoseconds.isdigit(), done.stdout + done.stderr
    return "\n".join(output)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    "script",
    [
        "cut -d' ' -f4- /proc/self/mountinfo | sed 's/layers[^ ,]*//'",
        "ls -ln /dev | cut -c1-40",
        "grep -E '^(Cap|Sig|Umask|NoNewPrivs|Seccomp|Uid|Gid)' /proc/self/status",
        "hostname; id; env | sort; pwd; ls /proc/self/fd",
        "ls /proc/self/ns; ip link",
        "awk '{print $6, $7}' /proc/self/stat",
    ],
)
def test_the_floor_makes_the_same_container(engine: Engine, script: str) -> None:
    """A program that looks around sees the same world in the floor's container and in labcore's."""
    needs_root()
    ours = labcore.run("busybox", ["/bin/sh", "-c", script], root=engine.root)
    assert ours.exit_code == 0
    assert floor_output(engine, "/bin/sh", "-c", script) == ours.stdout.decode().rstrip("\n")


def test_bench_start_writes_its_format(tmp_path: Path) -> None:
    needs_root()
    command = [sys.executable, "-m", "labcore", "bench", "start", "-n", "2", "--json", str(tmp_path / "rows.json")]
    done = subprocess.run([*command, "--plot", str(tmp_path / "rows.png")], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "rows.json").read_text())
    assert set(result) == {"environment", "rows"}
    assert {"machine", "kernel", "versions", "file_system"} <= set(result["environment"])
    assert result["environment"]["file_system"] == "tmpfs"
    for row in result["rows"]:
        assert set(row) == {"bench", "subject", "n", "median_ms", "p05_ms", "p95_ms"}
        assert row["bench"] == "start"
        assert 0 < row["p05_ms"] <= row["median_ms"] <= row["p95_ms"]
    subjects = {row["subject"] for row in result["rows"]}
    assert len([subject for subject in subjects if "labcore" in subject]) == 4
    assert len([subject for subject in subjects if "floor" in subject]) == 1
    if ON_CI:  # all peers are installed there, so none may drop out silently
        assert {"bubblewrap", "crun run", "runc run", "podman run --rm", "docker run --rm"} <= subjects, done.stdout
    assert "resident: small parent" in done.stdout
    assert (tmp_path / "rows.png").read_bytes().startswith(b"\x89PNG")
    assert not list(Path("/tmp").glob("labcore-bench-*"))


def test_measuring_takes_turns() -> None:
    order: list[str] = []

    def subject(name: str, every: int = 1) -> Subject:
        return Subject(name, lambda: order.append(name) or 0.001, every)  # type: ignore[func-returns-value]

    *_, rows = measure("x", [subject("a"), subject("b"), subject("slow", 2)], 3)
    assert order == ["a", "b", "slow", "a", "b", "slow", "a", "b", "a", "b", "slow"]
    assert rows == [Row("x", "a", 3, 1.0, 1.0, 1.0), Row("x", "b", 3, 1.0, 1.0, 1.0), Row("x", "slow", 2, 1.0, 1.0, 1.0)]
    assert "1.00x" in table(rows, "a")


def test_file_system() -> None:
    assert file_system(Path("/proc/self")) == "proc"
    assert file_system(Path("/sys/kernel")) == "sysfs"

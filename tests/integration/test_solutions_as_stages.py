"""The lessons' solutions in the real engine: each in the place of the stage of its name, and all of them together."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.lab import cgroups
from labcore.lab.lessons import LESSONS
from labcore.lab.solutions import solution
from labcore.lab.steps import copied
from labcore.native import PIPE
from labcore.runtime import STAGES, Plan, Stage, make_plan, spawn
from labcore.spec import DEFAULT_CAPABILITIES, NAMESPACES, ContainerSpec, Resources
from labcore.spec.isolation import root_with
from tests.conftest import needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")

HOSTNAME = f"labcore-test-{os.getpid()}"
PIDS = 20
LOOK = "hostname; head -c 4 /dev/zero | wc -c; cat /etc/labcore-test; grep -E 'Seccomp:|CapEff' /proc/self/status; read go"
KERNELS_NAMES = {"mount": "mnt", "network": "net"}
SINGLE = [(lesson.number, (step,)) for lesson in LESSONS for step in lesson.steps if step in STAGES]
TOGETHER = [
    (lesson.number, tuple(dict.fromkeys(step for number, (step,) in SINGLE if number <= lesson.number))) for lesson in LESSONS
]


@pytest.fixture
def box(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerSpec]:
    """The spec of a container with limits, on a directory."""
    needs_root()
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path / "state"))
    (layer,) = engine.layers_of(engine.images.find("busybox"))
    subprocess.run(["cp", "-a", engine.layers.directory / "layers" / layer, tmp_path / "root"], check=True)  # keeps hard links
    (tmp_path / "root/etc/labcore-test").write_text("mine\n")
    spec = engine.spec(rootfs=str(tmp_path / "root"), argv=["sh", "-c", LOOK], hostname=HOSTNAME)
    yield spec.replace(resources=Resources(pids=PIDS))
    cgroups.remove_all()


def stages_of(lesson: int, steps: tuple[str, ...]) -> dict[str, Stage | None]:
    """Return a lesson's solutions of these steps, as they stand in `my_runtime.py`: they call one another."""
    names: dict[str, object] = {}
    exec("from labcore.lab.vocabulary import *", names)
    for number in range(1, lesson + 1):
        for step in (*LESSONS[number - 1].steps, *LESSONS[number - 1].challenges):
            names[step] = copied(solution(step, number), names)
    return {step: names[step] for step in steps}  # type: ignore[misc]


def test_each_step_that_returns_ops_has_a_stage_of_its_name() -> None:
    assert {step for _, (step,) in SINGLE} == {"hostname", "namespaces", "rootfs", "limits", "confine", "devices"}


@pytest.mark.parametrize(("lesson", "steps"), [*SINGLE, *TOGETHER])
def test_a_solution_stands_in_for_the_stage_of_its_name(lesson: int, steps: tuple[str, ...], box: ContainerSpec) -> None:
    stages = stages_of(lesson, steps)
    plan = make_plan(box, stages)
    saw, limit = look_at(plan)
    rights = sum(1 << number for number in root_numbers())
    assert saw == [HOSTNAME, "4", "mine", f"CapEff:\t{rights:016x}", "Seccomp:\t2"]
    assert limit == (str(PIDS) if "limits" in steps else None)


def test_a_solution_goes_on_from_an_image(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    needs_root()
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path))
    spec = engine.spec("busybox", ["sh", "-c", LOOK.replace("/etc/labcore-test", "/etc/hostname || echo none")])
    for lesson, steps in TOGETHER[2:]:
        saw, _ = look_at(make_plan(spec, stages_of(lesson, steps)))
        assert saw[:2] == ["labcore", "4"]
    cgroups.remove_all()


def root_numbers() -> list[int]:
    from labcore.native import Capability

    return [Capability[name] for name in root_with(DEFAULT_CAPABILITIES).effective]


def look_at(plan: Plan) -> tuple[list[str], str | None]:
    """Return what a container's program said, and the limit of processes that holds it; it has namespaces of its own."""
    with spawn(plan, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        for kind in (KERNELS_NAMES.get(kind, kind) for kind in NAMESPACES):
            assert os.readlink(f"/proc/{process.pid}/ns/{kind}") != os.readlink(f"/proc/self/ns/{kind}")
        limit = limit_of(process.pid)
        out, err = process.communicate(b"go\n", 20)
    assert process.wait() == 0, err
    return out.decode().splitlines(), limit


def limit_of(pid: int) -> str | None:
    """Return the limit of processes that a process's cgroup of ours has; None if it is in none."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for place in (Path("/sys/fs/cgroup", controllers), Path("/sys/fs/cgroup")):
            if HOSTNAME in path and (file := Path(f"{place}{path}/pids.max")).exists():
                return file.read_text().strip()
    return None

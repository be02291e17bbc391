"""What the attacks are made with: a static program, a root that holds it, containers of both kinds."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labcore.engine import Engine
from labcore.native import DEVNULL, PIPE, capget
from labcore.runtime import Plan, make_plan, spawn
from labcore.runtime.seccomp.default import default_profile
from labcore.spec import DOCKER_CAPABILITIES, ContainerSpec, OverlayRoot, SeccompProfile, root_with
from tests.conftest import PROJECT, needs_root
from tests.integration.test_oci import Bundle

EVERYTHING = root_with(tuple(capability.name for capability in capget()["effective"]))
DOCKERS = [f"CAP_{name}" for name in DOCKER_CAPABILITIES]


@pytest.fixture(scope="session")
def attack_root(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root file system: busybox, and the program `attack`."""
    needs_root()
    root = engine.spec("busybox", ["true"]).root
    assert isinstance(root, OverlayRoot)
    target = tmp_path_factory.mktemp("attacks") / "root"
    shutil.copytree(f"{root.directory}/{root.layers[0]}", target, symlinks=True)
    warnings = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow", "-Werror"]
    source = str(PROJECT / "tests/c/attacks.c")
    subprocess.run(["cc", *warnings, "-O1", "-static", "-o", str(target / "bin/attack"), source], check=True)
    (target / "mnt").mkdir()
    open_the_way(target)
    return target


def open_the_way(path: Path) -> None:
    """Let everybody come as far as this directory: root of a user namespace is not root here."""
    for directory in (path, *path.parents):
        if "pytest" in str(directory):
            directory.chmod(0o755)


@pytest.fixture
def image(attack_root: Path, tmp_path: Path) -> Path:
    """A copy of it, to be prepared by whoever made the image."""
    shutil.copytree(attack_root, tmp_path / "image", symlinks=True)
    open_the_way(tmp_path / "image")
    return tmp_path / "image"


class Box:
    """`labcore.run`'s containers, with parts of the spec or whole stages taken away."""

    def __init__(self, engine: Engine, root: Path) -> None:
        self.engine = engine
        self.root = root

    def spec(self, *argv: str, **changes: Any) -> ContainerSpec:
        return self.engine.spec(rootfs=str(self.root), argv=argv).replace(**changes)

    def __call__(self, *argv: str, stages: Any = None, without: str = "", **changes: Any) -> str:
        plan = Plan(op for op in make_plan(self.spec(*argv, **changes), stages) if op.name != without)
        with spawn(plan, stdin=DEVNULL, stdout=PIPE, stderr=PIPE) as process:
            out, err = process.communicate(timeout=20)
        return (out + err).decode(errors="replace")

    def sh(self, script: str, **changes: Any) -> str:
        return self("sh", "-c", script, **changes)


@pytest.fixture
def box(engine: Engine, attack_root: Path) -> Box:
    return Box(engine, attack_root)


@pytest.fixture
def image_box(engine: Engine, image: Path) -> Box:
    return Box(engine, image)


def docker_like(bundle: Bundle) -> Bundle:
    """Give a bundle what dockerd's have: fourteen capabilities, the filter, privileges that can be gained; and its own /tmp."""
    bundle.config["process"]["capabilities"] = dict.fromkeys(("bounding", "effective", "permitted"), DOCKERS)
    bundle.config["process"]["noNewPrivileges"] = False
    bundle.config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
    profile = default_profile(frozenset(DOCKER_CAPABILITIES), os.uname().machine, (6, 1))
    bundle.config["linux"]["seccomp"] = as_config(profile)
    return bundle


def as_config(profile: SeccompProfile) -> dict[str, Any]:
    """Write a profile as config.json has it."""
    return {
        "defaultAction": profile.action,
        "architectures": list(profile.architectures),
        "syscalls": [
            {
                "names": list(rule.names),
                "action": rule.action,
                "errnoRet": rule.errno,
                "args": [
                    {"index": c.index, "op": c.operator, "value": c.value, "valueTwo": c.value_two} for c in rule.comparisons
                ],
            }
            for rule in profile.rules
        ],
    }


@pytest.fixture
def bundle(attack_root: Path, tmp_path: Path) -> Iterator[Bundle]:
    """A container of labcore-runtime, with Docker's rights."""
    made = docker_like(Bundle(tmp_path, attack_root))
    yield made
    made("delete", "--force", made.name, status=None)


def start(bundle: Bundle, *argv: str) -> None:
    """Start a container that goes on by itself; its output is in `bundle.output()`."""
    bundle.program(*argv).create()
    bundle("start", bundle.name)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory of the host that everybody may write to."""
    made = tmp_path / "outside"
    made.mkdir()
    made.chmod(0o777)
    open_the_way(made.parent)
    return made


def in_a_user_namespace(bundle: Bundle) -> None:
    """Give a container a user namespace of its own, whose root is nobody out here."""
    bundle.config["linux"]["namespaces"].append({"type": "user"})
    ids = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    bundle.config["linux"] |= {"uidMappings": ids, "gidMappings": ids}


def unchanging(file: Path) -> tuple[int, ...]:
    """Return what changes when somebody changes a file, and not when it is read."""
    status = file.stat()
    return (status.st_mode, status.st_uid, status.st_gid, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

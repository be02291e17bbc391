"""A kit: made here with a small selection, and used where there is no network."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.errors import StoreDamaged, Unavailable
from labcore.lab.docker_client import find_client
from labcore.spec import Reference
from labcore.vm.kernel import found_kernel, take_kernel
from tests.conftest import PROJECT, needs, needs_root, outside

sys.path.insert(0, str(PROJECT / "tools"))
import bootstrap
import kit as kits
import make_kit

OFFLINE = ["unshare", "--net", "--"]
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
Change = Callable[[Path], Path]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kit of one package, one requirement and one image, each with what it needs; what is fetched for it is kept in build."""
    needs("apt-get", "dpkg-deb")
    place = tmp_path_factory.mktemp("kit")
    target = place / "kit.tar"
    (place / ".incoming-1-killed").mkdir()  # of a run that was killed
    with outside():
        make_kit.make_kit(
            target,
            packages=["hello"],
            requirements=["packaging>=23"],
            seeds=["hello-world"],
            python=PYTHON,
            with_kernel=True,
            with_client=True,
        )
    assert [path.name for path in place.iterdir()] == ["kit.tar"]
    return target


def offline(script: str, *arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run Python code with this project's tools, in a network namespace where nothing is up."""
    needs_root()
    code = f"import sys; sys.path.insert(0, {str(PROJECT / 'tools')!r})\n{script}"
    command = [*OFFLINE, sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=60)


def test_it_says_what_it_is_for_and_what_is_in_it(small: Path) -> None:
    about = kits.Kit(small).about
    assert about["system"] == kits.system_here()
    assert about["python"] == kits.python_here()
    assert about["versions"].keys() >= {"hello", "libc6"}
    with tarfile.open(small) as tar:
        names = tar.getnames()
        assert names == ["kit.json", *about["files"]]
        for name, digest in about["files"].items():
            source = tar.extractfile(name)
            assert source is not None
            assert hashlib.sha256(source.read()).hexdigest() == digest
        assert {(member.uid, member.uname) for member in tar} == {(0, "")}
    assert {name.split("/")[0] for name in names} == {"kit.json", "prepare.sh", "packages", "wheels", "images", "vm", "client"}


def test_its_wheels_are_installed_without_a_network(small: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv")
    script = """
import bootstrap, subprocess
from pathlib import Path
from kit import Kit
kit = Kit(Path(sys.argv[1]))
kit.must_fit_python(["packaging>=23"])
with bootstrap.wheels_of(kit) as options:
    words = [*bootstrap.BUILD_REQUIREMENTS, "packaging>=23"]
    subprocess.run([sys.executable, "-m", "pip", "--python", sys.argv[2], "install", "-q", *options, *words], check=True)
"""
    python = tmp_path / "venv/bin/python"
    done = offline(script, small, python)
    assert done.returncode == 0, done.stderr
    said = subprocess.run([python, "-c", "import packaging, cffi, setuptools; print(packaging.__file__)"], capture_output=True)
    assert said.stdout.decode().startswith(str(tmp_path))


def test_apt_knows_its_packages_and_no_others(small: Path) -> None:
    script = """
import bootstrap, subprocess
from pathlib import Path
from kit import Kit
kit = Kit(Path(sys.argv[1]))
kit.must_fit_system(["hello"])
with bootstrap.packages_of(kit) as options:
    subprocess.run(["apt-get", "-q", *options, "update"], check=True)
    subprocess.run(["apt-get", "-q", "--simulate", "--reinstall", *options, "install", "hello"], check=True)
    subprocess.run(["apt-cache", *options, "policy", "cowsay"], check=True)
"""
    done = offline(script, small)
    assert done.returncode == 0, done.stderr
    assert "Inst hello (" in done.stdout
    assert "cowsay" not in done.stdout or "Candidate: (none)" in done.stdout


def test_its_images_are_there_without_a_network(small: Path, tmp_path: Path) -> None:
    needs_root()
    labcore = [*OFFLINE, sys.executable, "-m", "labcore", "--root", str(tmp_path)]
    done = subprocess.run([*labcore, "seed", "--from", str(small)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "hello-world:latest"
    run = subprocess.run([*labcore, "run", "--rm", "hello-world"], capture_output=True, text=True)
    assert "Hello from labcore!" in run.stdout
    assert Engine(tmp_path).images.get(Reference.parse("hello-world"))
    done = subprocess.run([*labcore, "seed", "--from", str(small), "nginx"], capture_output=True, text=True)
    assert done.returncode == 125
    assert "no image nginx:latest in" in done.stderr
    assert "(there: hello-world:latest)" in done.stderr


# --- kits that cannot be used


def with_byte_changed(kit: Path) -> Path:
    content = bytearray(kit.read_bytes())
    with tarfile.open(kit) as tar:
        wheel = next(member for member in tar if member.name.endswith(".whl"))
    content[wheel.offset_data + wheel.size // 2] ^= 1
    return written(kit, bytes(content))


def cut_off(kit: Path) -> Path:
    with tarfile.open(kit) as tar:
        wheel = next(member for member in tar if member.name.endswith(".whl"))
    return written(kit, kit.read_bytes()[: wheel.offset])


def cut_within(kit: Path) -> Path:
    with tarfile.open(kit) as tar:
        wheel = next(member for member in tar if member.name.endswith(".whl"))
    return written(kit, kit.read_bytes()[: wheel.offset_data + 1000])


def written(kit: Path, content: bytes) -> Path:
    changed = kit.with_name("changed.tar")
    changed.write_bytes(content)
    return changed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_byte_changed, r"is damaged: wheels/.* is not what it was\. Copy the kit again"),
        (cut_off, r"is cut off: \d+ files of wheels are missing\. Copy it again"),
        (cut_within, r"is cut off or damaged: .*\. Copy it again"),
    ],
)
def test_a_kit_that_was_damaged_on_its_way(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change, said: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    changed = change(small)
    try:
        with pytest.raises(kits.KitRefused, match=said), kits.Kit(changed).opened("wheels"):
            pass
    finally:
        changed.unlink()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no tar", b"\0" * 10240])
def test_what_is_no_kit(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kit.tar").write_bytes(content)
    with pytest.raises(kits.KitRefused, match=r"cannot be read as a kit|is no kit that this labcore knows"):
        kits.Kit(tmp_path / "kit.tar")
    with pytest.raises(kits.KitRefused, match=r"there is no kit at .*: `make kit` makes one"):
        kits.Kit(tmp_path / "other.tar")


def test_a_kit_for_another_machine(small: Path) -> None:
    kit = kits.Kit(small)
    kit.about |= {"system": "ubuntu 24.04 on x86_64", "python": "Python 3.12 on x86_64"}
    with pytest.raises(kits.KitRefused, match=r"has packages of ubuntu 24\.04 on x86_64, and this is .* by other means: hello"):
        kit.must_fit_system(["hello"])
    with pytest.raises(kits.KitRefused, match=r"is for Python 3\.12 on x86_64, and this is Python"):
        kit.must_fit_python([])


def test_a_kit_of_another_labcore(small: Path) -> None:
    kit = kits.Kit(small)
    with pytest.raises(kits.KitRefused, match=r"lacks jupyterlab>=99: make it anew from this labcore"):
        kit.must_fit_python(["packaging>=23", "jupyterlab>=99"])
    with pytest.raises(kits.KitRefused, match=r"has no gcc: make it anew from this labcore"):
        kit.must_fit_system(["hello", "gcc"])


def test_its_kernel_is_there_without_a_network(small: Path, tmp_path: Path) -> None:
    kernel = take_kernel(tmp_path, small)
    assert found_kernel(tmp_path) == kernel
    assert kernel.size > 1 << 20
    assert kernel.package.startswith("linux-image")
    changed = tmp_path / "changed.tar"
    content = bytearray(small.read_bytes())
    with tarfile.open(small) as tar:
        content[tar.getmember("vm/kernel").offset_data + 1000] ^= 1
    changed.write_bytes(content)
    with pytest.raises(StoreDamaged, match="its kernel is not what it was"):
        take_kernel(tmp_path, changed)
    changed.write_bytes(content[: 1 << 16])
    with pytest.raises((StoreDamaged, Unavailable), match="kit"):
        take_kernel(tmp_path, changed)
    assert found_kernel(tmp_path) == kernel


def test_its_docker_command_is_there_without_a_network(small: Path, tmp_path: Path) -> None:
    """For a machine that has none: its programs are those of an empty directory here."""
    needs_root()
    setup = [*OFFLINE, sys.executable, "-m", "labcore", "--root", str(tmp_path / "root"), "lesson", "setup"]
    (tmp_path / "bin").mkdir()
    bare = os.environ | {"PATH": str(tmp_path / "bin")}
    unshare = shutil.which("unshare")
    done = subprocess.run([unshare, *setup[1:], "--from", small], env=bare, capture_output=True, text=True)
    path = tmp_path / "root/lab/client/docker"
    assert re.fullmatch(rf"docker [\d.]+\S* \({path}\)\n", done.stdout), done.stderr
    assert sorted(each.name for each in path.parent.iterdir()) == ["docker", "docker.json"]
    again = subprocess.run([unshare, *setup[1:]], env=bare, capture_output=True, text=True)
    assert again.stdout == done.stdout
    none = subprocess.run([unshare, *setup[1:], "--update"], env=bare, capture_output=True, text=True)
    assert (none.returncode, none.stdout) == (125, "")
    assert "labcore: no apt-get here" in none.stderr
    assert find_client(tmp_path / "root") is not None


def test_bootstrap_says_it_in_one_line(tmp_path: Path) -> None:
    command = ["python3", "tools/bootstrap.py", "lab", str(tmp_path / "none.tar")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "labcore: there is no kit at" in done.stderr


def test_make_kit_takes_all_that_make_lab_asks_for() -> None:
    names = {name for name, _, _ in bootstrap.wanted_packages("class")}
    assert {"gcc", "python3-dev", "python3-venv", "busybox-static", "libnftables1", "procps"} <= names
    project = bootstrap.requirements("lab")
    assert any(word.startswith("jupyterlab") for word in project)
    assert set(project) < set(bootstrap.requirements("dev"))


def test_a_name_in_the_list_leads_nowhere_else(small: Path, tmp_path: Path) -> None:
    """A kit whose list and archive name a file outside of its folder: it is laid inside."""
    kit = kits.Kit(small)
    made = tmp_path / "kit.tar"
    content = b"x"
    evil = "wheels/../../evil"
    about = kit.about | {"files": {evil: hashlib.sha256(content).hexdigest()}}
    (tmp_path / "x").write_bytes(content)
    (tmp_path / "kit.json").write_text(json.dumps(about))
    with tarfile.open(made, "w") as tar:
        tar.add(tmp_path / "kit.json", "kit.json")
        tar.add(tmp_path / "x", evil)
    with kits.Kit(made).opened("wheels") as place:
        assert [path.name for path in place.iterdir()] == ["evil"]

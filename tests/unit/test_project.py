"""What stands in several files says the same in all of them."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

import pip
import pytest

from tests.conftest import PROJECT, needs

CONDA_NAMES = {"python-build": "build", "docker-py": "docker", "python-isal": "isal"}
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]


def test_environment_yml_lists_what_pyproject_does() -> None:
    listed = re.findall(r"^  - (\S+)$", (PROJECT / "environment.yml").read_text(), re.MULTILINE)
    conda = {re.sub(r"^[\w-]+", lambda m: CONDA_NAMES.get(m[0], m[0]), entry) for entry in listed} - {
        "conda-forge",
        "c-compiler",
    }
    extras = PYPROJECT["optional-dependencies"]
    ours = {*PYPROJECT["dependencies"], *extras["lab"], *extras["dev"]} - {"labcore[lab]"}
    assert conda == ours | {"python" + PYPROJECT["requires-python"]}


def test_environment_yml_names_what_the_system_must_have() -> None:
    """A compiler, headers and Python come from conda; what else `make lab` and lesson 2 want is named."""
    sys.path.insert(0, str(PROJECT / "tools"))
    import bootstrap

    named = dict(re.findall(r"^#   (\S+) {2,}(.+)$", (PROJECT / "environment.yml").read_text(), re.MULTILINE))
    from_conda = {"gcc", "libc6-dev", "linux-libc-dev", "python3-dev", "python3-venv"}
    wanted = {name: reason for name, reason, _ in bootstrap.wanted_packages("class") if name not in from_conda}
    assert named.keys() == wanted.keys() - {"qemu-system-arm"} | {"qemu-system-x86"}
    assert all(named[name].startswith(reason) for name, reason in wanted.items() if name in named)


def test_each_dependency_has_its_reason() -> None:
    text = (PROJECT / "pyproject.toml").read_text()
    section = text[text.index("dependencies = [") : text.index("[tool.setuptools]")]
    entries = [line for line in section.splitlines() if line.startswith('    "') and "labcore[lab]" not in line]
    assert len(entries) >= 10
    assert all(re.search(r"# \w+", line) for line in entries)


def test_vagrantfile_is_valid() -> None:
    needs("vagrant")
    environment = os.environ | {"VAGRANT_CHECKPOINT_DISABLE": "1", "VAGRANT_HOME": "/tmp/labcore-vagrant-home"}
    try:
        done = subprocess.run(
            ["vagrant", "validate", "--ignore-provider"], cwd=PROJECT, env=environment, capture_output=True, text=True
        )
    finally:
        shutil.rmtree("/tmp/labcore-vagrant-home", ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_vagrantfile_runs_what_is_tried_and_listens_on_loopback() -> None:
    text = (PROJECT / "Vagrantfile").read_text()
    assert re.findall(r'config.vm.provision "shell", inline: "(.+)", run: "always", privileged: false', text) == [
        "sh /vagrant/tools/provision"
    ]
    assert "sh /vagrant/tools/provision" in (PROJECT / "tools/vagrant.py").read_text()
    assert subprocess.run(["sh", "-n", PROJECT / "tools/provision"]).returncode == 0
    ports = re.findall(r'"forwarded_port", guest: (\d+), host: (\d+), host_ip: "127.0.0.1"', text)
    assert ports == [("8888", "8888"), ("8080", "8080")]


def test_make_lists_its_targets() -> None:
    listed = subprocess.run(["make", "--no-print-directory"], cwd=PROJECT, capture_output=True, text=True).stdout
    assert [line.split()[0] for line in listed.splitlines()] == [
        "help", "lab", "kit", "test", "mutants", "test-v2", "test-vm", "test-kit", "setup", "bench", "lint", "notebooks",
        "clean",
    ]  # fmt: skip


def test_make_prepares_the_docker_command_for_lessons_and_goes_on_without(tmp_path: Path) -> None:
    def run(*words: str, **environment: str) -> str:
        command = ["make", "--no-print-directory", *words]
        return subprocess.run(command, cwd=PROJECT, env=os.environ | environment, capture_output=True, text=True).stdout

    assert "lesson setup" not in run("-n", "setup")
    assert "labcore lesson setup" in run("-n", "setup", "FOR=lab")
    assert 'lesson setup --from "a kit.tar"' in run("-n", "lab", "KIT=a kit.tar")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/labcore").write_text("#!/bin/sh\necho $*; exit 125\n")
    (tmp_path / "bin/labcore").chmod(0o755)
    said = run("setup", "FOR=lab", f"VENV={tmp_path}", "PYTHON=true", "ROOTLESS=1")
    assert said.splitlines() == [
        "lesson setup",
        "labcore: lessons 5 to 10 will do with labcore's own command in the place of docker's",
    ]


def test_bootstrap_refuses_without_root_in_one_line() -> None:
    script = (
        "import os, sys; sys.path.insert(0, 'tools'); import bootstrap; "
        "os.geteuid = lambda: 1000; bootstrap.shutil.which = lambda name: None if name == 'sudo' else '/usr/bin/' + name; "
        "bootstrap.install_packages({'gcc': 'compiles'})"
    )
    done = subprocess.run(["python3", "-c", script], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "root is needed to install gcc" in done.stderr


def test_bootstrap_waits_for_another_apt(tmp_path: Path) -> None:
    first_time_locked = f"test -e {tmp_path}/been || {{ touch {tmp_path}/been; echo E: Could not get lock /var/…; exit 100; }}"
    script = (
        "import sys, pathlib; sys.path.insert(0, 'tools'); import bootstrap; log = pathlib.Path(sys.argv[1]); "
        "bootstrap.run(['sh', '-c', sys.argv[2]], log.open('w'), log, again_if=bootstrap.APT_LOCKED)"
    )
    command = ["python3", "-c", script, str(tmp_path / "log"), first_time_locked]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


PEERS_TOOL = """
import pathlib, sys, time
place = pathlib.Path(__file__).parent
if sys.argv[1] == "versions":
    sys.exit("not here")
(place / "begun").touch()
while not (place / "installed").exists():
    time.sleep(0.01)
(place / "made").touch()
"""


def test_bootstrap_makes_the_peers_while_it_installs(tmp_path: Path) -> None:
    (tmp_path / "peers").write_text(PEERS_TOOL)
    script = (
        "import sys; sys.path.insert(0, 'tools'); import bootstrap, pathlib, time; place = pathlib.Path(sys.argv[1]); "
        "bootstrap.PEERS_TOOL = place / 'peers'; bootstrap.rights = lambda purpose: []\n"
        "with bootstrap.making_peers():\n"
        "    while not (place / 'begun').exists(): time.sleep(0.01)\n"
        "    if sys.argv[2] == 'fails': bootstrap.stop('no network')\n"
        "    (place / 'installed').touch()\n"
        "print((place / 'made').exists())"
    )
    for outcome, said in (("fails", "labcore: no network\n"), ("ends well", "True\n")):
        command = ["python3", "-c", script, str(tmp_path), outcome]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
        assert done.stdout + done.stderr == said


def test_the_guest_gets_the_working_tree_and_its_status_is_both_rounds() -> None:
    if not (PROJECT / ".git").exists():
        pytest.skip("needs a git checkout")
    script = (
        "import sys; sys.path.insert(0, 'tools'); import pathlib, guest; "
        "guest.HERE = pathlib.Path(sys.argv[1]); guest.SOURCE = guest.HERE / 'source.tar'; "
        "guest.write_source(guest.script(['-k', 'a b'], 'no')); "
        "said = b'guest: ended with %d as root, %d as learner'; "
        "print(guest.status_in(b''), *(guest.status_in(said % both) for both in ((0, 0), (0, 5), (5, 1), (1, 0), (5, 5))))"
    )
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(["python3", "-c", script, place], cwd=PROJECT, capture_output=True, text=True)
        assert done.stdout == "None 0 0 1 1 5\n", done.stderr
        with tarfile.open(f"{place}/source.tar") as archive:
            names = archive.getnames()
            assert {"lab/pyproject.toml", "lab/csrc/walker.c", "lab/tests/unit/test_project.py", "lab/run-tests"} <= set(names)
            assert not [name for name in names if ".venv" in name or "/.git/" in name or "__pycache__" in name]
            run = archive.extractfile("lab/run-tests")
            assert run is not None
            assert run.read().count(b"tests/integration/test_oci.py tests/integration/test_run.py") == 2


def test_the_readme_names_every_lesson_and_room() -> None:
    readme = (PROJECT / "README.md").read_text()
    assert len(re.findall(r"^\| [●○] \| \d+\.", readme, re.MULTILINE)) == 10
    for path in re.findall(r"`((?:labcore|csrc|tests)/[\w./]*)`", readme + (PROJECT / "CONTRIBUTING.md").read_text()):
        assert (PROJECT / path).exists(), path
    assert "中文" in readme.splitlines()[2]


PACKAGING = {".ci", ".clang-format", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "Makefile"}
PARTS = {
    "notebooks",
    "labcore",
    "csrc",
    "tests",
    "tools",
    "environment.yml",
    "Vagrantfile",
    "README.md",
    "pyproject.toml",
    "setup.py",
}


def test_at_the_top_there_is_nothing_else() -> None:
    needs("git")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True)
    if listed.returncode:
        pytest.skip("needs a git checkout")
    assert {name.split("/")[0] for name in os.fsdecode(listed.stdout).split("\0") if name} == PACKAGING | PARTS


def test_the_spine_is_a_weekends_reading() -> None:
    section = (PROJECT / "README.md").read_text().partition("## The spine")[2].partition("\n## ")[0]
    files = [PROJECT / name for name in re.findall(r"`((?:labcore|csrc)/[\w/]+\.\w+)`", section)]
    assert len(files) > 20
    assert sum(len(file.read_text().splitlines()) for file in files) <= 5000


@pytest.mark.parametrize("page", sorted((PROJECT / "labcore").glob("*/README.md")), ids=lambda page: page.parent.name)
def test_the_page_of_a_room_names_files_that_are_there(page: Path) -> None:
    named = set(re.findall(r"`([\w/]+\.py)`", page.read_text())) - {"my_runtime.py"}
    room = page.parent
    assert named
    assert [name for name in sorted(named) if not (room.parent / name).exists() and not any(room.rglob(name))] == []


def test_settings_of_pip_that_are_not_about_sources_do_not_reach_the_virtual_environment(tmp_path: Path) -> None:
    """PIP_USER and its like would put our packages elsewhere, by a variable or by a file; an index is still heeded."""
    wheels, target, config = tmp_path / "wheels", tmp_path / "elsewhere", tmp_path / "pip.conf"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "tiny-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "tiny.py,,\ntiny-1.dist-info/METADATA,,\n")
    config.write_text(f"[global]\nfind-links = {wheels}\n[install]\nno-index = true\nprefix = {target}\n")
    script = (
        "import sys, pathlib; sys.path.insert(0, 'tools'); import bootstrap; log = pathlib.Path(sys.argv[2]); "
        "bootstrap.run_pip(sys.argv[1], ['install', 'tiny'], log.open('w'), log)"
    )
    python = tmp_path / "venv/bin/python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    (modules,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    (modules / "pip").symlink_to(Path(pip.__file__).parent)
    odd = {"PIP_USER": "1", "PIP_TARGET": str(target), "PIP_PREFIX": str(target), "PIP_REQUIRE_VIRTUALENV": "1"}
    odd |= {"PIP_CONFIG_FILE": str(config), "PYTHONPATH": str(tmp_path), "PIP_DRY_RUN": "1"}
    command = [sys.executable, "-c", script, str(python), str(tmp_path / "log")]
    plain = {name: text for name, text in os.environ.items() if not name.startswith("PIP_")}
    done = subprocess.run(command, cwd=PROJECT, env=plain | odd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (modules / "tiny.py").exists()
    assert not target.exists()


def test_make_hides_another_pythons_home_from_what_it_starts() -> None:
    show = ["make", "--no-print-directory", "-f", "Makefile", "-f", "/dev/stdin", "odd"]
    odd = os.environ | {"PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere"}
    rule = "odd:\n\t@env\n"
    shown = subprocess.run(show, cwd=PROJECT, input=rule, env=odd, capture_output=True, text=True, check=True).stdout
    assert "nowhere" not in shown


def test_pictures_in_readme_are_there_small_and_in_words() -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", (PROJECT / "README.md").read_text())
    assert len(pictures) >= 3
    for words, path in pictures:
        assert len(words) > 30
        assert 5_000 < (PROJECT / path).stat().st_size < 150_000, path


@pytest.mark.parametrize("room", ["labcore", "tools"])
def test_every_text_file_is_read_and_written_with_its_encoding_named(room: str) -> None:
    """Where ruff does not see that a value is a path (PLW1514), it is seen here. Solutions read only the kernel's own files."""
    places = []
    for path in (PROJECT / room).rglob("*.py"):
        if path.parent.name == "solutions":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                written = {"read_text": 0, "write_text": 1}.get(node.func.attr)
                named = any(keyword.arg == "encoding" for keyword in node.keywords)
                if written is not None and not named and len(node.args) <= written:
                    places.append(f"{path}:{node.lineno}")
    assert places == []

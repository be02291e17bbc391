"""What was changed in a container, and files copied into it and out of it: docker and podman say the same."""

import io
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from labcore.cli import main
from labcore.engine import Engine
from labcore.engine.container.files import container_files
from tests.conformance.conftest import Driver
from tests.containers import changes, run_script

pytestmark = pytest.mark.usefixtures("served")  # which the command asks
SCRIPT = r"""
mkdir -p /new/deep; echo 1 > /new/deep/file; ln /new/deep/file /new/hard; ln -s /etc/passwd /new/link
echo more >> /etc/group; rm /etc/passwd
rm -r /usr/bin; mkdir /usr/bin; echo x > /usr/bin/own
rm -r /home; echo file > /home
chmod 700 /root; rmdir /var; touch /tmp/t; rm /tmp/t
"""
FILES = r"""
mkdir -p /c/dir/sub /c/empty; echo one > /c/one; echo two > /c/dir/two; echo three > /c/dir/sub/three
ln -s dir /c/dirlink; ln -s one /c/filelink; ln -s nowhere /c/dangling; chown 5:6 /c/one; chmod 640 /c/one
"""
# From the container's /c to the host, and from the host's copy of it to the container: what is copied, and to where.
CASES = [
    ("one", "new"), ("one", "new/"), ("one", "one"), ("one", "empty"), ("one", "empty/"), ("one", "empty/new"),
    ("one", "missing/new"), ("one", "dirlink"), ("one", "filelink"), ("one", "dangling"), ("one", "dir"),
    ("dir", "new"), ("dir", "new/"), ("dir", "empty"), ("dir/", "empty"), ("dir/.", "empty"), ("dir/.", "new"),
    ("dir/.", "dir"), ("dir", "one"), ("dir/.", "one"), ("dir", "missing/new"), ("dir", "dirlink"),
    ("dirlink", "new"), ("dirlink", "empty"), ("dirlink/", "empty"), ("dirlink/.", "empty"), ("filelink", "new"),
    ("filelink", "empty"), ("dangling", "empty"), ("one/", "new"), ("missing", "new"), ("one/.", "empty"),
]  # fmt: skip


@pytest.fixture(scope="module")
def theirs(driver: Driver) -> Iterator[str]:
    name = driver("create", *driver.options, "bb", "sh", "-c", SCRIPT).strip()
    driver("start", "-a", name)
    yield name
    driver("rm", "-f", name)


@pytest.fixture(params=["overlay", "copy"])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LABCORE_STORAGE", request.param)
    return str(request.param)


def test_the_same_changes(driver: Driver, theirs: str, engine: Engine, storage: str) -> None:
    name = f"changes-{driver.name}-{storage}"
    assert run_script(engine, name, SCRIPT).exit_code == 0
    ours = changes(engine, name)
    # What engines make for a container themselves is theirs; they look at a directory's time, or do not.
    said = {line for line in driver("diff", theirs).splitlines() if not line[2:].startswith(("/dev", "/proc", "/sys", "/run"))}
    said -= {"C /etc/hosts", "C /etc/hostname", "A /etc/hosts", "A /etc/hostname", "A /etc/resolv.conf", "A /etc/mtab"}
    # A directory that was removed and made anew: some say that it was deleted, we say what of its content was.
    unclear = {"C /tmp", "C /usr/bin", "D /usr/bin", "D /usr/bin/env"}
    assert set(ours) - unclear == said - unclear
    assert {"C /usr/bin", "D /usr/bin/env", "A /usr/bin/own"} <= set(ours)


@pytest.fixture(scope="module")
def containers(driver: Driver, engine: Engine) -> Iterator[tuple[str, str]]:
    """A container of theirs and one of ours that hold the same files, and are not running."""
    name = driver("create", *driver.options, "bb", "sh", "-c", FILES).strip()
    driver("start", "-a", name)
    ours = f"files-{driver.name}"
    assert run_script(engine, ours, FILES).exit_code == 0
    yield name, ours
    driver("rm", "-f", name)


def tree(top: Path, *, owners: bool) -> dict[str, tuple[object, ...]]:
    """Say what lies there: kinds, permissions, content, and owners if asked for."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(top.rglob("*")):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else ""
        found[str(path.relative_to(top))] = (oct(status.st_mode), content, *((status.st_uid, status.st_gid) if owners else ()))
    return found


Copied = tuple[int, str]  # the status, and what was said
Copy = Callable[[str, str], Copied]


def both(driver: Driver, engine: Engine, *options: str) -> tuple[Copy, Copy]:
    """Return two functions that copy: theirs, and ours, whose command is carried out in this process."""

    def theirs(source: str, target: str) -> Copied:
        command = [*driver.words, "cp", *options, source, target]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        return done.returncode, done.stderr

    def ours(source: str, target: str) -> Copied:
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            return main(["--root", str(engine.root), "cp", *options, source, target]), said.getvalue()

    return theirs, ours


def lay_out(top: Path) -> None:
    """Make on the host what FILES makes in a container."""
    subprocess.run(["sh", "-ec", FILES.replace("/c", str(top))], check=True)


docker_only = pytest.mark.parametrize("driver", ["docker"], indirect=True)
# Which path leads where has to do with `-L`; `-a` is about owners, and a part of the cases shows that the rest stays as it is.
with_options = pytest.mark.parametrize(
    ("options", "cases"), [((), CASES), (("-a",), CASES[::4]), (("-L",), CASES)], ids=["", "-a", "-L"]
)


@docker_only
@with_options
def test_out_of_a_container(
    driver: Driver,
    engine: Engine,
    containers: tuple[str, str],
    tmp_path: Path,
    options: tuple[str, ...],
    cases: list[tuple[str, str]],
) -> None:
    different = []
    for number, (source, target) in enumerate(cases):
        results = []
        for who, copy, container in zip(("theirs", "ours"), both(driver, engine, *options), containers, strict=True):
            place = tmp_path / f"{number}-{who}"
            lay_out(place)
            status, said = copy(f"{container}:/c/{source}", f"{place}/{target}")
            # docker does not keep the owners for which it has the option -a; we do, test_cp says so
            results.append((bool(status), tree(place, owners="-a" not in options), said))
        if results[0][:2] != results[1][:2]:
            different.append((source, target, results))
    assert different == []


@docker_only
@with_options
def test_into_a_container(
    driver: Driver,
    engine: Engine,
    containers: tuple[str, str],
    tmp_path: Path,
    options: tuple[str, ...],
    cases: list[tuple[str, str]],
) -> None:
    """Each case has a directory of its own in the container; all of them are brought there, and back, in one copy."""
    lay_out(tmp_path / "host")
    for number in range(len(cases)):
        lay_out(tmp_path / "all" / str(number))
    place = f"into{''.join(options)}"
    results: dict[str, list[tuple[bool, dict[str, tuple[object, ...]], str]]] = {}
    for who, copy, whole, container in zip(
        ("theirs", "ours"), both(driver, engine, *options), both(driver, engine, "-a"), containers, strict=True
    ):
        assert whole(f"{tmp_path}/all", f"{container}:/{place}")[0] == 0
        done = [
            copy(f"{tmp_path}/host/{source}", f"{container}:/{place}/{number}/{target}")
            for number, (source, target) in enumerate(cases)
        ]
        assert whole(f"{container}:/{place}", f"{tmp_path}/{who}")[0] == 0
        results[who] = [
            (bool(status), tree(tmp_path / who / str(number), owners=False), said) for number, (status, said) in enumerate(done)
        ]
    pairs = zip(cases, results["theirs"], results["ours"], strict=True)
    assert [(case, theirs, ours) for case, theirs, ours in pairs if theirs[:2] != ours[:2]] == []


def test_the_same_files_are_exported(driver: Driver, engine: Engine, containers: tuple[str, str]) -> None:
    theirs = subprocess.run([*driver.words, "export", containers[0]], capture_output=True, timeout=60, check=True).stdout
    with container_files(engine, containers[1]) as files:
        ours = b"".join(files.export())

    def said(data: bytes) -> dict[str, tuple[object, ...]]:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            return {
                member.name: (
                    member.type if not member.islnk() else tarfile.REGTYPE,
                    member.mode & 0o7777,
                    member.uid,
                    member.gid,
                )
                for member in tar
                if member.name.startswith(("c/", "bin/", "home"))
            }

    assert said(ours) == said(theirs)
    assert len(said(ours)) > 200

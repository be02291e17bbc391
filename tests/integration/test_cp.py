"""Files out of containers and into them. By which rules, `tests/conformance/test_files_peers.py` has docker say."""

import io
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labcore.cli import main
from labcore.engine import Engine, create_options
from labcore.engine.container.create import create
from labcore.engine.container.files import container_files
from labcore.engine.container.logs import logs
from labcore.engine.container.start import start
from labcore.engine.containers import remove
from labcore.errors import InUse, InvalidInput
from labcore.native import Process
from labcore.spec import IdRange
from labcore.storage.copy_in import extract_into
from tests.conftest import needs_root
from tests.containers import changes, run_script
from tests.threads import Started

pytestmark = pytest.mark.usefixtures("served", "nothing_left")
ROOT = (0, 0)
# Of what is refused before a container's files are looked at, or for what is on the machine.
BY_OVERLAY = pytest.mark.parametrize("storage", ["overlay"], indirect=True)


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


@pytest.fixture
def name(engine: Engine, storage: str) -> Iterator[str]:
    """A container with a few files, that does not run."""
    chosen = f"cp-{os.urandom(4).hex()}"
    script = (
        "mkdir -p /c/dir; echo one > /c/one; echo two > /c/dir/two; chown 5:6 /c/one; chmod 4750 /c/one; "
        "ln -s / /c/up; ln -s ../../../../../../etc /c/etc; ln -s /proc/self/fd /c/fds; touch -d '2001-02-03 00:00:00' /c/dir"
    )
    assert run_script(engine, chosen, script, volumes=["/c/volume"]).exit_code == 0
    yield chosen
    remove(engine, chosen, volumes=True)


def cp(engine: Engine, *words: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "labcore", "--root", str(engine.root), "cp", *words]
    return subprocess.run(command, capture_output=True, input=stdin, timeout=60)


def shell(engine: Engine, name: str, script: str) -> str:
    done = run_script(engine, name, script)
    assert done.exit_code == 0, done.stderr
    return done.stdout.decode()


def test_there_and_back(engine: Engine, name: str, tmp_path: Path) -> None:
    assert cp(engine, "-a", f"{name}:/c/one", f"{tmp_path}/out").returncode == 0
    status = (tmp_path / "out").stat()
    assert (oct(status.st_mode), status.st_uid, status.st_gid) == ("0o104750", 5, 6)
    assert cp(engine, f"{name}:c/dir", str(tmp_path)).returncode == 0
    assert (tmp_path / "dir/two").read_text() == "two\n"
    assert (tmp_path / "dir").stat().st_mtime == 981158400
    assert cp(engine, "-a", f"{tmp_path}/out", f"{name}:/c/back").returncode == 0
    assert cp(engine, f"{tmp_path}/out", f"{name}:/c/mine").returncode == 0
    said = shell(engine, name, "stat -c '%a %u:%g' /c/back /c/mine; cat /c/back")
    assert said.split() == ["4750", "5:6", "4750", "0:0", "one"]


def test_archives_in_and_out(engine: Engine, name: str) -> None:
    out = cp(engine, f"{name}:/c/dir", "-").stdout
    with tarfile.open(fileobj=io.BytesIO(out)) as tar:
        assert tar.getnames() == ["dir", "dir/two"]
    content = cp(engine, f"{name}:/c/dir/.", "-").stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert tar.getnames() == [".", "./two"]
    assert cp(engine, "-", f"{name}:/tmp", stdin=out).returncode == 0
    assert shell(engine, name, "cat /tmp/dir/two") == "two\n"
    refused = cp(engine, "-", f"{name}:/c/one", stdin=out)
    assert (refused.returncode, b"no such directory to put an archive's files into" in refused.stderr) == (1, True)
    assert b"no archive that can be read" in cp(engine, "-", f"{name}:/tmp", stdin=b"nonsense" * 200).stderr


def test_an_archive_of_many_nested_directories(engine: Engine, name: str) -> None:
    """As deep as a path may be, in little time; what is deeper is refused, and nothing recurses."""
    names = ["/".join("d" * depth) for depth in range(1, 1701)]
    data = hostile(*((path, tarfile.DIRTYPE, "") for path in names), (f"{names[-1]}/file", tarfile.REGTYPE, ""))
    with container_files(engine, name, writable=True) as files:
        began = time.process_time()
        extract_into(io.BytesIO(data), files, "/tmp", owner=ROOT)
        took = time.process_time() - began
        with pytest.raises(InvalidInput, match="a directory whose path has more than 3584 bytes"):
            extract_into(io.BytesIO(hostile(("d/" * 1795 + "f", tarfile.REGTYPE, ""))), files, "/tmp", owner=ROOT)
    assert shell(engine, name, f"cat /tmp/{names[-1]}/file") == "evil"
    assert took < 10


def test_a_later_entry_takes_the_place_of_an_earlier_one(engine: Engine, name: str) -> None:
    """A file that of a file or a link, which then leads nowhere any more; never one that of a directory, or a directory its."""
    data = hostile(
        ("way", tarfile.SYMTYPE, "/c/dir"), ("way/first", tarfile.REGTYPE, ""), ("way", tarfile.REGTYPE, ""),
        ("twice", tarfile.FIFOTYPE, ""), ("twice", tarfile.REGTYPE, ""), ("hard", tarfile.REGTYPE, ""),
        ("hard", tarfile.LNKTYPE, "twice"),
    )  # fmt: skip
    with container_files(engine, name, writable=True) as files:
        extract_into(io.BytesIO(data), files, "/tmp", owner=ROOT)
        for entries in (
            [("way/second", tarfile.REGTYPE, "")],
            [("way", tarfile.DIRTYPE, "")],
            [("d", tarfile.DIRTYPE, ""), ("d", tarfile.REGTYPE, "")],
            [("h", tarfile.LNKTYPE, "nowhere")],
            [("n" * 256, tarfile.REGTYPE, "")],
        ):
            with pytest.raises(InvalidInput):
                extract_into(io.BytesIO(hostile(*entries)), files, "/tmp", owner=ROOT)
    said = shell(engine, name, "ls /c/dir; cat /tmp/way /tmp/twice; [ /tmp/hard -ef /tmp/twice ] && [ -d /tmp/d ] && echo same")
    assert said.split() == ["first", "two", "evilevilsame"]


def test_linked_files_and_large_ones(engine: Engine, name: str, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/large").write_bytes(os.urandom(3 << 20))
    os.link(tmp_path / "d/large", tmp_path / "d/second")
    assert cp(engine, f"{tmp_path}/d", f"{name}:/").returncode == 0
    assert cp(engine, f"{name}:/d", f"{tmp_path}/back").returncode == 0
    back = tmp_path / "back"
    assert (back / "large").read_bytes() == (tmp_path / "d/large").read_bytes()
    assert (back / "large").stat().st_ino == (back / "second").stat().st_ino


WRONG = [
    (("a", "b"), "one of SRC and DEST is in a container"),
    (("x:/a", "y:/b"), "one of SRC and DEST is in a container"),
    (("nowhere:/a", "/tmp"), "No such container: nowhere"),
    (("../x:/a", "/tmp"), "one of SRC and DEST"),
    (("NAME:/missing", "/tmp"), "Could not find the file /missing in container NAME"),
    (("NAME:/missing/x", "/tmp"), "Could not find the file /missing/x in container NAME"),
    (("NAME:/c/one/", "/tmp"), "lstat /c/one/: not a directory"),
    (("/missing", "NAME:/c"), "/missing: there is no such file"),
    (("/etc/hostname", "NAME:/missing/x"), "Could not find the file /missing in container NAME"),
    (("/etc/hostname", "NAME:/missing/"), "there is no such directory to copy into"),
    (("/etc/apt", "NAME:/c/one"), "cannot be copied to what is no directory"),
    (("/etc/hostname", "NAME:/c/one/"), "lstat /c/one/: not a directory"),
    (("NAME:/c/one", "/etc/hostname/"), "/etc/hostname/: it is no directory to copy into"),
    (("", "NAME:/c"), "is empty, and names no file"),
    (("NAME:/c/one", ""), "is empty, and names no file"),
]


@BY_OVERLAY
def test_what_cannot_be(engine: Engine, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words, why in WRONG:
        command = ["--root", str(engine.root), "cp", *(word.replace("NAME", name) for word in words)]
        assert main(command) == 1, words
        assert why.replace("NAME", name) in capsys.readouterr().err


SPECIAL = [
    ("device", "mknod {} c 1 3"),
    ("FIFO", "mkfifo {}"),
    ("socket", "python3 -c 'import socket; socket.socket(1).bind(\"{}\")'"),
]


@BY_OVERLAY
@pytest.mark.parametrize(("what", "make"), SPECIAL)
def test_no_copy_takes_the_place_of_a_device(engine: Engine, name: str, tmp_path: Path, what: str, make: str) -> None:
    """By its name, by a link to it, and as one of a directory's names: what somebody reads and writes stays what it is."""
    node = tmp_path / "dir/two"
    node.parent.mkdir()
    subprocess.run(make.format(node), shell=True, check=True)
    (tmp_path / "way").symlink_to(node)
    before = node.lstat()
    for source, target in (
        ("/c/dir/two", node),
        ("/c/dir/two", tmp_path / "way"),
        ("/c/dir/two", node.parent),
        ("/c/dir", tmp_path),
    ):
        refused = cp(engine, f"{name}:{source}", str(target))
        assert (refused.returncode, f"is a {what}, and no copy takes its place" in refused.stderr.decode()) == (1, True)
    assert (node.lstat().st_ino, node.lstat().st_mode) == (before.st_ino, before.st_mode)


# --- hostile links


def test_a_path_stays_in_the_container(engine: Engine, name: str, tmp_path: Path) -> None:
    for number, path in enumerate(("/c/up/etc/passwd", "/c/etc/passwd", "/../../etc/passwd", "/c/../../../etc/passwd")):
        assert cp(engine, f"{name}:{path}", f"{tmp_path}/out").returncode == 0
        assert (tmp_path / "out").read_text().count("\n") == 2, "the image's own, not this machine's"
        assert cp(engine, f"{tmp_path}/out", f"{name}:{path}-{number}").returncode == 0
        assert not Path(f"/etc/passwd-{number}").exists()


def test_a_link_in_a_container_is_copied_as_one(engine: Engine, name: str, tmp_path: Path) -> None:
    """And the second copy does not go where the first one's link leads."""
    (tmp_path / "outside").mkdir()
    script = f"mkdir -p /evil; ln -s {tmp_path}/outside /evil/way"
    shell(engine, name, script)
    assert cp(engine, f"{name}:/evil", f"{tmp_path}/evil").returncode == 0
    assert (tmp_path / "evil/way").is_symlink()
    shell(engine, name, "rm /evil/way; mkdir /evil/way; echo x > /evil/way/file")
    refused = cp(engine, f"{name}:/evil/.", f"{tmp_path}/evil")
    assert (refused.returncode, b"cannot take the place" in refused.stderr) == (1, True)
    assert list((tmp_path / "outside").iterdir()) == []


def hostile(*entries: tuple[str, bytes, str]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for path, kind, link in entries:
            member = tarfile.TarInfo(path)
            member.type, member.linkname = kind, link
            member.size = 4 if kind == tarfile.REGTYPE else 0
            tar.addfile(member, io.BytesIO(b"evil"))
    return file.getvalue()


ARCHIVES = [
    (hostile(("../evil", tarfile.REGTYPE, "")), "leads upwards"),
    (hostile(("a/../../evil", tarfile.REGTYPE, "")), "leads upwards"),
    (hostile(("l", tarfile.LNKTYPE, "../../etc/passwd")), "leads upwards"),
    (hostile(("x", b"Z", "")), "unknown kind"),
    (hostile(("a\0b/c", tarfile.SYMTYPE, "x")).replace(b"a\0b/c", b"a/b/c")[:700], "no archive"),
    (b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"x" * 600, "no archive"),
]


@BY_OVERLAY
def test_an_archive_that_leads_out_is_refused(engine: Engine, name: str) -> None:
    for data, why in ARCHIVES:
        with container_files(engine, name, writable=True) as files, pytest.raises(InvalidInput, match=why):
            extract_into(io.BytesIO(data), files, "/tmp", owner=ROOT)


def test_links_in_an_archive_stay_inside(engine: Engine, name: str, tmp_path: Path) -> None:
    data = hostile(
        ("way", tarfile.SYMTYPE, str(tmp_path)), ("up", tarfile.SYMTYPE, "../../../../../.."),
        ("up/evil", tarfile.REGTYPE, ""), ("/absolute", tarfile.REGTYPE, ""), ("fd", tarfile.SYMTYPE, "/proc/self/fd"),
    )  # fmt: skip
    with container_files(engine, name, writable=True) as files:
        extract_into(io.BytesIO(data), files, "/tmp", owner=ROOT)
        with pytest.raises(InvalidInput):
            extract_into(io.BytesIO(hostile(("way/evil/x/y", tarfile.LNKTYPE, "nowhere/x"))), files, "/tmp", owner=ROOT)
    assert shell(engine, name, "cat /evil /tmp/absolute") == "evilevil"
    assert not Path("/evil").exists()
    assert [path.name for path in tmp_path.iterdir()] == []


# --- containers that run


@pytest.fixture
def running(engine: Engine, name: str) -> Iterator[Process]:
    script = b"echo live > /c/live; mkdir /dev/shm/x; echo started; read line; ls -ln /c/in\n"
    with start(engine, name, with_input=True) as process:
        assert process.stdin is not None
        process.stdin.write(script)
        while not any(b"started" in record.data for record in logs(engine, name)):
            time.sleep(0.02)
        yield process


def test_a_container_that_runs(engine: Engine, name: str, running: Process, tmp_path: Path) -> None:
    """Its files are reached through it: what it mounts is there too, and what is copied in it sees at once."""
    assert cp(engine, f"{name}:/c/live", str(tmp_path)).returncode == 0
    assert (tmp_path / "live").read_text() == "live\n"
    assert cp(engine, f"{tmp_path}/live", f"{name}:/c/in").returncode == 0
    assert cp(engine, f"{tmp_path}/live", f"{name}:/c/volume").returncode == 0
    with container_files(engine, name) as files, tarfile.open(fileobj=io.BytesIO(b"".join(files.export()))) as tar:
        names = tar.getnames()
    assert {"c/live", "c/volume", "proc", "bin/busybox"} <= set(names)
    assert not [each for each in names if each.startswith(("proc/", "dev/shm", "c/volume/"))]
    assert "A /c/live" in changes(engine, name)
    assert running.stdin is not None
    running.stdin.write(b"\n")
    running.stdin.close()
    assert running.wait(20) == 0
    out = b"".join(record.data for record in logs(engine, name, tail=1))
    assert out.split()[2:4] == [b"0", b"0"]


def test_links_of_a_container_that_runs_lead_nowhere(engine: Engine, name: str, running: Process, tmp_path: Path) -> None:
    """Its /proc is there, and in it links that are no paths: to whoever looks at them, their own files."""
    for path in ("/c/fds/0", "/proc/self/root/etc/passwd", "/proc/1/cwd/etc"):
        assert cp(engine, "-L", f"{name}:{path}", f"{tmp_path}/out").returncode == 1
    assert not (tmp_path / "out").exists()


def test_its_users_are_others(engine: Engine, tmp_path: Path) -> None:
    name = f"cp-{os.urandom(4).hex()}"
    ids = IdRange(inside=0, outside=200_000, size=65_536)
    create(engine, create_options("busybox", ["sh"], name=name, remap=ids, open_stdin=True, stdin_once=True))
    with (
        start(engine, name, with_input=True),
        pytest.raises(InvalidInput, match="its users are others outside"),
        container_files(engine, name),
    ):
        pass
    done = cp(engine, "/etc/hostname", f"{name}:/in")
    assert (done.returncode, done.stderr) == (0, b"")
    assert run_script(engine, name, "stat -c %u /in").stdout == b"0\n"
    remove(engine, name)


def test_a_killed_cp_leaves_nothing_mounted(engine: Engine, name: str) -> None:
    """The tree that it looked into was attached nowhere, and is gone with it."""
    script = (
        "import sys, time, labcore\nfrom pathlib import Path\n"
        "from labcore.engine.container.files import container_files\n"
        "with container_files(labcore.Engine(Path(sys.argv[1])), sys.argv[2], writable=True):\n"
        " print('mounted', flush=True)\n time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(engine.root), name]
    with Started(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        export = [sys.executable, "-m", "labcore", "--root", str(engine.root), "export", name]
        busy = subprocess.run(export, capture_output=True, timeout=60)  # which asks once, and so waits once for the lock
        assert (busy.returncode, b"is in use" in busy.stderr) == (1, True)
        holder.kill()
    assert shell(engine, name, "cat /c/one") == "one\n"


def test_who_looks_first_and_then_copies_waits_once_for_a_container_that_is_locked(engine: Engine, name: str) -> None:
    """Docker's cp asks twice (HEAD, then GET or PUT), and the second was a wait anew; who comes after that waits again."""
    id = engine.records.find(name).id

    def look(seconds: float) -> bool:
        with container_files(engine, id, wait_seconds=seconds):
            return True

    with ThreadPoolExecutor(1) as pool:
        with engine.container_dirs.locked(id, name):
            with pytest.raises(InUse, match=f"container {name} is in use"):
                look(0)
            with pytest.raises(InUse, match=f"container {name} is in use"):
                pool.submit(look, float("inf")).result(60)
            waiting = pool.submit(look, float("inf"))
            time.sleep(0.2)
            assert not waiting.done()
        assert waiting.result(60)

"""Builds in trouble: killed programs, full disks, clients and daemons that go, and others at work on the same store meanwhile.

After each of them nothing is named that is not whole, the cache can be used, fsck finds nothing, and nothing is left running.
"""

import gc
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labcore.builder.errors import RunFailed
from labcore.builder.parser.errors import DockerfileError
from labcore.engine import Engine
from labcore.engine.containers import every
from labcore.engine.fsck import check
from labcore.engine.image.remove import prune_images, remove_image
from labcore.engine.prune_cache import prune_cache
from labcore.errors import LabcoreError, StoreFull
from labcore.spec import Reference, Resources
from tests.conftest import needs_root, small_disk
from tests.daemon import DOCKER, RunningDaemon, running_daemon
from tests.image_builds import built, context_tar
from tests.serving import eventually

LABCORE = str(Path(sys.executable).with_name("labcore"))
FROM = "FROM busybox\n"
FULL = "no space left on device"
CLASSIC = {"DOCKER_BUILDKIT": "0"}
SETTLE_SECONDS = 20
MB = 1 << 20

pytestmark = pytest.mark.usefixtures("errors_go")


@pytest.fixture
def errors_go(nothing_left: None) -> Iterator[None]:
    """Have errors that a test has caught go, which hold the frames of their build, before it is looked what is left."""
    yield
    gc.collect()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Engine]:
    """An engine of the test's own, with busybox."""
    needs_root()
    engine = Engine(tmp_path / "state")
    engine.seed("busybox")
    yield engine
    engine.networks.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RunningDaemon]:
    needs_root()
    if not DOCKER.exists():
        pytest.skip("needs docker, which is not installed (PEERS=1 make setup)")
    with running_daemon(tmp_path / "root") as made:
        yield made


def clean(engine: Engine) -> None:
    """Fail if something is half there, damaged or left behind in a state root where no build is under way."""
    root = engine.root
    assert check(engine) == check(engine).replace(blobs=(), layers=(), unchecked=())
    assert not list((root / "storage/upper").glob("*"))
    assert not list((root / "storage/layers").glob(".*"))
    assert {each.name for each in (root / "builder").iterdir()} <= {"cache", "leases", "mounts"}
    assert not list((root / "builder/cache").glob(".*"))
    assert not [each for each in every(engine) if each.name != "kept"]


def context(place: Path, dockerfile: str, **files: str | bytes) -> Path:
    """Make a directory of a Dockerfile and files."""
    place.mkdir(exist_ok=True)
    (place / "Dockerfile").write_text(dockerfile)
    for name, content in files.items():
        (place / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return place


# --- programs that are killed


def test_a_program_that_is_killed(own: Engine) -> None:
    with pytest.raises(RunFailed) as caught:
        built(
            own, f"{FROM}RUN echo before > /f\nRUN echo said; sh -c 'kill -9 $$'; exit $?\n", tags=(Reference.parse("killed"),)
        )
    assert (caught.value.code, caught.value.place) == (137, "Dockerfile:3")
    assert caught.value.output == ("said", "Killed")
    assert "killed:latest" not in own.images.names()
    assert built(own, f"{FROM}RUN echo before > /f\n").cached() == ["RUN echo before > /f"]
    clean(own)


def test_a_program_that_wants_too_much_memory(own: Engine) -> None:
    text = f"{FROM}RUN echo begins; tail -c 300m /dev/zero > /dev/null; exit $?\n"
    with pytest.raises(RunFailed) as caught:
        built(own, text, resources=Resources(memory=32 * MB, swap=32 * MB))
    assert (caught.value.code, caught.value.place) == (137, "Dockerfile:2")
    assert "begins" in caught.value.output
    clean(own)


# --- a full disk


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Engine]:
    """An engine on a small disk, with busybox."""
    needs_root()
    with small_disk(tmp_path / "disk", "24m") as root:
        engine = Engine(root)
        engine.seed("busybox")
        yield engine
        engine.networks.close()


def test_a_run_that_fills_the_disk(narrow: Engine) -> None:
    text = f"{FROM}RUN echo small > /small\nRUN dd if=/dev/zero of=/big bs=1M count=100\n"
    with pytest.raises(RunFailed) as caught:
        built(narrow, text, tags=(Reference.parse("full"),))
    assert "No space left" in "".join(caught.value.output)
    assert "full:latest" not in narrow.images.names()
    assert built(narrow, f"{FROM}RUN echo small > /small\n").cached() == ["RUN echo small > /small"]
    clean(narrow)


@pytest.mark.parametrize("size", [11, 12])
def test_what_a_run_has_written_fits_but_its_layer_does_not(narrow: Engine, size: int) -> None:
    text = f"{FROM}RUN head -c {size}m /dev/urandom > /big\n"
    with pytest.raises(StoreFull, match=FULL) as caught:
        built(narrow, text, tags=(Reference.parse("full"),))
    assert vars(caught.value)["place"] == "Dockerfile:2"
    assert "full:latest" not in narrow.images.names()
    assert built(narrow, f"{FROM}RUN echo again\n").image
    clean(narrow)


@pytest.mark.parametrize("size", [7, 14])
def test_a_copy_that_does_not_fit(narrow: Engine, size: int) -> None:
    with pytest.raises(StoreFull, match=FULL):
        built(narrow, f"{FROM}COPY big /a\nCOPY big /b/\n", {"big": os.urandom(size * MB)}, tags=(Reference.parse("full"),))
    assert "full:latest" not in narrow.images.names()
    assert built(narrow, f"{FROM}COPY small /small\n", {"small": "x"}).image
    clean(narrow)


# --- stages


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        (f"{FROM}COPY --from=nobody /a /b\n", "Dockerfile:2", "nobody"),
        (f"{FROM}COPY --from=7 /a /b\n", "Dockerfile:2", "7"),
        ("FROM nobody\n", "Dockerfile:1", "nobody"),
    ],
)
def test_a_stage_that_is_not_there(own: Engine, text: str, place: str, problem: str) -> None:
    """It is an image's name then, of which there is none, as the registry says, or nobody answers."""
    with pytest.raises(LabcoreError, match=re.escape(problem)) as caught:
        built(own, text, tags=(Reference.parse("nothing"),))
    known = vars(caught.value)
    found = known.get("place") or f"{known['name']}:{known['location'].line}"
    assert found == place
    assert "nothing:latest" not in own.images.names()


def test_stages_in_a_circle_by_triggers(own: Engine) -> None:
    built(own, f"{FROM}ONBUILD COPY --from=two / /x\n", tags=(Reference.parse("trigger-two"),))
    built(own, f"{FROM}ONBUILD COPY --from=one / /x\n", tags=(Reference.parse("trigger-one"),))
    text = "FROM trigger-two AS one\nFROM trigger-one AS two\nFROM busybox\nCOPY --from=two / /y\nCOPY --from=one / /z\n"
    with pytest.raises(DockerfileError, match=r"circular|forward|not there|no stage") as caught:
        built(own, text, tags=(Reference.parse("circle"),))
    assert caught.value.location.line
    assert "circle:latest" not in own.images.names()
    clean(own)


# --- others at work on the same store


def in_a_thread(function: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Begin something beside; return its thread, and a list that gets what it returns or raises."""
    found: list[object] = []

    def work() -> None:
        try:
            found.append(function())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, found


def test_two_builds_of_one_name(own: Engine) -> None:
    def one(number: int) -> Callable[[], object]:
        text = f"{FROM}RUN echo {number} > /f; sleep 0.{number}\nCOPY f /{number}\nLABEL n={number}\n"
        return lambda: built(own, text, {"f": str(number)}, tags=(Reference.parse("both"),)).image.id

    beside = [in_a_thread(one(number)) for number in range(3)]
    for thread, _ in beside:
        thread.join()
    ids = [found[0] for _, found in beside]
    assert len(set(ids)) == 3
    assert own.images.get(Reference.parse("both")).id in ids
    prune_images(own)  # the others have no name
    assert own.images.get(Reference.parse("both")).id in ids
    clean(own)


def test_two_builds_of_the_same(own: Engine) -> None:
    text = f"{FROM}RUN sleep 0.3; echo same > /f\nCOPY f /g\n"
    beside = [in_a_thread(lambda: built(own, text, {"f": "x"}, epoch=0).image.id) for _ in range(3)]
    for thread, _ in beside:
        thread.join()
    assert len({str(found[0]) for _, found in beside}) == 1, beside
    clean(own)


def test_everything_is_pruned_while_a_build_goes_on(own: Engine) -> None:
    """Base image, cached steps and layers between two steps: what the build needs stays, and it ends well."""
    steps = "".join(f"RUN sleep 0.1; echo {n} > /{n}\nCOPY f /copied{n}\nWORKDIR /w{n}\n" for n in range(6))
    ends = threading.Event()
    text = f"FROM busybox AS a\n{steps}FROM busybox\nCOPY --from=a /5 /from\nRUN cat /from\n"
    built(own, f"{FROM}{steps.partition('RUN sleep 0.1; echo 3')[0]}", {"f": "x"})

    def prunes() -> int:
        count = 0
        while not (ends.is_set() or list((own.root / "storage/upper").glob("*"))):
            time.sleep(0.01)  # until a step stands on the base, it may go
        while not ends.is_set():
            prune_images(own, every=True)
            prune_cache(own, every=True)
            count += 1
        return count

    thread, count = in_a_thread(prunes)
    try:
        result = built(own, text, {"f": "x"}, tags=(Reference.parse("survives"),))
    finally:
        ends.set()
        thread.join()
    assert isinstance(count[0], int), count
    assert count[0] > 1
    assert result.output == b"5\n"
    clean(own)  # the image itself may be pruned as soon as it is there


def test_the_base_goes_while_it_is_built_on(own: Engine) -> None:
    text = f"{FROM}RUN echo a > /a\nRUN cat /a; ls /bin/sh\nCOPY f /f\n"
    gone = []

    def removes() -> None:
        while not list((own.root / "storage/upper").glob("*")):
            time.sleep(0.01)
        remove_image(own, "busybox", force=True)
        gone.append(prune_images(own, every=True))
        prune_cache(own, every=True)

    thread, found = in_a_thread(removes)
    result = built(own, text.replace("echo a", "sleep 0.7; echo a"), {"f": "x"}, tags=(Reference.parse("orphan"),))
    thread.join()
    assert found == [None]
    assert gone
    assert own.images.names() == ["orphan:latest"]
    assert built(own, "FROM orphan\nRUN cat /a /f\n").output == b"a\nx"
    assert result.output == b"a\n/bin/sh\n"
    clean(own)


# --- clients that are killed, by docker's command and ours


class Building:
    """A command that builds, and what it has said."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.said = b""

    def until(self, text: bytes) -> None:
        assert self.process.stdout
        while text not in self.said:
            piece = os.read(self.process.stdout.fileno(), 1 << 16)
            assert piece, self.said
            self.said += piece

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def building(
    daemon: RunningDaemon, place: Path, *options: str, ours: bool = False, stdin: int | None = None
) -> Iterator[Building]:
    """Have a command build a directory as long as the block lasts, and be killed at its end."""
    words = [LABCORE, "-H", daemon.url] if ours else daemon.command()
    options = ("--progress", "plain", *options) if ours else options
    command = [*words, "build", "-t", "left", *options, str(place) if stdin is None else "-"]
    with subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **CLASSIC}
    ) as process:
        try:
            yield Building(process)
        finally:
            process.kill()


def jobs(daemon: RunningDaemon) -> list[str]:
    """Return the requests that are under way, but for this one."""
    return [job["Kind"] for job in daemon.request("GET", "/v1.51/labcore/jobs").json if job["State"] == "running"]


def settles(daemon: RunningDaemon) -> None:
    """Wait until the daemon has no build any more; then fail if it has left something, or has no room for the next one."""
    assert eventually(lambda: "POST /build" not in jobs(daemon), SETTLE_SECONDS), jobs(daemon)
    spooled = [os.readlink(each) for each in Path(f"/proc/{daemon.pid}/fd").iterdir() if each.is_symlink()]
    assert not [name for name in spooled if "/builder/" in name], spooled
    assert "left" not in daemon.docker("images", "--format", "{{.Repository}}").stdout
    assert "Traceback" not in daemon.said(), daemon.said()
    clean(Engine(daemon.root))


@pytest.mark.parametrize("ours", [False, True], ids=["docker", "labcore"])
def test_a_client_is_killed_while_it_sends(daemon: RunningDaemon, tmp_path: Path, ours: bool) -> None:
    reader, writer = os.pipe()
    with building(daemon, tmp_path, ours=ours, stdin=reader) as build:
        os.close(reader)
        os.write(writer, context_tar({"Dockerfile": f"{FROM}COPY . /\n", "f": bytes(MB)}).getvalue()[:60_000])
        assert eventually(lambda: "POST /build" in jobs(daemon), SETTLE_SECONDS)
        build.end()
    os.close(writer)
    settles(daemon)


@pytest.mark.parametrize("ours", [False, True], ids=["docker", "labcore"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{FROM}RUN echo be''gins; sleep 600\n", b"begins"),
        (f"{FROM}COPY f /f\nCOPY --from=two /f /g\nFROM busybox AS two\nRUN sleep 600\n", b"FROM busybox"),
        (f"{FROM}COPY f /f1\nCOPY f /f2/\nCOPY f /f3/\nCOPY f /f4/\nCOPY f /f5/\nRUN sleep 600\n", b"COPY f /f2"),
    ],
    ids=["RUN", "side by side", "COPY"],
)
def test_a_client_is_killed_in_a_step(daemon: RunningDaemon, tmp_path: Path, text: str, said: bytes, ours: bool) -> None:
    place = context(tmp_path / "context", text, f=os.urandom(4 * MB))
    with building(daemon, place, ours=ours) as build:
        build.until(said)
        build.end()
    settles(daemon)
    assert daemon.docker("build", "-q", str(context(place, f"{FROM}RUN echo next\n")), env=CLASSIC).stdout


def test_a_client_is_killed_while_the_base_is_pulled(daemon: RunningDaemon, tmp_path: Path) -> None:
    """A registry that begins to answer, and does not end."""
    with socket.create_server(("127.0.0.1", 0)) as registry:
        name = f"127.0.0.1:{registry.getsockname()[1]}/slow"
        place = context(tmp_path / "context", f"FROM {name}\nRUN true\n")
        with building(daemon, place) as build:
            build.until(b"Step 1/2")
            asked, _ = registry.accept()
            with asked:
                build.end()
                settles(daemon)


# --- the daemon is killed


@pytest.mark.parametrize("said", [b"Step 1/", b"Running in", b"begins", b"Step 4/", b"Step 5/"])
def test_the_daemon_is_killed_while_it_builds(tmp_path: Path, said: bytes) -> None:
    needs_root()
    text = f"{FROM}RUN echo kept > /kept\nRUN echo be''gins; echo x > /y; sleep 0.5\nCOPY f /f\nCOPY f /g/\nRUN sleep 1\n"
    place = context(tmp_path / "context", text, f=os.urandom(4 * MB))
    with running_daemon(tmp_path / "root", clears=False) as daemon, building(daemon, place) as build:
        build.until(said)
        daemon.end(signal.SIGKILL)
        assert build.process.wait(SETTLE_SECONDS)
    with running_daemon(tmp_path / "root") as daemon:
        settles(daemon)
        again = daemon.docker("build", "-t", "whole", str(place), env=CLASSIC).stdout
        assert "Successfully tagged whole:latest" in again
        assert ("Using cache" in again) == (said not in (b"Step 1/", b"Running in"))
        clean(Engine(daemon.root))


# --- what stands in a context


def test_a_context_that_changes_while_it_is_sent(daemon: RunningDaemon, tmp_path: Path) -> None:
    """Files come, go, grow and become links: the build works, or says which file was in its way."""
    place = context(tmp_path / "context", f"{FROM}COPY . /c\nRUN ls /c/d | wc -l\n")
    (place / "d").mkdir()
    for number in range(2000):
        (place / "d" / str(number)).write_bytes(b"x" * 100)
    ends = threading.Event()

    def changes() -> None:
        number = 0
        while not ends.is_set():
            file = place / "d" / str(number % 2000)
            file.unlink(missing_ok=True)
            if number % 3 == 0:
                file.symlink_to("/etc/passwd")
            elif number % 3 == 1:
                file.write_bytes(b"y" * (number % 9000))
            number += 7

    thread, _ = in_a_thread(changes)
    try:
        for _ in range(3):
            done = subprocess.run(
                [LABCORE, "-H", daemon.url, "build", "-t", "moving", str(place)], capture_output=True, text=True
            )
            assert done.returncode == 0 or "has become shorter while it was sent" in done.stderr, done.stderr
            assert "Traceback" not in done.stderr
    finally:
        ends.set()
        thread.join()
    settles(daemon)


@pytest.mark.parametrize("kind", ["fifo", "socket", "device"])
def test_a_context_with_special_files(daemon: RunningDaemon, tmp_path: Path, kind: str) -> None:
    place = context(tmp_path / "context", f"{FROM}COPY . /c\nRUN ls /c\n")
    special = place / "special"
    if kind == "fifo":
        os.mkfifo(special)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(special))
    else:
        os.mknod(special, 0o600 | 0o020000, os.makedev(1, 5))
    stock = daemon.docker("build", "-t", "special", str(place), status=None, env=CLASSIC)
    ours = subprocess.run([LABCORE, "-H", daemon.url, "build", str(place)], capture_output=True, text=True, timeout=60)
    if kind == "socket":  # no archive has them
        assert (stock.returncode, ours.returncode) == (0, 0), (stock.stderr, ours.stderr)
    else:
        assert ours.returncode == 1
        assert "special is a" in ours.stderr
        assert kind == "fifo" or ("special in the build context is a device" in stock.stderr), stock
    settles(daemon)


def test_a_large_sparse_file_is_sent_by_its_holes(daemon: RunningDaemon, tmp_path: Path) -> None:
    """A file of 4 GiB that has some bytes: it is not read through, and not kept by the daemon at that size."""
    place = context(tmp_path / "context", f"{FROM}COPY small /\nRUN cat /small\n", small="small\n")
    with (place / "image").open("wb") as file:
        file.truncate(4 << 30)
        file.seek(3 << 30)
        file.write(b"data")
    done = subprocess.run([LABCORE, "-H", daemon.url, "build", "--progress=plain", str(place)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (sent,) = re.findall(r"transferring context: (\S+) done", done.stderr)
    assert sent.endswith("kB"), sent


def test_twenty_thousand_files_take_little_memory(daemon: RunningDaemon, tmp_path: Path) -> None:
    place = context(tmp_path / "context", f"{FROM}COPY . /c\nRUN find /c -type f | wc -l\n")
    for number in range(20_000):
        directory = place / f"d{number // 200}"
        directory.mkdir(exist_ok=True)
        (directory / f"file{number}").write_bytes(b"%d" % number)
    done = daemon.docker("build", str(place), env=CLASSIC).stdout
    assert "\n20001\n" in done
    peak = int(Path(f"/proc/{daemon.pid}/status").read_text().partition("VmHWM:")[2].split()[0])
    assert peak < 100 << 10  # KiB


def test_docker_prunes_while_docker_builds(daemon: RunningDaemon, tmp_path: Path) -> None:
    text = f"{FROM}RUN echo a > /a\nRUN echo be''gins; sleep 3\nCOPY f /f\nRUN cat /a /f\n"
    place = context(tmp_path / "context", text, f="of the context")
    with building(daemon, place, "-t", "pruned") as build:
        build.until(b"begins")
        for words in (("image", "prune", "-af"), ("builder", "prune", "-af"), ("system", "prune", "-af", "--volumes")):
            daemon.docker(*words)
        build.until(b"Successfully tagged pruned:latest")
        assert build.process.wait(SETTLE_SECONDS) == 0
    assert b"a\nof the context" in build.said
    assert daemon.docker("run", "--rm", "--network", "none", "pruned", "cat", "/a").stdout == "a\n"
    daemon.docker("rmi", "left")
    settles(daemon)


def test_a_full_disk_is_told_with_its_line(tmp_path: Path) -> None:
    """Through the daemon: docker's command says what is wrong behind the step, and ours shows the line."""
    needs_root()
    place = context(tmp_path / "context", f"{FROM}RUN true\nCOPY big /big\n", big=os.urandom(9 * MB))
    with small_disk(tmp_path / "disk", "24m") as root, running_daemon(root) as daemon:
        stock = daemon.docker("build", "-t", "left", str(place), status=1, env=CLASSIC)
        assert "Step 3/3 : COPY big /big" in stock.stdout
        assert FULL in stock.stderr
        ours = subprocess.run([LABCORE, "-H", daemon.url, "build", str(place)], capture_output=True, text=True, check=False)
        assert ours.returncode == 1
        assert "Dockerfile:3\n" in ours.stderr
        assert FULL in ours.stderr
        settles(daemon)
        daemon.docker("run", "--rm", "--network", "none", "busybox", "true")

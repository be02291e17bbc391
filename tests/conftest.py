"""Shared fixtures; and the rule that on CI a skip is a failure unless its reason is on the list."""

import errno
import fcntl
import hashlib
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from shlex import quote

import pytest

# numpy, which draws the pictures, would start threads when it is imported, and tests of what only a process without threads may
# do run in this one.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
# A crash of a process that a test starts is explained in what it says.
os.environ["PYTHONFAULTHANDLER"] = "1"

from labcore import native
from labcore.engine import Engine
from labcore.errors import Unavailable
from labcore.lab import cgroups
from labcore.language import VARIABLE
from labcore.network.links import delete_link, list_links
from labcore.network.netlink import Netlink
from labcore.vm import guests
from tests.box import SHARED
from tests.daemon import RunningDaemon, own_daemon
from tests.peers import Peers, about_peers, found_peers

pytest_plugins = ["tests.watching", "tests.cpu_time"]
PROJECT = Path(__file__).parent.parent
FROM_PACKAGES = ("alpine", "debian", "nginx", "python")
SEEDS = ("busybox", "hello-world")
PACKAGES = PROJECT / "build" / "packages"
KEPT_IMAGES = PROJECT / "build" / "images"
SHARED_ENGINE = pytest.StashKey[Engine]()
CGROUPS = Path("/sys/fs/cgroup")
ON_CI = os.environ.get("CI") == "true"


def needs_root() -> None:
    """Skip a test that ordinary users cannot run."""
    if os.geteuid():
        pytest.skip("needs root")


def needs(*commands: str) -> None:
    """Skip a test that runs a program which is not installed."""
    for command in commands:
        if shutil.which(command) is None:
            pytest.skip(f"needs {command}, which is not installed (PEERS=1 make setup)")


@pytest.fixture(scope="session")
def peer() -> Iterator[Peers]:
    """Give the words that run a peer's program."""
    with found_peers() as peers:
        yield peers


def pytest_report_header() -> str:
    """Say which peers labcore is compared with."""
    return about_peers()


@contextmanager
def alone(what: str) -> Iterator[socket.socket]:
    """Wait until no other test on this machine's network is in a block of this name; yield what ends that when it is closed.

    The lock is a name among unix(7)'s abstract ones: other runs see it, too.
    """
    with socket.socket(socket.AF_UNIX) as lock:
        while True:
            try:
                lock.bind(f"\0labcore-tests-{what}")
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                time.sleep(0.05)
        yield lock


@contextmanager
def outside() -> Iterator[None]:
    """Be in the machine's network, where the mirrors are, and not in the box's: this thread, and what it starts."""
    machines = Path(os.environ.get(SHARED, "/nowhere"), "network")
    if not machines.exists():  # there is no box
        yield
        return
    with open("/proc/thread-self/ns/net", "rb") as own, machines.open("rb") as theirs:
        native.setns(theirs.fileno(), native.CloneFlag.NEWNET)
        try:
            yield
        finally:
            native.setns(own.fileno(), native.CloneFlag.NEWNET)


@pytest.fixture
def mirrors() -> Iterator[None]:
    """Have the test in the machine's network: it fetches packages."""
    with outside():
        yield


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """Mount a file system of that size (`1m`) on a directory, which is made for it."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        deadline = time.monotonic() + 10
        while subprocess.run(["umount", place], check=time.monotonic() > deadline).returncode:
            time.sleep(0.05)  # a shim is about to end


@contextmanager
def made_once(name: str, factory: pytest.TempPathFactory) -> Iterator[tuple[Path, bool]]:
    """Give a directory that all workers of a run have in common, and whether it is there already; the others wait meanwhile.

    It counts as made when the block has ended well.
    """
    own = factory.getbasetemp()
    shared = Path(os.environ.get(SHARED) or (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own))
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = shared / f"{name}.made"
        (shared / name).mkdir(exist_ok=True)
        yield shared / name, made.exists()
        made.touch()


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine with its own state root and both seeds in it."""
    made = Engine(tmp_path_factory.mktemp("state"))
    for name in SEEDS:
        made.seed(name)
    request.config.stash[SHARED_ENGINE] = made
    return made


@pytest.fixture(scope="module")
def served(engine: Engine) -> Iterator[RunningDaemon]:
    """The daemon of that engine's state root, for the tests of a file: `labcore --root ROOT …` finds it."""
    needs_root()
    with own_daemon(engine.root) as daemon:
        yield daemon


@pytest.fixture(autouse=True)
def seeds_stay(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that takes a seed away from the engine which the tests after it have in common with it."""
    yield
    if (shared := request.config.stash.get(SHARED_ENGINE, None)) is not None:
        gone = {f"{name}:latest" for name in SEEDS} - set(shared.images.names())
        for name in gone:
            shared.seed(name.removesuffix(":latest"))
        assert not gone, f"{request.node.nodeid} has removed {', '.join(sorted(gone))}"


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The engine of all workers with the images that are made from Debian's packages; these are fetched once, kept in build.

    So are the images, as long as nothing has changed that they are made from; test_seeds.py makes them again and compares.
    """
    needs("apt-get", "dpkg-deb")
    PACKAGES.mkdir(parents=True, exist_ok=True)
    with made_once("stocked", tmp_path_factory) as (root, is_there):
        made = Engine(root)
        if not is_there:
            (root / "packages").symlink_to(PACKAGES)
            if (kept := kept_images()).exists():
                shutil.copytree(kept, root / "images")
            else:
                make_from_packages(made)
                keep_images(root / "images")
    return made


def make_from_packages(engine: Engine) -> None:
    """Make those images, or skip the test that wants them."""
    try:
        with outside():
            for name in FROM_PACKAGES:
                engine.seed(name)
    except Unavailable as error:
        pytest.skip(f"needs a Debian mirror: {error}")


def kept_images() -> Path:
    """Return where images are kept that this source makes from these packages; of ours, the room of images imports no more."""
    state = hashlib.sha256(sys.version.encode())
    for pattern in ("*.py", "images/**/*.py", "spec/**/*.py"):
        for source in sorted((PROJECT / "labcore").glob(pattern)):
            state.update(source.read_bytes())
    for file in sorted(PACKAGES.glob("*/*_*")):
        state.update(f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}\n".encode())
    return KEPT_IMAGES / state.hexdigest()


def keep_images(images: Path) -> None:
    """Keep a copy of them in place of older ones."""
    shutil.rmtree(KEPT_IMAGES, ignore_errors=True)
    copy = KEPT_IMAGES / f"incomplete-{os.getpid()}"
    shutil.copytree(images, copy)
    copy.rename(kept_images())


@pytest.fixture(scope="session")
def vm_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state root with all that a small virtual machine needs; fetched and made once, and kept in build."""
    needs(f"qemu-system-{platform.machine()}", "apt-get", "dpkg-deb")
    root = PROJECT / "build" / "vm"
    with made_once("vm", tmp_path_factory) as (_, is_there):
        if not is_there:
            with outside():
                guests.setup(root)
    return root


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hear English, whatever language the one who runs the tests has chosen; a test of the Chinese sets it itself."""
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture(autouse=True)
def no_cgroups_of_a_lesson() -> Iterator[None]:
    """Remove the cgroups that a lesson's notebook has until its process ends: here that would be the last test's end."""
    yield
    cgroups.remove_all()


@pytest.fixture(scope="session", autouse=True)
def no_cgroups_of_other_engines() -> Iterator[None]:
    """Remove the cgroups that podman and dockerd make for all of their containers and leave behind."""
    before = set(_cgroups_of_engines())
    yield
    for directory in set(_cgroups_of_engines()) - before:
        for below, _, _ in os.walk(directory, topdown=False):
            with suppress(OSError):  # somebody else's container is in there
                Path(below).rmdir()


def _cgroups_of_engines() -> Iterator[Path]:
    for name in ("docker", "libpod_parent"):
        yield from Path("/sys/fs/cgroup").glob(f"*/{name}")
        yield from Path("/sys/fs/cgroup").glob(name)


@pytest.fixture
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a child, a descriptor, a mount, a cgroup or a network namespace behind."""
    sweep_cgroups()
    before = traces()
    yield
    if (shared := request.config.stash.get(SHARED_ENGINE, None)) is not None:
        shared.networks.close()
    sweep_cgroups()
    deadline = time.monotonic() + 5
    while (left := changes(before)) and time.monotonic() < deadline:  # who was killed is still being cleared away
        sweep_cgroups()
        time.sleep(0.05)
    assert not left


def sweep_cgroups() -> None:
    """Remove what killed commands have left, as the next one does: empty cgroups."""
    for directory in (*CGROUPS.glob("labcore-[0-9a-f]*"), *CGROUPS.glob("*/labcore-[0-9a-f]*")):
        with suppress(OSError):
            directory.rmdir()


@pytest.fixture(scope="module", autouse=True)
def no_bridges_left() -> Iterator[None]:
    """Remove the bridges of state roots that a file's tests have had: each takes a subnet, and there are thirty."""
    yield
    if os.environ.get(SHARED) and not os.geteuid():
        with Netlink() as netlink:
            ours = [link for link in list_links(netlink) if link.kind == "bridge" and link.alias.startswith("labcore:")]
            taken = {link.master for link in list_links(netlink)}
            netlink.request(*(delete_link(link.name) for link in ours if link.index not in taken))
        if shutil.which("nft"):  # 1.0.6 crashes at sets that a newer one has made, as today's peers have
            subprocess.run(["nft", "flush", "ruleset"], capture_output=True, check=True)


def changes(before: "Counter[tuple[str, str]]") -> "Counter[tuple[str, str]]":
    """Return what has come, and what has gone but should not have: mounts, links, files that were open.

    What another test left to the collector may go meanwhile (a socket, a file that was removed), and a network namespace that
    was another's.
    """
    after = traces()
    lost = (before - after).items()
    gone = {
        entry: n for entry, n in lost if not entry[1].startswith(("socket:", "net:")) and not entry[1].endswith(" (deleted)")
    }
    return (after - before) + Counter(gone)


def traces() -> Counter[tuple[str, str]]:
    """Count what a start could leave behind, as (kind, name). In a box (tests/box.py) nobody else makes anything."""
    found: dict[str, Iterable[str]] = {
        "child": Path(f"/proc/self/task/{os.getpid()}/children").read_text().split(),
        "network namespace": network_namespaces(),
        "descriptor": (os.readlink(f"/proc/self/fd/{fd}") for fd in open_descriptors()),
        "mount": Path("/proc/self/mountinfo").read_text().splitlines(),
        "cgroup": (str(path) for path in Path("/sys/fs/cgroup").glob("**/*labcore*/") if may_be_ours(path)),
        "link": (path.name for path in Path("/sys/class/net").glob("*labcore*")),  # the network is the machine's
        "directory": (path.name for path in Path("/tmp").glob("*labcore*") if path.stat().st_uid == os.geteuid()),
    }
    return Counter((kind, name) for kind, names in found.items() for name in names)


def may_be_ours(cgroup: Path) -> bool:
    """Return whether the tests may have made a cgroup: it is in no other container, and no other lab holds it."""
    root = next(each for each in reversed(cgroup.parents) if (each / "cgroup.procs").exists())
    return not in_another_container(str(cgroup.relative_to(root)), read_text("/proc/self/cgroup")) and not is_held(cgroup)


def in_another_container(cgroup: str, own: str) -> bool:
    """Return whether a cgroup lies in one that is neither this process's, nor a slice of systemd's, nor labcore's."""
    first = cgroup.strip("/").partition("/")[0]
    return not (not first or f":/{first}" in own or first.endswith(".slice") or "labcore" in first)


def is_held(directory: Path) -> bool:
    """Return whether somebody holds a directory locked who is alive: another check, another notebook."""
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def network_namespaces() -> set[str]:
    """Return the network namespaces that processes are in, but for other containers: one that runs on has its own."""
    found, own = set(), read_text("/proc/self/cgroup")
    for process in filter(str.isdecimal, os.listdir("/proc")):
        try:
            cgroups = {line.split(":", 2)[2] for line in read_text(f"/proc/{process}/cgroup").splitlines()}
            if not any(in_another_container(cgroup, own) for cgroup in cgroups):
                found.add(os.readlink(f"/proc/{process}/ns/net"))
        except OSError:
            continue
    return found


def read_text(path: str) -> str:
    """Return what a small file holds; thousands of tests look around before and after, and `pathlib` takes twice as long."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def open_descriptors() -> list[int]:
    """Return this process's descriptors, without the one that reads the list."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            os.fstat(int(name))
        except OSError:
            continue
        found.append(int(name))
    return found


# --- skips on CI


def _expected() -> list[str]:
    entries = tomllib.loads((PROJECT / "tests/expected_absences.toml").read_text())["absence"]
    return [entry["reason"] for entry in entries]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Turn a skip that nobody expects into a failure."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if ON_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        if not any(re.search(pattern, reason) for pattern in _expected()):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} was skipped, and tests/expected_absences.toml does not expect that: {reason}"


LEARNER = os.geteuid() or 4242
# An ordinary user as most machines have one, with a home, with subordinate ids, and with /dev/net/tun open to everybody; in a
# mount namespace, for the tests' machine has none.
AS_LEARNER = """
cp /etc/passwd /etc/group "$PLACE"
echo "learner:x:$ID:$ID::$PLACE/learner:/bin/sh" >> "$PLACE/passwd"
echo "learner:x:$ID:" >> "$PLACE/group"
echo "$SUBORDINATE" > "$PLACE/subuid"
touch /etc/subuid /etc/subgid
for file in passwd group; do mount --bind "$PLACE/$file" /etc/$file; done
for file in subuid subgid; do mount --bind "$PLACE/subuid" /etc/$file; done
if [ -e /dev/net/tun ]; then mknod -m 666 "$PLACE/tun" c 10 200; mount --bind "$PLACE/tun" /dev/net/tun; fi
mkdir "$PLACE/learner"; chown "$ID:$ID" "$PLACE/learner"
cd "$PLACE/learner"
export HOME="$PLACE/learner" USER=learner
as_learner="setpriv --reuid $ID --regid $ID --clear-groups --inh-caps=-all --bounding-set=+all"
status=0
$as_learner "$@" || status=$?
if [ -S .local/share/labcore/labcore.sock ]; then $as_learner $PYTHON -P -m labcore daemon stop > /dev/null; fi
exit $status
"""
PLACES = ("/home", "/mnt", "/srv", "/opt")  # one of them is covered, and what runs the tests may lie below another
NEEDED = (PROJECT, Path(sys.prefix), Path(sys.base_prefix))  # by a user who runs what is tested


def within_reach(*argv: str, script: str = 'exec "$@"') -> list[str]:
    """Return a command that runs another where ordinary users may enter the project, wherever it lies, and its Python.

    A mount namespace's own tmpfs covers each directory on the way that is closed to them. An ordinary user has no other way in,
    and needs none.
    """
    if os.geteuid():
        return list(argv)
    closed = {path: found for path in NEEDED if (found := closed_to_others(path))}
    steps = ["set -e", f"PLACE={place_to_cover()}", 'mount -t tmpfs -o mode=755 tmpfs "$PLACE"']
    for number, path in enumerate(closed):
        steps.append(f'mkdir "$PLACE/{number}"; mount --rbind {quote(str(path))} "$PLACE/{number}"')
    steps += [f"mount -t tmpfs -o mode=755 tmpfs {quote(str(each))}" for each in sorted(set(closed.values()))]
    for number, path in enumerate(closed):
        steps.append(f'mkdir -p {quote(str(path))}; mount --rbind "$PLACE/{number}" {quote(str(path))}')
        steps.append(f'umount -l "$PLACE/{number}"')
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join([*steps, script]), "sh", *argv]


def place_to_cover() -> str:
    """Return a directory on which something can be mounted: nothing that the tests need lies below it."""
    return next(place for place in PLACES if Path(place).is_dir() and not any(Path(place) in path.parents for path in NEEDED))


def closed_to_others(path: Path) -> Path | None:
    """Return the first directory on the way to a path that ordinary users may not enter."""
    return next((each for each in reversed(path.parents) if not each.stat().st_mode & 0o001), None)


def as_learner(
    *argv: str, subordinate: str = "learner:300000:65536", timeout: float = 300, prefix: Iterable[str] = ()
) -> "subprocess.CompletedProcess[str]":
    """Run a command as an ordinary user, whose home is gone afterwards; with these lines in subuid(5) and subgid(5).

    Run by an ordinary user, a test has what that user has; then `subordinate` is not asked for. `prefix` is that of peers.
    """
    needs("newuidmap", "setpriv")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)}
    if os.geteuid():
        with tempfile.TemporaryDirectory() as home:
            environment |= {"HOME": home}
            return subprocess.run(argv, env=environment, cwd=home, capture_output=True, text=True, timeout=timeout, check=False)
    environment |= {"ID": str(LEARNER), "SUBORDINATE": subordinate, "PYTHON": sys.executable}
    command = [*prefix, *within_reach(*argv, script=AS_LEARNER)]
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=timeout, check=False)


@cache
def seed_busybox() -> str:
    """Return a shell line that puts busybox into the store of the ordinary user who runs it: made once, and copied.

    Beside the box's other files that all users may read; without a box, the command makes it.
    """
    if SHARED not in os.environ:
        return f"{sys.executable} -P -m labcore seed busybox > /dev/null"
    place = Path(tempfile.mkdtemp(dir=os.environ[SHARED], prefix="seed-"))
    Engine(place).seed("busybox")
    subprocess.run(["chmod", "-R", "a+rX", place], check=True)
    return f"mkdir -p .local/share/labcore; cp -r {place}/images .local/share/labcore"

"""What containers write and is kept: on the next start, as a list of changes, as a layer, as an image; both drivers."""

import hashlib
import io
import json
import os
import signal
import struct
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import labcore
from labcore.engine import Engine, create_options
from labcore.engine.commit import commit
from labcore.engine.foreground import prepared
from labcore.engine.snapshots import snapshot_for
from labcore.errors import InUse, InvalidInput, NotFound, StoreDamaged
from labcore.native.monitor import MonitorExit
from labcore.runtime import make_plan, spawn
from labcore.runtime.shim import Shim
from labcore.spec import IdRange, OverlayRoot, Reference
from labcore.spec.media import LAYER
from labcore.storage import overlay
from labcore.storage.copies import flatten
from labcore.storage.directories import remove_tree
from labcore.storage.files import copy, of_machine
from labcore.storage.tree import tree_at
from tests.conftest import LEARNER, as_learner, needs_root
from tests.peers import Peers
from tests.threads import Started

pytestmark = pytest.mark.usefixtures("nothing_left")
IDS = IdRange(inside=0, outside=200_000, size=65_536)
OTHERS = IdRange(inside=0, outside=300_000, size=65_536)


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    """A name that no snapshot has; what gets it is removed afterwards."""
    chosen = f"test-{os.urandom(4).hex()}"
    yield chosen
    if chosen in engine.snapshots.names():
        engine.snapshots.remove(chosen)


def shell(engine: Engine, script: str, name: str, image: str | None = "busybox", **options: object) -> str:
    done = labcore.run(image, ["sh", "-c", script], root=engine.root, snapshot=name, **options)  # type: ignore[arg-type]
    assert done.exit_code == 0, done.stderr
    return done.stdout.decode()


def changes(engine: Engine, name: str) -> list[str]:
    found = engine.snapshots.changes(engine.snapshots.get(name))
    return [f"{change.kind[0].upper()} {change.path}" for change in found]


def listing(top: Path) -> dict[str, tuple[object, ...]]:
    """Say all that is to be said of a tree; whiteouts have no time."""
    found: dict[str, tuple[object, ...]] = {}
    first: dict[tuple[int, int], str] = {}
    with tree_at(top) as tree:
        for entry in tree.walk():
            status, path = entry.status, top / entry.path
            content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            opaque = "trusted.overlay.opaque" in os.listxattr(path, follow_symlinks=False)
            found[entry.path] = (
                oct(status.st_mode) if not entry.is_whiteout else "whiteout",
                (status.st_uid, status.st_gid, status.st_rdev),
                status.st_mtime_ns if not entry.is_whiteout else 0,
                first.setdefault(entry.identity, entry.path) if not entry.is_whiteout else "",
                content,
                entry.attributes(),
                opaque,
            )
    return found


# --- kept, and gone on from


def test_what_is_written_is_there_the_next_time(engine: Engine, storage: str, name: str) -> None:
    shell(engine, "echo one > /kept; rm /etc/passwd; rm -r /home", name)
    assert shell(engine, "cat /kept; ls /etc; ls -d /home || true; echo two >> /kept", name, None).split() == ["one", "group"]
    assert shell(engine, "cat /kept", name) == "one\ntwo\n"
    assert engine.snapshots.get(name).copied == (storage == "copy")
    assert labcore.run("busybox", ["ls", "/kept"], root=engine.root).exit_code == 1


def test_without_a_snapshot_nothing_is_kept(engine: Engine, storage: str) -> None:
    before = engine.snapshots.names()
    assert labcore.run("busybox", ["sh", "-c", "echo x > /x; cat /x"], root=engine.root).stdout == b"x\n"
    assert engine.snapshots.names() == before


def test_what_a_killed_run_has_copied_goes(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where layers are copied, the copy of a run that was killed is removed by a later one."""
    monkeypatch.setenv("LABCORE_STORAGE", "copy")
    command = [sys.executable, "-m", "labcore", "--root", str(engine.root), "run", "busybox", "sh", "-c", "echo up; sleep 60"]
    with Started(command, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.readline()
        (name,) = (each for each in engine.snapshots.names() if each.startswith("run-"))
        labcore.run("busybox", ["true"], root=engine.root)
        assert name in engine.snapshots.names()
        run.kill()
    os.utime(engine.root / "storage/snapshots" / name / "snapshot.json", (0, 0))
    labcore.run("busybox", ["true"], root=engine.root)
    assert name not in engine.snapshots.names()


def test_the_image_is_the_one_that_it_was_made_of(engine: Engine, name: str) -> None:
    shell(engine, "true", name)
    with pytest.raises(InvalidInput, match="was made of busybox:latest, and hello-world is another image now"):
        labcore.run("hello-world", root=engine.root, snapshot=name)
    with pytest.raises(NotFound, match=r"no snapshot nowhere .*labcore run --snapshot nowhere IMAGE"):
        labcore.run(None, ["true"], root=engine.root, snapshot="nowhere")


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "../a", ".hidden", "-x", "a" * 200, "a\0b", "a\nb", "ä"])
def test_a_name_never_becomes_another_path(engine: Engine, bad: str) -> None:
    with pytest.raises(InvalidInput, match="is no name of a snapshot"):
        labcore.run("busybox", ["true"], root=engine.root, snapshot=bad)


def test_more_layers_than_fit_the_page_of_mount(engine: Engine, name: str) -> None:
    """Each adds a file and removes the one before: all of them are looked at, in order."""
    base = engine.layers_of(engine.images.get(Reference.parse("busybox")))
    ids = list(base)
    for number in range(150):
        data = archive((f"at-{number}", b"x"), (f".wh.at-{number - 1}", b""))
        ids.append(engine.layers.add("sha256:" + hashlib.sha256(data).hexdigest(), lambda d=data: io.BytesIO(d)))  # type: ignore[misc]
    model = snapshot_for(engine, name, create_options("busybox"))
    engine.snapshots.remove(name)
    engine.snapshots.create(model.replace(layers=tuple(ids)))
    assert shell(engine, "ls / | grep at-; touch /mine", name, None) == "at-149\n"
    assert changes(engine, name) == ["A /mine"]
    with engine.snapshots.files(name) as files, tarfile.open(fileobj=io.BytesIO(b"".join(files.export()))) as tar:
        names = tar.getnames()
    assert [each for each in names if each.startswith("at-")] == ["at-149"]


@pytest.fixture
def there_and_back(engine: Engine) -> Iterator[str]:
    """An image in which a file is made, removed, and made again by the very layer that made it first."""
    base = engine.images.get(Reference.parse("busybox"))
    made, gone = archive(("z/a", b"here"), (".wh.home", b"")), archive(("z/.wh.a", b""))
    with engine.images.using():
        layers = [engine.images.put_blob(each, LAYER) for each in (made, gone, made)]
        config = base.config.replace(diff_ids=(*base.config.diff_ids, *(layer.digest for layer in layers)), history=())
        engine.images.put_image(Reference.parse("there-and-back"), [*base.layers, *layers], config)
    yield "there-and-back"
    engine.images.untag(Reference.parse("there-and-back"))


def test_a_layer_that_an_image_has_twice(engine: Engine, storage: str, name: str, there_and_back: str) -> None:
    """Overlayfs takes no directory twice; the topmost says all that the other does."""
    assert shell(engine, "cat /z/a; ls -d /home || true; echo more > /z/b; rm /z/a", name, there_and_back) == "here"
    assert changes(engine, name) == ["C /z", "D /z/a", "A /z/b"]
    committed = commit(engine, name, Reference.parse("there-and-back"))
    assert len(committed.layers) == 5
    assert labcore.run("there-and-back", ["ls", "/z"], root=engine.root).stdout == b"b\n"


def test_an_image_without_layers(engine: Engine, storage: str, name: str) -> None:
    """Made of nothing but a config; all that a container on it has is what is mounted there."""
    busybox = engine.images.get(Reference.parse("busybox"))
    engine.images.put_image(Reference.parse("nothing"), [], busybox.config.replace(diff_ids=(), history=()))
    files = engine.layers.directory / "layers" / engine.layers_of(busybox)[-1]
    try:
        for snapshot in (None, name):
            done = labcore.run(
                "nothing", ["/b/bin/busybox", "ls", "/"], root=engine.root, snapshot=snapshot, volumes=[f"{files}:/b:ro"]
            )
            assert b"b\n" in done.stdout, done.stderr
    finally:
        engine.images.untag(Reference.parse("nothing"))


def test_older_kernels_mount_in_a_thread(engine: Engine, name: str) -> None:
    """Both ways show the same; of the second no mount is left, in no namespace, and this process stays where it is."""
    shell(engine, "echo new > /new; rm /etc/passwd; rm -r /usr; mkdir /usr", name)
    root = engine.snapshots.root(engine.snapshots.get(name))
    assert isinstance(root, OverlayRoot)
    here, mounts = os.getcwd(), os.readlink("/proc/self/ns/mnt")
    for way in (overlay.mount_by_fsconfig, overlay.mount_in_one_call):
        for writable in (False, True):
            tree = way(root, writable=writable)
            try:
                assert sorted(os.listdir(f"/proc/self/fd/{tree}/etc")) == ["group"]
                assert os.listdir(f"/proc/self/fd/{tree}/usr") == []
                assert overlay.in_use(root) == writable
                if writable:
                    os.mkdir(f"{way.__name__}", dir_fd=tree)
            finally:
                os.close(tree)
            assert overlay.wait_until_unmounted(root, seconds=10)
    assert (os.getcwd(), os.readlink("/proc/self/ns/mnt")) == (here, mounts)
    assert shell(engine, "ls / | grep _", name, None).split() == ["mount_in_one_call", "mount_by_fsconfig"]
    with pytest.raises(InvalidInput, match="500 layers are more than this kernel stacks"):
        overlay.mount_in_one_call(root.replace(layers=root.layers * 500), writable=False)


def archive(*entries: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for path, content in entries:
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


# --- one user at a time


def test_two_at_once_are_refused(engine: Engine, storage: str, name: str) -> None:
    with (
        prepared(engine, create_options("busybox", ["sleep", "60"]), snapshot=name) as made,
        spawn(make_plan(made.spec)) as process,
    ):
        made.runs(process)
        with pytest.raises(InUse, match=f"snapshot {name} is in use by process {process.pid}"):
            labcore.run(None, ["true"], root=engine.root, snapshot=name)
        with pytest.raises(InUse, match="is in use"):
            engine.snapshots.remove(name)
    assert shell(engine, "echo free", name) == "free\n"


KILLED = """
import sys, time
from pathlib import Path
from labcore.engine import Engine, create_options
from labcore.engine.foreground import prepared
from labcore.native.monitor import MonitorExit
from labcore.runtime import make_plan, spawn
wanted = create_options("busybox", ["sh", "-c", sys.argv[3]])
with prepared(Engine(Path(sys.argv[1])), wanted, snapshot=sys.argv[2]) as made:
    process = spawn(make_plan(made.spec))
    made.runs(process)
    print(process.pid, flush=True)
    time.sleep(60)
"""


def test_a_killed_starter_leaves_a_snapshot_that_can_be_used(engine: Engine, storage: str, name: str) -> None:
    script = "i=0; while :; do i=$((i+1)); echo $i > /file-$((i % 50)); done"
    for _ in range(5):
        with Started(
            [sys.executable, "-c", KILLED, str(engine.root), name, script], stdout=subprocess.PIPE, text=True
        ) as starter:
            assert starter.stdout is not None
            starter.stdout.readline()
            time.sleep(0.05)
            starter.send_signal(signal.SIGKILL)
        assert shell(engine, "cat /file-* | wc -l; touch /again", name, None).strip().isdigit()
    assert "A /again" in changes(engine, name)


@pytest.mark.parametrize("seconds", [0.03, 0.06, 0.1, 0.15, 0.25])
def test_killed_while_a_snapshot_is_made_or_removed(engine: Engine, storage: str, name: str, seconds: float) -> None:
    """It is there whole or not at all; what was being done is cleared away by the next."""
    script = (
        "import sys, labcore\nfrom pathlib import Path\nfrom labcore.engine import create_options\n"
        "from labcore.engine.snapshots import snapshot_for\n"
        "e = labcore.Engine(Path(sys.argv[1]))\nprint('begun', flush=True)\n"
        "while True:\n snapshot_for(e, sys.argv[2], create_options('busybox'))\n e.snapshots.remove(sys.argv[2])\n"
    )
    command = [sys.executable, "-c", script, str(engine.root), name]
    with Started(command, stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        time.sleep(seconds)
        busy.kill()
    assert shell(engine, "ls /etc/passwd; rm -r /etc", name) == "/etc/passwd\n"
    engine.snapshots.remove(name)
    assert list((engine.root / "storage/snapshots").glob(".unfinished*")) == []


def test_a_container_that_outlives_its_starter_keeps_its_snapshot(engine: Engine, tmp_path: Path, name: str) -> None:
    """The lock is gone with the starter; the kernel knows that the upper directory is mounted."""
    shim = Shim(str(tmp_path))
    with prepared(engine, create_options("busybox", ["sleep", "60"]), snapshot=name) as made:
        process = spawn(make_plan(made.spec.replace(dies_with_parent=True)), shim=shim)
        assert made.use is not None
        made.use.runs(process, goes_on=True)
        assert isinstance(process.source, MonitorExit)
        monitor = process.source.monitor.pid
        process.release()
    root = made.spec.root
    assert isinstance(root, OverlayRoot)
    assert overlay.in_use(root)
    with pytest.raises(InUse, match=f"is in use by process {process.pid}"):
        labcore.run(None, ["true"], root=engine.root, snapshot=name)
    with engine.snapshots.files(name) as files:
        assert b"bin/busybox" in b"".join(files.archive("/bin"))
    with shim.attach() as met:
        met.kill()
        met.wait(10)
    os.waitpid(monitor, 0)
    assert shell(engine, "echo free", name, None) == "free\n"


def test_layers_of_snapshots_are_in_use(engine: Engine, name: str) -> None:
    shell(engine, "true", name)
    assert set(engine.layers_of(engine.images.get(Reference.parse("busybox")))) <= engine.snapshots.layers_in_use()
    with pytest.raises(NotFound, match="there is no layer"):
        engine.snapshots.create(engine.snapshots.get(name).replace(name=f"{name}-2", layers=("0" * 32,)))


@pytest.mark.parametrize("remap", [None, IDS], ids=["extension", "monitor"])
def test_containers_that_end_at_once(engine: Engine, name: str, remap: IdRange | None) -> None:
    """They may be gone before anybody has noted which process it was."""
    for _ in range(20):
        assert labcore.run("busybox", ["true"], root=engine.root, snapshot=name, remap=remap).exit_code == 0
    assert not (engine.root / "storage/snapshots" / name / "in-use").exists()


# --- users who are others outside


def test_a_remapped_containers_snapshot_is_for_all(engine: Engine, name: str) -> None:
    """On disk its files have the owners that they have inside: the upper directory is mapped as the layers are."""
    shell(engine, "touch /mine /other; chown 5:6 /other; rm /etc/passwd; rm -r /usr/bin; mkdir /usr/bin", name, remap=IDS)
    look = "stat -c %u:%g /mine /other; ls /etc /usr/bin"
    wanted = ["0:0", "5:6", "/etc:", "group", "/usr/bin:"]
    assert shell(engine, look, name, None, remap=OTHERS).split() == wanted
    assert shell(engine, look, name, None).split() == wanted
    upper = engine.snapshots.written(engine.snapshots.get(name))
    assert (upper / "other").stat().st_uid == 5
    assert "D /etc/passwd" in changes(engine, name)
    assert "D /usr/bin/env" in changes(engine, name)


def test_what_root_has_deleted_cannot_be_read_in_a_user_namespace(engine: Engine, name: str) -> None:
    shell(engine, "rm /etc/passwd", name)
    with pytest.raises(InvalidInput, match="root's own container made it"):
        labcore.run(None, ["true"], root=engine.root, snapshot=name, remap=IDS)


def test_an_ordinary_user_has_snapshots() -> None:
    labcore_ = f"{sys.executable} -P -m labcore"
    script = f"""
        {labcore_} seed busybox >/dev/null
        {labcore_} run --snapshot s busybox sh -c 'echo mine > /mine; chown 7:8 /mine; rm -r /home; mkdir /home; rm /etc/group'
        {labcore_} run --snapshot s - sh -c 'stat -c %u:%g /mine; ls /home /etc'
        {labcore_} diff s
        echo in > in; {labcore_} cp in s:/in; {labcore_} cp s:/mine .; stat -c %u mine; cat mine
        {labcore_} commit s made:1 >/dev/null; {labcore_} run made:1 sh -c 'stat -c %u:%g /mine; cat /in; ls /etc'
        {labcore_} export s | tar t | grep -c '^mine$'
        {labcore_} run -v v:/etc busybox touch /etc/new; {labcore_} run -v v:/x busybox ls /x; {labcore_} volume rm v
        {labcore_} snapshot rm s
    """
    done = as_learner("sh", "-ec", script)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = f"7:8 /etc: passwd /home: C /etc D /etc/group A /mine {os.geteuid() or LEARNER} mine 7:8 in passwd 1"
    assert done.stdout.split() == [*wanted.split(), *["group", "new", "passwd", "v", "s"]]


# --- changes, layers, images


WILD = r"""
mkdir -p /d/e; echo 1 > /d/e/f; ln /d/e/f /d/hard; ln -s /etc/passwd /d/sym; mkfifo /d/fifo; chmod 4755 /d/e/f
touch -d '2001-02-03 04:05:06' /d/e/f; chown 1000:3000000 /d/hard
n=$(printf 'x%.0s' $(seq 1 200)); echo long > /d/$n; mkdir -p /d/$n.d/$n; echo deep > /d/$n.d/$n/$n; ln -s $n$n /d/longlink
printf 'bad' > "$(printf '/d/\377\376name')"; echo u > /d/ü
dd if=/dev/zero of=/d/sparse bs=1 count=1 seek=3000000 2>/dev/null
rm /bin/ls; rm -rf /usr; mkdir /usr; echo x > /usr/y; rm -rf /var; ln -s home /var; chmod 1777 /home
"""


@pytest.fixture
def wild(engine: Engine, storage: str, name: str) -> str:
    """A snapshot with all that a file system can have."""
    shell(engine, WILD, name)
    written = engine.snapshots.written(engine.snapshots.get(name))
    os.setxattr(written / "d/hard", "user.colour", b"a\0b\xff")
    os.setxattr(written / "d/hard", "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))
    os.utime(written / "d/fifo", ns=(5, -1_500_000_000))
    os.mknod(written / "d/null", 0o20666, os.makedev(1, 3))
    return name


def test_a_layer_goes_out_and_comes_back_the_same(engine: Engine, wild: str, storage: str, tmp_path: Path) -> None:
    snapshot = engine.snapshots.get(wild)
    layer = b"".join(engine.snapshots.layer(snapshot))
    assert layer == b"".join(engine.snapshots.layer(snapshot))
    diff_id = "sha256:" + hashlib.sha256(layer).hexdigest()
    engine.layers.add(diff_id, lambda: io.BytesIO(layer))
    back = engine.root / "storage/layers" / diff_id[7:39]
    try:
        if storage == "overlay":
            assert listing(back) == listing(engine.snapshots.written(snapshot))
        (tmp_path / "whole").mkdir()
        (tmp_path / "again").mkdir()
        flatten([back, *engine.snapshots.stack(snapshot)], tmp_path / "again")
        whole = engine.snapshots.written(snapshot)
        if storage == "overlay":
            flatten([whole, *engine.snapshots.stack(snapshot)], tmp_path / "whole")
            whole = tmp_path / "whole"
        assert listing(tmp_path / "again") == listing(whole)
    finally:
        remove_tree(back)
    listed = subprocess.run(["tar", "tf", "-", "--quoting-style=literal"], input=layer, capture_output=True, check=True).stdout
    assert {b"bin/.wh.ls", b"d/\xff\xfename", "d/ü".encode(), b"d/null"} <= set(listed.split(b"\n"))


def test_the_list_of_changes(engine: Engine, wild: str) -> None:
    found = changes(engine, wild)
    assert {"C /bin", "D /bin/ls", "A /d", "A /d/e/f", "C /home", "C /usr", "D /usr/bin", "A /usr/y", "C /var"} <= set(found)
    assert not [line for line in found if line.endswith(("/etc", "/etc/passwd", "/root"))]
    paths = [line[2:] for line in found]
    assert paths == sorted(paths, key=lambda path: os.fsencode(path).split(b"/"))


def test_only_what_was_touched_is_listed(engine: Engine, storage: str, name: str) -> None:
    script = "chmod 644 /etc/passwd; touch /gone; rm /gone; mv /home /moved; cat /etc/group > /g; mv /g /etc/group"
    shell(engine, script, name)
    assert changes(engine, name) == ["C /etc", "C /etc/group", "D /home", "A /moved"]


def test_content_that_changes_unseen(engine: Engine, storage: str, name: str) -> None:
    """Of the same size, with the old time put back."""
    shell(engine, "touch -r /etc/passwd /time; sed -i s/nobody/NOBODY/ /etc/passwd; touch -r /time /etc/passwd; rm /time", name)
    assert changes(engine, name) == ["C /etc", "C /etc/passwd"]
    assert b"NOBODY" in b"".join(engine.snapshots.layer(engine.snapshots.get(name)))


def test_a_commit_makes_an_image(engine: Engine, storage: str, name: str) -> None:
    shell(engine, "echo hi > /hi; rm /etc/passwd; rm -r /usr/bin; mkdir /usr/bin", name)
    made = commit(
        engine,
        name,
        Reference.parse(f"made:{storage}"),
        changes=['CMD ["cat", "/hi"]', "ENV A=b", "LABEL who=me", "WORKDIR /etc", "EXPOSE 80"],
        message="hello",
        author="me",
    )
    config = made.config
    assert labcore.run(f"made:{storage}", root=engine.root).stdout == b"hi\n"
    said = labcore.run(f"made:{storage}", ["sh", "-c", "pwd; echo $A; ls . /usr/bin"], root=engine.root).stdout
    assert said.split() == [b"/etc", b"b", b".:", b"group", b"/usr/bin:"]
    assert (config.labels, config.exposed_ports, config.author) == ((("who", "me"),), ("80/tcp",), "me")
    assert [entry.comment for entry in config.history] == ["of the image below", "hello"]
    assert len(made.layers) == len(config.diff_ids) == 2


def test_a_commit_of_nothing_adds_no_layer(engine: Engine, storage: str, name: str) -> None:
    shell(engine, "cat /etc/passwd", name)
    made = commit(engine, name, Reference.parse("same:1"), changes=["CMD echo shell $0"])
    assert len(made.layers) == 1
    assert made.config.history[-1].empty_layer
    assert labcore.run("same:1", root=engine.root).stdout == b"shell /bin/sh\n"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("RUN ls", "changes no config"),
        ("ENV", "lacks what comes after ENV"),
        ("LABEL =x", "is not NAME=VALUE"),
        ("ENV 'open", "No closing quotation"),
        ("EXPOSE x", "is no port"),
    ],
)
def test_an_instruction_that_is_none(engine: Engine, name: str, change: str, why: str) -> None:
    shell(engine, "true", name)
    with pytest.raises(InvalidInput, match=why):
        commit(engine, name, Reference.parse("never:1"), changes=[change])
    assert "never:1" not in engine.images.names()


def test_others_read_what_was_committed(peer: Peers, engine: Engine, wild: str, tmp_path: Path, storage: str) -> None:
    commit(engine, wild, Reference.parse(f"wild:{storage}"))
    image = f"{engine.root}/images:wild:{storage}"
    subprocess.run(peer("umoci", "unpack", "--image", image, str(tmp_path / "bundle")), check=True, capture_output=True)
    ours = tmp_path / "ours"
    ours.mkdir()
    found = engine.images.get(Reference.parse(f"wild:{storage}"))
    layers = [engine.root / "storage/layers" / each for each in reversed(engine.layers_of(found))]
    flatten(layers, ours)
    theirs = listing(tmp_path / "bundle/rootfs")
    assert {path: of[:5] for path, of in theirs.items()} == {path: of[:5] for path, of in listing(ours).items()}
    inspected = subprocess.run(peer("skopeo", "inspect", "--config", f"oci:{image}"), check=True, capture_output=True).stdout
    assert len(json.loads(inspected)["history"]) == 2


def test_umoci_finds_the_same_changes(peer: Peers, engine: Engine, wild: str, tmp_path: Path, storage: str) -> None:
    """It compares whole trees; its layer, on the same image, makes the same files of it as ours."""
    target = f"oci:{tmp_path}/layout:base"
    subprocess.run(peer("skopeo", "copy", "-q", f"oci:{engine.root}/images:busybox:latest", target), check=True)
    bundle = tmp_path / "bundle"
    subprocess.run(peer("umoci", "unpack", "--image", f"{tmp_path}/layout:base", str(bundle)), check=True, capture_output=True)
    remove_tree(bundle / "rootfs")
    (bundle / "rootfs").mkdir()
    snapshot = engine.snapshots.get(wild)
    written, below = engine.snapshots.written(snapshot), engine.snapshots.stack(snapshot)
    flatten([written, *below] if storage == "overlay" else [written], bundle / "rootfs")
    subprocess.run(peer("umoci", "repack", "--image", f"{tmp_path}/layout:new", str(bundle)), check=True, capture_output=True)
    index = json.loads((tmp_path / "layout/index.json").read_text())
    blobs = tmp_path / "layout/blobs/sha256"
    digest = next(e["digest"] for e in index["manifests"] if e["annotations"]["org.opencontainers.image.ref.name"] == "new")
    manifest = json.loads((blobs / digest[7:]).read_text())
    with tarfile.open(blobs / manifest["layers"][-1]["digest"][7:]) as tar:
        theirs = {member.name.strip("./") for member in tar if member.name.strip("./")}
    with tarfile.open(fileobj=io.BytesIO(b"".join(engine.snapshots.layer(snapshot)))) as tar:
        ours = {member.name for member in tar}
    # Parents of what has changed, and content that an opaque directory hides, are said in different ways; and with one of its
    # names gone, busybox has changed for umoci, which counts them.
    loose = {"bin", "usr", "usr/.wh..wh..opq", "usr/.wh.bin", "d", "root", ""}
    names = {f"bin/{path.name}" for path in (below[-1] / "bin").iterdir()}
    assert ours - loose == theirs - loose - names


def test_a_name_that_would_delete_another(engine: Engine, storage: str, name: str) -> None:
    shell(engine, "touch /etc/.wh.passwd", name)
    with pytest.raises(InvalidInput, match=r"/etc/\.wh\.passwd: in a layer this name would delete another file"):
        commit(engine, name, Reference.parse("never:1"))
    assert "never:1" not in engine.images.names()


# --- what can be wrong


def make_deep(top: Path, depth: int) -> None:
    """Make directories in directories, as a program does that goes into each; and a file."""
    here = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    fd = os.open("end", os.O_CREAT | os.O_WRONLY, dir_fd=here)
    os.write(fd, bytes(1 << 16))
    os.close(fd)
    os.close(here)


def test_a_tree_deeper_than_any_path_can_be_removed(engine: Engine, storage: str, name: str, tmp_path: Path) -> None:
    """It is weighed, and removed; an archive cannot name what is in it, and says so."""
    shell(engine, "true", name)
    snapshot = engine.snapshots.get(name)
    make_deep(engine.snapshots.written(snapshot), 2200)
    assert engine.snapshots.usage(snapshot) >= 1 << 16
    refused: list[Callable[[], object]] = [
        lambda: engine.snapshots.changes(snapshot), lambda: b"".join(engine.snapshots.layer(snapshot))
    ]  # fmt: skip
    with engine.snapshots.files(name) as files, of_machine() as here:
        refused += [
            lambda: b"".join(files.export()),
            lambda: copy(files, "/d", here, str(tmp_path / "d"), owner=None),
        ]
        for each in refused:
            with pytest.raises(InvalidInput, match="is too deep, a path of more than 3584 bytes"):
                each()
    remove_tree(tmp_path / "d")
    before = set((engine.root / "storage/snapshots").iterdir())
    engine.snapshots.remove(name)
    assert before - set((engine.root / "storage/snapshots").iterdir()) == {engine.root / "storage/snapshots" / name}


DAMAGES = ["", "[]", "{}", '{"format": 9}', '{"format": 1, "name": "x"}', '{"format": 1, "name": "x", "layers": 5}']


@pytest.mark.parametrize("text", DAMAGES)
def test_a_damaged_description(engine: Engine, name: str, text: str) -> None:
    shell(engine, "true", name)
    path = engine.root / f"storage/snapshots/{name}/snapshot.json"
    before = path.read_text()
    path.write_text(text)
    try:
        with pytest.raises(StoreDamaged, match="cannot be read"):
            engine.snapshots.get(name)
    finally:
        path.write_text(before)


def test_a_full_disk(tmp_path: Path) -> None:
    source = Engine(tmp_path / "source")
    source.seed("busybox")
    (tmp_path / "small").mkdir()
    script = (
        "import os, shutil, sys\n"
        "from pathlib import Path\n"
        "import labcore\n"
        "from labcore import native\n"
        "native.unshare(native.CloneFlag.NEWNS)\n"
        "native.mount('none', '/', flags=native.MountFlag.REC | native.MountFlag.PRIVATE)\n"
        "native.mount('small', sys.argv[1], 'tmpfs', data='size=6m')\n"
        "root = Path(sys.argv[1], 'state')\n"
        "shutil.copytree(sys.argv[2] + '/images', root / 'images')\n"
        "fill = ['sh', '-c', 'cat /dev/zero > /big; echo kept > /small']\n"
        "done = labcore.run('busybox', fill, root=root, snapshot='a')\n"
        "print(done.stderr.decode().strip().splitlines()[0])\n"
        "engine = labcore.Engine(root)\n"
        "os.environ['LABCORE_STORAGE'] = 'copy'\n"
        "try: labcore.run('busybox', ['true'], root=root, snapshot='b')\n"
        "except labcore.LabcoreError as error: print(type(error).__name__, str(error)[:29])\n"
        "print(engine.snapshots.names(), [c.path for c in engine.snapshots.changes(engine.snapshots.get('a'))])\n"
        "with engine.snapshots.files('a') as files: print(len(b''.join(files.archive('/etc'))) > 1000)\n"
        "engine.snapshots.remove('a')\n"
        "print(list((root / 'storage/snapshots').iterdir()))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "small"), str(source.root)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "cat: write error: No space left on device",
        "StoreFull no room for snapshot b in /tmp"[:39],
        "['a'] ['/big', '/small']",
        "True",
        "[]",
    ], done.stdout + done.stderr

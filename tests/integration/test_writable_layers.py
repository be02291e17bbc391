"""Containers' writable layers: on the next start, as a list of changes, as a layer, as an image; with both storage drivers."""

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
from functools import partial
from pathlib import Path

import pytest

import labcore
from labcore.builder.image_config import changed
from labcore.engine import Engine, create_options
from labcore.engine.container.attach import run_to_end
from labcore.engine.container.create import create
from labcore.engine.container.files import archived, container_files
from labcore.engine.container.start import start
from labcore.engine.container.state import PLACEHOLDERS, get, upper_of
from labcore.engine.containers import kill, remove, wait
from labcore.engine.image.commit import commit
from labcore.engine.prune import needed_layers
from labcore.errors import InUse, InvalidInput, NotFound
from labcore.native.monitor import MonitorExit, MonitorLost
from labcore.spec import IdRange, OverlayRoot, Reference
from labcore.spec.media import LAYER
from labcore.storage import overlay
from labcore.storage.copies import flatten
from labcore.storage.directories import remove_tree
from labcore.storage.tree import tree_at
from labcore.storage.upper import UpperStore
from tests.conftest import LEARNER, as_learner, needs_root
from tests.containers import changes, names, run_script, shell_container, upper
from tests.peers import Peers
from tests.threads import Started

pytestmark = pytest.mark.usefixtures("nothing_left")
IDS = IdRange(inside=0, outside=200_000, size=65_536)


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    """A name that no container has; what gets it is removed afterwards."""
    chosen = f"test-{os.urandom(4).hex()}"
    yield chosen
    if chosen in names(engine):
        remove(engine, chosen, force=True)


def shell(engine: Engine, script: str, name: str, image: str = "busybox", **fields: object) -> str:
    done = run_script(engine, name, script, image, **fields)
    assert done.exit_code == 0, done.stderr
    return done.stdout.decode()


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


def without_placeholders(found: dict[str, tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
    """Leave out the files that others were bound on, and the time of their directory."""
    return {path: said for path, said in found.items() if path not in (*PLACEHOLDERS, "etc")}


# --- kept, and gone on from


def test_what_is_written_is_there_the_next_time(engine: Engine, storage: str, name: str) -> None:
    shell(engine, "echo one > /kept; rm /etc/passwd; rm -r /home", name)
    look = "cat /kept; ls -d /etc/passwd /etc/group /home || true; echo two >> /kept"
    assert shell(engine, look, name).split() == ["one", "/etc/group"]
    assert shell(engine, "cat /kept", name) == "one\ntwo\n"
    assert get(engine, name).copied == (storage == "copy")
    assert labcore.run("busybox", ["ls", "/kept"], root=engine.root).exit_code == 1


def test_the_library_runs_containers_that_stay(engine: Engine, storage: str, name: str) -> None:
    done = labcore.run("busybox", ["sh", "-c", "cat > /kept; echo out; exit 3"], root=engine.root, name=name, input=b"given")
    assert (done.exit_code, done.stdout) == (3, b"out\n")
    assert changes(engine, name) == ["A /kept"]
    with pytest.raises(InUse, match=f'The container name "/{name}" is already in use'):
        labcore.run("busybox", ["true"], root=engine.root, name=name)
    with pytest.raises(InvalidInput, match="leave out stages, stdout, stderr and carrier"):
        labcore.run("busybox", ["true"], root=engine.root, name="another", stdout=1)


def test_without_a_name_nothing_is_kept(engine: Engine, storage: str) -> None:
    before = names(engine)
    assert labcore.run("busybox", ["sh", "-c", "echo x > /x; cat /x"], root=engine.root).stdout == b"x\n"
    assert names(engine) == before


def test_what_a_killed_run_has_copied_goes(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where layers are copied, the copy of a run that was killed is removed by a later one."""
    monkeypatch.setenv("LABCORE_STORAGE", "copy")
    script = "import sys, labcore; labcore.run('busybox', ['sh', '-c', 'echo up; sleep 60'], root=sys.argv[1], stdout=None)"
    command = [sys.executable, "-c", script, str(engine.root)]
    there = set(uppers(engine))
    with Started(command, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.readline()
        (made,) = set(uppers(engine)) - there
        labcore.run("busybox", ["true"], root=engine.root)
        assert set(uppers(engine)) - there == {made}
        run.kill()
    labcore.run("busybox", ["true"], root=engine.root)
    assert set(uppers(engine)) == there
    assert not (engine.root / "containers" / made).exists()


def uppers(engine: Engine) -> list[str]:
    directory = engine.root / "storage/upper"
    return [path.name for path in directory.iterdir()] if directory.is_dir() else []


def test_the_image_is_the_one_that_it_was_made_of(engine: Engine, name: str) -> None:
    """Also when its name means another one."""
    busybox = engine.images.get(Reference.parse("busybox"))
    engine.images.tag(Reference.parse("moves"), busybox.descriptor)
    shell(engine, "true", name, "moves")
    engine.images.tag(Reference.parse("moves"), engine.images.get(Reference.parse("hello-world")).descriptor)
    assert shell(engine, "ls /bin/busybox", name) == "/bin/busybox\n"
    assert get(engine, name).image_id == busybox.id
    engine.images.untag(Reference.parse("moves"))


def test_more_layers_than_fit_the_page_of_mount(engine: Engine, name: str) -> None:
    """Each adds a file and removes the one before: all of them are looked at, in order."""
    base = engine.layers_of(engine.images.get(Reference.parse("busybox")))
    ids = list(base)
    for number in range(150):
        data = archive((f"at-{number}", b"x"), (f".wh.at-{number - 1}", b""))
        ids.append(engine.layers.add("sha256:" + hashlib.sha256(data).hexdigest(), lambda d=data: io.BytesIO(d)))  # type: ignore[misc]
    model = shell_container(engine, name)
    remove(engine, name)
    with engine.container_dirs.made(model.id):
        engine.uppers.create(upper_of(model).replace(layers=tuple(ids)))
        engine.records.add(model.replace(layers=tuple(ids)))
    assert shell(engine, "ls / | grep at-; touch /mine", name) == "at-149\n"
    assert changes(engine, name) == ["A /mine"]
    with container_files(engine, name) as files, tarfile.open(fileobj=io.BytesIO(b"".join(files.export()))) as tar:
        listed = tar.getnames()
    assert [each for each in listed if each.startswith("at-")] == ["at-149"]


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
        for chosen in (None, name):
            done = labcore.run(
                "nothing", ["/b/bin/busybox", "ls", "/"], root=engine.root, name=chosen, volumes=[f"{files}:/b:ro"]
            )
            assert b"b\n" in done.stdout, done.stderr
    finally:
        engine.images.untag(Reference.parse("nothing"))


def test_older_kernels_mount_in_a_thread(engine: Engine, name: str) -> None:
    """Both ways show the same; of the second no mount is left, in no namespace, and this process stays where it is."""
    shell(engine, "echo new > /new; rm /etc/passwd; rm -r /usr; mkdir /usr", name)
    root = engine.uppers.root(upper(engine, name))
    assert isinstance(root, OverlayRoot)
    here, mounts = os.getcwd(), os.readlink("/proc/self/ns/mnt")
    for way in (overlay.mount_by_fsconfig, overlay.mount_in_one_call):
        for writable in (False, True):
            tree = way(root, writable=writable)
            try:
                assert {"group", "passwd"} & set(os.listdir(f"/proc/self/fd/{tree}/etc")) == {"group"}
                assert os.listdir(f"/proc/self/fd/{tree}/usr") == []
                assert overlay.in_use(root) == writable
                if writable:
                    os.mkdir(f"{way.__name__}", dir_fd=tree)
            finally:
                os.close(tree)
            assert overlay.wait_until_unmounted(root, seconds=10)
    assert (os.getcwd(), os.readlink("/proc/self/ns/mnt")) == (here, mounts)
    assert shell(engine, "ls / | grep _", name).split() == ["mount_by_fsconfig", "mount_in_one_call"]
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


# --- one process at a time


KILLED = """
import sys, time
from pathlib import Path
from labcore.engine import Engine
from labcore.engine.container.start import start
process = start(Engine(Path(sys.argv[1])), sys.argv[2])
print(process.pid, flush=True)
time.sleep(60)
"""


def test_a_killed_starter_leaves_a_container_that_runs(engine: Engine, storage: str, name: str) -> None:
    """And that can be started again when it was killed too, however little it has had to say."""
    script = "i=0; while :; do i=$((i+1)); echo $i > /file-$((i % 50)); done"
    create(engine, create_options("busybox", ["sh", "-c", script], name=name))
    for _ in range(5):
        with Started([sys.executable, "-c", KILLED, str(engine.root), name], stdout=subprocess.PIPE, text=True) as starter:
            assert starter.stdout is not None
            pid = int(starter.stdout.readline())
            starter.send_signal(signal.SIGKILL)
        assert (get(engine, name).state.status, get(engine, name).state.pid) == ("running", pid)
        with pytest.raises(InUse, match="container is running: stop the container before removing"):
            remove(engine, name)
        kill(engine, name)
        assert wait(engine, name) == 137
    assert "A /file-1" in changes(engine, name)


def test_a_container_that_is_killed_with_its_shim_can_be_started_at_once(engine: Engine, storage: str, name: str) -> None:
    """It dies a moment later than its shim, and until then its upper directory is mounted."""
    create(engine, create_options("busybox", ["sh", "-c", "while :; do echo x > /x; done"], name=name))
    for _ in range(5):
        process = start(engine, name)
        assert isinstance(process.source, MonitorExit)
        os.kill(process.source.monitor.pid, signal.SIGKILL)
        with pytest.raises(MonitorLost):
            process.wait(10)
        assert get(engine, name).state.exit_code in (0, 137), "running, or lost"


def test_the_kernel_is_asked_whether_files_are_mounted_only_of_what_may_still_run(
    engine: Engine, storage: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the kernel a grace period to say so."""
    asked: list[str] = []
    monkeypatch.setattr(UpperStore, "wait_until_free", lambda _, upper: asked.append(upper.id))
    create(engine, create_options("busybox", ["true"], name=name))
    run_to_end(engine, name)
    remove(engine, name)
    assert asked == []
    lost = create(engine, create_options("busybox", ["sleep", "60"], name=name)).id
    process = start(engine, name)
    assert isinstance(process.source, MonitorExit)
    os.kill(process.source.monitor.pid, signal.SIGKILL)
    with pytest.raises(MonitorLost):
        process.wait(10)
    remove(engine, name, force=True)
    assert asked == [lost]


@pytest.mark.parametrize("seconds", [0.03, 0.06, 0.1, 0.15, 0.25])
def test_killed_while_a_container_is_made_or_removed(engine: Engine, storage: str, name: str, seconds: float) -> None:
    """It is there whole or not at all; what was being done is cleared away by the next."""
    script = (
        "import sys, labcore\nfrom pathlib import Path\nfrom labcore.engine import create_options\n"
        "from labcore.engine.container.create import create\nfrom labcore.engine.containers import remove\n"
        "e = labcore.Engine(Path(sys.argv[1]))\nprint('begun', flush=True)\n"
        "wanted = create_options('busybox', ['sh'], name=sys.argv[2], volumes=['/data'], open_stdin=True, stdin_once=True)\n"
        "while True:\n create(e, wanted)\n remove(e, sys.argv[2], volumes=True)\n"
    )
    volumes, before = set(engine.volumes.names()), set(uppers(engine))
    with Started([sys.executable, "-c", script, str(engine.root), name], stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        time.sleep(seconds)
        busy.kill()
    assert shell(engine, "ls /etc/passwd; rm -r /home", name, volumes=["/data"]) == "/etc/passwd\n"
    remove(engine, name, volumes=True)
    assert set(uppers(engine)) == before
    assert set(engine.volumes.names()) == volumes
    ids = {each.id for each in engine.records.all()}
    assert {path.name for path in (engine.root / "containers").iterdir() if path.is_dir()} == ids


def test_killed_before_the_mark_of_a_new_container_is_written(engine: Engine, name: str) -> None:
    """The file is there, and empty: the next one removes it with its directory."""
    script = (
        "import os, sys, labcore\nfrom pathlib import Path\nfrom labcore.engine import create_options\n"
        "from labcore.engine.container.create import create\n"
        "Path.write_text = lambda self, *_, **__: (self.touch(), os.kill(os.getpid(), 9))\n"
        "create(labcore.Engine(Path(sys.argv[1])), create_options('busybox', ['sh'], name=sys.argv[2]))\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(engine.root), name]).returncode == -signal.SIGKILL
    assert list((engine.root / "containers").glob(".incoming-*/unfinished"))
    create(engine, create_options("busybox", ["true"], name=name))
    assert not list((engine.root / "containers").glob(".incoming-*"))


def test_layers_of_containers_are_in_use(engine: Engine, name: str) -> None:
    shell(engine, "true", name)
    assert set(engine.layers_of(engine.images.get(Reference.parse("busybox")))) <= needed_layers(engine)
    with pytest.raises(NotFound, match="there is no layer"):
        engine.uppers.create(upper(engine, name).replace(id="0" * 64, layers=("0" * 32,)))


@pytest.mark.parametrize("remap", [None, IDS], ids=["own ids", "others"])
def test_containers_that_end_at_once(engine: Engine, name: str, remap: IdRange | None) -> None:
    """They may be gone before anybody has noted which process it was."""
    for _ in range(10):
        assert run_script(engine, name, "", remap=remap).exit_code == 0
        assert get(engine, name).state.status == "exited"


# --- users who are others outside


def test_a_remapped_containers_files(engine: Engine, name: str) -> None:
    """On disk they have the owners that they have inside: the upper directory is mapped as the layers are."""
    shell(engine, "touch /mine /other; chown 5:6 /other; rm /etc/passwd; rm -r /usr/bin; mkdir /usr/bin", name, remap=IDS)
    look = "stat -c %u:%g /mine /other; ls -d /etc/passwd /etc/group || true; ls /usr/bin"
    assert shell(engine, look, name).split() == ["0:0", "5:6", "/etc/group"]
    assert (engine.uppers.written(upper(engine, name)) / "other").stat().st_uid == 5
    assert "D /etc/passwd" in changes(engine, name)
    assert "D /usr/bin/env" in changes(engine, name)


def test_an_ordinary_user_has_containers() -> None:
    labcore_ = f"{sys.executable} -P -m labcore"
    script = f"""
        {labcore_} seed busybox >/dev/null
        echo 'echo mine > /mine; chown 7:8 /mine; rm -r /home; mkdir /home; rm /etc/group' > first
        {labcore_} run -i --name sh busybox sh < first
        echo 'stat -c %u:%g /mine; ls /home; ls -d /etc/passwd /etc/group || true' | {labcore_} start -ai sh
        {labcore_} diff sh
        echo in > in; {labcore_} cp in sh:/in; {labcore_} cp sh:/mine .; stat -c %u mine; cat mine
        {labcore_} commit sh made:1 >/dev/null
        {labcore_} run --rm made:1 sh -c 'stat -c %u:%g /mine; cat /in; ls -d /etc/passwd /etc/group || true'
        {labcore_} export sh | tar t | grep -c '^mine$'
        {labcore_} run --rm -v v:/etc busybox touch /etc/new; {labcore_} run --rm -v v:/x busybox ls /x; {labcore_} volume rm v
        {labcore_} run -d --name up busybox sleep 60 >/dev/null; {labcore_} ps -q | wc -l
        {labcore_} exec up echo entered
        {labcore_} rm -f up sh
        echo '{labcore_} run -d --name up busybox sleep 60; {labcore_} exec up echo inside; {labcore_} rm -f up' > one
        {labcore_} rootless sh one | tail -n 2
    """
    done = as_learner("sh", "-ec", script)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = f"7:8 /etc/passwd C /etc D /etc/group A /mine {os.geteuid() or LEARNER} mine 7:8 in /etc/passwd 1"
    assert done.stdout.split() == [
        *wanted.split(),
        *[
            "group",
            "hostname",
            "hosts",
            "new",
            "passwd",
            "resolv.conf",
            "v",
            "1",
            "entered",
            "up",
            "sh",
            "inside",
            "up",
        ],
    ]


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
    """A container with all that a file system can have."""
    shell(engine, WILD, name)
    written = engine.uppers.written(upper(engine, name))
    os.setxattr(written / "d/hard", "user.colour", b"a\0b\xff")
    os.setxattr(written / "d/hard", "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))
    os.utime(written / "d/fifo", ns=(5, -1_500_000_000))
    os.mknod(written / "d/null", 0o20666, os.makedev(1, 3))
    return name


def test_a_layer_goes_out_and_comes_back_the_same(engine: Engine, wild: str, storage: str, tmp_path: Path) -> None:
    own = upper(engine, wild)
    layer = b"".join(engine.uppers.layer(own))
    assert layer == b"".join(engine.uppers.layer(own))
    diff_id = "sha256:" + hashlib.sha256(layer).hexdigest()
    engine.layers.add(diff_id, lambda: io.BytesIO(layer))
    back = engine.root / "storage/layers" / diff_id[7:39]
    try:
        if storage == "overlay":
            assert without_placeholders(listing(back)) == without_placeholders(listing(engine.uppers.written(own)))
        (tmp_path / "whole").mkdir()
        (tmp_path / "again").mkdir()
        flatten([back, *engine.uppers.stack(own)], tmp_path / "again")
        whole = engine.uppers.written(own)
        if storage == "overlay":
            flatten([whole, *engine.uppers.stack(own)], tmp_path / "whole")
            whole = tmp_path / "whole"
        assert without_placeholders(listing(tmp_path / "again")) == without_placeholders(listing(whole))
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
    assert b"NOBODY" in b"".join(engine.uppers.layer(upper(engine, name)))


def test_a_commit_makes_an_image(engine: Engine, storage: str, name: str) -> None:
    shell(engine, "echo hi > /hi; rm /etc/passwd; rm -r /usr/bin; mkdir /usr/bin", name)
    made = commit(
        engine,
        name,
        Reference.parse(f"made:{storage}"),
        settings=partial(changed, text='CMD ["cat", "/hi"]\nENV A=b\nLABEL who=me\nWORKDIR /etc\nEXPOSE 80'),
        message="hello",
        author="me",
    )
    config = made.config
    assert labcore.run(f"made:{storage}", root=engine.root).stdout == b"hi\n"
    said = labcore.run(
        f"made:{storage}", ["sh", "-c", "pwd; echo $A; ls -d passwd group; ls /usr/bin"], root=engine.root
    ).stdout
    assert said.split() == [b"/etc", b"b", b"group"]
    assert (config.labels, config.exposed_ports, config.author) == ((("who", "me"),), ("80/tcp",), "me")
    assert [(entry.created_by.partition(":")[0], entry.comment) for entry in config.history[:-1]] == [
        ("labcore seed busybox", ""),
        ('CMD ["sh"]', ""),
    ]
    assert config.history[-1].comment == "hello"
    assert len(made.layers) == len(config.diff_ids) == 2


def test_a_commit_of_nothing_adds_no_layer(engine: Engine, storage: str, name: str) -> None:
    shell(engine, "cat /etc/passwd", name)
    made = commit(engine, name, Reference.parse("same:1"), settings=partial(changed, text="CMD echo shell $0"))
    assert len(made.layers) == 1
    assert made.config.history[-1].empty_layer
    assert labcore.run("same:1", root=engine.root).stdout == b"shell /bin/sh\n"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("RUN ls", "RUN is not a valid change command"),
        ("ENV", "ENV"),
        ("LABEL =x", "names can not be blank"),
        ("ENV A='open", "single-quote"),
        ("EXPOSE x", "is no port"),
    ],
)
def test_an_instruction_that_is_none(engine: Engine, name: str, change: str, why: str) -> None:
    shell(engine, "true", name)
    with pytest.raises(InvalidInput, match=why):
        commit(engine, name, Reference.parse("never:1"), settings=partial(changed, text=change))
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
    assert len(json.loads(inspected)["history"]) == 3


def test_umoci_finds_the_same_changes(peer: Peers, engine: Engine, wild: str, tmp_path: Path, storage: str) -> None:
    """It compares whole trees; its layer, on the same image, makes the same files of it as ours."""
    target = f"oci:{tmp_path}/layout:base"
    subprocess.run(peer("skopeo", "copy", "-q", f"oci:{engine.root}/images:busybox:latest", target), check=True)
    bundle = tmp_path / "bundle"
    subprocess.run(peer("umoci", "unpack", "--image", f"{tmp_path}/layout:base", str(bundle)), check=True, capture_output=True)
    remove_tree(bundle / "rootfs")
    (bundle / "rootfs").mkdir()
    own = upper(engine, wild)
    written, below = engine.uppers.written(own), engine.uppers.stack(own)
    flatten([written, *below] if storage == "overlay" else [written], bundle / "rootfs")
    subprocess.run(peer("umoci", "repack", "--image", f"{tmp_path}/layout:new", str(bundle)), check=True, capture_output=True)
    index = json.loads((tmp_path / "layout/index.json").read_text())
    blobs = tmp_path / "layout/blobs/sha256"
    digest = next(e["digest"] for e in index["manifests"] if e["annotations"]["org.opencontainers.image.ref.name"] == "new")
    manifest = json.loads((blobs / digest[7:]).read_text())
    with tarfile.open(blobs / manifest["layers"][-1]["digest"][7:]) as tar:
        theirs = {member.name.strip("./") for member in tar if member.name.strip("./")}
    with tarfile.open(fileobj=io.BytesIO(b"".join(engine.uppers.layer(own)))) as tar:
        ours = {member.name for member in tar}
    # Parents of what has changed, and content that an opaque directory hides, are said in different ways; and with one of its
    # names gone, busybox has changed for umoci, which counts them.
    # /etc has the mount points of the container's own files.
    loose = {"bin", "etc", "usr", "usr/.wh..wh..opq", "usr/.wh.bin", "d", "root", ""}
    names = {f"bin/{path.name}" for path in (below[-1] / "bin").iterdir()}
    assert ours - loose == theirs - loose - names - set(PLACEHOLDERS)


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


def test_a_tree_deeper_than_any_path_can_be_removed(engine: Engine, storage: str, name: str) -> None:
    """It is weighed, and removed; an archive cannot name what is in it, and says so."""
    shell(engine, "true", name)
    own = upper(engine, name)
    make_deep(engine.uppers.written(own), 2200)
    assert engine.uppers.usage(own) >= 1 << 16
    refused: list[Callable[[], object]] = [
        lambda: engine.uppers.changes(own), lambda: b"".join(engine.uppers.layer(own))
    ]  # fmt: skip
    with container_files(engine, name) as files:
        refused += [lambda: b"".join(files.export()), lambda: b"".join(archived(files, "/d", "/d"))]
        for each in refused:
            with pytest.raises(InvalidInput, match="is too deep, a path of more than 3584 bytes"):
                each()
    before = set(uppers(engine))
    remove(engine, name)
    assert before - set(uppers(engine)) == {own.id}


def test_a_full_disk(tmp_path: Path) -> None:
    """The container has filled it before it is noted that the container runs."""
    source = Engine(tmp_path / "source")
    source.seed("busybox")
    (tmp_path / "small").mkdir()
    script = (
        "import os, shutil, sys, time\n"
        "from pathlib import Path\n"
        "import labcore\n"
        "from labcore import native\n"
        "native.unshare(native.CloneFlag.NEWNS)\n"
        "native.mount('none', '/', flags=native.MountFlag.REC | native.MountFlag.PRIVATE)\n"
        "native.mount('small', sys.argv[1], 'tmpfs', data='size=6m')\n"
        "root = Path(sys.argv[1], 'state')\n"
        "shutil.copytree(sys.argv[2] + '/images', root / 'images')\n"
        "from labcore.engine.container import start\n"
        "launch = start._launch\n"
        "def until_full(*arguments):\n"
        " process = launch(*arguments)\n"
        " while os.statvfs(root).f_bavail: time.sleep(0.01)\n"
        " return process\n"
        "start._launch = until_full\n"
        "fill = ['sh', '-c', 'cat /dev/zero > /big; read go; echo x > /big; echo kept > /small']\n"
        "done = labcore.run('busybox', fill, root=root, name='aa', input=b'go\\n')\n"
        "start._launch = launch\n"
        "print(done.exit_code)\n"
        "engine = labcore.Engine(root)\n"
        "os.environ['LABCORE_STORAGE'] = 'copy'\n"
        "try: (root / 'filler').write_bytes(bytes(8 << 20))\n"
        "except OSError: pass\n"
        "try: labcore.run('busybox', ['true'], root=root, name='bb')\n"
        "except labcore.LabcoreError as error: print(type(error).__name__, str(error)[:29])\n"
        "(root / 'filler').unlink()\n"
        "from labcore.engine.container.files import container_files, diff\n"
        "from labcore.engine.containers import remove\n"
        "print([each.name for each in engine.records.all()], [c.path for c in diff(engine, 'aa')])\n"
        "with container_files(engine, 'aa') as files: print(len(b''.join(files.archive('/etc'))) > 1000)\n"
        "remove(engine, 'aa')\n"
        "print(list((root / 'storage/upper').iterdir()), [path.name for path in (root / 'containers').iterdir()])\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "small"), str(source.root)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "0",
        "StoreFull no room for the files of cont",
        "['aa'] ['/big', '/small']",
        "True",
        "[] ['records.db']",
    ], done.stdout + done.stderr

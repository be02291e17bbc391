"""Volumes, directories of the host, and tmpfs in containers."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import labcore
from labcore.engine import Engine, create_options
from labcore.engine.container.foreground import prepared
from labcore.engine.containers import every, remove
from labcore.engine.image.commit import commit
from labcore.engine.volume.objects import prune_volumes
from labcore.errors import InUse, InvalidInput, NotFound, StoreDamaged
from labcore.images.builtin import LayerWriter, write_image
from labcore.options.mounts import from_long, from_short, from_tmpfs
from labcore.runtime import make_plan, spawn
from labcore.spec import IdRange, Mount, Reference
from labcore.storage.volumes import VolumeStore
from tests.conftest import needs_root
from tests.containers import run_script
from tests.threads import Started

pytestmark = pytest.mark.usefixtures("served", "nothing_left")


@pytest.fixture(autouse=True)
def as_root() -> None:
    needs_root()


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    chosen = f"v-{os.urandom(4).hex()}"
    yield chosen
    if chosen in engine.volumes.names():
        engine.volumes.remove(chosen)


def shell(engine: Engine, script: str, *volumes: "Mount | str", status: int = 0, **options: object) -> str:
    done = labcore.run("busybox", ["sh", "-c", script], root=engine.root, volumes=volumes, **options)  # type: ignore[arg-type]
    assert done.exit_code == status, done.stderr
    return done.stdout.decode()


def labcore_(engine: Engine, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "labcore", "--root", str(engine.root), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


# --- volumes


def test_what_one_container_writes_the_next_one_reads(engine: Engine, name: str) -> None:
    shell(engine, "echo shared > /data/file", f"{name}:/data")
    assert shell(engine, "cat /other/file", f"{name}:/other:ro") == "shared\n"
    assert "Read-only" in labcore_(engine, "run", "--rm", "-v", f"{name}:/x:ro", "busybox", "touch", "/x/y").stderr


@pytest.mark.parametrize("storage", ["overlay", "copy"])
def test_an_empty_volume_gets_what_the_image_has(
    engine: Engine, name: str, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With owners and permissions, the directory's own too; and only once."""
    monkeypatch.setenv("LABCORE_STORAGE", storage)
    run_script(engine, name, "chown 5:6 /etc/passwd /etc; chmod 700 /etc; ln -s etc /config")
    commit(engine, name, Reference.parse(name))
    remove(engine, name)
    look = "stat -c '%u:%g %a' /config /config/passwd"
    done = labcore.run(name, ["sh", "-c", look], root=engine.root, volumes=[f"{name}:/config"])
    data = engine.volumes.data(engine.volumes.get(name))
    assert done.stdout.decode().splitlines() == ["0:0 777", "5:6 644"]
    assert ((data / "passwd").stat().st_uid, oct(data.stat().st_mode), data.stat().st_uid) == (5, "0o40700", 5)
    (data / "passwd").unlink()
    assert shell(engine, "ls /etc", f"{name}:/etc") == "group\nhostname\nhosts\nresolv.conf\n"
    engine.images.untag(Reference.parse(name))


def test_without_a_copy(engine: Engine, name: str) -> None:
    assert shell(engine, "ls /etc", f"{name}:/etc:nocopy") == "hostname\nhosts\nresolv.conf\n"  # places of mounts
    assert shell(engine, "ls /new", f"{name}:/new") == "hostname\nhosts\nresolv.conf\n"


def test_anonymous_volumes_go_with_their_container(engine: Engine) -> None:
    before = engine.volumes.names()
    with prepared(engine, create_options("busybox", ["true"], volumes=["/data"])):
        (made,) = set(engine.volumes.names()) - set(before)
        assert len(made) == 64
        assert engine.volumes.get(made).anonymous
    assert engine.volumes.names() == before


def test_anonymous_volumes_go_although_their_container_was_killed(engine: Engine) -> None:
    """With it goes who was to remove them; the next who looks does."""
    before = engine.volumes.names()
    script = "import sys, labcore; labcore.run('busybox', ['sleep', '60'], root=sys.argv[1], volumes=['/data'])"
    with Started([sys.executable, "-c", script, str(engine.root)]) as started:
        deadline = time.monotonic() + 60
        while not (made := set(engine.volumes.names()) - set(before)) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(made) == 1
        list(every(engine))
        assert made <= set(engine.volumes.names())
        started.kill()
        started.wait()
    deadline = time.monotonic() + 60
    while made & set(engine.volumes.names()) and time.monotonic() < deadline:
        list(every(engine))
    assert engine.volumes.names() == before


def test_the_image_says_where_it_wants_volumes(engine: Engine, name: str) -> None:
    before = engine.volumes.names()
    image = engine.images.get(Reference.parse("busybox"))
    engine.images.put_image(Reference.parse("wants:1"), image.layers, image.config.replace(volumes=("/etc", "/data")))
    mounts = labcore.run("wants:1", ["cat", "/proc/mounts"], root=engine.root, volumes=[f"{name}:/data"]).stdout.decode()
    places = [line.split()[1] for line in mounts.splitlines()]
    assert {"/etc", "/data"} <= set(places)
    listed = labcore.run("wants:1", ["ls", "/etc"], root=engine.root).stdout.split()
    assert listed == [b"group", b"hostname", b"hosts", b"passwd", b"resolv.conf"]
    assert set(engine.volumes.names()) - set(before) == {name}


@pytest.mark.parametrize("path", ["/proc", "/sys/fs", "/dev/../proc/x", "relative", "/"])
def test_an_image_gets_no_volume_where_the_kernels_files_are(engine: Engine, path: str) -> None:
    image = engine.images.get(Reference.parse("busybox"))
    engine.images.put_image(Reference.parse("hostile:1"), image.layers, image.config.replace(volumes=(path,)))
    with pytest.raises(InvalidInput, match=r"where the kernel's files are|destination can't be|must be absolute"):
        labcore.run("hostile:1", ["true"], root=engine.root)


def test_a_volume_in_use_stays(engine: Engine, name: str) -> None:
    with (
        prepared(engine, create_options("busybox", ["sleep", "60"], volumes=[f"{name}:/x"])) as made,
        spawn(make_plan(made.spec)),
    ):
        with pytest.raises(InUse, match=rf"volume {name} is in use by process {os.getpid()} "):
            engine.volumes.remove(name)
        assert prune_volumes(engine, named=True)[0] == [] or name in engine.volumes.names()
        shell(engine, "true", f"{name}:/x")
    engine.volumes.remove(name)
    with pytest.raises(NotFound, match=f"get {name}: no such volume"):
        engine.volumes.remove(name)


def test_a_volume_of_a_container_whose_users_are_others(engine: Engine, name: str) -> None:
    """Its files belong to the users that they belong to inside, whichever those are outside."""
    for outside in (200_000, 300_000):
        ids = IdRange(inside=0, outside=outside, size=65_536)
        script = "ls -ln /data; touch /data/$$; chown 7:8 /data/$$; grep ' /ro ' /proc/self/mountinfo | cut -d' ' -f6"
        said = shell(engine, script, f"{name}:/data", f"{name}:/ro:ro", remap=ids)
    assert said.splitlines()[-1].startswith("ro,nodev")
    (file,) = engine.volumes.data(engine.volumes.get(name)).iterdir()
    assert (file.stat().st_uid, file.stat().st_gid) == (7, 8)


def test_devices_in_a_volume_do_not_work(engine: Engine, name: str) -> None:
    data = engine.volumes.data(engine.volumes.create(name))
    os.mknod(data / "null", 0o20666, os.makedev(1, 3))
    shell(engine, "echo x > /v/null", f"{name}:/v", status=1)


def test_killed_while_a_volume_is_filled(engine: Engine, name: str) -> None:
    """The next container finds it filled, or fills it: never half."""
    writer = LayerWriter()
    for number in range(3000):
        writer.file(f"many/{number}", b"x")
    write_image(engine.images, "many:1", [writer.finish()], command=("/none",))
    script = "import sys, labcore; from pathlib import Path; from labcore.engine.container.foreground import prepared\n"
    script += "e = labcore.Engine(Path(sys.argv[1])); print('begun', flush=True)\n"
    script += "with prepared(e, labcore.engine.create_options('many:1', ['x'], volumes=[sys.argv[2] + ':/many'])): pass\n"
    engine.layers_of(engine.images.get(Reference.parse("many:1")))
    for _ in range(3):
        with Started([sys.executable, "-c", script, str(engine.root), name], stdout=subprocess.PIPE) as busy:
            assert busy.stdout is not None
            busy.stdout.readline()
            time.sleep(0.08)
            busy.kill()
        if name in engine.volumes.names():
            assert len(list(engine.volumes.data(engine.volumes.get(name)).iterdir())) in (0, 3000)
    with prepared(engine, create_options("many:1", ["x"], volumes=[f"{name}:/many"])):
        assert len(list(engine.volumes.data(engine.volumes.get(name)).iterdir())) == 3000


def test_the_command(engine: Engine, name: str) -> None:
    assert labcore_(engine, "volume", "create", "--label", "a=b", name).stdout == f"{name}\n"
    anonymous = labcore_(engine, "volume", "create").stdout.strip()
    assert len(anonymous) == 64
    (shown,) = json.loads(labcore_(engine, "volume", "inspect", name).stdout)
    assert (shown["Name"], shown["Labels"], shown["Driver"]) == (name, {"a": "b"}, "local")
    assert Path(shown["Mountpoint"]).is_dir()
    listed = labcore_(engine, "volume", "ls").stdout
    assert name in listed
    assert anonymous in labcore_(engine, "volume", "prune", "-f").stdout
    assert labcore_(engine, "volume", "rm", name).stdout == f"{name}\n"
    missing = labcore_(engine, "volume", "rm", name)
    assert (missing.returncode, f"get {name}: no such volume" in missing.stderr) == (1, True)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', '{"format": 1, "name": "x"}', '{"format": 1, "labels": [1]}'])
def test_a_damaged_description(tmp_path: Path, text: str) -> None:
    store = VolumeStore(tmp_path)
    store.create("v")
    (tmp_path / "volumes/v/volume.json").write_text(text)
    store.create("sound")
    with pytest.raises(StoreDamaged, match="cannot be read"):
        store.get("v")
    assert (store.usage("v"), store.is_in_use("v")) == (store.usage("sound"), False)
    assert [volume.name for volume in store.readable()] == ["sound"]
    store.remove("v")
    assert store.names() == ["sound"]


# --- directories and files of the host, tmpfs


def test_a_directory_of_the_host(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/in").write_text("outside\n")
    assert shell(engine, "cat /host/in; echo inside > /host/out", f"{tmp_path}/d:/host") == "outside\n"
    assert (tmp_path / "d/out").read_text() == "inside\n"
    shell(engine, "touch /host/x", f"{tmp_path}/d:/host:ro", status=1)
    assert shell(engine, "cat /file", f"{tmp_path}/d/in:/file") == "outside\n"
    shell(engine, "touch /a/x; ls /a/b", f"{tmp_path}/d:/a/b", f"{tmp_path}:/a")
    assert (tmp_path / "x").exists()


def test_a_source_that_is_missing(engine: Engine, tmp_path: Path) -> None:
    shell(engine, "touch /m/x", f"{tmp_path}/made/here:/m")
    assert (tmp_path / "made/here/x").exists()
    with pytest.raises(InvalidInput, match=r"bind source path does not exist: .*: make it, or use -v"):
        shell(engine, "true", from_long(f"type=bind,src={tmp_path}/missing,dst=/m"))


def test_read_only_reaches_what_is_mounted_below(engine: Engine, tmp_path: Path) -> None:
    script = f'mount -t tmpfs x {tmp_path}; mkdir {tmp_path}/below; mount -t tmpfs y {tmp_path}/below; exec "$@"'
    touch = (
        "import sys, labcore; labcore.run('busybox', ['sh', '-c', 'touch /d/a; touch /d/below/b'], root=sys.argv[1],"
        " volumes=[sys.argv[2]], stderr=None)"
    )
    run = [sys.executable, "-c", touch, str(engine.root), f"{tmp_path}:/d:ro"]
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh", *run]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.stderr.count("Read-only file system") == 2


def test_tmpfs(engine: Engine) -> None:
    said = shell(engine, "echo x > /t/x; grep ' /t\\| /u ' /proc/mounts; ls -ld /u; ls /etc", from_tmpfs("/t:size=64k,exec"),
                 from_long("type=tmpfs,dst=/u,tmpfs-size=1m,tmpfs-mode=700"), from_tmpfs("/etc"))  # fmt: skip
    first, second, directory, *files = said.splitlines()
    assert files == ["hostname", "hosts", "resolv.conf"]  # a container has its own, made to be mounted on
    assert "size=64k" in first
    assert "nosuid,nodev" in first
    assert "noexec" not in first
    assert "noexec" in second
    assert directory.startswith("drwx------")


def test_a_privileged_container_does_not_write_to_what_is_read_only(engine: Engine, tmp_path: Path) -> None:
    shell(engine, "touch /host/x", f"{tmp_path}:/host:ro", status=1, privileged=True)


def test_two_at_one_place(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match="Duplicate mount point: /x/"):
        shell(engine, "true", "one:/x", "two:/x/")
    assert not {"one", "two"} & set(engine.volumes.names())


SHORT = {
    "/data": Mount("volume", "/data", make=True),
    "name:/data": Mount("volume", "/data", "name", make=True),
    "name:/data:ro,nocopy": Mount("volume", "/data", "name", read_only=True, make=True, copy=False, mode="ro,nocopy"),
    "/host:/data:ro,rslave": Mount("bind", "/data", "/host", read_only=True, options=("rslave",), make=True, mode="ro,rslave"),
    "/host:/data:Z": Mount("bind", "/data", "/host", make=True, mode="Z"),
}
LONG = {
    "dst=/data": Mount("volume", "/data"),
    "type=volume,source=name,target=/data,readonly": Mount("volume", "/data", "name", read_only=True),
    "type=volume,src=n,dst=/d,volume-nocopy=true,ro=false": Mount("volume", "/d", "n", copy=False),
    "type=volume,src=n,dst=/d,volume-subpath=a/b": Mount("volume", "/d", "n", subpath="a/b"),
    'type=bind,"src=/a,b",dst=/d,bind-propagation=rslave': Mount("bind", "/d", "/a,b", options=("rslave",)),
    "type=tmpfs,dst=/d,tmpfs-size=1m,tmpfs-mode=1777": Mount("tmpfs", "/d", options=("size=1m", "mode=1777")),
}
WRONG_SHORT = [
    "/proc",
    "", ":", "a:b:c:d", "name:relative", "name:/", "name:/..", "n:/x:bad", "n:/x:rslave", "relative", ":/x", "/a:/b:c:d",
]  # fmt: skip
WRONG_LONG = [
    "", "type=bind,dst=/d", "type=tmpfs,src=/x,dst=/d", "type=odd,dst=/d", "dst=/d,what=x", "type=volume,dst=/d,tmpfs-size=1",
    "type=bind,src=/a,dst=/d,bind-propagation=odd", "type=tmpfs,dst=/d,tmpfs-size=lots", "type=tmpfs,dst=/d,tmpfs-mode=9",
    "src=x,dst=/d,ro=maybe", "src=x", "src=x,dst=/",
]  # fmt: skip


@pytest.mark.parametrize("text", SHORT)
def test_the_short_form(text: str) -> None:
    assert from_short(text) == SHORT[text]


@pytest.mark.parametrize("text", LONG)
def test_the_long_form(text: str) -> None:
    assert from_long(text) == LONG[text]


@pytest.mark.parametrize(("read", "text"), [(from_short, t) for t in WRONG_SHORT] + [(from_long, t) for t in WRONG_LONG])
def test_what_is_none(read: object, text: str) -> None:
    with pytest.raises(InvalidInput):
        read(text)  # type: ignore[operator]


@pytest.mark.parametrize("name", ["busybox:latest", "..", "a/b", "", "a b", "sha256:" + "0" * 64])
def test_what_no_volume_can_be_called_is_no_volume(engine: Engine, name: str) -> None:
    """Who looks for an image or a container by its name is not told how volumes are named."""
    for look in (engine.volumes.get, engine.volumes.remove):
        with pytest.raises(NotFound, match="no such volume"):
            look(name)


@pytest.mark.parametrize("bad", ["..", "a/b", "-x"])
def test_a_name_never_becomes_another_path(engine: Engine, bad: str) -> None:
    with pytest.raises(InvalidInput, match="is no name of a volume"):
        shell(engine, "true", Mount("volume", "/x", bad))

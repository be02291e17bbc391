"""One image goes from labcore to every tool, and from every tool to labcore: it stays the same image, and runs.

Rows are the tools and formats; in `TO` they take what labcore gives, in `FROM` labcore takes what they give. Each row compares
the image's ID, which is the digest of its config; what a container of it sees of its files; and that it runs at all.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.engine.image.archives import load
from labcore.images import Image, ImageStore
from labcore.images.archive.writing import save
from labcore.images.model import index_bytes
from labcore.spec import OverlayRoot, Platform, Reference
from labcore.spec.media import INDEX, LAYER, LAYER_GZIP
from labcore.storage.comparing import differences
from tests.conformance.conftest import LIMITS, running_dockerd
from tests.conftest import needs_root
from tests.daemon import own_daemon
from tests.peers import Peers
from tests.threads import Started

NAME = "team/box:v1"
TAG = "v1"  # by which an OCI layout has it, as docker saves it
# What a container says of its files, each with its kind, mode, owner and content; engines mount things of their own on /etc.
SCRIPT = (
    "cd /; find bin etc/passwd home root tree usr | sort | while read f; do stat -c '%n %F %a %u %g' \"$f\"; done; "
    "find tree -type f | sort | xargs md5sum; readlink tree/link; ls etc/group 2>&1; echo $COLOUR"
)


class Lab:
    """labcore's command, with a state root of its own, whose daemon runs."""

    def __init__(self, root: Path) -> None:
        self.engine = Engine(root)

    def __call__(self, *words: str, stdin: bytes | None = None) -> str:
        command = [sys.executable, "-m", "labcore", "--root", str(self.engine.root), *words]
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=120)
        assert done.returncode == 0, (words, done.stderr.decode())
        return done.stdout.decode()

    def image(self, name: str = NAME) -> Image:
        return self.engine.images.find(name)

    @property
    def layout(self) -> str:
        """The store, as skopeo and umoci name it."""
        return f"{self.engine.root}/images"

    def unpacked(self, name: str = NAME) -> list[Path]:
        root = self.engine.spec(name, ["true"]).root
        assert isinstance(root, OverlayRoot)
        return [Path(root.directory, layer) for layer in root.layers]


class Tool:
    """Another tool's command; `run` are the words that start a container without a network."""

    def __init__(self, words: list[str], run: list[str]) -> None:
        self.words = words
        self.run = run

    def __call__(self, *words: str) -> str:
        done = subprocess.run([*self.words, *words], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def seen(self, image: str) -> str:
        return self("run", "--rm", *self.run, image, "sh", "-c", SCRIPT)


def second_layer() -> bytes:
    """Return a layer with what makes layers hard: deletions, an opaque directory, links, odd owners and modes, a long name."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:

        def add(
            name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, mode: int = 0o644, target: str = "", uid: int = 0
        ) -> None:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.linkname, info.size = kind, mode, target, len(content)
            info.uid, info.gid, info.mtime = uid, uid, 1_600_000_000
            tar.addfile(info, io.BytesIO(content))

        add("etc", kind=tarfile.DIRTYPE, mode=0o755)
        add("etc/.wh.group")
        add("home", kind=tarfile.DIRTYPE, mode=0o755)
        add("home/.wh..wh..opq")
        add("tree", kind=tarfile.DIRTYPE, mode=0o1777)
        add("tree/file", os.urandom(5000), mode=0o4755, uid=1234)
        add("tree/hard", kind=tarfile.LNKTYPE, target="tree/file", mode=0o4755, uid=1234)
        add("tree/link", kind=tarfile.SYMTYPE, target="../etc/passwd")
        add("tree/" + "ö" * 60 + "/" + "x" * 120, b"long")
        add("tree/empty", mode=0o600)
    return out.getvalue()


@contextmanager
def served(root: Path) -> Iterator[Lab]:
    root.mkdir(exist_ok=True)
    with own_daemon(root):
        yield Lab(root)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Lab]:
    """A state root in which nothing is."""
    with served(tmp_path / "state") as made:
        yield made


@pytest.fixture(scope="module")
def lab(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """An image of two layers, one gzipped and one plain."""
    needs_root()
    with served(tmp_path_factory.mktemp("lab")) as made:
        put_image(made, engine)
        yield made


def put_image(made: Lab, engine: Engine) -> None:
    store = made.engine.images
    base = engine.images.get(Reference.parse("busybox"))
    with store.using():
        below = store.put_blob(engine.images.blob_path(base.layers[0]).read_bytes(), LAYER_GZIP)
        above = store.put_blob(second_layer(), LAYER)
        config = base.config.replace(
            diff_ids=(*base.config.diff_ids, above.digest),
            environment=("PATH=/usr/bin:/bin", "COLOUR=blue"),
            labels=(("made.by", "hand"),),
            exposed_ports=("80/tcp",),
            stop_signal="SIGINT",
            created="2024-01-02T03:04:05Z",
        )
        store.put_image(Reference.parse(NAME), [below, above], config)


@pytest.fixture(scope="module")
def wanted(lab: Lab) -> str:
    """What a container of labcore's sees."""
    seen = lab("run", NAME, "sh", "-c", SCRIPT)
    assert "tree/file regular file 4755 1234 1234" in seen
    assert "ls: etc/group: No such file or directory" in seen
    return seen


@pytest.fixture(scope="module")
def docker(peer: Peers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    with running_dockerd(peer, tmp_path_factory.mktemp("d"), "--exec-opt", "native.cgroupdriver=cgroupfs") as words:
        yield Tool(words, ["--pull", "never", "--network", "none"])


@pytest.fixture(scope="module")
def podman(peer: Peers) -> Iterator[Tool]:
    peer.needs("conmon", "runc")
    home = tempfile.mkdtemp(prefix="pod")  # podman takes no longer name than 50 characters
    words = peer("podman", "--root", f"{home}/root", "--runroot", f"{home}/run", "--tmpdir", f"{home}/tmp", "--runtime", "runc")
    words += ["--storage-driver", "overlay", "--events-backend", "file", "--cgroup-manager", "cgroupfs"]
    yield Tool(words, ["--network", "none", *LIMITS])
    subprocess.run([*words, "system", "reset", "--force"], capture_output=True)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def skopeo(peer: Peers) -> Tool:
    return Tool(peer("skopeo"), [])


@pytest.fixture(scope="module")
def umoci(peer: Peers) -> Tool:
    return Tool(peer("umoci"), [])


Place = Path  # a directory of the row's own

# --- from labcore: how a tool takes the image; then what the tool calls it is its ID, and its container sees the same

TAKES: dict[str, tuple[str, Callable[[Lab, Tool, Place], None]]] = {
    "docker load": ("docker", lambda lab, tool, place: _load(lab, tool, place)),
    "docker load, gzipped": ("docker", lambda lab, tool, place: _load(lab, tool, place, packer="gzip")),
    "podman load": ("podman", lambda lab, tool, place: _load(lab, tool, place)),
    "podman pull from the store": ("podman", lambda lab, tool, place: _pull(lab, tool)),
}


def _load(lab: Lab, tool: Tool, place: Path, *, packer: str = "") -> None:
    lab("save", "-o", str(place / "image.tar"), NAME)
    if packer:
        subprocess.run([packer, place / "image.tar"], check=True)
    tool("load", "-i", str(next(place.iterdir())))


def _pull(lab: Lab, tool: Tool) -> None:
    identity = tool("pull", "-q", f"oci:{lab.layout}:{NAME}").strip()
    tool("tag", identity, NAME)


@pytest.mark.parametrize("row", TAKES)
def test_from_labcore(row: str, request: pytest.FixtureRequest, lab: Lab, wanted: str, tmp_path: Path) -> None:
    name, take = TAKES[row]
    tool = request.getfixturevalue(name)
    take(lab, tool, tmp_path)
    try:
        about = json.loads(tool("image", "inspect", NAME))[0]
        assert about["Id"].removeprefix("sha256:") == lab.image().id.removeprefix("sha256:")
        assert about["Config"]["Labels"] == {"made.by": "hand"}
        assert tool.seen(NAME) == wanted
    finally:
        tool("rmi", "-f", NAME)


# --- to labcore: how a tool gives the image; then it has the same ID here, and its container sees the same

GIVES: dict[str, tuple[str, Callable[[Lab, Tool, Place], Path]]] = {
    "docker save": ("docker", lambda lab, tool, place: _saved(lab, tool, place)),
    "podman save, Docker's format": ("podman", lambda lab, tool, place: _saved(lab, tool, place, "--format", "docker-archive")),
    "podman save, OCI archive": ("podman", lambda lab, tool, place: _saved(lab, tool, place, "--format", "oci-archive")),
    "podman save, OCI layout": ("podman", lambda lab, tool, place: _saved(lab, tool, place, "--format", "oci-dir")),
    "skopeo copy, Docker's format": ("skopeo", lambda lab, tool, place: _copied(lab, tool, place, "docker-archive")),
    "skopeo copy, OCI archive": ("skopeo", lambda lab, tool, place: _copied(lab, tool, place, "oci-archive")),
    "skopeo copy, OCI layout": ("skopeo", lambda lab, tool, place: _copied(lab, tool, place, "oci")),
    "skopeo copy, zstd": (
        "skopeo", lambda lab, tool, place: _copied(lab, tool, place, "oci", "--dest-compress-format", "zstd", "--dest-compress")
    ),
    "skopeo copy of what labcore saved": ("skopeo", lambda lab, tool, place: _copied_on(lab, tool, place, "oci-archive")),
    "skopeo copy of what labcore saved for Docker": (
        "skopeo", lambda lab, tool, place: _copied_on(lab, tool, place, "docker-archive")
    ),
}  # fmt: skip


def _saved(lab: Lab, tool: Tool, place: Path, *options: str) -> Path:
    lab("save", "-o", str(place / "ours.tar"), NAME)
    tool("load", "-i", str(place / "ours.tar"))
    try:
        tool("save", *options, "-o", str(place / "theirs"), NAME)
    finally:
        tool("rmi", "-f", NAME)
    return place / "theirs"


def _copied(lab: Lab, tool: Tool, place: Path, transport: str, *options: str) -> Path:
    tool("copy", "-q", *options, f"oci:{lab.layout}:{NAME}", f"{transport}:{place}/theirs:{NAME}")
    return place / "theirs"


def _copied_on(lab: Lab, tool: Tool, place: Path, transport: str) -> Path:
    lab("save", "-o", str(place / "ours.tar"), NAME)
    name = TAG if transport == "oci-archive" else NAME
    tool("copy", "-q", f"{transport}:{place}/ours.tar:{name}", f"{transport}:{place}/theirs:{NAME}")
    return place / "theirs"


def packed(given: Path) -> Path:
    """Return an archive: that which was given, or one of a layout's directory."""
    if not given.is_dir():
        return given
    archive = given.with_suffix(".tar")
    subprocess.run(["tar", "-C", str(given), "-cf", str(archive), "."], check=True)
    return archive


@pytest.mark.parametrize("row", GIVES)
def test_to_labcore(row: str, request: pytest.FixtureRequest, lab: Lab, here: Lab, wanted: str, tmp_path: Path) -> None:
    name, give = GIVES[row]
    given = give(lab, request.getfixturevalue(name), tmp_path)
    said = here("load", "-i", str(packed(given)))
    image, original = here.image(next(iter(here.engine.images.names()))), lab.image()
    assert said == f"Loaded image: {image.name}\n"
    assert image.name.endswith(NAME)
    assert (image.id, image.config) == (original.id, original.config)
    assert here("run", image.name, "sh", "-c", SCRIPT) == wanted
    for one, other in zip(lab.unpacked(), here.unpacked(image.name), strict=True):
        assert list(differences(one, other)) == []
    if "zstd" in row:
        assert {layer.media_type[-5:] for layer in image.layers} == {"+zstd"}


def test_through_pipes(docker: Tool, lab: Lab, here: Lab, wanted: str) -> None:
    """`labcore save | docker load`, and `docker save | labcore load`."""
    with Started(
        [sys.executable, "-m", "labcore", "--root", str(lab.engine.root), "save", NAME], stdout=subprocess.PIPE
    ) as ours:
        subprocess.run([*docker.words, "load"], stdin=ours.stdout, check=True, capture_output=True)
    done = subprocess.run([*docker.words, "save", NAME], check=True, capture_output=True)
    assert here("load", stdin=done.stdout) == f"Loaded image: {NAME}\n"
    assert here.image().id == lab.image().id
    assert here("run", NAME, "sh", "-c", SCRIPT) == wanted
    docker("rmi", NAME)


def test_skopeo_copies_into_the_store(skopeo: Tool, lab: Lab, here: Lab, wanted: str) -> None:
    skopeo("copy", "-q", f"oci:{lab.layout}:{NAME}", f"oci:{here.layout}:brought:1")
    assert here.image("brought:1").id == lab.image().id
    assert json.loads(skopeo("inspect", f"oci:{lab.layout}:{NAME}"))["Digest"] == lab.image().descriptor.digest
    assert here("run", "brought:1", "sh", "-c", SCRIPT) == wanted
    assert here("fsck") == "nothing is damaged\n"


def test_umoci_unpacks_and_repacks(umoci: Tool, lab: Lab, here: Lab, wanted: str, tmp_path: Path) -> None:
    """umoci reads what lies in the store, changes it, and writes a layer on top: labcore runs that."""
    shutil.copytree(lab.layout, tmp_path / "layout", ignore=shutil.ignore_patterns("leases"))
    source = f"{tmp_path}/layout:{NAME}"
    umoci("unpack", "--image", source, f"{tmp_path}/bundle")
    rootfs = tmp_path / "bundle/rootfs"
    assert sorted(path.name for path in rootfs.iterdir()) == sorted(
        {path.name for layer in lab.unpacked() for path in layer.iterdir()}
    )
    assert not (rootfs / "etc/group").exists()
    assert (rootfs / "tree/file").stat().st_nlink == 2
    (rootfs / "tree/file").unlink()
    (rootfs / "tree/new").write_text("by umoci\n")
    umoci("repack", "--image", f"{tmp_path}/layout:changed", f"{tmp_path}/bundle")
    here("load", "-i", str(packed(tmp_path / "layout")))
    assert here.image().id == lab.image().id
    changed = next(line.split()[2] for line in here("images").splitlines() if line.startswith("<none>"))
    assert here("run", changed, "sh", "-c", "ls /tree/file 2>&1; cat /tree/new").splitlines() == [
        "ls: /tree/file: No such file or directory",
        "by umoci",
    ]
    here("save", "-o", str(tmp_path / "back.tar"), NAME)
    (tmp_path / "again").mkdir()
    subprocess.run(["tar", "-xf", str(tmp_path / "back.tar"), "-C", str(tmp_path / "again")], check=True)
    umoci("unpack", "--image", f"{tmp_path}/again:{TAG}", f"{tmp_path}/second")
    assert (tmp_path / "second/rootfs/tree/link").readlink() == Path("../etc/passwd")


def test_several_machines_at_once(skopeo: Tool, lab: Lab, here: Lab, tmp_path: Path) -> None:
    """An index for two machines: skopeo takes each of them, labcore keeps both, and runs this machine's."""
    load(here.engine.images, lab.engine.images.directory)
    store, ours = here.engine.images, here.image()
    with store.using():
        theirs = store.put_image(Reference.parse("other"), list(ours.layers), ours.config.replace(architecture="s390x"))
        listed = [image.descriptor.replace(platform=image.config.platform) for image in (theirs, ours)]
        store.tag(Reference.parse("multi"), store.put_blob(index_bytes(listed), INDEX))
    with (tmp_path / "multi.tar").open("wb") as out:
        save(store, ["multi"], out)
    for architecture, image in (("s390x", theirs), ("amd64" if Platform.here().architecture == "amd64" else "arm64", ours)):
        copied = f"oci:{tmp_path}/{architecture}:one:1"
        skopeo("--override-arch", architecture, "copy", "-q", f"oci-archive:{tmp_path}/multi.tar", copied)
        assert ImageStore(tmp_path / architecture).find("one:1").id == image.id
    skopeo("copy", "-q", "--all", f"oci-archive:{tmp_path}/multi.tar", f"oci-archive:{tmp_path}/all.tar:multi:2")
    with served(tmp_path / "last") as last:
        last("load", "-i", str(tmp_path / "all.tar"))
        assert last("run", "multi:2", "echo", "runs") == "runs\n"
    assert last.engine.images.find("multi:2", Platform("linux", "s390x")).id == theirs.id
    assert ours.id[7:19] in last("images")

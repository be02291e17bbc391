"""Images made on the spot, without a network."""

import gzip
import hashlib
import io
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from labcore.elf import HEAD_SIZE, read_program
from labcore.errors import Unavailable
from labcore.images.config import Config
from labcore.images.model import LAYER_GZIP, Image
from labcore.images.store import ImageStore
from labcore.spec import DEFAULT_PATH, Platform, Reference

BUSYBOX_PLACES = ("/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox", "/sbin/busybox")

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
GROUP = b"root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"


class LayerWriter:
    """A layer in the making: a tar of files that belong to root and carry no time, so that the same input is the same bytes."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._tar = tarfile.TarFile(fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT)

    def directory(self, path: str, mode: int = 0o755) -> None:
        """Add a directory."""
        self._add(path, tarfile.DIRTYPE, mode)

    def file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Add a regular file."""
        self._add(path, tarfile.REGTYPE, mode, content)

    def link(self, path: str, target: str) -> None:
        """Add a hard link to a file that was added before."""
        self._add(path, tarfile.LNKTYPE, 0o755, target=target)

    def finish(self) -> bytes:
        """Return the layer, uncompressed."""
        self._tar.close()
        return self._buffer.getvalue()

    def _add(self, path: str, kind: bytes, mode: int, content: bytes = b"", target: str = "") -> None:
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.size, info.linkname = kind, mode, len(content), target
        self._tar.addfile(info, io.BytesIO(content))


def write_image(store: ImageStore, name: str, layers: Sequence[bytes], *, command: tuple[str, ...]) -> Image:
    """Store an image of uncompressed layers, the lowest first, for this machine's architecture."""
    platform = Platform.here()
    config = Config(
        architecture=platform.architecture,
        variant=platform.variant,
        diff_ids=tuple("sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers),
        environment=("PATH=" + DEFAULT_PATH,),
        command=command,
    )
    with store.using():
        descriptors = [store.put_blob(gzip.compress(layer, mtime=0), LAYER_GZIP) for layer in layers]
        return store.put_image(Reference.parse(name), descriptors, config)


def seed_busybox(store: ImageStore) -> Image:
    """Make `busybox` from a static busybox of this machine. Raises Unavailable if there is none."""
    busybox = find_busybox()
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    layer = LayerWriter()
    for path in ("bin", "dev", "etc", "home", "proc", "root", "sys", "usr", "usr/bin", "var"):
        layer.directory(path, 0o700 if path == "root" else 0o755)
    layer.directory("tmp", 0o1777)
    layer.file("bin/busybox", Path(busybox).read_bytes(), 0o755)
    for applet in applets:
        if applet != "busybox":
            layer.link(f"bin/{applet}", "bin/busybox")
    layer.file("etc/passwd", PASSWD)
    layer.file("etc/group", GROUP)
    return write_image(store, "busybox", [layer.finish()], command=("sh",))


def seed_hello_world(store: ImageStore, program: Path) -> Image:
    """Make `hello-world`: one static program, and nothing else."""
    layer = LayerWriter()
    layer.file("hello", program.read_bytes(), 0o755)
    return write_image(store, "hello-world", [layer.finish()], command=("/hello",))


def find_busybox() -> str:
    """Return the path of a statically linked busybox. Raises Unavailable, naming the package that has one."""
    places = [*BUSYBOX_PLACES, shutil.which("busybox") or ""]
    for place in places:
        if place and Path(place).is_file() and is_static(Path(place)):
            return place
    raise Unavailable("no statically linked busybox on this machine: apt-get install busybox-static")


def is_static(path: Path) -> bool:
    """Does this program run without a loader and its libraries?"""
    with path.open("rb") as file:
        program = read_program(file.read(HEAD_SIZE))
    return program is not None and program.loader is None

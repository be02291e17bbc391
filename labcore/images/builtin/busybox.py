"""The builtin images `busybox`, from this machine's static busybox, and `hello-world`."""

import subprocess
from pathlib import Path
from typing import Final

from labcore.images.builtin.busybox_program import find_busybox
from labcore.images.builtin.layer import LayerWriter, write_image
from labcore.images.model import Image
from labcore.images.store import ImageStore

PASSWD: Final = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
GROUP: Final = b"root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"


def seed_busybox(store: ImageStore) -> Image:
    """Make `busybox` from a static busybox of this machine. Raises Unavailable if there is none."""
    layer = LayerWriter()
    for path in ("bin", "dev", "etc", "home", "proc", "root", "sys", "usr", "var"):
        layer.directory(path, 0o700 if path == "root" else 0o755)
    layer.directory("tmp", 0o1777)
    add_busybox(layer, Path(find_busybox()))
    layer.directory("usr/bin")
    layer.link("usr/bin/env", "bin/busybox")  # where scripts' first lines look for it
    layer.file("etc/passwd", PASSWD)
    layer.file("etc/group", GROUP)
    return write_image(store, "busybox", [layer.finish()], command=("sh",), made_of=["this machine's busybox"])


def seed_hello_world(store: ImageStore, program: Path) -> Image:
    """Make `hello-world`: one static program, and nothing else."""
    layer = LayerWriter()
    layer.file("hello", program.read_bytes(), 0o755)
    return write_image(store, "hello-world", [layer.finish()], command=("/hello",), made_of=["one program"])


def add_busybox(layer: LayerWriter, busybox: Path, directory: str = "bin") -> None:
    """Add the program, and a hard link to it for each of its applets."""
    applets = subprocess.run([str(busybox), "--list"], capture_output=True, text=True, check=True).stdout.split()
    layer.file(f"{directory}/busybox", busybox.read_bytes(), 0o755)
    for applet in applets:
        if applet != "busybox":
            layer.link(f"{directory}/{applet}", f"{directory}/busybox")

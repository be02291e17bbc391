"""The builtin image `alpine`: not Alpine Linux, but as small, and made of the same two parts: busybox and musl."""

import tempfile
from pathlib import Path
from typing import Final

from labcore.images.builtin.apt import Archive, Tell
from labcore.images.builtin.busybox import add_busybox
from labcore.images.builtin.debian import WITHOUT, Part, trust_certificates, write_parts
from labcore.images.builtin.layer import LayerWriter
from labcore.images.builtin.packages import add_packages
from labcore.images.model import Image
from labcore.images.store import ImageStore

PACKAGES: Final = ("busybox-static", "ca-certificates", "musl")
DIRECTORIES: Final = (
    "dev", "etc", "home", "media", "mnt", "opt", "proc", "run", "srv", "sys", "usr/local/bin", "usr/sbin", "var/log",
)  # fmt: skip
DESCRIPTION: Final = "labcore's own, made from busybox and musl; no apk"
RELEASE: Final = f"""\
NAME="labcore's alpine-like base"
ID=labcore-alpine
ID_LIKE=alpine
PRETTY_NAME="alpine-like: {DESCRIPTION}"
"""
PASSWD: Final = """\
root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
www-data:x:82:82:www-data:/var/www:/sbin/nologin
guest:x:405:100:guest:/dev/null:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
"""
GROUP: Final = """\
root:x:0:root
bin:x:1:root,bin,daemon
daemon:x:2:root,bin,daemon
tty:x:5:
disk:x:6:root
www-data:x:82:
users:x:100:
nogroup:x:65533:
nobody:x:65534:
"""


def seed_alpine(store: ImageStore, archive: Archive, *, update: bool, tell: Tell) -> Image:
    """Make `alpine`. Raises Unavailable."""
    packages = archive.packages(PACKAGES, without=(*WITHOUT, "libc6"), update=update, tell=tell)
    layer = LayerWriter()
    add_packages(layer, packages)
    for path in DIRECTORIES:
        layer.directory(path)
    for path in ("bin", "lib", "sbin"):
        layer.symlink(path, f"usr/{path}")
    layer.directory("root", 0o700)
    for path in ("tmp", "var/tmp"):
        layer.directory(path, 0o1777)
    with tempfile.TemporaryDirectory(dir=archive.directory) as place:  # the program itself says which commands it is
        busybox = Path(place, "busybox")
        busybox.write_bytes(layer.read("usr/bin/busybox"))
        busybox.chmod(0o755)
        add_busybox(layer, busybox, "usr/bin")
    for name, content in (("passwd", PASSWD), ("group", GROUP), ("os-release", RELEASE), ("shells", "/bin/sh\n")):
        layer.file(f"etc/{name}", content.encode())
    trust_certificates(layer)
    layer.directory("etc/ssl")
    layer.symlink("etc/ssl/cert.pem", "certs/ca-certificates.crt")
    part = Part(layer, packages)
    return write_parts(store, "alpine", [part], command=("/bin/sh",), description=DESCRIPTION)

"""initramfs of the small guest: the files of the image `busybox`, and an init that runs commands from the console.

The init's protocol, on the serial line that is also the kernel's console::

    guest: labcore:TOKEN:ready          the init runs: the end of the start
    guest: labcore:TOKEN:listening      /proc, /sys and /dev are mounted, and the line is in raw mode
    host:  a command for sh, in base64, and a newline
    guest: labcore:TOKEN:begin          … the command's output …
    guest: labcore:TOKEN:end:STATUS
    host:  -                            end: the guest restarts, and a qemu that may not (-no-reboot) is gone

TOKEN is drawn for each start, and comes to the first process as a variable, from the kernel's command line.
"""

import gzip
import hashlib
import stat
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from labcore.errors import ImageNotFound
from labcore.images import Image, ImageStore
from labcore.images.builtin import seed_busybox
from labcore.native import program
from labcore.spec import Reference
from labcore.vm import cpio
from labcore.vm.cpio import Member

IMAGE: Final = "busybox"
PROBE: Final = "bin/labcore-probe"
INIT: Final = b"""\
#!/bin/sh
echo "labcore:$labcore_token:ready"
echo labcore: ready >/dev/kmsg
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /tmp
export HOME=/root
stty -F /dev/console raw -echo
echo 1 >/proc/sys/kernel/printk
echo "labcore:$labcore_token:listening"
while read -r said; do
    [ "$said" = - ] && break
    echo "labcore:$labcore_token:begin"
    echo "$said" | base64 -d >/tmp/.asked
    sh /tmp/.asked </dev/null 2>&1
    echo "labcore:$labcore_token:end:$?"
done
reboot -f
"""


def small_root(store: ImageStore) -> bytes:
    """Return the archive. It is not compressed: an emulated processor takes longer to inflate it than to copy it.

    The image is made if it is not in the store. Raises Unavailable, StoreDamaged.
    """
    members = [*_files_of(store, _image(store)), cpio.file("init", INIT, 0o755)]
    members += [cpio.file(PROBE, Path(program("labcore-probe")).read_bytes(), 0o755)]
    members += [cpio.character_device("dev/console", 5, 1), cpio.character_device("dev/kmsg", 1, 11)]
    return cpio.archive(cpio.with_parents(members))


def made_of(store: ImageStore) -> str:
    """Return a digest of the archive's sources: the image, the init and labcore-probe."""
    parts = (_image(store).descriptor.digest.encode(), INIT, Path(program("labcore-probe")).read_bytes())
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def _image(store: ImageStore) -> Image:
    try:
        return store.get(Reference.parse(IMAGE))
    except ImageNotFound:
        return seed_busybox(store)


def _files_of(store: ImageStore, image: Image) -> Iterator[Member]:
    for layer in image.layers:
        with gzip.open(store.blob_path(layer)) as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
            yield from _members(tar)


def _members(tar: Iterable[tarfile.TarInfo]) -> Iterator[Member]:
    """Yield a layer's entries as an archive's members; hard links have the number of the file that they are links to."""
    inodes: dict[str, int] = {}
    assert isinstance(tar, tarfile.TarFile)
    for number, entry in enumerate(tar, 1):
        path = entry.name.strip("/")
        owner = (entry.uid, entry.gid)
        if entry.isdir():
            yield Member(path, stat.S_IFDIR | entry.mode, owner=owner)
        elif entry.issym():
            yield Member(path, stat.S_IFLNK | 0o777, entry.linkname.encode(), owner=owner)
        elif entry.islnk():
            yield Member(path, stat.S_IFREG | entry.mode, inode=inodes[entry.linkname.strip("/")], owner=owner)
        elif entry.isreg():
            inodes[path] = number
            source = tar.extractfile(entry)
            yield Member(path, stat.S_IFREG | entry.mode, source.read() if source else b"", number, owner=owner)

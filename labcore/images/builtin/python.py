"""The builtin image `python`: Debian's, with pip, venv and Flask."""

from typing import Final

from labcore.images.builtin.apt import Archive, Tell
from labcore.images.builtin.debian import debian_parts, write_parts
from labcore.images.model import Image
from labcore.images.store import ImageStore
from labcore.spec import DEFAULT_PATH

PACKAGES: Final = ("python3", "python3-flask", "python3-pip", "python3-venv")


def seed_python(store: ImageStore, archive: Archive, *, update: bool, tell: Tell) -> Image:
    """Make `python`. Raises Unavailable.

    Flask is there so that `pip install flask` is content without a network.
    """
    parts = debian_parts(archive, PACKAGES, update=update, tell=tell)
    layer = parts[-1].layer
    layer.symlink("usr/bin/python", "python3")
    for path in layer.paths():  # it keeps pip from a machine's own Python; the image has no other, and nothing to protect
        if path.endswith("/EXTERNALLY-MANAGED"):
            layer.remove(path)
    return write_parts(
        store,
        "python",
        parts,
        command=("python3",),
        environment=("PATH=" + DEFAULT_PATH, "LANG=C.UTF-8", "PIP_ROOT_USER_ACTION=ignore"),
        description="labcore's own, from Debian's packages: Python with pip, venv and Flask",
    )

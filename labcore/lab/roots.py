"""Root file systems in a directory, for containers before images are understood."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp

from labcore.engine import Engine
from labcore.native import MountFlag, mount
from labcore.runtime.probe import confined
from labcore.spec import OverlayRoot


def root(image: str = "busybox") -> str:
    """Return the path of a directory that holds an image's files, made once and kept below the state root."""
    engine = Engine()
    overlay = engine.spec(image, ["true"]).root
    assert isinstance(overlay, OverlayRoot)
    digest = hashlib.sha256("".join(overlay.layers).encode()).hexdigest()[:8]
    target = engine.root / "lab" / "roots" / f"{image.replace('/', '-')}-{digest}"
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        incoming = Path(mkdtemp(dir=target.parent))
        for layer in reversed(overlay.layers):  # `cp -a` keeps the hard links: 300 names of one busybox
            subprocess.run(["cp", "-a", f"{overlay.directory}/{layer}/.", str(incoming)], check=True)
        incoming.chmod(0o755)
        try:
            incoming.rename(target)
        except OSError:  # another notebook was faster
            shutil.rmtree(incoming)
    return str(target)


def proc_in_sight() -> None:
    """Where the lab is an ordinary user's: bind /proc into the root, in this mount namespace, unless it is there.

    A container that makes that directory its root may mount a /proc of its own only while another is in sight:
    user_namespaces(7).
    """
    if confined() and not os.path.ismount(place := f"{root()}/proc"):
        mount("/proc", place, flags=MountFlag.BIND | MountFlag.REC)

"""The daemon's state root: owned by one daemon, of a format that it knows, with the daemon's ID."""

import json
import os
import uuid
from pathlib import Path
from typing import Final

from labcore.atomic import atomic_write
from labcore.errors import InUse, StoreDamaged
from labcore.locks import Lock

FORMAT: Final = 1
LOCK_NAME: Final = "daemon.lock"
FILE_NAME: Final = "daemon.json"


def own(root: Path) -> Lock:
    """Return the lock by which a root is one daemon's; it says whose. Raises InUse, which names the daemon that has it."""
    root.mkdir(mode=0o711, parents=True, exist_ok=True)
    lock = Lock(root / LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW)
    if not lock.try_acquire():
        holder = os.pread(lock.fileno(), 20, 0).decode("ascii", "replace").strip()
        lock.close()
        raise InUse(
            f"the state root {root} is in use by another daemon, process {holder or '?'}\n"
            "  cure: use that one, end it, or name another --root"
        )
    os.ftruncate(lock.fileno(), 0)
    os.pwrite(lock.fileno(), f"{os.getpid()}\n".encode(), 0)
    return lock


def identify(root: Path) -> str:
    """Return the ID of a root's daemon, which is drawn once. Raises StoreDamaged for a root of another format."""
    path = root / FILE_NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        version, id = found["format"], found["id"]
    except FileNotFoundError:
        version, id = FORMAT, str(uuid.uuid4())
        atomic_write(path, json.dumps({"format": version, "id": id}).encode())
    except (ValueError, TypeError, KeyError) as error:
        raise StoreDamaged(f"{path} cannot be read: {error}\n  cure: remove it: the daemon draws another ID") from None
    if version != FORMAT:
        raise StoreDamaged(
            f"the state root {root} has format {version}, and this labcore knows {FORMAT} only\n"
            "  cure: use the labcore that made it, or another state root: --root, LABCORE_ROOT"
        )
    return str(id)

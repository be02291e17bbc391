"""X-Docker-Container-Path-Stat: what is said of a path in a container, base64 of JSON; modes are Go's (io/fs, FileMode)."""

import stat
from base64 import b64encode
from typing import Final

from labcore.daemon.wire.codec import encode
from labcore.engine.container.files import PathStat
from labcore.timestamps import rfc3339

HEADER: Final = "X-Docker-Container-Path-Stat"
KINDS: Final = {
    stat.S_IFDIR: 1 << 31,
    stat.S_IFLNK: 1 << 27,
    stat.S_IFBLK: 1 << 26,
    stat.S_IFCHR: 1 << 26 | 1 << 21,
    stat.S_IFIFO: 1 << 25,
    stat.S_IFSOCK: 1 << 24,
}
SPECIAL: Final = {stat.S_ISUID: 1 << 23, stat.S_ISGID: 1 << 22, stat.S_ISVTX: 1 << 20}


def path_stat_header(found: PathStat) -> dict[str, str]:
    """Return the header for a path."""
    mode = found.mode & 0o777 | KINDS.get(stat.S_IFMT(found.mode), 0)
    for bit, of_go in SPECIAL.items():
        mode |= of_go if found.mode & bit else 0
    seconds, _, fraction = rfc3339(found.mtime).rstrip("Z").partition(".")
    time = f"{seconds}.{fraction}".rstrip("0").rstrip(".") + "Z"
    value = {"name": found.name, "size": found.size, "mode": mode, "mtime": time, "linkTarget": found.link_target}
    return {HEADER: b64encode(encode(value)).decode()}

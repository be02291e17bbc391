"""Mount options: mount(8)'s words, and those of the OCI specification, as flags, attributes and a file system's own data."""

from __future__ import annotations

from functools import lru_cache

from labcore.native import MountAttribute, MountFlag
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.spec import MountPoint

M, A = MountFlag, MountAttribute

# word -> flags that it sets and clears
FLAGS: Final = {
    "ro": (M.RDONLY, M(0)), "rw": (M(0), M.RDONLY), "nosuid": (M.NOSUID, M(0)), "suid": (M(0), M.NOSUID),
    "nodev": (M.NODEV, M(0)), "dev": (M(0), M.NODEV), "noexec": (M.NOEXEC, M(0)), "exec": (M(0), M.NOEXEC),
    "sync": (M.SYNCHRONOUS, M(0)), "async": (M(0), M.SYNCHRONOUS), "dirsync": (M.DIRSYNC, M(0)), "remount": (M.REMOUNT, M(0)),
    "mand": (M.MANDLOCK, M(0)), "nomand": (M(0), M.MANDLOCK), "noatime": (M.NOATIME, M(0)), "atime": (M(0), M.NOATIME),
    "nodiratime": (M.NODIRATIME, M(0)), "diratime": (M(0), M.NODIRATIME), "relatime": (M.RELATIME, M(0)),
    "norelatime": (M(0), M.RELATIME), "strictatime": (M.STRICTATIME, M(0)), "nostrictatime": (M(0), M.STRICTATIME),
    "iversion": (M.I_VERSION, M(0)), "noiversion": (M(0), M.I_VERSION), "silent": (M.SILENT, M(0)), "loud": (M(0), M.SILENT),
    "acl": (M.POSIXACL, M(0)), "noacl": (M(0), M.POSIXACL), "lazytime": (M.LAZYTIME, M(0)), "nolazytime": (M(0), M.LAZYTIME),
    "nosymfollow": (M.NOSYMFOLLOW, M(0)), "symfollow": (M(0), M.NOSYMFOLLOW), "defaults": (M(0), M(0)),
}  # fmt: skip
PROPAGATION: Final = {
    "private": M.PRIVATE, "shared": M.SHARED, "slave": M.SLAVE, "unbindable": M.UNBINDABLE,
    "rprivate": M.PRIVATE | M.REC, "rshared": M.SHARED | M.REC, "rslave": M.SLAVE | M.REC, "runbindable": M.UNBINDABLE | M.REC,
}  # fmt: skip
# What holds for one mount and not for the file system behind it; the access times are one choice of several: mount_setattr(2).
ATTRIBUTES: Final = {
    "ro": (A.RDONLY, A(0)), "rw": (A(0), A.RDONLY), "nosuid": (A.NOSUID, A(0)), "suid": (A(0), A.NOSUID),
    "nodev": (A.NODEV, A(0)), "dev": (A(0), A.NODEV), "noexec": (A.NOEXEC, A(0)), "exec": (A(0), A.NOEXEC),
    "nodiratime": (A.NODIRATIME, A(0)), "diratime": (A(0), A.NODIRATIME), "noatime": (A.NOATIME, A.ATIME),
    "strictatime": (A.STRICTATIME, A.ATIME), "relatime": (A(0), A.ATIME), "atime": (A(0), A.ATIME),
    "nosymfollow": (A.NOSYMFOLLOW, A(0)), "symfollow": (A(0), A.NOSYMFOLLOW),
    "norelatime": (A(0), A(0)), "nostrictatime": (A(0), A.ATIME),
}  # fmt: skip
# word -> what it sets and clears on a mount and all that are mounted below it
RECURSIVE: Final = {f"r{word}": change for word, change in ATTRIBUTES.items() if f"r{word}" not in FLAGS}
BINDS: Final = {"bind": False, "rbind": True}  # word -> with what is mounted below it
COPY_UP: Final = "tmpcopyup"
MAPPED: Final = {"idmap": False, "ridmap": True}  # word -> with what is mounted below it


Change = tuple[MountAttribute, MountAttribute]  # what to set, what to clear


class Options(Record):
    """A mount's options, sorted by what they go into."""

    flags: MountFlag = MountFlag(0)
    set: MountAttribute = MountAttribute(0)
    clear: MountAttribute = MountAttribute(0)
    set_below: MountAttribute = MountAttribute(0)
    clear_below: MountAttribute = MountAttribute(0)
    propagation: tuple[MountFlag, ...] = ()
    data: str = ""
    bind: bool = False
    recursive: bool = False
    mapped: bool = False
    mapped_below: bool = False


@lru_cache(maxsize=256)
def parse_options(words: tuple[str, ...]) -> Options:
    """Sort mount(8)'s words, and those of the OCI specification (`rro`, `rnosuid`: for all mounts below, too)."""
    flags, data, propagation = MountFlag(0), [], []
    at_top: Change = (A(0), A(0))
    below: Change = (A(0), A(0))
    bind = recursive = mapped = mapped_below = False
    for word in words:
        if word in BINDS:
            bind, recursive = True, recursive or BINDS[word]
        elif word in MAPPED:
            mapped, mapped_below = True, mapped_below or MAPPED[word]
        elif word in PROPAGATION:
            propagation.append(PROPAGATION[word])
        elif word in RECURSIVE:
            below = _combine(below, RECURSIVE[word])
        elif word in FLAGS:
            adds, takes = FLAGS[word]
            flags = (flags | adds) & ~takes
            at_top = _combine(at_top, ATTRIBUTES.get(word, (A(0), A(0))))
        else:
            data.append(word)
    (top_set, top_clear), (below_set, below_clear) = at_top, below
    return Options(
        flags,
        *(top_set, top_clear, below_set, below_clear),
        tuple(propagation),
        ",".join(data),
        *(bind, recursive, mapped, mapped_below),
    )


def _combine(earlier: Change, later: Change) -> Change:
    """Join two changes, of which the later wins. Setting an access time takes clearing the others: mount_setattr(2)."""
    adds, takes = later
    still_cleared = earlier[1] if adds & A.ATIME else earlier[1] & ~adds
    return (earlier[0] & ~takes) | adds, still_cleared | takes


def is_bind(mount: MountPoint) -> bool:
    """Return whether a part of the host's tree is meant."""
    return mount.kind == "bind" or parse_options(mount.options).bind


def is_mapped(mount: MountPoint) -> bool:
    """Return whether its files have other owners than on the disk."""
    return bool(mount.uid_map) or parse_options(mount.options).mapped


def is_readonly_dev(mount: MountPoint) -> bool:
    """Return whether a mount is a /dev of the container's own that is to be read only."""
    return mount.target == "/dev" and not is_bind(mount) and bool(parse_options(mount.options).flags & MountFlag.RDONLY)


def with_writable_dev(mounts: tuple[MountPoint, ...]) -> tuple[MountPoint, ...]:
    """Return the mounts with a /dev that can still be filled: it is write-protected behind that."""
    return tuple(mount.replace(options=(*mount.options, "rw")) if is_readonly_dev(mount) else mount for mount in mounts)

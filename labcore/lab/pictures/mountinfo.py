"""Mount trees as values, parsed from /proc/PID/mountinfo: proc_pid_mountinfo(5)."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from labcore.errors import InvalidInput
from labcore.lab.messages import say
from labcore.lab.pictures.outline import walk
from labcore.lab.pictures.proc import Target, number, read
from labcore.record import Record

SEPARATOR: Final = "-"  # stands between the optional fields and the last three


class Mount(Record):
    """A mount: `root` is the directory of its file system that is seen at `point`."""

    number: int
    parent: int
    device: str
    root: str
    point: str
    kind: str
    source: str
    children: tuple["Mount", ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """What makes it the same mount as one in another list: a copied namespace numbers its mounts anew."""
        return self.point, self.kind, self.device, self.root


def mount_trees(subject: Target | str) -> tuple[Mount, ...]:
    """Return the mounts of a process, or of a mountinfo text that was read earlier, as trees: mostly one."""
    return grow(parse(subject if isinstance(subject, str) else read(number(subject), "mountinfo")))


def parse(text: str) -> list[Mount]:
    """Return the mounts that a text lists. Raises InvalidInput if it is not of a mountinfo file."""
    mounts = [_mount(line) for line in text.splitlines() if line.strip()]
    if not mounts:
        raise InvalidInput(say("a mount tree is a process, its number, or the text of its mountinfo file: this text is empty"))
    return mounts


def _mount(line: str) -> Mount:
    words = line.split(" ")
    try:
        end = words.index(SEPARATOR, 6)
        number, parent, device, root, point = words[:5]
        kind, source = words[end + 1 : end + 3]
        return Mount(int(number), int(parent), device, unescape(root), unescape(point), unescape(kind), unescape(source))
    except ValueError:
        raise InvalidInput(say("this is no line of a mountinfo file: {line}", line=repr(line))) from None


def unescape(word: str) -> str:
    r"""Return a name as it is: the kernel writes a space as \040, a tab as \011, a newline as \012, a backslash as \134."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), word)


def grow(mounts: Sequence[Mount]) -> tuple[Mount, ...]:
    """Return a list as trees, siblings in order of their mount points; what hangs on a mount that is not listed is a root."""
    known = {mount.number for mount in mounts}
    below: dict[int, list[Mount]] = {}
    roots = []
    for mount in sorted(mounts, key=lambda mount: mount.point):
        if mount.parent in known and mount.parent != mount.number:
            below.setdefault(mount.parent, []).append(mount)
        else:
            roots.append(mount)

    def with_children(mount: Mount) -> Mount:
        return mount.replace(children=tuple(map(with_children, below.get(mount.number, ()))))

    return tuple(map(with_children, roots))


def keys(trees: Sequence[Mount]) -> set[tuple[str, ...]]:
    """Return the keys of all mounts."""
    return {mount.key for mount in walk(trees)}


def count(trees: Iterable[Mount]) -> int:
    """Return how many mounts there are."""
    return sum(1 for _ in walk(tuple(trees)))

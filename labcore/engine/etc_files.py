"""/etc/hosts, /etc/hostname and /etc/resolv.conf of a container: files of its own, bound in, as docker has them.

They lie in a directory of the container's. One that is gone afterwards borrows it: ROOT/runtime/etc/N, N the first that nobody
has locked. So such containers, one after another, have the same paths, and need their plan to be compiled only once.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from labcore.locks import Lock
from labcore.spec import MountPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

    from labcore.spec import ContainerSpec, CreateOptions

LOOPBACK: Final = """127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""
RESOLVER: Final = Path("/etc/resolv.conf")
HOSTS: Final = Path("/etc/hosts")
BOUND: Final = ("bind", "rprivate")
MOST: Final = 1 << 20  # bytes that are read of a file of the machine's


def etc_files(options: CreateOptions, hostname: str) -> dict[str, str]:
    """Return the files' contents by their names in /etc."""
    shared = options.network_mode == "host"
    own = "" if shared else f"127.0.0.1\t{hostname}\n"
    known = _read(HOSTS) if shared else LOOPBACK
    added = "".join(f"{address}\t{host}\n" for host, address in options.extra_hosts)
    return {"hosts": known + added + own, "hostname": f"{hostname}\n", "resolv.conf": _resolver(options)}


def _resolver(options: CreateOptions) -> str:
    """Return resolv.conf(5) with what the options say in the place of what the machine's says."""
    lines = _read(RESOLVER).splitlines(keepends=True)
    said = {"nameserver": options.dns, "search": options.dns_search, "options": options.dns_options}
    kept = [line for line in lines if not any(said.get(word) for word in _keywords(line))]
    servers = [f"nameserver {address}\n" for address in options.dns]
    joined = [f"{word} {' '.join(said[word])}\n" for word in ("search", "options") if said[word] and said[word] != (".",)]
    return "".join([*kept, *servers, *joined])


def _keywords(line: str) -> tuple[str, ...]:
    word = line.split(maxsplit=1)[:1]
    return ("search",) if word == ["domain"] else tuple(word)


def _read(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        return os.fsdecode(file.read(MOST))
    return ""


def with_etc_files(spec: ContainerSpec, directory: str, names: Mapping[str, str]) -> ContainerSpec:
    """Return the spec with the files of that directory bound, but where the caller mounts something of its own.

    They are read only where the root is, as docker's are.
    """
    words = (*BOUND, "ro") if spec.root.read_only else BOUND
    taken = {os.path.normpath(mount.target) for mount in spec.mounts}
    bound = (MountPoint(f"/etc/{name}", "bind", f"{directory}/{name}", words) for name in names)
    return spec.replace(mounts=(*spec.mounts, *(mount for mount in bound if mount.target not in taken)))


def write_etc_files(directory: str, files: Mapping[str, str], spec: ContainerSpec) -> None:
    """Have the files in a directory that is there, owned by the container's root; one that is as wanted is left as it is."""
    owner = spec.uid_map[0].outside if spec.uid_map else 0
    group = spec.gid_map[0].outside if spec.gid_map else 0
    for name, text in files.items():
        path, content = f"{directory}/{name}", os.fsencode(text)
        if not _is(path, content, owner):
            with suppress(FileNotFoundError):
                os.unlink(path)  # noqa: PTH108
            _write(path, content, owner, group)


def _is(path: str, content: bytes, owner: int) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        status = os.fstat(fd)
        plain = (status.st_uid, status.st_mode, status.st_size) == (owner, 0o100644, len(content))
        return plain and os.read(fd, len(content) + 1) == content
    finally:
        os.close(fd)


def _write(path: str, content: bytes, owner: int, group: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, content)
        os.fchmod(fd, 0o644)  # whatever the umask is
        if (owner, group) != (0, 0):
            os.fchown(fd, owner, group)
    finally:
        os.close(fd)


@contextmanager
def borrowed_etc_files(place: Path, files: Mapping[str, str], spec: ContainerSpec) -> Iterator[ContainerSpec]:
    """Yield the spec with these files, in a directory below `place` that is the container's as long as the block lasts."""
    with _borrowed(place) as directory:
        write_etc_files(directory, files, spec)
        yield with_etc_files(spec, directory, files)


@contextmanager
def _borrowed(place: Path) -> Iterator[str]:
    """Have the first directory to oneself that nobody has locked."""
    for number in count():
        directory = f"{place}/{number}"
        try:
            lock = Lock(directory, os.O_DIRECTORY)
        except FileNotFoundError:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)  # root inside may make setuid programs of the files
            os.makedirs(directory, exist_ok=True)  # noqa: PTH103
            lock = Lock(directory, os.O_DIRECTORY)
        with lock:
            if lock.try_acquire():
                yield directory
                return

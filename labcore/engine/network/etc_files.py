"""/etc/hosts, /etc/hostname and /etc/resolv.conf of a container: files of its own, bound in, as docker has them.

They lie in a directory of the container's. One that is gone afterwards borrows it: ROOT/runtime/etc/N, N the first that nobody
has locked. So such containers, one after another, have the same paths, and need their plan to be compiled only once.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import count

from labcore.engine.network.resolv_conf import read_text
from labcore.locks import Lock
from labcore.options.limits import HOST_GATEWAY
from labcore.runtime.mounting import normalized
from labcore.spec import MountPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Final

    from labcore.engine.network.networks import Connected
    from labcore.spec import ContainerSpec, CreateOptions

LOOPBACK: Final = """127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""
HOSTS: Final = "/etc/hosts"
NAMES: Final = ("hosts", "hostname", "resolv.conf")
BOUND: Final = ("bind", "rprivate")
PLACES: Final = tuple(f"/etc/{name}" for name in NAMES)


def etc_files(options: CreateOptions, hostname: str, connected: Connected) -> dict[str, str]:
    """Return the files' contents by their names in /etc; `connected` is what the container has of networks."""
    shared = options.network_mode == "host"
    known = read_text(HOSTS) if shared else LOOPBACK
    extra = ((connected.host_gateway if of == HOST_GATEWAY else of, host) for host, of in options.extra_hosts)
    own = () if shared else connected.hosts or (("127.0.0.1", hostname),)
    added = "".join(f"{address}\t{names}\n" for address, names in (*extra, *own))
    return {"hosts": known + added, "hostname": f"{hostname}\n", "resolv.conf": str(connected.resolver)}


def with_etc_files(spec: ContainerSpec, directory: str, names: Iterable[str] = NAMES) -> ContainerSpec:
    """Return the spec with the files of that directory bound, but where the caller mounts something of its own.

    They are read only where the root is, as docker's are.
    """
    taken = {normalized(mount.target) for mount in spec.mounts}
    bound = _bound(directory, tuple(names), spec.root.read_only)
    return spec.replace(mounts=(*spec.mounts, *(mount for mount in bound if mount.target not in taken)))


@lru_cache(maxsize=64)
def _bound(directory: str, names: tuple[str, ...], read_only: bool) -> tuple[MountPoint, ...]:
    words = (*BOUND, "ro") if read_only else BOUND
    return tuple(MountPoint(f"/etc/{name}", "bind", f"{directory}/{name}", words) for name in names)


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


def update_etc_files(directory: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Change the files of a container that runs, as they are mounted; what it has written into them itself stays.

    A resolv.conf that it has changed is left as it is.
    """
    hosts = f"{directory}/hosts"
    gone = set(before["hosts"].splitlines()) - set(after["hosts"].splitlines())
    kept = [line for line in read_text(hosts).splitlines() if line not in gone]
    added = [line for line in after["hosts"].splitlines() if line not in kept]
    _rewrite(hosts, "".join(f"{line}\n" for line in (*kept, *added)))
    if read_text(f"{directory}/resolv.conf") == before["resolv.conf"]:
        _rewrite(f"{directory}/resolv.conf", after["resolv.conf"])


def _rewrite(path: str, content: str) -> None:
    """Change a file in its place: another one of that name would not be the one that is mounted."""
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.write(fd, os.fsencode(content))
    finally:
        os.close(fd)


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
def borrowed_etc_files(place: str, files: Mapping[str, str], spec: ContainerSpec) -> Iterator[ContainerSpec]:
    """Yield the spec with these files, in a directory below `place` that is the container's as long as the block lasts."""
    with _borrowed(place) as directory:
        write_etc_files(directory, files, spec)
        yield with_etc_files(spec, directory, files)


@contextmanager
def _borrowed(place: str) -> Iterator[str]:
    """Have the first directory to oneself that nobody has locked."""
    for number in count():
        directory = f"{place}/{number}"
        try:
            lock = Lock(directory, os.O_DIRECTORY)
        except FileNotFoundError:
            os.makedirs(place, 0o700, exist_ok=True)  # noqa: PTH103 - root inside may make setuid programs of the files
            os.makedirs(directory, exist_ok=True)  # noqa: PTH103
            lock = Lock(directory, os.O_DIRECTORY)
        with lock:
            if lock.try_acquire():
                yield directory
                return

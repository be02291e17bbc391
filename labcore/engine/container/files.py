"""Files of containers, running or not: what diff, cp and export look at.

A container that runs is reached through its process's root, /proc/PID/root, with what is mounted there. Of one that does not,
the overlay is mounted where nobody sees it, with its volumes and binds on it, and the container is locked meanwhile.
"""

import os
import posixpath
import stat
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from labcore.engine.container import state as states
from labcore.engine.containers import attached, wait_for
from labcore.engine.engine import Engine
from labcore.engine.options.users import user_in
from labcore.engine.records.container_dirs import LOCK_SECONDS
from labcore.engine.records.records import Container
from labcore.errors import (
    InUse,
    InvalidInput,
    LabcoreError,
    NotADirectory,
    NotFound,
    NotRunning,
    SystemCallError,
)
from labcore.native import Process
from labcore.record import Record
from labcore.spec import BindRoot, Root
from labcore.storage.files import MAX_LINKS, Files, ResolvedPath, of_root
from labcore.storage.packing import Packer
from labcore.storage.tree import Entry, tree_of
from labcore.tar import BadArchive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.storage.changes import Change

ENDING_SECONDS: Final = 10.0  # that a container may take to end which has begun to: its first process waits for all others


def diff(engine: Engine, text: str) -> "list[Change]":
    """Return what a container has changed in its image's files. Raises NotFound, InvalidInput."""
    container = states.get(engine, text)
    check_has_layers(container)
    try:
        return engine.uppers.changes(states.upper_of(container))
    except FileNotFoundError:
        engine.records.find(container.id)  # it was removed meanwhile
        raise


def check_has_layers(container: Container) -> None:
    """Raise InvalidInput if a container stands on no image's layers."""
    if not container.layers:
        raise InvalidInput(f"{container} stands on the directory {container.options.rootfs}, and what it writes is in there")


@contextmanager
def container_files(
    engine: Engine, text: str, *, writable: bool = False, mounts: bool = True, wait_seconds: float = LOCK_SECONDS
) -> Iterator[Files]:
    """Yield all files that a container sees; of a stopped one those of its volumes and binds only with `mounts`.

    So long one that somebody is changing is waited for. Raises NotFound, InUse; InvalidInput if it runs and its users are
    others outside.
    """
    container = states.get(engine, text)
    with ExitStack() as undo:
        if container.state.status == "running" and (root := _root_of_running(engine, container, undo)) is not None:
            yield Files(root, f"{container.name}:")
            return
    with engine.container_dirs.locked_once(container.id, container.name, seconds=wait_seconds):
        if states.settled(engine, container.id).state.status == "running":
            raise InUse(f"{container} is just ending, or was started meanwhile: try again")
        _make_workdir(engine, container)
        with _stopped(engine, container, writable=writable, mounts=mounts) as files:
            yield files


def _make_workdir(engine: Engine, container: Container) -> None:
    """Make the working directory of a container that was never started: docker's is there as soon as the container is.

    One that cannot be made is the start's to refuse.
    """
    workdir = posixpath.normpath(container.options.workdir or container.config.workdir or "/")
    if container.state.status != "created" or not container.layers or workdir == "/":
        return
    with of_root(root_of_stopped(engine, container), f"{container.name}:", writable=True) as files:
        parents = files.parents("")
        try:
            with suppress(OSError, BadArchive):
                parents.resolve(os.fsencode(f"{workdir}/what-is-in-it"))  # which makes what is above
        finally:
            parents.close()


def _root_of_running(engine: Engine, container: Container, undo: ExitStack) -> int | None:
    """Open the root of a container that runs, until `undo`; return None if it has ended, once that has been noted.

    Raises InUse, InvalidInput.
    """
    with suppress(NotRunning):
        process = undo.enter_context(attached(engine, container))
        try:
            with states.while_it_runs(container):
                return undo.enter_context(root_of(process, str(container)))
        except NotRunning:
            with suppress(TimeoutError):
                wait_for(process, ENDING_SECONDS)
    return None


@contextmanager
def _stopped(engine: Engine, container: Container, *, writable: bool, mounts: bool) -> Iterator[Files]:
    """Yield the files of a container that is locked. What is read-only to it is so here, too."""
    whose, root = f"{container.name}:", root_of_stopped(engine, container)
    bound = [each for each in container.mounts if each.kind != "tmpfs"] if mounts else []
    if not bound and not (writable and container.options.read_only):
        with of_root(root, whose, writable=writable) as files:
            yield files
        return
    from labcore.engine.volume.volumes import attached
    from labcore.storage.mount_tree import mounted

    with (
        attached(engine.volumes, engine.records, bound, root, mapped=False, devices=False) as points,
        mounted(root, points, read_only=container.options.read_only or not writable) as fd,
    ):
        yield Files(fd, whose)


def root_of_stopped(engine: Engine, container: Container) -> Root:
    """Return the root of a container that does not run, as soon as nobody has it mounted. Raises InUse."""
    if not container.layers:
        return BindRoot(container.options.rootfs)
    upper = states.upper_of(container)
    engine.uppers.wait_until_free(upper)
    return engine.uppers.root(upper)


@contextmanager
def root_of(process: Process, whose: str) -> Iterator[int]:
    """Open the root of a process that lives; `whose` names it in errors. Raises InUse, InvalidInput."""
    try:
        if Path(f"/proc/{process.pid}/uid_map").read_text(encoding="utf-8") != Path("/proc/self/uid_map").read_text(
            encoding="utf-8"
        ):
            raise InvalidInput(f"{whose} runs, and its users are others outside: stop it to reach its files")
        fd = os.open(f"/proc/{process.pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InUse(f"{whose} runs, and its files are out of reach: {error.strerror}") from None
    try:
        _check_lives(process, whose)  # it was this process, and not one that has got its number
        yield fd
    finally:
        os.close(fd)


def _check_lives(process: Process, whose: str) -> None:
    from labcore.native import pidfd_send_signal

    try:
        pidfd_send_signal(process.pidfd, 0)
    except SystemCallError:
        raise InUse(f"{whose} has just ended: try again") from None


class PathStat(Record):
    """A path's name, size, mode, time (ns since 1970), and where a link leads in the end: what a client copies by."""

    name: str
    size: int
    mode: int
    mtime: int
    link_target: str = ""


def path_stat(files: Files, path: str, called: str) -> PathStat:
    """Look at a path in a container, its last link not followed; `called` is what the client calls it. Raises NotFound."""
    with found(files, path, called) as entry:
        target = link_target(files, path) if stat.S_ISLNK(entry.status.st_mode) else ""
        status = entry.status
        return PathStat(base_of(path), status.st_size, status.st_mode, status.st_mtime_ns, target)


@contextmanager
def found(files: Files, path: str, called: str) -> Iterator[Entry]:
    """Resolve a path in a container. Raises NotFound; LabcoreError if there is a file on the way; in docker's words."""
    with ExitStack() as undo:
        try:
            entry = undo.enter_context(files.entry(path, follow=False))
        except NotADirectory:
            raise LabcoreError(f"lstat {path}: not a directory") from None
        except NotFound:
            raise NotFound(f"Could not find the file {path} in container {called}") from None
        yield entry


def base_of(path: str) -> str:
    """Return the name that a copy of that path has: `.` for what is in a directory, `/` for all there is."""
    if path.endswith("/."):
        return "."
    return posixpath.basename(posixpath.normpath(path)) or "/"


def link_target(files: Files, path: str) -> str:
    """Return the path at which a symbolic link ends, links after it followed as long as there are any."""
    path = posixpath.normpath(f"/{path}")
    for _ in range(MAX_LINKS):
        with files.resolve(path, follow=False) as here:
            if here.status is None or not stat.S_ISLNK(here.status.st_mode):
                break
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), os.readlink(here.name, dir_fd=here.parent)))
    return f"/{path.lstrip('/')}"


def archived(files: Files, path: str, called: str) -> Generator[bytes, None, None]:
    """Yield a file, or a directory recursively, as a tar archive, with the names that docker gives. Raises NotFound."""
    packer, base = Packer(), base_of(path)
    with found(files, path, called) as entry:
        yield from packer.add(entry, base)
        if entry.is_directory:
            with tree_of(entry) as tree:
                for inner in tree.walk():
                    yield from packer.add(inner, f"{base.rstrip('/')}/{inner.path}")
    yield packer.finish()


def extract_archive(
    files: Files, container: Container, path: str, archive: BinaryIO, *, called: str, overwrites: bool, as_user: bool
) -> None:  # fmt: skip
    """Extract an archive into a directory of a container; what is in it belongs to whom it says.

    With `as_user` it belongs to the container's user, if the container or its image names one.
    Raises NotFound; InvalidInput, also for what is read-only to the container.
    """
    from labcore.storage.copy_in import extract_into

    with found(files, path, called), files.resolve(path, follow=True) as directory:
        if not directory.is_directory:
            raise InvalidInput("extraction point is not a directory")
        _check_writable(files, directory, container)
    chosen = container.options.user or container.config.user
    user = user_in(files, chosen) if as_user and chosen else None
    extract_into(archive, files, path, owner=(user.uid, user.gid) if user else None, overwrites=overwrites)


def _check_writable(files: Files, directory: ResolvedPath, container: Container) -> None:
    """Raise InvalidInput, in docker's words, for a directory of a read-only mount."""
    fd = directory.open_directory()
    try:
        if not os.fstatvfs(fd).f_flag & os.ST_RDONLY:
            return
        path = files.path_of(fd)
    finally:
        os.close(fd)
    places = [posixpath.normpath(mount.target) for mount in container.mounts]
    what = "mounted volume" if any(posixpath.commonpath((path, place)) == place for place in places) else "container rootfs"
    raise InvalidInput(f"{what} is marked read-only")

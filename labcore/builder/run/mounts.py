"""RUN --mount: cache, bind, tmpfs and secret, as mounts of the step's container. What is mounted is in no layer."""

from __future__ import annotations

import os
import posixpath
from contextlib import ExitStack, contextmanager
from typing import cast

from labcore.builder.run.mount_origins import opened_origin
from labcore.builder.run.private_mounts import PrivateFile, private_mounts
from labcore.errors import InvalidInput, NotFound
from labcore.record import Record
from labcore.spec import MountPoint
from labcore.spec.digest import digest_of
from labcore.storage.copies import Copier
from labcore.storage.files import Files
from labcore.storage.tree import DIRECTORY, tree_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Final

    from labcore.builder.parser.instructions import RunMount
    from labcore.builder.run.mount_origins import MountOrigin, OpenedOrigin
    from labcore.cancellation import Cancellation
    from labcore.engine.cache_mounts import Sharing
    from labcore.engine.engine import Engine

SECRETS: Final = "/run/secrets"
OF_SECRET: Final = 0o400
OF_CACHE: Final = 0o755
OF_HEREDOC: Final = 0o755
BOUND: Final = ("bind", "rprivate", "nodev")
TMPFS: Final = ("nosuid", "nodev")


class PreparedMount(Record):
    """A mount that is ready as long as who has prepared it holds it; and lines of the environment that come with it."""

    point: MountPoint | None = None
    environment: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"PreparedMount({self.point})"  # a variable may be a secret


@contextmanager
def prepared_mounts(
    engine: Engine,
    mounts: Sequence[RunMount],
    *,
    origin: Callable[[str], MountOrigin],
    secrets: Mapping[str, bytes],
    cancellation: Cancellation,
    workdir: str = "/",
    files: Mapping[str, bytes] = {},
) -> Iterator[tuple[PreparedMount, ...]]:
    """Yield a step's mounts, held as long as the block lasts, outer ones first.

    `origin` returns what `from=` means: a stage, an image or a named context, and by an empty name the build's own context.
    `files` are programs to be run, by their paths in the container. A cache that another build has locked is waited for.
    Raises InvalidInput, NotFound, Cancelled, StoreFull.
    """
    with ExitStack() as undo:
        preparing = _Preparing(engine, origin, secrets, workdir, cancellation, undo)
        for mount in mounts:
            preparing.add(mount)
        for path, content in files.items():
            preparing.add_file(path, PrivateFile(content, OF_HEREDOC))
        yield preparing.finished()


class _Preparing:
    """Mounts as they are made ready; what `undo` holds goes with the step."""

    def __init__(
        self,
        engine: Engine,
        origin: Callable[[str], MountOrigin],
        secrets: Mapping[str, bytes],
        workdir: str,
        cancellation: Cancellation,
        undo: ExitStack,
    ) -> None:
        self._engine = engine
        self._origin = origin
        self._secrets = secrets
        self._workdir = workdir
        self._cancellation = cancellation
        self._undo = undo
        self._trees: list[int] = []
        self._files: list[PrivateFile] = []
        self._points: list[MountPoint] = []  # those whose source does not begin with a slash are private
        self._environment: list[str] = []

    def add(self, mount: RunMount) -> None:
        """Make one ready. Raises InvalidInput, NotFound, Cancelled, StoreFull."""
        adders = {"bind": self._add_bind, "cache": self._add_cache, "tmpfs": self._add_tmpfs, "secret": self._add_secret}
        if mount.kind not in adders:
            raise InvalidInput(f"--mount=type={mount.kind}: labcore's builder has none: use {', '.join(adders)}")
        adders[mount.kind](mount)

    def add_file(self, target: str, file: PrivateFile) -> None:
        """Have a file of our own mounted."""
        self._points.append(MountPoint(target, "bind", f"file{len(self._files)}", (*BOUND, "ro", "nosuid", "exec")))
        self._files.append(file)

    def finished(self) -> tuple[PreparedMount, ...]:
        """Return all mounts."""
        place = ""
        if self._trees or self._files:
            scratch = str(self._engine.layers.prepared() / "scratch")
            place = self._undo.enter_context(private_mounts(scratch, self._trees, self._files))
        points = [
            each if each.source.startswith("/") or each.kind != "bind" else each.replace(source=f"{place}/{each.source}")
            for each in sorted(self._points, key=lambda each: each.target.count("/"))
        ]
        found = [PreparedMount(point) for point in points]
        return (*found, PreparedMount(environment=tuple(self._environment))) if self._environment else tuple(found)

    def _target(self, mount: RunMount, default: str = "") -> str:
        target = posixpath.normpath(posixpath.join("/", self._workdir, mount.target or default))
        if not (mount.target or default) or target.lstrip("/") == "":
            raise InvalidInput(f'invalid mount target "{mount.target}": name a path below / : target=/PATH')
        return "/" + target.lstrip("/")

    def _add_bind(self, mount: RunMount) -> None:
        target, writable = self._target(mount), not mount.read_only
        opened = self._undo.enter_context(opened_origin(self._engine, self._origin(mount.origin), writable=writable))
        path = opened.find(mount.source or "/")
        source = f"{opened.path}{path}" if opened.path else f"tree{len(self._trees)}{path}"
        if not opened.path:
            self._trees.append(opened.fd)
        words = ("rw" if writable else "ro", "exec", "suid")  # as its own files' mount would have it
        self._points.append(MountPoint(target, "bind", source, (*BOUND, *words)))

    def _add_cache(self, mount: RunMount) -> None:
        target = self._target(mount)
        id = mount.id or target
        mode, uid, gid = OF_CACHE if mount.mode is None else mount.mode, mount.uid or 0, mount.gid or 0
        start = self._origin(mount.origin) if mount.origin else None
        key = (id, str(mode), str(uid), str(gid), *((start.key or start.name, mount.source) if start else ()))
        name = digest_of("\0".join(key).encode()).partition(":")[2][:32]

        def fill(place: Path) -> None:
            if start:
                with opened_origin(self._engine, start, writable=False) as opened:
                    _copy(opened, mount.source or "/", place)
            os.chown(place, uid, gid)
            place.chmod(mode)

        if mount.sharing not in ("shared", "private", "locked"):
            raise InvalidInput(f"invalid sharing mode {mount.sharing!r}: shared, private or locked")
        sharing = cast("Sharing", mount.sharing)
        held = self._engine.build_cache.mounts.held(name, id, sharing=sharing, fill=fill, cancellation=self._cancellation)
        source = os.path.realpath(self._undo.enter_context(held))
        self._points.append(MountPoint(target, "bind", source, (*BOUND, *(("ro",) if mount.read_only else ()))))

    def _add_tmpfs(self, mount: RunMount) -> None:
        size = (f"size={mount.size}",) if mount.size else ()
        self._points.append(MountPoint(self._target(mount), "tmpfs", "tmpfs", (*TMPFS, *size)))

    def _add_secret(self, mount: RunMount) -> None:
        id = mount.id or mount.source or posixpath.basename(mount.target) or mount.variable
        content = self._secrets.get(id)
        if content is None:
            if mount.required:
                raise NotFound(f"secret {id}: not found: pass it to the build: --secret id={id},src=FILE")
            return
        if mount.variable:
            if b"\0" in content:
                raise InvalidInput(f"secret {id} has a NUL byte, and no variable can: mount it as a file")
            self._environment.append(f"{mount.variable}={os.fsdecode(content)}")
        if mount.target or not mount.variable:
            mode = OF_SECRET if mount.mode is None else mount.mode
            target = self._target(mount, f"{SECRETS}/{posixpath.basename(id)}")
            self._points.append(MountPoint(target, "bind", f"file{len(self._files)}", (*BOUND, "ro", "nosuid", "noexec")))
            self._files.append(PrivateFile(content, mode, mount.uid or 0, mount.gid or 0))


def _copy(opened: OpenedOrigin, source: str, place: Path) -> None:
    """Copy what is in a directory of an origin into a new one."""
    top = os.open(place, DIRECTORY)
    try:
        with Files(opened.fd, f"{opened.name}: ").entry(source, follow=True) as entry:
            if not entry.is_directory:
                raise InvalidInput(f"{source} of {opened.name} is no directory: a cache can begin with nothing else")
            with tree_of(entry) as tree, Copier(top) as copier:
                copier.copy_all(tree, "")
    finally:
        os.close(top)

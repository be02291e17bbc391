"""Mounts as ops: the host's parts are opened (open_tree(2)) before the root is left; all is mounted in the new root."""

from __future__ import annotations

import os
from functools import lru_cache

from labcore.errors import InvalidInput
from labcore.native import MountFlag, UnmountFlag
from labcore.runtime import ops
from labcore.runtime.lookup import asked_once, resolve
from labcore.runtime.mount_flags import COPY_UP, is_bind, is_mapped, parse_options
from labcore.runtime.mount_trees import of_the_starter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import Final, Literal, TypeAlias

    from labcore.runtime.mount_flags import Options
    from labcore.runtime.ops import Op
    from labcore.spec import MountPoint, Root

How: TypeAlias = "Literal['given', 'taken', 'new']"  # by the starter; before the root is left; in the new root
Seen: TypeAlias = "tuple[MountPoint, How, bool]"
PROPAGATES: Final = MountFlag.SHARED | MountFlag.SLAVE
MOST_TAKEN: Final = 2000  # of the walker's registers
HOST_REGISTER: Final = 59  # that with the host's tree, for hooks
FOR_OPS: Final = range(HOST_REGISTER, 68)  # those in which ops keep what they need themselves
normalized = lru_cache(maxsize=1024)(os.path.normpath)  # which takes as long as two system calls


def is_given(mount: MountPoint, apart: bool) -> bool:
    """Return whether it is the starter who copies a part of the host's tree, and hands it over.

    Its owners are mapped into the container's user namespace; whoever is root there, `apart` from the starter, may not come
    to all places that the starter can; or only the starter finds it: by a descriptor, or in another mount namespace.
    """
    return is_mapped(mount) or (is_bind(mount) and (apart or of_the_starter(mount.source)))


def _is_taken(mount: MountPoint, new_user: bool, apart: bool) -> bool:
    """Return whether a mount is taken in hand while the old root is there: the host's parts, and what is made of them.

    In a new user namespace also /proc and /sys: the kernel makes new ones only where whole ones can be seen,
    user_namespaces(7).
    """
    if is_bind(mount):
        return not is_given(mount, apart)
    return _is_made_of_the_hosts(mount) or (new_user and mount.kind in ("proc", "sysfs"))


@lru_cache(maxsize=256)
def _is_made_of_the_hosts(mount: MountPoint) -> bool:
    """Return whether a new file system is made of what has a path on the host: an overlay's layers, a block device."""
    values = [mount.source, *(word.partition("=")[2] for word in mount.options)]
    return "remount" not in mount.options and any(value.startswith("/") for value in values)


def take_in_hand(
    mounts: Sequence[MountPoint], place: str, *, new_user: bool = False, apart: bool = False
) -> tuple[list[Op], list[Op]]:
    """Return the ops that take in hand what cannot be had any more once the old root has been left.

    The first ones come before the mount tree is cut off from the host's: a copy that is made then is still the peer of what it
    is a copy of, so that mounts that come later reach the container, and the host (mount_namespaces(7)).
    The n-th of these mounts is kept in the n-th register. At `place`, a directory, new file systems are mounted for a moment.
    """
    taken = [mount for mount in mounts if _is_taken(mount, new_user, apart)]
    if len(taken) > MOST_TAKEN:
        raise InvalidInput(f"mounts: at most {MOST_TAKEN} bind mounts, these are {len(taken)}")
    numbered = list(enumerate(taken))
    return (
        [op for number, mount in numbered if _propagates(mount) for op in _take(mount, _register(number), place)],
        [op for number, mount in numbered if not _propagates(mount) for op in _take(mount, _register(number), place)],
    )


def _propagates(mount: MountPoint) -> bool:
    """Return whether mounts that come later, on one side, are to come to the other."""
    return is_bind(mount) and any(flag & PROPAGATES for flag in parse_options(mount.options).propagation)


def _register(number: int) -> int:
    return number if number < FOR_OPS.start else number + len(FOR_OPS)


def _take(mount: MountPoint, register: int, place: str) -> list[Op]:
    options = parse_options(mount.options)
    if is_bind(mount):
        return [ops.OpenTree(mount.source, register, options.recursive)]
    if _is_made_of_the_hosts(mount):  # by mount(2): fsconfig(2) would take no path of more than 255 bytes
        made = ops.Mount(mount.source, place, mount.kind or None, options.flags, _data(options))
        return [made, ops.OpenTree(place, register), ops.Unmount(place, UnmountFlag.DETACH)]
    own = tuple(word for word in options.data.split(",") if word)
    return [ops.FsMount(mount.kind, register, (f"source={mount.source}", *own))]


def _data(options: Options) -> str | None:
    """Return what is the file system's own among the options, without what is ours to do."""
    return ",".join(word for word in options.data.split(",") if word and word != COPY_UP) or None


def mount_all(
    mounts: tuple[MountPoint, ...], *, new_user: bool = False, apart: bool = False, received: int = 0
) -> tuple[Op, ...]:  # fmt: skip
    """Return the ops that mount everything, inside the new root, each on a place that is made if it is missing.

    What the starter took in hand are descriptors from `received` on.
    """
    return _mount_all(tuple([_seen_inside(mount, new_user, apart) for mount in mounts]), received)


def _seen_inside(mount: MountPoint, new_user: bool, apart: bool) -> Seen:
    """Return a mount without where it comes from, if it is in hand: like containers have the same ops; how; is it a file?"""
    is_file = is_bind(mount) and not os.path.isdir(mount.source)
    how: How = "given" if is_given(mount, apart) else "taken" if _is_taken(mount, new_user, apart) else "new"
    return mount if how == "new" else mount.replace(source="none"), how, is_file


@lru_cache(maxsize=64)
def _mount_all(mounts: tuple[Seen, ...], received: int) -> tuple[Op, ...]:
    plan: list[Op] = []
    taken = 0
    made = {"/"}  # the directories that are known to be there
    for mount, how, is_file in mounts:
        options = parse_options(mount.options)
        target = normalized(mount.target)
        if not options.flags & MountFlag.REMOUNT:
            plan += make_place(target, directory=not is_file, made=made, no_links=_protects(mount))
            made = {path for path in made if not path.startswith(target + "/")} | {target, *parents(target)}
        if how == "given":
            plan.append(ops.MoveReceivedMount(received, mount.target, follow=not _protects(mount)))
            plan += [ops.Mount("none", mount.target, flags=flag) for flag in options.propagation[1:]]
            received += 1
        elif how == "taken":
            plan += _attach(mount, options, _register(taken))
            taken += 1
        else:
            plan += _mount(mount, options)
    return tuple(plan)


def with_resolved_targets(mounts: tuple[MountPoint, ...], root: Root) -> tuple[MountPoint, ...]:
    """Return the mounts with the links of the root resolved in their targets, so that also what those lead to can be made.

    An image's /etc/resolv.conf may lead to what a service will have made. This is looked up before the start and changes only
    where the place is sought, from the new root. What must lie behind no link keeps its target, and is refused later.
    """
    placed = resolved_targets(mounts, root)
    return tuple(
        mount if mount.target == target else mount.replace(target=target) for mount, target in zip(mounts, placed, strict=True)
    )


def resolved_targets(mounts: tuple[MountPoint, ...], root: Root) -> tuple[str, ...]:
    """Return where the mounts come to lie, as above."""
    layers, status = _directories(root), asked_once()
    placed: list[str] = []
    for mount in mounts:
        target = normalized(mount.target)
        if target.startswith("/") and not _protects(mount):
            target = resolve(layers, target, placed, status) or target
        placed.append(target)
    return tuple(placed)


def resolved(path: str, root: Root, mounts: Sequence[MountPoint]) -> str:
    """Return a path with the links of the root resolved; what is mounted holds none that are looked at."""
    return resolve(_directories(root), path, [mount.target for mount in mounts]) or path


def _directories(root: Root) -> list[str]:
    return [f"{root.directory}/{layer}" for layer in root.stack()]


def _protects(mount: MountPoint) -> bool:
    """Return whether it matters where a mount comes to lie, for parts of it are hidden or protected by their paths.

    Through a link these could be moved into a volume, and be changed there by another container before they are covered.
    """
    return mount.kind in ("proc", "sysfs") or normalized(mount.target) == "/dev"


def _attach(mount: MountPoint, options: Options, register: int) -> list[Op]:
    first, *others = options.propagation or (MountFlag.PRIVATE | MountFlag.REC,)
    attach = ops.MoveMount(
        register,
        mount.target,
        options.set,
        options.clear,
        options.set_below,
        options.clear_below,
        first & ~MountFlag.REC,
        bool(first & MountFlag.REC),
        follow=not _protects(mount),
    )
    return [attach, *(ops.Mount("none", mount.target, flags=flag) for flag in others)]


def _mount(mount: MountPoint, options: Options) -> list[Op]:
    plan: list[Op] = [ops.Mount(mount.source, mount.target, mount.kind or None, options.flags, _data(options))]
    if options.set_below or options.clear_below:
        plan.append(ops.SetMountAttributes(mount.target, options.set_below))
    return [*plan, *(ops.Mount("none", mount.target, flags=flag) for flag in options.propagation)]


def make_place(path: str, *, directory: bool, made: Collection[str] = ("/",), no_links: bool = False) -> list[Op]:
    """Return the ops that make a directory, or an empty file, and those directories on the way to it that are not `made`."""
    wanted = (*parents(path), path) if directory else parents(path)
    return list(_places(tuple(each for each in wanted if each not in made), no_links, () if directory else (path,)))


@lru_cache(maxsize=256)
def _places(directories: tuple[str, ...], no_links: bool, files: tuple[str, ...]) -> tuple[Op, ...]:
    made = (ops.MakeDirectories(directories, no_links=no_links),) if directories else ()
    return (*made, ops.MakeFiles(files)) if files else made


@lru_cache(maxsize=256)
def parents(path: str) -> tuple[str, ...]:
    """Return the directories on the way to an absolute path, from below the root on."""
    parts = os.path.normpath(path).split("/")[1:-1]
    return tuple("/" + "/".join(parts[: count + 1]) for count in range(len(parts)))


def check_mounts(mounts: Iterable[MountPoint]) -> None:
    """Raise InvalidInput for a mount that cannot be: a relative target, a bind without a source."""
    for mount in mounts:
        if not mount.target.startswith("/"):
            raise InvalidInput(f"mounts: the target {mount.target!r} is not absolute: begin it with /")
        if is_bind(mount) and not os.path.lexists(mount.source):
            raise InvalidInput(f"mounts: {mount.source}, to be bound to {mount.target}, does not exist")

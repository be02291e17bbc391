"""The stage `rootfs`: the mount tree is cut off from the host's, the new root put together and turned into: pivot_root(2)."""

from __future__ import annotations

from labcore.errors import InvalidInput
from labcore.native import SYNC_DESCRIPTOR, MountAttribute, MountFlag, UnmountFlag
from labcore.runtime import mounting, ops
from labcore.runtime.mount_flags import Options
from labcore.runtime.mount_trees import Tree, copied_trees
from labcore.runtime.probe import confined, kernel_version
from labcore.runtime.stages.namespaces import hands_over, has_mounts, in_user_namespace
from labcore.spec import OverlayRoot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.runtime.ops import Op
    from labcore.spec import BindRoot, ContainerSpec

BEHIND_SYNC = SYNC_DESCRIPTOR + 1  # what a plan with a `sync` needs of its carrier lies below: see csrc/monitor.h


def rootfs(spec: ContainerSpec) -> list[Op]:
    """Cut the mount tree off from the host's, put the new root together, and turn into it."""
    # As a slave the tree is cut off in one direction only: what the host mounts below the root's directory still arrives.
    cut = MountFlag.SLAVE if spec.propagation in ("slave", "rslave") else MountFlag.PRIVATE
    private = ops.Mount("none", "/", None, MountFlag.REC | cut)
    wanted = _to_give(spec)
    given = [ops.Receive("copies mounts", lambda process: copied_trees(process, wanted), len(wanted))] if wanted else []
    new_user, apart = in_user_namespace(spec), hands_over(spec)
    peers, take = mounting.take_in_hand(spec.mounts, spec.root.directory, new_user=new_user, apart=apart)
    build = _overlay(spec.root, spec) if isinstance(spec.root, OverlayRoot) else _bind(spec.root, cut)
    # Both paths "." stack the old root on the new one, where the next line unmounts it: no directory is needed for it. Until
    # then `/..` leads into it, and so would an image's link to that.
    turn = [ops.PivotRoot(".", "."), ops.Unmount(".", UnmountFlag.DETACH), ops.Chdir("/")]
    return [*([] if has_mounts(spec) else [ops.UnshareMountNamespace()]), *peers, private, *given, *take, *build, *turn]


SCRATCH = "/tmp"  # of the starter, in this mount namespace only: the store's own is closed to the container's root


def _to_give(spec: ContainerSpec) -> list[Tree]:
    """Return the parts of the host's tree that the starter hands over: layers, then volumes."""
    apart = hands_over(spec)
    volumes = [Tree.of(mount) for mount in spec.mounts if mounting.is_given(mount, apart=apart)]
    return [*(Tree(path, Options(), mapped=True) for path in layers_to_map(spec)), *volumes]


def layers_to_map(spec: ContainerSpec) -> list[str]:
    """Return the directories of layers whose owners are mapped into the container's user namespace: mount_setattr(2), IDMAP."""
    root = spec.root
    if not isinstance(root, OverlayRoot) or not spec.uid_map:
        return []
    return [f"{root.directory}/{layer}" for layer in (*root.layers, root.writable) if layer]


def _overlay(root: OverlayRoot, spec: ContainerSpec) -> list[Op]:
    # Relative names keep the option string short (it must fit one page) and free of characters that overlayfs gives a meaning.
    in_userns = confined() or bool(spec.uid_map)  # what marks deleted files is written where its root may: overlayfs.rst
    if root.writable and in_userns and not root.user_attributes:
        raise InvalidInput(
            f"{root.writable}: root's own container made it, and one in a user namespace cannot read what was deleted there"
        )
    layers, writable, target = list(root.layers), root.writable, root.scratch
    plan: list[Op] = [ops.Chdir(root.directory)]
    if spec.uid_map:
        plan, layers, writable, target = _received(root)
    elif not writable:
        plan.append(ops.Mount("tmpfs", root.scratch, "tmpfs", MountFlag.NODEV, "mode=700"))
    if not writable:
        writable = "." if spec.uid_map else root.scratch
        target = f"{writable}/root"
        plan.append(ops.MakeDirectories((f"{writable}/upper", f"{writable}/work", target)))
        if root.top:
            plan.append(ops.SetDirectoryMetadata(f"{writable}/upper", root.top.mode, root.top.uid, root.top.gid, root.top.time))
    options = root.options(writable, user_attributes=root.user_attributes or in_userns)
    return [*plan, *_stack(layers, options, target, devices=root.devices), ops.Chdir(target)]


def _received(root: OverlayRoot) -> tuple[list[Op], list[str], str, str]:
    """Attach on a new tmpfs what the starter has handed over; return also where layers, writable layer and root are then."""
    layers = [f"lower{number}" for number in range(len(root.layers))]
    writable = "kept" if root.writable else ""
    places = [*layers, writable] if writable else layers
    plan: list[Op] = [
        ops.Mount("tmpfs", SCRATCH, "tmpfs", MountFlag.NODEV, "mode=700"),
        ops.Chdir(SCRATCH),
        ops.MakeDirectories((*places, "root") if writable else tuple(places)),
        *(ops.MoveReceivedMount(BEHIND_SYNC + number, name) for number, name in enumerate(places)),
    ]
    return plan, layers, writable, "root"


PAGE: Final = 4096  # of which mount(2) takes one for all options
LAYERS_ONE_BY_ONE: Final = (6, 5)  # from this kernel on
OVERLAY_REGISTER: Final = 61  # above those of what is taken in hand


def _stack(layers: list[str], options: tuple[str, ...], target: str, *, devices: bool) -> list[Op]:
    """Mount the layers as one tree: by mount(2), or where their names do not fit the page that it takes, one by one."""
    data = ",".join([f"lowerdir={':'.join(layers)}", *options])
    if len(data) < PAGE:
        return [ops.Mount("overlay", target, "overlay", MountFlag(0) if devices else MountFlag.NODEV, data)]
    if kernel_version() < LAYERS_ONE_BY_ONE:
        raise InvalidInput(f"{len(layers)} layers are more than this kernel stacks by mount(2): use Linux 6.5, or fewer layers")
    each = tuple(f"lowerdir+={layer}" for layer in layers)
    return [
        ops.FsMount("overlay", OVERLAY_REGISTER, (*each, *options)),
        ops.MoveMount(OVERLAY_REGISTER, target, MountAttribute(0) if devices else MountAttribute.NODEV),
    ]


def _bind(root: BindRoot, cut: MountFlag) -> list[Op]:
    # As a slave it would be covered by what the host mounts on the same directory later.
    alone = [ops.Mount("none", root.directory, None, MountFlag.PRIVATE)] if cut == MountFlag.SLAVE else []
    return [
        ops.Mount(root.directory, root.directory, None, MountFlag.BIND | MountFlag.REC),
        *alone,
        *([] if root.devices else [ops.SetMountAttributes(root.directory, MountAttribute.NODEV)]),
        ops.Chdir(root.directory),
    ]

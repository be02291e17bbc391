"""Mounts of the API: Binds, Mounts, Tmpfs and Volumes, read into Mount values, and written as inspect shows them."""

import os
from typing import Any, Final, Never

from msgspec import UNSET, UnsetType, field

from labcore.daemon.wire.codec import Wire
from labcore.errors import InvalidInput, NotFound
from labcore.options.mounts import PROPAGATION, from_short, from_tmpfs
from labcore.options.values import size as parse_size
from labcore.spec import Mount

KINDS: Final = ("bind", "volume", "tmpfs")


class BindOptions(Wire):
    """How a file or directory of the host is mounted."""

    propagation: str = ""
    non_recursive: bool = False
    create_mountpoint: bool = False
    read_only_non_recursive: bool = False
    read_only_force_recursive: bool = False


class DriverConfig(Wire):
    """A volume's driver; only `local` is there."""

    name: str = ""
    options: dict[str, str] = {}


class VolumeOptions(Wire):
    """How a volume is mounted, and made if it is not there."""

    no_copy: bool = False
    labels: dict[str, str] = {}
    driver_config: DriverConfig = field(default_factory=DriverConfig)
    subpath: str = ""


class TmpfsOptions(Wire):
    """How large a tmpfs may become, and its mode."""

    size_bytes: int = 0
    mode: int = 0
    options: list[list[str]] = []


class MountSpec(Wire):
    """A mount of HostConfig.Mounts."""

    type: str = "volume"
    source: str = ""
    target: str = ""
    read_only: bool = False
    consistency: str = ""
    bind_options: BindOptions | UnsetType = UNSET
    volume_options: VolumeOptions | UnsetType = UNSET
    tmpfs_options: TmpfsOptions | UnsetType = UNSET


def from_spec(spec: MountSpec) -> Mount:
    """Return the mount that an entry of HostConfig.Mounts means. Raises InvalidInput."""
    if spec.type not in KINDS:
        _refuse(spec, f"mount type unknown: use {', '.join(KINDS)}")
    if not spec.target:
        _refuse(spec, "field Target must not be empty")
    for kind in KINDS:
        if kind != spec.type and getattr(spec, f"{kind}_options") is not UNSET:
            raise InvalidInput(f'{kind.title()}Options must not be specified on mount type "{spec.type}"')
    kept = {"bind": _bind, "volume": _volume, "tmpfs": _tmpfs}[spec.type](spec)
    try:
        return Mount(spec.type, spec.target, spec.source, read_only=spec.read_only, **kept)  # type: ignore[arg-type]
    except InvalidInput as error:
        _refuse(spec, str(error))


def _refuse(spec: MountSpec, why: str) -> Never:
    raise InvalidInput(f'invalid mount config for type "{spec.type:.40}": {why}')


def _bind(spec: MountSpec) -> dict[str, Any]:
    if not spec.source:
        _refuse(spec, "field Source must not be empty")
    if not spec.source.startswith("/"):
        _refuse(spec, f"invalid mount path: '{spec.source}' mount path must be absolute")
    options = spec.bind_options or BindOptions()
    if options.propagation and options.propagation not in PROPAGATION:
        _refuse(spec, f"invalid propagation mode: {options.propagation}")
    if not (options.create_mountpoint or os.path.lexists(spec.source)):
        _refuse(spec, f"bind source path does not exist: {spec.source}")
    propagation = (options.propagation,) if options.propagation else ()
    if options.read_only_force_recursive and options.read_only_non_recursive:
        _refuse(spec, "ReadOnlyForceRecursive and ReadOnlyNonRecursive do not go together")
    return {
        "options": propagation,
        "recursive": not options.non_recursive,
        "make": options.create_mountpoint,
        "write_protects_below": not options.read_only_non_recursive,
    }


def _volume(spec: MountSpec) -> dict[str, Any]:
    options = spec.volume_options or VolumeOptions()
    check_driver(options.driver_config.name)
    return {
        "copy": not options.no_copy,
        "labels": tuple(options.labels.items()),
        "driver_options": tuple(sorted(options.driver_config.options.items())),
        "subpath": options.subpath,
    }


def _tmpfs(spec: MountSpec) -> dict[str, Any]:
    if spec.source:
        _refuse(spec, "field Source must not be specified")
    options = spec.tmpfs_options or TmpfsOptions()
    size = (f"size={options.size_bytes}",) if options.size_bytes else ()
    mode = (f"mode={options.mode:o}",) if options.mode else ()
    return {"options": (*size, *mode, *("=".join(each) for each in options.options))}


def check_driver(name: str) -> None:
    """Raise NotFound for a volume driver that is not here."""
    if name not in ("", "local"):
        raise NotFound(f'error looking up volume plugin {name:.80}: plugin "{name:.80}" not found: use local')


def read_mounts(*, binds: list[str], mounts: list[MountSpec], tmpfs: dict[str, str], volumes: list[str]) -> tuple[Mount, ...]:
    """Return all mounts that a body asks for: Binds, Mounts, Tmpfs, and the config's Volumes that nothing else is at."""
    found = [*map(_from_bind, binds), *map(from_spec, mounts)]
    found += [from_tmpfs(f"{path}:{words}" if words else path) for path, words in tmpfs.items()]
    targets = {each.target.rstrip("/") for each in found}
    return (*found, *(from_short(path) for path in volumes if path.rstrip("/") not in targets))


def _from_bind(text: str) -> Mount:
    source, colon, _ = text.partition(":")
    if colon and source.startswith("."):
        raise InvalidInput(
            f"invalid volume specification: '{text}': a path of the host has to be absolute, and no name begins with a dot"
        )
    return from_short(text)


# --- as inspect shows them


def is_bind(mount: Mount) -> bool:
    """Return whether a mount stands among Binds: its source is made if it is not there."""
    return mount.make and bool(mount.source) and mount.kind != "tmpfs"


def is_tmpfs_option(mount: Mount) -> bool:
    """Return whether a mount stands in Tmpfs, and not among Mounts."""
    return mount.kind == "tmpfs" and mount.make


def bind_json(mount: Mount) -> str:
    """Return a mount as Binds has it."""
    words = [*mount.options, *(["ro"] if mount.read_only else []), *([] if mount.copy else ["nocopy"])]
    mode = mount.mode or ",".join(words)
    return ":".join([mount.source, mount.target, *([mode] if mode else [])])


def mount_json(mount: Mount) -> dict[str, Any]:
    """Return a mount as Mounts has it."""
    found: dict[str, Any] = {"Type": mount.kind, "Source": mount.source, "Target": mount.target}
    if mount.kind == "tmpfs":
        del found["Source"]
        found |= _tmpfs_options_json(mount)
    if mount.read_only:
        found["ReadOnly"] = True
    if mount.kind == "bind" and (mount.options or not mount.recursive or not mount.write_protects_below):
        found["BindOptions"] = {"Propagation": "".join(mount.options[:1]), "NonRecursive": not mount.recursive} | (
            {} if mount.write_protects_below else {"ReadOnlyNonRecursive": True}
        )
    if mount.kind == "volume" and (not mount.copy or mount.labels or mount.driver_options or mount.subpath):
        found["VolumeOptions"] = {"NoCopy": not mount.copy, "Labels": dict(mount.labels)}
        found["VolumeOptions"] |= {"DriverConfig": {"Options": dict(mount.driver_options)}} if mount.driver_options else {}
        found["VolumeOptions"] |= {"Subpath": mount.subpath} if mount.subpath else {}
    return found


def _tmpfs_options_json(mount: Mount) -> dict[str, Any]:
    words = dict(word.partition("=")[::2] for word in mount.options)
    size, mode = words.pop("size", ""), words.pop("mode", "")
    found: dict[str, Any] = {"SizeBytes": parse_size("size", size)} if size else {}
    found |= {"Mode": int(mode, 8)} if mode else {}
    found |= {"Options": [[name, value] if value else [name] for name, value in words.items()]} if words else {}
    return {"TmpfsOptions": found} if found else {}


def propagation_of(mount: Mount) -> str:
    """Return what becomes of mounts that come later, on either side: a bind's is rprivate unless said otherwise."""
    said = [word for word in mount.options if word in PROPAGATION]
    return said[0] if said else "rprivate" if mount.kind == "bind" else ""

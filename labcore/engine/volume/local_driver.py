"""The options of docker's volume driver `local`: checked, and read as what mount(2) is given."""

from __future__ import annotations

import os
import re
from contextlib import suppress

from labcore.errors import InvalidInput, LabcoreError
from labcore.native import MountFlag
from labcore.options.values import size
from labcore.runtime.mount_flags import BINDS, FLAGS, PROPAGATION
from labcore.storage.volume_mounts import FileSystem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from labcore.storage.volumes import Volume

DRIVER: Final = "local"
OPTIONS: Final = ("type", "o", "device", "size")
NEEDED: Final = {"device": ("type",), "type": ("device",), "o": ("device", "type")}
BIND: Final = {"bind", "rbind", "rw", ""}  # words of `o` that mean what is done with a directory of the host anyway
REMOTE: Final = ("nfs", "cifs")
PORT: Final = re.compile(r"//[^/]*:\d+(/|$)")


def check_options(name: str, options: Mapping[str, str]) -> None:
    """Refuse, in docker's words, options that the driver does not have, or that lack another. Raises InvalidInput."""
    for option in options:
        if option not in OPTIONS:
            raise InvalidInput(f'create {name}: invalid option: "{option:.80}"')
    if options.get("type") == "cifs" and PORT.match(options.get("device", "")):
        raise InvalidInput(f"create {name}: port not allowed in CIFS device URL, include 'port' in 'o='")
    if "size" in options and _bytes(name, options["size"]):
        raise InvalidInput(f"create {name}: quota size requested but no quota support")
    for option, others in NEEDED.items():
        for other in others if option in options else ():
            if other not in options:
                raise InvalidInput(f'create {name}: missing required option: "{other}"')


def _bytes(name: str, text: str) -> int:
    try:
        return size("size", text)
    except InvalidInput:
        raise InvalidInput(f"create {name}: invalid size: '{text:.80}'") from None


def host_directory(volume: Volume) -> str:
    """Return the directory of the host that a volume stands for; containers bind it from where it is. Empty if it is none."""
    options = dict(volume.options or ())
    words = set(options.get("o", "").split(","))
    is_bind = options.get("type") in ("none", "bind") and words & {*BINDS} and words <= BIND
    return options["device"] if is_bind and os.path.isabs(options["device"]) else ""  # noqa: PTH117


def file_system(volume: Volume) -> FileSystem | None:
    """Return what is mounted as a volume; None for one that is a directory of labcore's own. Raises LabcoreError."""
    options = dict(volume.options or ())
    kind, device = options.get("type", ""), options.get("device", "")
    if not kind and not device:
        return None
    if not device:
        raise LabcoreError("missing device in volume options")
    flags, propagation, data = MountFlag(0), [], []
    for word in options.get("o", "").split(","):
        if word in BINDS:
            flags |= MountFlag.BIND | (MountFlag.REC if BINDS[word] else MountFlag(0))
        elif word in PROPAGATION:
            propagation.append(PROPAGATION[word])
        elif word in FLAGS:
            flags = (flags | FLAGS[word][0]) & ~FLAGS[word][1]
        elif word:
            data.append(word)
    found = FileSystem(device, kind, flags, tuple(propagation), ",".join(data))
    return _with_addresses(found) if kind in REMOTE else found


def _with_addresses(wanted: FileSystem) -> FileSystem:
    """Return the same with the server's address for its name, which the kernel does not look up. Raises LabcoreError."""
    words = wanted.data.split(",")
    for number, word in enumerate(words):
        if word.startswith("addr="):
            words[number] = f"addr={_address(word[5:])}"
            return wanted.replace(data=",".join(words))
    host, slash, share = wanted.device.removeprefix("//").partition("/")
    if wanted.kind == "cifs" and host and wanted.device.startswith("//"):
        return wanted.replace(device=f"//{_address(host)}{slash}{share}")
    return wanted


def _address(host: str) -> str:
    import socket  # only servers have names
    from ipaddress import ip_address

    with suppress(ValueError):
        return str(ip_address(host))
    try:
        found = [str(each[4][0]) for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise LabcoreError(f"error resolving passed in network volume address: lookup {host:.80}: {why}") from None
    return next((each for each in found if ":" not in each), found[0])

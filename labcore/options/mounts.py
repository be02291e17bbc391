"""Mount options: docker run's `-v`, `--mount` and `--tmpfs`, read into values."""

from __future__ import annotations

import os

from labcore.errors import InvalidInput
from labcore.options.values import fullmatch
from labcore.spec import Mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.spec.create_options import MountKind

PROPAGATION: Final = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
LABELS: Final = ("z", "Z")  # of SELinux
CONSISTENCIES: Final = ("cached", "delegated", "consistent")  # hints for other systems
NO_MEANING_HERE: Final = (*LABELS, *CONSISTENCIES)
KEYS: Final = {
    "type": "type", "source": "source", "src": "source", "target": "target", "destination": "target", "dst": "target",
    "readonly": "readonly", "ro": "readonly", "bind-propagation": "propagation", "volume-nocopy": "nocopy",
    "tmpfs-size": "size", "tmpfs-mode": "mode", "bind-nonrecursive": "nonrecursive",
    "volume-subpath": "subpath",
}  # fmt: skip
OF_KIND: Final = {
    "bind": {"propagation", "nonrecursive"},
    "volume": {"nocopy", "subpath"},
    "tmpfs": {"size", "mode"},
}


def from_short(text: str) -> Mount:
    """Read `[SOURCE:]PATH[:OPTIONS]`, the argument of `-v`. Raises InvalidInput."""
    source, target, words = _parts(text)
    options = words.split(",") if words else []
    kind: MountKind = "bind" if source.startswith(("/", ".")) else "volume"
    known = ("ro", "rw", "nocopy", *NO_MEANING_HERE, *PROPAGATION)
    if wrong := [word for word in options if word not in known or (kind == "volume" and word in PROPAGATION)]:
        raise InvalidInput(
            f"invalid mode: {', '.join(wrong)}: -v {text}: a {kind} has no such option: use ro, nocopy, or for a bind rslave …"
        )
    return Mount(
        kind,
        target,
        os.path.join(os.getcwd(), source) if kind == "bind" else source,
        read_only="ro" in options,
        options=tuple(word for word in options if word in PROPAGATION),
        make=True,
        copy="nocopy" not in options,
        mode=words,
    )


def volumes_from(text: str) -> tuple[str, bool]:
    """Read `CONTAINER[:ro|rw]`, the argument of `--volumes-from`; return whose, and whether read-only. Raises InvalidInput."""
    if not text:
        raise InvalidInput("volumes-from specification cannot be an empty string: name a container")
    container, _, mode = text.partition(":")
    words = mode.split(",") if mode else []
    counts = [sum(word in kind for word in words) for kind in (("ro", "rw"), LABELS, CONSISTENCIES)]
    if sum(counts) < len(words) or max(counts) > 1:
        raise InvalidInput(f"invalid mode: {mode:.80}: --volumes-from {text:.80}: CONTAINER[:ro|rw] is wanted")
    return container, "ro" in words


def _parts(text: str) -> tuple[str, str, str]:
    parts = text.split(":")
    if len(parts) == 1:
        return "", text, ""
    if len(parts) > 3 or not parts[0]:
        raise InvalidInput(f"invalid volume specification: '{text}': -v is [SOURCE:]PATH[:OPTIONS]")
    return parts[0], parts[1], parts[2] if len(parts) == 3 else ""


def from_long(text: str) -> Mount:
    """Read `type=…,source=…,target=…,…`, the argument of `--mount`. Raises InvalidInput."""
    given: dict[str, str] = {}
    for word in _words(text):
        key, equals, value = word.strip().partition("=")
        if key.lower() not in KEYS:
            raise InvalidInput(f"--mount {text}: {key!r} is not known; there are {', '.join(KEYS)}")
        given[KEYS[key.lower()]] = value if equals else "true"
    kind = given.pop("type", "volume")
    if kind not in OF_KIND:
        raise InvalidInput(f"--mount {text}: type is bind, volume or tmpfs")
    if wrong := set(given) & (set().union(*OF_KIND.values()) - OF_KIND[kind]):
        raise InvalidInput(f"--mount {text}: {', '.join(sorted(wrong))}: not for a {kind}")
    source = given.get("source", "")
    if (kind == "bind") != bool(source) and kind != "volume":
        raise InvalidInput(f"--mount {text}: a bind has a source, and a tmpfs has none")
    return Mount(
        kind,  # type: ignore[arg-type]
        given.get("target", ""),
        source,
        read_only=_truth(given.get("readonly", "false"), text),
        options=tuple(_long_options(given, text)),
        recursive=not _truth(given.get("nonrecursive", "false"), text),
        copy=not _truth(given.get("nocopy", "false"), text),
        subpath=given.get("subpath", ""),
    )


def _words(text: str) -> list[str]:
    import csv  # which few containers' mounts need

    try:
        return next(csv.reader([text]), [])
    except csv.Error as error:
        raise InvalidInput(f"--mount {text!r}: {error}") from None


def _long_options(given: dict[str, str], text: str) -> list[str]:
    words = []
    if propagation := given.get("propagation"):
        if propagation not in PROPAGATION:
            raise InvalidInput(f"--mount {text}: bind-propagation is one of {', '.join(PROPAGATION)}")
        words.append(propagation)
    if size := given.get("size"):
        if not fullmatch(r"\d+[kmgKMG]?", size):
            raise InvalidInput(f"--mount {text}: tmpfs-size is a number of bytes, or with k, m or g behind it")
        words.append(f"size={size}")
    if mode := given.get("mode"):
        if not fullmatch(r"[0-7]{1,4}", mode):
            raise InvalidInput(f"--mount {text}: tmpfs-mode is an octal number, such as 1777")
        words.append(f"mode={mode}")
    return words


def _truth(value: str, text: str) -> bool:
    if value.lower() in ("true", "1"):
        return True
    if value.lower() in ("false", "0"):
        return False
    raise InvalidInput(f"--mount {text}: {value!r} is neither true nor false")


def from_tmpfs(text: str) -> Mount:
    """Read `PATH[:OPTIONS]`, the argument of `--tmpfs`. Raises InvalidInput."""
    target, _, words = text.partition(":")
    return Mount("tmpfs", target, options=tuple(word for word in words.split(",") if word), make=True)

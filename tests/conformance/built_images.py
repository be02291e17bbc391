"""Images as `docker save` and `docker image inspect` show them, in values that can be compared."""

import hashlib
import json
import re
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "link",
    tarfile.LNKTYPE: "hard",
    tarfile.FIFOTYPE: "fifo",
    tarfile.CHRTYPE: "character device",
    tarfile.BLKTYPE: "block device",
}
NOP = re.compile(r"^.*#\(nop\) +")
Layer = dict[str, str]


class Seen(NamedTuple):
    """An image: its config, what `docker image inspect` says, its history, its layers, and what a container prints.

    An entry of the history is its instruction, and ` -` for empty_layer. `prints` is None if no container was run.
    """

    config: dict[str, Any]
    inspected: dict[str, Any]
    history: list[str]
    layers: list[Layer]
    prints: str | None


def differences(ours: Seen, theirs: Seen) -> dict[str, str]:
    """Return what differs, by what it is: a key of the config, `inspect KEY`, `history`, `layers` or `prints`."""
    found = {}
    for about, one, other in (("", ours.config, theirs.config), ("inspect ", ours.inspected, theirs.inspected)):
        for key in sorted({*one, *other}):
            if one.get(key) != other.get(key):
                found[about + key] = f"ours {one.get(key)!r}, theirs {other.get(key)!r}"
    if ours.history != theirs.history:
        found["history"] = f"ours {ours.history}, theirs {theirs.history}"
    if ours.layers != theirs.layers:
        found["layers"] = _layers(ours.layers, theirs.layers)
    if theirs.prints is not None and ours.prints != theirs.prints:
        found["prints"] = f"ours {ours.prints!r}, theirs {theirs.prints!r}"
    return found


def _layers(ours: list[Layer], theirs: list[Layer]) -> str:
    if len(ours) != len(theirs):
        paths = [[sorted(each)[:6] for each in layers[2:]] for layers in (ours, theirs)]
        return f"ours {len(ours)}, theirs {len(theirs)}: {paths}"
    return "; ".join(
        f"layer {number}, {path}: ours {one.get(path)}, theirs {other.get(path)}"
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True))
        for path in sorted({*one, *other})
        if one.get(path) != other.get(path)
    )


def whole(values: dict[str, Any]) -> dict[str, Any]:
    """Return values without those that say nothing: null, empty, zero; builders differ in which of them they write."""
    return {key: value for key, value in values.items() if value not in (None, "", [], {}, False, 0)}


def instruction(created_by: str, builder: str) -> str:
    """Return the instruction that an entry of the history is of.

    The texts differ by design. Classic has `/bin/sh -c #(nop)  CMD ["x"]`, and for a RUN its words alone; buildx has the line
    and `# buildkit`; ours is the line as it stands in the Dockerfile, and for a RUN `RUN`, its arguments, and its words.
    """
    text = NOP.sub("", created_by)
    return "RUN" if builder == "classic" and text == created_by else text.split()[0].upper()


def read_layer(archive: tarfile.TarFile) -> Layer:
    """Return what a layer has of each path: kind, mode, owner, target or content's digest, attributes; but no time."""
    found: Layer = {}
    linked: dict[str, list[str]] = {}
    for entry in archive:
        path = entry.name.strip("/").removeprefix("./") or "."
        if entry.islnk():
            linked.setdefault(entry.linkname.strip("/").removeprefix("./"), []).append(path)
            continue
        if Path(path).name.startswith(".wh."):
            found[path] = "whiteout"
            continue
        words = [KINDS[entry.type], oct(entry.mode & 0o7777) if not entry.issym() else "", f"{entry.uid}:{entry.gid}"]
        if entry.issym():
            words.append(entry.linkname)
        if entry.ischr() or entry.isblk():
            words.append(f"{entry.devmajor},{entry.devminor}")
        if entry.isfile():
            words.append(hashlib.sha256(archive.extractfile(entry).read()).hexdigest()[:12])  # type: ignore[union-attr]
        words += sorted(f"{key[13:]}={value!r}" for key, value in entry.pax_headers.items() if key.startswith("SCHILY.xattr."))
        found[path] = " ".join(words)
    for target, others in linked.items():
        names = sorted([target, *others])
        about = found[target]
        found.update(dict.fromkeys(names, f"{about} names {names}"))
    return found


def read_saved(archive: Path, inspected: list[dict[str, Any]], prints: dict[str, str]) -> dict[str, Seen]:
    """Return the images of an archive by their names; those of `inspected` are in the same order as their `RepoTags`."""
    about = {name: each for each in inspected for name in each["RepoTags"]}
    layers: dict[str, Layer] = {}
    seen = {}
    with tarfile.open(archive) as saved:
        for each in json.load(saved.extractfile("manifest.json")):  # type: ignore[arg-type]
            config = json.load(saved.extractfile(each["Config"]))  # type: ignore[arg-type]
            for path in each["Layers"] or []:
                if path not in layers:
                    with tarfile.open(fileobj=saved.extractfile(path)) as layer:
                        layers[path] = read_layer(layer)
            for name in each["RepoTags"]:
                builder = name.partition("/")[0]
                history = [
                    f"{instruction(one['created_by'], builder)}{' -' * one.get('empty_layer', False)}"
                    for one in config["history"]
                ]
                inside = {
                    **whole(config["config"]),
                    **whole({key: config.get(key) for key in ("architecture", "os", "author")}),
                }
                shown = about[name]
                top = whole({key: shown.get(key) for key in ("Architecture", "Os", "Author")})
                seen[name] = Seen(
                    _plain(inside),
                    {**_plain(whole(shown["Config"])), **top},
                    history,
                    [layers[path] for path in each["Layers"] or []],
                    prints.get(name),
                )
    return seen


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return a config without what classic says of the container in which the image was made."""
    return {key: value for key, value in values.items() if key not in ("Hostname", "Image", "Domainname")}

"""Tools of lesson 10: what FROM begins with, a cache on disk, layers unpacked, an image `nginx`."""

import io
import json
from collections.abc import Iterator, Mapping, MutableMapping
from functools import partial
from pathlib import Path
from typing import Any

from labcore.engine import Engine
from labcore.errors import ImageNotFound, LabcoreError
from labcore.images import Descriptor, ImageStore
from labcore.images.builtin import LayerWriter, find_busybox, write_image
from labcore.lab.messages import say
from labcore.lab.stores import copy_image
from labcore.spec import Reference
from labcore.spec.digest import digest_of
from labcore.tar.decompressing import decompressed

CHUNK = 1 << 20
SITE = "usr/share/nginx/html"
WELCOME = "<h1>Welcome to nginx!</h1>\n<p>labcore's stand-in: busybox, which serves the same directory.</p>\n"
Json = dict[str, Any]


def base(store: str, name: str) -> Json:
    """Return the state that FROM an image begins with: its `config`, `layers`, `history`, platform, and its ID as the key.

    Raises ImageNotFound, StoreDamaged.
    """
    images = ImageStore(Path(store))
    image = images.get(Reference.parse(name))
    manifest = json.loads(images.blobs.read(image.descriptor))
    whole = json.loads(images.blobs.read(image.config_descriptor))
    kept = {each: whole[each] for each in ("architecture", "os", "variant") if each in whole}
    history = list(whole.get("history") or ())
    return kept | {"config": whole.get("config") or {}, "layers": manifest["layers"], "history": history, "key": image.id}


def diff_id(store: str, layer: Mapping[str, Any]) -> str:
    """Return the digest of a layer as it is unpacked, which an image's config names; the manifest's is that of what is sent."""
    blob = ImageStore(Path(store)).blobs.read(Descriptor.from_json(dict(layer)))
    with decompressed(io.BytesIO(blob), str(layer["digest"])) as archive:
        return digest_of(b"".join(iter(partial(archive.read, CHUNK), b"")))


class Cache(MutableMapping[str, Json]):
    """A dictionary on disk, in a store: the descriptor of a layer by the key of the step that made it."""

    def __init__(self, store: str) -> None:
        self._store = Path(store)
        self._place = self._store / "cache"

    def _file(self, key: str) -> Path:
        return self._place / digest_of(key.encode()).partition(":")[2]

    def __getitem__(self, key: str) -> Json:
        try:
            found: Json = json.loads(self._file(key).read_bytes())["layer"]
        except FileNotFoundError:
            raise KeyError(key) from None
        return found

    def __setitem__(self, key: str, layer: Json) -> None:
        content = json.dumps({"key": key, "layer": layer})
        self._place.mkdir(exist_ok=True)
        self._file(key).write_text(content, encoding="utf-8")

    def __delitem__(self, key: str) -> None:
        self[key]
        self._file(key).unlink()

    def __iter__(self) -> Iterator[str]:
        for file in sorted(self._place.glob("*"), key=lambda each: each.stat().st_mtime_ns):
            yield json.loads(file.read_bytes())["key"]

    def __len__(self) -> int:
        return len(list(self._place.glob("*")))

    def __repr__(self) -> str:
        rows = (f"{_short(key)}   {layer['size']:>8} B   {_short(layer['digest'])}" for key, layer in self.items())
        return "\n".join(rows) or say("(empty)")


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def cache(store: str) -> Cache:
    """Return the build cache of a store: `key in cache`, `cache[key]`, `cache[key] = descriptor`."""
    return Cache(store)


def nginx(store: str) -> None:
    """Put an image `nginx` into a store: Debian's server, or where its packages cannot be had, a stand-in; print which it is.

    The packages are fetched once, 15 MB.
    """
    engine = Engine()
    try:
        if "nginx:latest" not in engine.images.names():
            engine.seed("nginx")
        copy_image(engine.images, ImageStore(Path(store)), "nginx")
        print(say("nginx: Debian's, in labcore's image"))
    except (ImageNotFound, LabcoreError) as error:
        why = str(error).partition("\n")[0]
        _stand_in(ImageStore(Path(store)))
        print(say("nginx: a stand-in, busybox's server with the same directory of pages, for {why}", why=why))


def _stand_in(store: ImageStore) -> None:
    """Make an image in whose place nginx would stand: two layers, the server and its pages."""
    lower, upper = LayerWriter(), LayerWriter()
    for path in ("bin", "dev", "etc", "proc", "sys", "usr", "usr/share", "usr/share/nginx", SITE):
        lower.directory(path)
    lower.directory("tmp", 0o1777)
    lower.file("bin/busybox", Path(find_busybox()).read_bytes(), 0o755)
    for applet in ("sh", "echo", "cat", "ls", "httpd", "hostname", "mkdir", "rm", "true"):
        lower.link(f"bin/{applet}", "bin/busybox")
    for path in ("usr", "usr/share", "usr/share/nginx", SITE):
        upper.directory(path)
    upper.file(f"{SITE}/index.html", WELCOME.encode())
    write_image(store, "nginx", [lower.finish(), upper.finish()], command=("httpd", "-f", "-p", "80", "-h", f"/{SITE}"))

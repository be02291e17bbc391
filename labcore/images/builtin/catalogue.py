"""Catalogue of builtin images: their names and sizes, and the functions that build them."""

from pathlib import Path
from typing import Final

from labcore.disk_space import room_for
from labcore.errors import InvalidInput, Unavailable
from labcore.images.builtin import alpine, busybox, debian, nginx, python
from labcore.images.builtin.apt import Archive, Tell
from labcore.images.model import Image
from labcore.images.store import ImageStore
from labcore.record import Record


class Seed(Record):
    """An image that can be built here. Approximate sizes in MB: unpacked, and downloaded the first time."""

    name: str
    what: str
    size: float
    fetched: float = 0
    needs: str = ""


SEEDS: Final = {
    seed.name: seed
    for seed in (
        Seed("busybox", "a shell and 270 small commands in one program", 2.0, needs="a static busybox"),
        Seed("hello-world", "one small program that greets", 0.8),
        Seed("alpine", "alpine-like, labcore's own: busybox, musl, certificates; no apk", 3.2, 1.5, "apt"),
        Seed("debian", "bash and the core tools, from Debian's packages; no apt", 20, 12, "apt"),
        Seed("nginx", "debian and nginx: a web server, its pages in /usr/share/nginx/html", 27, 15, "apt"),
        Seed("python", "debian and Python 3 with pip, venv and Flask", 69, 28, "apt"),
    )
}


def make(name: str, store: ImageStore, *, hello: Path, cache: Path, update: bool = False, tell: Tell = lambda _: None) -> Image:
    """Build a seed. `hello` is hello-world's program, `cache` the directory of downloads, `tell` is called with progress.

    The image appears whole or not at all. With `update`, the archive is asked for newer packages.
    Raises InvalidInput for an unknown name, StoreFull, Unavailable with the cure.
    """
    if name not in SEEDS:
        raise InvalidInput(f"no seed called {name}: there are {', '.join(SEEDS)}")
    room = SEEDS[name].size + SEEDS[name].fetched
    try:
        with room_for(f"{name}, which takes about {room:.0f} MB", store.directory):
            return _make(name, store, hello, cache, update=update, tell=tell)
    except KeyError as error:
        raise Unavailable(
            f"{name} cannot be made from this distribution's packages: none has {error}\n"
            "  cure: make it on Debian 12 or 13, and bring it in a kit (`make kit`)"
        ) from error


def _make(name: str, store: ImageStore, hello: Path, cache: Path, *, update: bool, tell: Tell) -> Image:
    if name == "busybox":
        return busybox.seed_busybox(store)
    if name == "hello-world":
        return busybox.seed_hello_world(store, hello)
    recipes = {
        "alpine": alpine.seed_alpine,
        "debian": debian.seed_debian,
        "nginx": nginx.seed_nginx,
        "python": python.seed_python,
    }
    return recipes[name](store, Archive(cache), update=update, tell=tell)

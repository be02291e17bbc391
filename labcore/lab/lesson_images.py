"""Images made in a lesson: `lab.layer` and `lab.image` from dictionaries of files, `lab.greeting` with a library of its own."""

import gzip
import hashlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from labcore.elf import HEAD_SIZE, read_program
from labcore.engine import Engine
from labcore.errors import Unavailable
from labcore.images import ImageStore
from labcore.images.builtin import LayerWriter, write_image
from labcore.lab.messages import say
from labcore.spec import Reference
from labcore.spec.media import LAYER_GZIP

LIBRARY = """\
const char *greeting(void) { return "hello, I brought my own library"; }
"""
PROGRAM = """\
#include <stdio.h>
const char *greeting(void);
int main(void) { puts(greeting()); return 0; }
"""
Files = Mapping[str, str | None]


def layer(files: Files) -> bytes:
    """Return a layer, a tar archive, with these files: a path and its text; None for a file that the layer takes away.

    A path that ends in `/` is a directory; with None, one that hides all that lower layers have in it.
    """
    writer = LayerWriter()
    made: set[str] = set()
    for path, text in files.items():
        name = path.rstrip("/")
        for parent in (*reversed(Path(name).parents), *([Path(name)] if path.endswith("/") else [])):
            if str(parent) not in made | {"."}:
                writer.directory(str(parent))
                made.add(str(parent))
        if path.endswith("/"):
            if text is None:
                writer.file(f"{name}/.wh..wh..opq", b"")
        elif text is None:
            writer.file(str(Path(name).with_name(f".wh.{Path(name).name}")), b"")
        else:
            writer.file(name, text.encode())
    return writer.finish()


def image(store: str, name: str, layers: Sequence[bytes], *, base: str = "busybox") -> str:
    """Make an image of these layers, the lowest first, upon those of `base`; return its digest.

    Raises ImageNotFound, StoreDamaged.
    """
    images = ImageStore(Path(store))
    below = images.get(Reference.parse(base))
    diff_ids = tuple(f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers)
    config = below.config.replace(diff_ids=below.config.diff_ids + diff_ids, history=())
    made = [images.put_blob(gzip.compress(each, mtime=0), LAYER_GZIP) for each in layers]
    return images.put_image(Reference.parse(name), [*below.layers, *made], config).descriptor.digest


def greeting(image: str = "greeting") -> str:
    """Compile a program and the library that it needs; keep the program for the host, and both in an image.

    Returns the program's path on the host, where its library is not to be found. Raises Unavailable without a C compiler.
    """
    engine = Engine()
    program = engine.root / "lab" / "greet"
    program.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as directory:
        built = _compile(Path(directory))
        layer = LayerWriter()
        for path in ("bin", "lib", "lib64", "proc", "dev", "sys", "tmp"):
            layer.directory(path)
        layer.file("bin/greet", (built / "greet").read_bytes(), 0o755)
        layer.file("lib/libgreeting.so", (built / "libgreeting.so").read_bytes(), 0o755)
        for name, content in _what_it_needs(built / "greet"):
            layer.file(name, content, 0o755)
        write_image(engine.images, image, [layer.finish()], command=("/bin/greet",))
        shutil.copy(built / "greet", program)
    return str(program)


def _compile(directory: Path) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        raise Unavailable(say("no C compiler here: sudo apt-get install gcc libc6-dev"))
    (directory / "greeting.c").write_text(LIBRARY, encoding="utf-8")
    (directory / "greet.c").write_text(PROGRAM, encoding="utf-8")
    for command in (
        ["-shared", "-fPIC", "-o", "libgreeting.so", "greeting.c"],
        ["-o", "greet", "greet.c", "-L.", "-lgreeting"],
    ):
        subprocess.run([compiler, *command], cwd=directory, check=True)
    return directory


def _what_it_needs(program: Path) -> list[tuple[str, bytes]]:
    """Return the loader and the C library of this machine, each with its place in an image.

    The loader looks for libraries in /lib, whatever the machine's own layout.
    """
    head = read_program(program.read_bytes()[:HEAD_SIZE])
    assert head is not None
    assert head.loader is not None
    loader = Path(head.loader)
    command = [str(loader), "--library-path", str(program.parent), "--list", str(program)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    libc = next(line.split()[2] for line in listed.splitlines() if line.strip().startswith("libc.so.6"))
    return [(head.loader.lstrip("/"), loader.read_bytes()), ("lib/libc.so.6", Path(libc).read_bytes())]

"""A program that needs a library of its own: what fails on the host and runs in its image."""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from labcore.elf import HEAD_SIZE, read_program
from labcore.engine import Engine
from labcore.errors import Unavailable
from labcore.images.builtin import LayerWriter, write_image
from labcore.lab.say import say

LIBRARY = """\
const char *greeting(void) { return "hello, I brought my own library"; }
"""
PROGRAM = """\
#include <stdio.h>
const char *greeting(void);
int main(void) { puts(greeting()); return 0; }
"""


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
    (directory / "greeting.c").write_text(LIBRARY)
    (directory / "greet.c").write_text(PROGRAM)
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

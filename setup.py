"""Builds what pyproject.toml cannot say: the static programs beside the extension, and the wheel's abi3 tag."""

import os
import shlex
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

# program -> its sources. Static: they run in roots that hold no libc, and one of them is an image's only file.
PROGRAMS = {
    "labcore-monitor": [
        "csrc/monitor.c",
        "csrc/discard.c",
        "csrc/message.c",
        "csrc/shim.c",
        "csrc/output.c",
        "csrc/log.c",
        "csrc/walker.c",
    ],
    "labcore-init": ["csrc/init.c"],
    "labcore-hello": ["csrc/hello.c"],
    "labcore-floor": ["csrc/floor.c"],
    "labcore-exec": ["csrc/exec.c"],
    "labcore-probe": ["csrc/probe.c"],
}
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-Os", "-static", "-s", "-Wall", "-Wextra", "-Icsrc"]
# Without a libc, and in one page: it is copied for every start.
BARE = {
    "labcore-exec": ["-nostdlib", "-ffreestanding", "-fno-stack-protector", "-Wl,-z,noseparate-code", "-Wl,--build-id=none"]
}


class build_native(build_ext):
    """Build the extension, then the programs, into the package's `native/bin`."""

    def run(self) -> None:
        super().run()
        base = Path() if self.inplace else Path(self.build_lib)
        target = base / "labcore" / "native" / "bin"
        target.mkdir(parents=True, exist_ok=True)
        compiler = shlex.split(os.environ.get("CC", "cc"))
        for program, sources in PROGRAMS.items():
            subprocess.run([*compiler, *FLAGS, *BARE.get(program, []), "-o", str(target / program), *sources], check=True)

    def get_outputs(self) -> list[str]:
        base = Path(self.build_lib) / "labcore" / "native" / "bin"
        return [*super().get_outputs(), *(str(base / program) for program in PROGRAMS)]


setup(
    cffi_modules=["csrc/build_native.py:ffi"],
    cmdclass={"build_ext": build_native},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)

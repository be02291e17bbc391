"""cffi's build file for `labcore.native._native`; setuptools runs it (see pyproject.toml and setup.py).

setuptools executes this file without `__file__`, from the project's root.
"""

import re
from pathlib import Path

from cffi import FFI

CSRC = Path("csrc")


def declarations(header: str) -> str:
    """Return a header's declarations without the preprocessor lines that cffi cannot read."""
    text = (CSRC / header).read_text()
    return re.sub(r"^#(ifndef|define LABCORE|include|endif).*$", "", text, flags=re.MULTILINE)


ffi = FFI()
ffi.cdef((CSRC / "constants.h").read_text())
ffi.cdef(declarations("spawn.h"))
ffi.cdef(
    """
    enum { MONITOR_BLOCK, MONITOR_CONTROL, MONITOR_SYNC, MONITOR_CGROUP, ... };
    enum { MONITOR_DIRECTORY, MONITOR_ATTACH, MONITOR_STDIN, MONITOR_STDOUT, MONITOR_STDERR, MONITOR_LOG,
           MONITOR_PRESERVED, MONITOR_DESCRIPTORS, ... };
    enum { FAILED_IN_LAYOUT, FAILED_IN_CGROUP, ... };
    enum { MESSAGE_REFUSED, MESSAGE_CLONED, MESSAGE_WALKED, MESSAGE_EXITED, MESSAGE_ATTACHED, MESSAGE_TERMINAL, ... };
    """
)
ffi.set_source(
    "labcore.native._native",
    """
    #include <fcntl.h>
    #include <linux/capability.h>
    #include <linux/seccomp.h>
    #if __has_include(<linux/openat2.h>)
    #include <linux/openat2.h>
    #endif
    #if __has_include(<linux/close_range.h>)
    #include <linux/close_range.h>
    #endif
    #include <net/if.h>
    #include <sched.h>
    #include <sys/ioctl.h>
    #include <sys/mount.h>
    #include <sys/prctl.h>
    #include <sys/socket.h>
    #include "block.h"
    #include "compat.h"
    #include "message.h"
    #include "monitor.h"
    #include "spawn.h"
    """,
    sources=["csrc/spawn.c", "csrc/walker.c"],
    depends=["csrc/block.h", "csrc/compat.h", "csrc/monitor.h", "csrc/raw.h", "csrc/spawn.h"],
    include_dirs=["csrc"],
    define_macros=[("_GNU_SOURCE", None), ("Py_LIMITED_API", "0x030b0000")],
    extra_compile_args=["-std=gnu11", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-fvisibility=hidden"],
    py_limited_api=True,
)

"""libseccomp bindings by ctypes, loaded only when a filter is compiled: seccomp_init(3).

Through ctypes, for building labcore must not need its headers.
"""

import ctypes
import errno
import os
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from labcore.errors import InvalidInput, Unavailable

LIBRARY: Final = "libseccomp.so.2"
NO_NEW_PRIVILEGES = 3  # enum scmp_filter_attr
OPTIMIZE = 8
BINARY_TREE = 2  # of the calls' numbers, instead of one comparison after another: seccomp_attr_set(3)
NOT_KNOWN = (-errno.EEXIST, -errno.EINVAL)  # an attribute that came with a later version
OPERATORS: Final = {
    name: number for number, name in enumerate(("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"), start=1)
}  # enum scmp_compare


class Condition(NamedTuple):
    """What one argument of a call must be for a rule to hold: struct scmp_arg_cmp."""

    argument: int
    operator: int
    value: int
    value_two: int


class _Condition(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def _load() -> Any:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        raise Unavailable(f"{LIBRARY} is not there, which compiles system call filters: apt-get install libseccomp2") from None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_arch_native.restype = ctypes.c_uint32
    return library


class Filter:
    """A filter in the making; `program()` is what the kernel loads. Use it in a `with`."""

    def __init__(self, default_action: int) -> None:
        self._library = _load()
        context = self._library.seccomp_init(ctypes.c_uint32(default_action))
        if not context:
            raise InvalidInput(f"seccomp: {default_action:#x} is no action")
        self._context = ctypes.c_void_p(context)
        self._call("attr_set", ctypes.c_int(NO_NEW_PRIVILEGES), ctypes.c_uint32(0))  # that is the plan's to decide
        # The kernel tries every call once when it loads a filter, to know which ones it need not ask about again: in a tree
        # that takes a third of the time. From libseccomp 2.5 on.
        self._call("attr_set", ctypes.c_int(OPTIMIZE), ctypes.c_uint32(BINARY_TREE), tolerate=NOT_KNOWN)

    def __enter__(self) -> "Filter":
        return self

    def __exit__(self, *exception: object) -> None:
        self._library.seccomp_release(self._context)

    def add_architecture(self, token: int) -> None:
        """Let the filter also judge the calls of this architecture's programs; twice is fine."""
        self._call("arch_add", ctypes.c_uint32(token), tolerate=(-errno.EEXIST,))

    def add_rule(self, action: int, name: str, conditions: Sequence[Condition] = ()) -> bool:
        """Add a rule; return whether the system call is known here."""
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number == -1:  # __NR_SCMP_ERROR
            return False
        array = (_Condition * len(conditions))(*(_Condition(*condition) for condition in conditions))
        self._call("rule_add_array", ctypes.c_uint32(action), ctypes.c_int(number), ctypes.c_uint(len(conditions)), array)
        return True

    def number(self, name: str, token: int) -> int:
        """Return a system call's number on an architecture, a negative one if it has none: seccomp_syscall_resolve_name(3)."""
        return int(self._library.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(token), name.encode()))

    def architecture(self) -> int:
        """Return the architecture of this machine."""
        return int(self._library.seccomp_arch_native())

    def program(self) -> bytes:
        """Return the filter as classic BPF, 8 bytes an instruction."""
        fd = os.memfd_create("labcore-seccomp")
        try:
            self._call("export_bpf", ctypes.c_int(fd))
            os.lseek(fd, 0, os.SEEK_SET)
            with os.fdopen(os.dup(fd), "rb") as file:
                return file.read()
        finally:
            os.close(fd)

    def _call(self, name: str, *arguments: Any, tolerate: tuple[int, ...] = ()) -> None:
        result = getattr(self._library, f"seccomp_{name}")(self._context, *arguments)
        if result < 0 and result not in tolerate:
            raise InvalidInput(f"seccomp: libseccomp refuses {name}: {os.strerror(-result)}")

"""Network namespaces: another process's, and work done inside one, by a thread of its own; its kernel parameters."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from labcore import native
from labcore.errors import InvalidInput, NotFound, Unavailable
from labcore.native.own_thread import in_own_thread

T = TypeVar("T")
IPV6 = "/proc/sys/net/ipv6"
VALUE_MAX = 1 << 12  # bytes of a kernel parameter


@contextmanager
def namespace_of(pid: int) -> Iterator[int]:
    """Yield a descriptor of the network namespace that a process is in. Raises NotFound if the process has ended."""
    try:
        fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        raise NotFound(f"process {pid} has ended, and its network namespace with it") from None
    try:
        yield fd
    finally:
        os.close(fd)


def in_namespace(namespace: int, work: Callable[[], T]) -> T:
    """Return what `work` returns, or raise what it raises, in the network namespace of that descriptor.

    A namespace is a thread's: a thread of its own joins it, setns(2), and ends; the caller's never leaves its own.
    """

    def join_and_work() -> T:
        native.setns(namespace, native.CloneFlag.NEWNET)
        return work()

    return in_own_thread(join_and_work)


def has_ipv6() -> bool:
    """Return whether this kernel has IPv6."""
    return os.path.isdir(IPV6)  # noqa: PTH112


def get_sysctl(path: str) -> str:
    """Return a kernel parameter of this thread's network namespace; `path` is below /proc/sys. Raises OSError."""
    fd = os.open(f"/proc/sys/{path}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, VALUE_MAX).decode().strip()
    finally:
        os.close(fd)


def set_sysctl(path: str, value: str) -> None:
    """Set a kernel parameter of this thread's network namespace. Raises InvalidInput, Unavailable."""
    try:
        fd = os.open(f"/proc/sys/{path}", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, value.encode())
        finally:
            os.close(fd)
    except FileNotFoundError:
        raise InvalidInput(f"sysctl {path.replace('/', '.')}: there is no such kernel parameter here") from None
    except PermissionError as error:
        raise Unavailable(f"sysctl {path.replace('/', '.')}={value}: {error.strerror}: mount /proc/sys writable") from None
    except OSError as error:
        raise InvalidInput(
            f"sysctl {path.replace('/', '.')}={value!r}: the kernel refuses that value: {error.strerror}"
        ) from None

"""Exceptions of labcore.

::

    LabcoreError
    ├── InvalidInput        (ValueError)  what was asked for cannot be: the message names the field and the cure
    │   └── Forbidden                     what is always so, or belongs to others, is not to be changed
    ├── ImageNotFound       (LookupError) no such image in the store
    ├── NotFound            (LookupError) no such container, no such volume, no such file in one
    ├── NotRunning                        the container has ended
    ├── InUse                             somebody else uses it, and it cannot be shared
    │   └── PortInUse                     a port of the host is another's
    ├── StoreDamaged                      what lies on disk is not what was written there
    ├── Unavailable                       this machine or this installation lacks something; the message names the cure
    ├── StoreFull           (OSError)     there is no room on the disk for what was to be kept; nothing half done is left
    ├── SystemCallError     (OSError)     the kernel said no: call, arguments, errno
    │   ├── StepFailed                    … to a step of a plan: which one, why, and what to do
    │   └── NetlinkError    in network    … to a request about links, addresses or routes, with its own words
    ├── RegistryError       in registry   a registry did not do what it was asked to, or does not answer
    ├── MonitorLost         in native     the monitor ended before it had said what became of its child
    ├── PeerFailed          in bench      another container system did not do what it was asked to
    ├── MachineFailed       in vm         a virtual machine did not start, or did not do what it was asked to
    └── LabFailed           in lab        JupyterLab did not come up
"""

from __future__ import annotations

import errno as _errno
import os


class LabcoreError(Exception):
    """The base class of labcore's exceptions."""


class InvalidInput(LabcoreError, ValueError):
    """A value that cannot be used; nothing was started."""


class Forbidden(InvalidInput):
    """What is always so, or somebody else's, is not to be changed."""


class ImageNotFound(LabcoreError, LookupError):
    """No such image in the store. `missing` is the name that nothing has, empty if something else is not there."""

    def __init__(self, message: str, *, missing: str = "") -> None:
        super().__init__(message)
        self.missing = missing


class NotFound(LabcoreError, LookupError):
    """The named object does not exist."""


class NotADirectory(NotFound):
    """A file stands where a path wants a directory."""


class NotRunning(LabcoreError):
    """The container has ended, or its shim is gone."""


class InUse(LabcoreError):
    """The object is in use, and cannot be shared or removed meanwhile."""


class PortInUse(InUse):
    """A port of the host is another's."""


class Cancelled(LabcoreError):
    """Who asked for something wants it no more."""


class StoreDamaged(LabcoreError):
    """A file of the store is missing, or its content does not have its digest."""


class StoreFull(LabcoreError, OSError):
    """No space left on the disk, or it is read-only; the message says for what, where, and how much there is."""

    def __str__(self) -> str:
        return str(self.args[1])


class Unavailable(LabcoreError):
    """Something is missing on this machine, or in this installation."""


def errno_name(number: int) -> str:
    """Return `ENOENT` for 2; the number itself if it has no name."""
    return _errno.errorcode.get(number, str(number))


class SystemCallError(LabcoreError, OSError):
    """A system call that failed: `call`, `arguments` (as they would be written), `errno`, and what it was a `step` of.

    `values` are the arguments themselves where they are known, for whoever explains the failure.
    """

    def __init__(self, number: int, call: str, arguments: str, step: str = "", values: tuple[object, ...] = ()) -> None:
        OSError.__init__(self, number, os.strerror(number))
        self.call = call
        self.arguments = arguments
        self.step = step
        self.values = values

    def __str__(self) -> str:
        where = f"{self.step}: " if self.step else ""
        return f"{where}{self.call}({self.arguments}): {errno_name(self.errno or 0)} ({self.strerror})"


class StepFailed(SystemCallError):
    """A step of a plan that failed. `index` is the op's number in the printed plan; `cause` and `cure` are sentences."""

    def __init__(self, number: int, call: str, arguments: str, *, index: int, op: str, cause: str, cure: str) -> None:
        super().__init__(number, call, arguments, f"op {index}, {op}")
        self.index = index
        self.cause = cause
        self.cure = cure

    def __str__(self) -> str:
        lines = [f"{self.step}: {errno_name(self.errno or 0)} ({self.strerror}): {self.cause}"]
        if self.cure:
            lines.append(f"  cure: {self.cure}")
        return "\n".join(lines)

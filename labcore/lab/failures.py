"""Failures: `lab.expect(errno.EINVAL)`, and explanations of failed system calls.

A plan's failures explain themselves (labcore.runtime.explain); these are for calls that a learner makes by hand.
"""

import errno
import os
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labcore import native
from labcore.errors import LabcoreError, StepFailed, SystemCallError, errno_name
from labcore.lab.lessons import MY_RUNTIME
from labcore.lab.messages import say
from labcore.native import Capability, capget
from labcore.runtime.probe import mountinfo

COLUMNS = 90
CLOSING = "，。：；）、”"  # no line begins with one of these
Explainer = Callable[[SystemCallError], str | None]
LONG = re.compile(r"('[^']{9})[^']{11,}([^']{9}')")  # an argument that would make the line too long: both its ends stay


class NothingHappened(LabcoreError, AssertionError):
    """A failure was expected, and nothing failed."""


@contextmanager
def expect(*errors: int | type[Exception]) -> Iterator[None]:
    """Expect one of these errnos or exception types in the block, and print its explanation.

    Raises NothingHappened if nothing fails; any other failure is raised as it is.
    """
    names = " / ".join(error.__name__ if isinstance(error, type) else errno_name(error) for error in errors)
    try:
        yield
    except tuple(error for error in errors if isinstance(error, type)) as error:
        print(f"{type(error).__name__}:\n{wrapped(str(error))}", flush=True)
    except OSError as error:
        if error.errno not in errors:
            print(say("{names} was expected here, and it was {other}:", names=names, other=errno_name(error.errno or 0)))
            raise
        print("\n".join(filter(None, (LONG.sub(r"\1…\2", str(error)), advice(error)))), flush=True)
    else:
        raise NothingHappened(say("{names} was expected here, and nothing failed", names=names))


def advice(error: OSError) -> str:
    """Return a failure's cause and cure in a few lines; empty if none is known, or if the error has its own."""
    if isinstance(error, StepFailed) or not isinstance(error, SystemCallError):
        return ""
    explainer = EXPLAINERS.get((error.call, error.errno or 0))
    found = None
    with suppress(OSError):  # where the root has been turned there is no /proc to look at
        found = explainer(error) if explainer else None
    if found is None and error.errno == errno.EPERM:
        found = _permission()
    return wrapped(found) if found else ""


def wrapped(text: str) -> str:
    """Wrap a text into indented lines for a cell's output: between words, and between Chinese characters."""
    lines, used = [""], 0
    for word in re.findall(r"[!-~]+ ?|.", text):
        columns = len(word) if word.isascii() else 2
        if used + columns > COLUMNS and word not in CLOSING:
            lines.append("")
            used = 0
        lines[-1] += word
        used += columns
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def _permission() -> str | None:
    if Capability.SYS_ADMIN in capget()["effective"]:
        return None
    return say(
        "This takes CAP_SYS_ADMIN, which this process does not have: root has it, and so has whoever made a user namespace."
    )


def _unshare_invalid(_: SystemCallError) -> str | None:
    if (count := native.threads()) > 1:
        return say(
            "This process has {count} threads, and a user namespace belongs to a whole process: call it in a %%helper cell.",
            count=count,
        )
    return say("These flags do not go together, or name what this kernel does not have.")


def _unshare_limit(_: SystemCallError) -> str | None:
    return say(
        "No disk is full: as many namespaces of this kind as are allowed have been made. /proc/sys/user/max_*_namespaces says "
        "how many, and root can raise that."
    )


def _pivot_invalid(error: SystemCallError) -> str | None:
    new_root = _absolute(error.values[0])
    if not _mount_at(new_root):
        return say(
            "{path} is no mount point, and only a mount can become the root. Bind it onto itself first: "
            "mount(d, d, flags=MountFlag.BIND).",
            path=new_root,
        )
    if any("shared:" in field for path in ("/", new_root) for field in _mount_at(path)):
        return say(
            "The mounts here are shared with another mount namespace, and the root would change for all of them. First "
            "unshare(CloneFlag.NEWNS) and make them private: mount('none', '/', flags=MountFlag.REC | MountFlag.PRIVATE)."
        )
    return say("The place for the old root must lie at the new root or below it: '.' and '.' stack one on the other.")


def _pivot_busy(_: SystemCallError) -> str | None:
    return say("The new root is the root already, or lies on the same mount as the old one: bind it onto itself first.")


def _umount_busy(error: SystemCallError) -> str | None:
    return say(
        "Somebody is still using {path}: a process has its root or its working directory there, or a file open. Leave it, or "
        "detach it now and let the kernel finish later: umount2(path, UnmountFlag.DETACH).",
        path=_absolute(error.values[0]),
    )


def _umount_invalid(error: SystemCallError) -> str | None:
    return say("{path} is no mount point of this mount namespace.", path=_absolute(error.values[0]))


def _mount_invalid(error: SystemCallError) -> str | None:
    if error.values[2] == "overlay" and "workdir=" not in str(error.values[4]):
        return say(
            "An overlay that can be written to needs, beside its `upperdir`, a `workdir`: an empty directory on the same disk."
        )
    return say(
        "{path} is no mount point, or the flags and the file system do not go together.", path=_absolute(error.values[1])
    )


def _mount_missing(error: SystemCallError) -> str | None:
    return say("{path}, or what is to be mounted there, does not exist.", path=_absolute(error.values[1]))


def _name_too_long(_: SystemCallError) -> str | None:
    return say("A host name has at most 64 bytes.")


def _setns_invalid(_: SystemCallError) -> str | None:
    return say(
        "The descriptor is no namespace of that kind, or this process has threads, or it is in that user namespace already."
    )


EXPLAINERS: dict[tuple[str, int], Explainer] = {
    ("unshare", errno.EINVAL): _unshare_invalid,
    ("unshare", errno.ENOSPC): _unshare_limit,
    ("pivot_root", errno.EINVAL): _pivot_invalid,
    ("pivot_root", errno.EBUSY): _pivot_busy,
    ("umount2", errno.EBUSY): _umount_busy,
    ("umount2", errno.EINVAL): _umount_invalid,
    ("mount", errno.EINVAL): _mount_invalid,
    ("mount", errno.ENOENT): _mount_missing,
    ("sethostname", errno.EINVAL): _name_too_long,
    ("setns", errno.EINVAL): _setns_invalid,
}


def _absolute(path: object) -> str:
    return os.path.normpath(Path.cwd() / str(path))


def _mount_at(path: str) -> list[str]:
    """Return the mountinfo fields of the topmost mount at a path, empty if none is there: proc_pid_mountinfo(5)."""
    return next((fields for fields in reversed(mountinfo()) if fields[4] == path), [])


def described(error: BaseException, file: str) -> str:
    """Return the error of the learner's file, with the lines in it that led there."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    lines = [f"{MY_RUNTIME}, line {frame.lineno}: {frame.line}\n" for frame in frames]
    text = "".join([*lines[-4:], *traceback.format_exception_only(error)]).rstrip()
    if isinstance(error, NameError):
        text += "\n" + say("A step must bring what it uses: names of other cells are not there. Import inside of the function.")
    if isinstance(error, TypeError) and str(error).endswith("after * must be an iterable, not NoneType"):
        text += "\n" + say("What has a star before it returned nothing: is `return` missing there?")
    return text

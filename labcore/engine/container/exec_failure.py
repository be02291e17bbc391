"""Exec failures: docker's words and exit code for a process that could not be started in a container."""

from __future__ import annotations

import errno
import os

from labcore.errors import InvalidInput, LabcoreError, StepFailed
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

NOT_EXECUTABLE, NOT_FOUND, NOT_RUN = 126, 127, 128  # what a shell answers, and docker
NO_SUCH: Final = (errno.ENOENT, errno.ENOTDIR)
REFUSED: Final = "OCI runtime exec failed: exec failed: "
PREFIX: Final = f"{REFUSED}unable to start container process: "


class ExecFailure(Record):
    """What a client is told, and the exit code that inspect says."""

    exit_code: int
    why: Exception


def exec_failure(error: Exception, program: str, workdir: str = "") -> ExecFailure:
    """Return how docker says why a program was not started; what no step of its start has refused stays as it is."""
    if workdir and not workdir.startswith("/"):
        return ExecFailure(NOT_RUN, InvalidInput(f"{REFUSED}Cwd must be an absolute path"))
    if not program:
        return ExecFailure(NOT_FOUND, InvalidInput(f'{PREFIX}exec: "": executable file not found in $PATH'))
    if not isinstance(error, StepFailed):
        return ExecFailure(NOT_EXECUTABLE, error)
    op = error.step.partition(", ")[2]  # "chdir /nowhere"
    missing = False
    if op.startswith(("chdir ", "try chdir ")):
        missing = error.errno in NO_SUCH
        said = f'chdir to cwd ("{op.partition("chdir ")[2]}") set in config.json failed: {_said(error)}'
    elif error.call in ("execve", "execveat"):
        said, missing = _of_execve(error, program), error.errno in NO_SUCH
    else:
        return ExecFailure(NOT_EXECUTABLE, LabcoreError(f"{PREFIX}{error}"))
    return ExecFailure(NOT_FOUND if missing else NOT_EXECUTABLE, InvalidInput(PREFIX + said))


def _of_execve(error: StepFailed, program: str) -> str:
    if error.errno == errno.ENOEXEC:
        return f"exec {program}: exec format error"
    if error.errno not in NO_SUCH:
        return f'exec: "{program}": {_said(error)}'
    if "/" in program:
        return f'exec: "{program}": stat {program}: {_said(error)}'
    return f'exec: "{program}": executable file not found in $PATH'


def _said(error: StepFailed) -> str:
    return os.strerror(error.errno or 0).lower()

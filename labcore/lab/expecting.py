"""`with expect(errno.EINVAL):` or `with expect(ValueError):` for a failure that is meant."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from labcore.errors import LabcoreError, errno_name
from labcore.lab.explaining import advice, wrapped
from labcore.lab.say import say

LONG = re.compile(r"('[^']{9})[^']{11,}([^']{9}')")  # an argument that would make the line too long: both its ends stay


class NothingHappened(LabcoreError, AssertionError):
    """What was expected to fail did not."""


@contextmanager
def expect(*errors: int | type[Exception]) -> Iterator[None]:
    """Expect one of these errnos, or kinds of errors, from what stands below, and print what it means.

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

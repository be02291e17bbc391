"""`with expect(errno.EINVAL):` for a failure that is meant."""

from collections.abc import Iterator
from contextlib import contextmanager

from labcore.errors import LabcoreError, errno_name
from labcore.lab.explaining import advice
from labcore.lab.say import say


class NothingHappened(LabcoreError, AssertionError):
    """What was expected to fail did not."""


@contextmanager
def expect(*errors: int) -> Iterator[None]:
    """Expect one of these errnos from what stands below, and print what it means.

    Raises NothingHappened if nothing fails; any other failure is raised as it is.
    """
    names = " / ".join(map(errno_name, errors))
    try:
        yield
    except OSError as error:
        if error.errno not in errors:
            print(say("{names} was expected here, and it was {other}:", names=names, other=errno_name(error.errno or 0)))
            raise
        print("\n".join(filter(None, (str(error), advice(error)))), flush=True)
    else:
        raise NothingHappened(say("{names} was expected here, and nothing failed", names=names))

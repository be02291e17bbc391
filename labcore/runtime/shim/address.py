"""Socket addresses in directories with long names: unix(7) has room for 107 bytes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def short_path(directory: str) -> Iterator[str]:
    """Yield a short name of a directory, good for as long as the block lasts. Raises OSError."""
    fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)

"""Helper process, inside the sandbox: runs the cell. `python -m labcore.lab.helper.inside < REQUEST`."""

import errno
import linecache
import marshal
import os
import sys
import tokenize  # noqa: F401  a traceback needs it, and once the root has been turned no module can be found any more
import traceback
from typing import Any

from labcore import native
from labcore.lab.failures import advice, expect
from labcore.lab.messages import say
from labcore.lab.sandbox import lower_priority

CELL = "<helper cell>"


def vocabulary() -> dict[str, Any]:
    """Return the names that a helper cell finds defined."""
    calls = {name: getattr(native, name) for name in native.__all__}
    return {**calls, "errno": errno, "os": os, "expect": expect, "__name__": "__main__"}


def main() -> int:
    """Run the cell; print an error with the cell's own lines."""
    source, names, _ = marshal.loads(sys.stdin.buffer.read())
    lower_priority()
    say.chinese()  # now: once the root has been turned, no module can be found any more
    linecache.cache[CELL] = (len(source), None, source.splitlines(keepends=True), CELL)
    try:
        exec(compile(source, CELL, "exec"), names | vocabulary())
    except SystemExit as request:
        if isinstance(request.code, str):
            print(request.code)
        return request.code if isinstance(request.code, int) else int(bool(request.code))
    except BaseException as error:
        _complain(error)
        return 1
    finally:
        sys.stdout.flush()
    return 0


def _complain(error: BaseException) -> None:
    """Print an error: the line in the cell, the message, the cause and the cure."""
    if isinstance(error, SyntaxError) and error.filename == CELL:
        lines = traceback.format_exception_only(error)
    else:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == CELL]
        lines = [f"line {frame.lineno}: {frame.line}\n" for frame in frames]
        lines += traceback.format_exception_only(error)
    print("".join(lines), end="", flush=True)
    if isinstance(error, OSError) and (more := advice(error)):
        print(more, flush=True)


if __name__ == "__main__":
    sys.exit(main())

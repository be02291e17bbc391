"""Cell magic, in the notebook: sends the cell's text and the plain data that it uses, shows the output."""

import ast
import codecs
import marshal
import subprocess
from collections.abc import Mapping
from typing import Any

from labcore.errors import InvalidInput, LabcoreError
from labcore.lab.messages import say
from labcore.lab.sandbox import python

SECONDS = 30.0
PLAIN = (type(None), bool, int, float, complex, str, bytes, tuple, list, dict, set, frozenset)


class HelperFailed(LabcoreError):
    """A helper cell has failed; its error has been printed."""

    def _render_traceback_(self) -> list[str]:  # what IPython shows instead of a traceback, which would only show the lab
        return [str(self)]


def run_helper(source: str, names: Mapping[str, Any] | None = None, *, seconds: float = SECONDS) -> None:
    """Run Python in a sandbox of its own; print its output as it comes. Raises HelperFailed.

    Of `names` plain data are passed to it: numbers, strings, bytes, and lists, tuples, sets and dictionaries of such.
    """
    request = marshal.dumps((source, plain_data(used(source, names or {})), seconds))
    command = python("labcore.lab.helper.supervisor")
    # A session of its own: the keyboard's Ctrl-C is for the kernel, which then closes the pipe.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as supervisor:
        assert supervisor.stdin is not None
        assert supervisor.stdout is not None
        try:
            supervisor.stdin.write(len(request).to_bytes(4, "big") + request)
            supervisor.stdin.flush()
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            while chunk := supervisor.stdout.read1(1 << 16):  # type: ignore[attr-defined]
                print(decoder.decode(chunk), end="", flush=True)
        finally:
            supervisor.stdin.close()
            supervisor.wait()
    if supervisor.returncode:
        raise HelperFailed(say("The helper stopped: see the last lines above."))


def used(source: str, names: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the names that occur in a cell's text; all if it cannot be parsed."""
    try:
        found = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    except SyntaxError:
        return {}
    return {name: value for name, value in names.items() if name in found}


def plain_data(names: Mapping[str, Any]) -> dict[str, Any]:
    """Return those names whose values can be sent to another process as they are."""
    found = {}
    for name, value in names.items():
        if name.startswith("_") or not isinstance(value, PLAIN):
            continue
        try:
            marshal.dumps(value)
        except ValueError:
            continue
        found[name] = value
    return found


def helper_magic(names: Mapping[str, Any], line: str, cell: str) -> None:
    """Run the text of a `%%helper [SECONDS]` cell, in a notebook whose variables are `names`."""
    try:
        seconds = float(line or SECONDS)
    except ValueError:
        raise InvalidInput(say("%%helper takes at most a number of seconds, not {line}", line=repr(line))) from None
    run_helper(cell, names, seconds=seconds)

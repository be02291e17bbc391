"""Notebook kernel setup: its language, the `%%helper` magic, and one line of help where a cell cannot run as it is.

JupyterLab loads this into each kernel of the lab (labcore.lab.jupyter), elsewhere `import labcore.lab` does.
"""

import json
import os
import re
from pathlib import Path
from typing import Any, get_args

from labcore.lab import names
from labcore.lab.helper.inside import vocabulary
from labcore.lab.helper.magic import HelperFailed, helper_magic
from labcore.lab.messages import say
from labcore.lab.steps import UNSAVED
from labcore.language import VARIABLE, Language

STEP = re.compile(r"^@lab\.step\b.*\n(?:[@#].*\n)*def\s+(\w+)", re.MULTILINE)
SESSION = "JPY_SESSION_NAME"  # Jupyter's server names the notebook to its kernel so
_ENTERED: list[Any] = []  # the shells that are set up


def enter() -> None:
    """Set this kernel up, once; does nothing outside of one.

    It speaks the language of the lesson's edition; where that is not known, the one that LABCORE_LANG names, else that of the
    folder. A line such as `run (…)` is Python and no magic.
    """
    from IPython.core.getipython import get_ipython  # which costs 0.3 s, and is in notebooks only

    if edition := edition_of(os.environ.get(SESSION, "")):
        os.environ[VARIABLE] = edition
    elif VARIABLE not in os.environ and Path.cwd().name == "zh":
        os.environ[VARIABLE] = "zh"
    shell: Any = get_ipython()
    if shell is None or shell in _ENTERED:
        return
    _ENTERED.append(shell)
    shell.automagic = False
    shell.set_custom_exc((NameError,), _on_name_error)
    shell.events.register("pre_run_cell", _before_cell)
    shell.events.register("post_run_cell", _after_cell)

    def helper(line: str, cell: str) -> None:
        """`%%helper [SECONDS]`: run this cell in a fresh process without threads, which is gone, with all it did, at its end.

        The functions and flags of `labcore.native` are there by their names; so are the notebook's variables that are plain
        data.
        """
        own = {name: value for name, value in shell.user_ns.items() if name not in shell.user_ns_hidden}
        for name in names.missing(cell, own | vocabulary()):
            if cure := names.cure(name):
                raise HelperFailed(cure)
        helper_magic(own, line, cell)

    shell.register_magic_function(helper, magic_kind="cell", magic_name="helper")


def edition_of(notebook: str) -> str:
    """Return the language of a lesson, which its metadata names; nothing for what is no lesson, or no notebook at all."""
    try:
        language = json.loads(Path(notebook).read_text(encoding="utf-8"))["metadata"]["labcore"]["language"]
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return language if language in get_args(Language) else ""


def load_ipython_extension(shell: Any) -> None:  # noqa: ARG001  IPython passes it
    """Set the kernel up as it starts: IPython's `extensions`."""
    enter()


def offer(found: dict[str, Any]) -> None:
    """Put names into the notebook, as if its cells had bound them; does nothing outside of one."""
    for shell in _ENTERED:
        shell.user_ns.update(found)


def _on_name_error(shell: Any, kind: type, error: NameError, traceback: Any, tb_offset: int | None = None) -> None:
    """Show one line, where a cell itself lacks a name that another cell of the lesson brings; else what IPython shows."""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback.tb_frame.f_globals is shell.user_ns and (line := names.cure(getattr(error, "name", None))):
        error.__dict__["_render_traceback_"] = lambda: [line]
    shell.showtraceback((kind, error, error.__traceback__), tb_offset=tb_offset)


def _before_cell(info: Any) -> None:
    """Take the steps of a cell as not saved until they are."""
    for name in STEP.findall(info.raw_cell or ""):
        UNSAVED.add(name)


def _after_cell(result: Any) -> None:
    error = result.error_before_exec or result.error_in_exec
    for name in STEP.findall(result.info.raw_cell or ""):
        if error is not None and name in UNSAVED:
            where = f" ({say('line {n}', n=error.lineno)})" if isinstance(error, SyntaxError) and error.lineno else ""
            print(
                say(
                    "{name} has not been saved: its cell stopped before{where}. Mend it, and run it again.",
                    name=name,
                    where=where,
                )
            )

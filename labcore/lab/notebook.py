"""Notebook kernel setup: its language, and the `%%helper` magic."""

import os
from pathlib import Path
from typing import Any

from labcore.lab.helper.magic import helper_magic
from labcore.language import VARIABLE


def enter() -> None:
    """Speak the language of the folder that the notebook lies in, unless LABCORE_LANG says otherwise; define the magic."""
    from IPython.core.getipython import get_ipython  # which costs 0.3 s, and is in notebooks only

    if VARIABLE not in os.environ and Path.cwd().name == "zh":
        os.environ[VARIABLE] = "zh"
    shell: Any = get_ipython()
    if shell is None:
        return

    def helper(line: str, cell: str) -> None:
        """`%%helper [SECONDS]`: run this cell in a fresh process without threads, which is gone, with all it did, at its end.

        The functions and flags of `labcore.native` are there by their names; so are the notebook's variables that are plain
        data.
        """
        own = {name: value for name, value in shell.user_ns.items() if name not in shell.user_ns_hidden}
        helper_magic(own, line, cell)

    shell.register_magic_function(helper, magic_kind="cell", magic_name="helper")

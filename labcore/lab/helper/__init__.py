"""Helper cells: `%%helper` runs a cell in a fresh process, for system calls that a Jupyter kernel must not make."""

from labcore.lab.helper.magic import HelperFailed, run_helper

__all__ = ["HelperFailed", "run_helper"]

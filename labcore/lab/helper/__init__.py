"""`%%helper`: a cell that runs in a fresh process, where system calls may be made that a Jupyter kernel must not make."""

from labcore.lab.helper.magic import HelperFailed, run_helper

__all__ = ["HelperFailed", "run_helper"]

"""Helper cells: `%%helper` runs a cell in a fresh process, for system calls that a Jupyter kernel must not make."""

from typing import TYPE_CHECKING

from labcore.lazy import lazy_names

if TYPE_CHECKING:
    from labcore.lab.helper.magic import HelperFailed, run_helper

__all__ = ["HelperFailed", "run_helper"]

__getattr__ = lazy_names(__name__, {"labcore.lab.helper.magic": ("HelperFailed", "run_helper")})  # its processes need neither

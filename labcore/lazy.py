"""Packages whose names are loaded when they are first used, so that importing them costs next to nothing."""

import sys
from importlib import import_module

TYPE_CHECKING = False  # importing those costs more than all else here
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any


def lazy_names(package: str, homes: "Mapping[str, Iterable[str]]") -> "Callable[[str], Any]":
    """Return a package's `__getattr__` (PEP 562): `homes` says which of its names live in which module."""
    home = {name: module for module, names in homes.items() for name in names}

    def load(name: str) -> "Any":
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(home[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return load

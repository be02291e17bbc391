"""Lazy imports: a package's names are imported when they are first used (PEP 562)."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any


def lazy_names(package: str, homes: Mapping[str, Iterable[str]]) -> Callable[[str], Any]:
    """Return a package's `__getattr__` (PEP 562); `homes` maps modules to the names that they define."""
    home = {name: module for module, names in homes.items() for name in names}

    def load(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        __import__(home[name])  # importlib would import more
        value = getattr(sys.modules[home[name]], name)
        setattr(sys.modules[package], name, value)
        return value

    return load

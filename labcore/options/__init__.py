"""Options: docker's forms of what a container is wanted with, as strings and keywords, read into CreateOptions."""

from __future__ import annotations

from labcore.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.options.create import create_options

__all__ = ["create_options"]

__getattr__ = lazy_names(__name__, {"labcore.options.create": ("create_options",)})


def __dir__() -> list[str]:
    return __all__

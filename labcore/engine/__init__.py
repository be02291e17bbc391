"""Containers from images: the room that composes images, storage and runtime. Names are loaded when they are first used."""

from __future__ import annotations

from labcore.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.engine.container.completed import Completed, exit_code
    from labcore.engine.container.foreground import plan, run
    from labcore.engine.engine import SEED_NAMES, Engine
    from labcore.options.create import create_options
    from labcore.paths import default_root

__all__ = ["SEED_NAMES", "Completed", "Engine", "create_options", "default_root", "exit_code", "plan", "run"]

__getattr__ = lazy_names(
    __name__,
    {
        "labcore.engine.container.completed": ("Completed", "exit_code"),
        "labcore.engine.engine": ("SEED_NAMES", "Engine"),
        "labcore.options.create": ("create_options",),
        "labcore.engine.container.foreground": ("plan", "run"),
        "labcore.paths": ("default_root",),
    },
)

"""Containers from images: the room that composes images, storage and runtime."""

from labcore.engine.engine import SEED_NAMES, Completed, Engine, exit_code, plan, run
from labcore.paths import default_root

__all__ = ["SEED_NAMES", "Completed", "Engine", "default_root", "exit_code", "plan", "run"]

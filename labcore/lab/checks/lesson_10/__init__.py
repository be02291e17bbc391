"""Checks of lesson 10: keys of steps, their layers from a cache, instructions, images, builds, and what a context holds."""

from labcore.lab.checks.scenarios import LazyScenarios

SCENARIOS = LazyScenarios(
    __name__,
    {
        "keys": ("cache_key",),
        "adding": ("add_layer",),
        "carrying": ("carry_out",),
        "images": ("image",),
        "builds": ("build",),
        "contexts": ("reads", "ignored"),
    },
)

"""Checks of lesson 6: an image's program, an image that is missing, its pull, a container's output, names of images."""

from labcore.lab.checks.scenarios import LazyScenarios

SCENARIOS = LazyScenarios(
    __name__,
    {
        "programs": ("command",),
        "creating": ("create",),
        "pulling": ("images_create",),
        "attaching": ("attach",),
        "names": ("normalize",),
    },
)

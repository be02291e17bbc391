"""Checks of lesson 3: digests, layers, overlay, pull, run."""

from labcore.lab.checks.scenarios import LazyScenarios

SCENARIOS = LazyScenarios(
    __name__,
    {
        "blobs": ("digest", "dig"),
        "layers": ("layers", "whiteouts"),
        "roots": ("overlay", "rootfs"),
        "pulling": ("pull",),
        "running": ("run",),
    },
)

"""Checks of lesson 4: preflight, devices, main."""

from labcore.lab.checks.scenarios import LazyScenarios

SCENARIOS = LazyScenarios(
    __name__,
    {
        "preflight": ("preflight",),
        "devices": ("devices", "rootfs"),
        "program": ("main",),
        "machine_of": ("machine_of",),
    },
)

"""Checks of lesson 9: variables, the config after an instruction, an upper directory that stays, and as a layer; RUN, COPY."""

from labcore.lab.checks.scenarios import LazyScenarios

SCENARIOS = LazyScenarios(
    __name__,
    {
        "variables": ("expand",),
        "configs": ("apply",),
        "uppers": ("overlay",),
        "layering": ("layer",),
        "running": ("run_step",),
        "copying": ("copy_step",),
    },
)

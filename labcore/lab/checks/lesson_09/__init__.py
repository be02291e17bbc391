"""Checks of lesson 9: variables, configs, an upper directory that stays, and as a layer; RUN, COPY; process 1."""

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
        "reaping": ("reaper",),
    },
)

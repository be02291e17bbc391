"""Checks of lesson 7: a cgroup for a container, pause and unpause, exec, inspect; a network, a published port."""

from labcore.lab.checks.scenarios import LazyScenarios

SCENARIOS = LazyScenarios(
    __name__,
    {
        "freezing": ("start", "pause", "unpause"),
        "execs": ("exec_create", "exec_start", "exec_inspect"),
        "cables": ("bridge", "connect", "run"),
        "publishing": ("publish",),
        "bindings": ("create",),
        "inspecting": ("inspect",),
    },
)

"""Checks of lesson 8: a Dockerfile's lines, forms and instructions, all of it; the escape directive, heredocs."""

from labcore.lab.checks.scenarios import LazyScenarios

SCENARIOS = LazyScenarios(
    __name__,
    {
        "lines": ("logical_lines",),
        "forms": ("value_of", "instruction"),
        "parsing": ("parse",),
        "directives": ("escape",),
        "heredocs": ("heredoc",),
    },
)

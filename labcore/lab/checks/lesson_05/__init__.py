"""Checks of lesson 5: a router, and the handlers of a miniature daemon, judged by what they answer and by what runs then."""

from labcore.lab.checks.scenarios import LazyScenarios

SCENARIOS = LazyScenarios(
    __name__,
    {
        "routing": ("route",),
        "pinging": ("ping",),
        "life": ("create", "start", "wait"),
        "listing": ("list_containers", "remove"),
    },
)

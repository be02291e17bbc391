"""Checks of lesson 7: a network for containers, and a published port."""

from labcore.lab.checks.lesson_07.cables import BRIDGE, CONNECT, RUN
from labcore.lab.checks.lesson_07.publishing import PUBLISH

SCENARIOS = {
    "bridge": BRIDGE,
    "connect": CONNECT,
    "run": RUN,
    "publish": PUBLISH,
}

"""Checks of lesson 7: a cgroup for a container, pause and unpause, exec, inspect; a network, a published port."""

from labcore.lab.checks.lesson_07.bindings import CREATE
from labcore.lab.checks.lesson_07.cables import BRIDGE, CONNECT, RUN
from labcore.lab.checks.lesson_07.execs import EXEC_CREATE, EXEC_INSPECT, EXEC_START
from labcore.lab.checks.lesson_07.freezing import PAUSE, START, UNPAUSE
from labcore.lab.checks.lesson_07.inspecting import INSPECT
from labcore.lab.checks.lesson_07.publishing import PUBLISH

SCENARIOS = {
    "start": START,
    "pause": PAUSE,
    "unpause": UNPAUSE,
    "exec_create": EXEC_CREATE,
    "exec_start": EXEC_START,
    "bridge": BRIDGE,
    "connect": CONNECT,
    "run": RUN,
    "publish": PUBLISH,
    "create": CREATE,
    "inspect": INSPECT,
    "exec_inspect": EXEC_INSPECT,
}

"""Checks of lesson 5: a router, and the handlers of a miniature daemon, judged by what they answer and by what runs then."""

from labcore.lab.checks.lesson_05.life import CREATE, START, WAIT
from labcore.lab.checks.lesson_05.listing import LIST_CONTAINERS, REMOVE
from labcore.lab.checks.lesson_05.pinging import PING
from labcore.lab.checks.lesson_05.routing import ROUTE

SCENARIOS = {
    "route": ROUTE,
    "ping": PING,
    "create": CREATE,
    "start": START,
    "wait": WAIT,
    "list_containers": LIST_CONTAINERS,
    "remove": REMOVE,
}

"""Signs of lesson 7's faults: a container's line, its end, and what holds before long."""

import time
from collections.abc import Callable
from typing import Final

from labcore.lab.faults.scenario import Site

SECONDS: Final = 3.0  # in which what works can be seen to work


def state(site: Site) -> str:
    """Return the line that shows how a container is, without times."""
    return f"ps -a --filter name={site.words['name']} --format 'table {{{{.Names}}}}\\t{{{{.State}}}}\\t{{{{.Image}}}}'"


def wait_until_ended(site: Site) -> None:
    """Wait for the end of the container."""
    site.prepares(f"wait {site.words['name']}")


def soon(holds: Callable[[], bool]) -> bool:
    """Return whether something holds before long."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True

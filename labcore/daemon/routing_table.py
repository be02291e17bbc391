"""The routing table as a page: every method and path, and the function that answers it."""

from labcore.daemon.routes import ROUTES
from labcore.http import Route

HEAD = """\
# Routes

Each path is there with a version before it (`/v1.51/…`), and without. *rests*: a long-running route, whose body, answer or
upgraded connection may rest for any time. This page is made by `labcore.daemon.routing_table`.

| Method | Path | Function | |
| --- | --- | --- | --- |
"""


def page() -> str:
    """Return the page, in Markdown."""
    return HEAD + "".join(map(_row, ROUTES))


def _row(route: Route) -> str:
    place = route.endpoint.__module__.removeprefix("labcore.daemon.").replace(".", "/")
    return f"| {route.method} | `{route.path}` | `{place}.py`: {route.endpoint.__name__} | {'rests' * route.long_running} |\n"

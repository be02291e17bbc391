"""GET /events: what has happened since a time, and what happens until another or until the client goes (tag System)."""

import time
from collections.abc import Iterator
from http import HTTPStatus

from labcore.daemon.context import Daemon
from labcore.daemon.wire.codec import JSON, encode
from labcore.daemon.wire.events import event_json, matches
from labcore.daemon.wire.query import filters
from labcore.engine.events import Subscription
from labcore.errors import InvalidInput
from labcore.http import Request, Response, Route
from labcore.timestamps import parse_time


def events(daemon: Daemon, request: Request) -> Response:
    """GET /events. The kept events come first if either time is given."""
    since, until = _time(request, "since"), _time(request, "until")
    if since is not None and until is not None and until < since:
        raise InvalidInput(f"`since` time ({request.query['since']}) cannot be after `until` time ({request.query['until']})")
    wanted = filters(request, None)
    first = 0 if since is None and until is not None else since
    subscription = daemon.events.subscribe(lambda event: matches(event, wanted), since=first)
    request.on_disconnect(subscription.close)
    return Response(HTTPStatus.OK, JSON, _lines(subscription, until))


def _time(request: Request, name: str) -> int | None:
    text = request.query.get(name, "")
    return parse_time(text) if text else None


def _lines(subscription: Subscription, until: int | None) -> Iterator[bytes]:
    with subscription:
        yield b""  # the head goes out before the first event
        while True:
            left = None if until is None else max(0, until - time.time_ns()) / 10**9
            try:
                event = subscription.get(left)
            except TimeoutError:
                return
            if event is None or (until is not None and event.time > until):
                return
            yield encode(event_json(event)) + b"\n"


ROUTES = (Route("GET", "/events", events, long_running=True),)

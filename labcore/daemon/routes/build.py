"""Builds: an image of a Dockerfile and its context, the cache of that, and what only BuildKit does (tags Image and Session)."""

from collections.abc import Generator
from http import HTTPStatus
from typing import BinaryIO, cast

from labcore.builder.events import Event
from labcore.cancellation import Cancellation
from labcore.daemon.context import Daemon
from labcore.daemon.errors import message
from labcore.daemon.versions import version_of
from labcore.daemon.wire.build_cache_json import FILTERS, CacheView, shown, space_asked
from labcore.daemon.wire.build_events import event_lines
from labcore.daemon.wire.build_progress import classic_lines, quiet_lines
from labcore.daemon.wire.build_query import CURE, BuildQuery, build_query
from labcore.daemon.wire.codec import json_response
from labcore.daemon.wire.progress import streamed
from labcore.daemon.wire.query import filters, flag
from labcore.daemon.wire.registry_auth import found_in_config
from labcore.engine.prune_cache import prune_cache as prune
from labcore.http import Request, Response, Route, Upgrade

AUX_SINCE = (1, 30)
NO_BUILDKIT = f"labcore has no BuildKit: {CURE}"


def build(daemon: Daemon, request: Request) -> Response:
    """POST /build. As docker does, it says in the head what is wrong before the first step, and else in its last line."""
    query = build_query(request)
    cancellation = Cancellation()
    request.on_disconnect(cancellation.set)
    events = _events(daemon, request, query, cancellation)
    if query.tells_events:
        return streamed(event_lines(events))
    lines = classic_lines(
        events,
        daemon.steps_seen,
        removes=query.removes,
        aux=query.is_quiet or version_of(request) >= AUX_SINCE,
        says_cached=not query.options.no_cache,
    )
    return streamed(quiet_lines(lines) if query.is_quiet else lines)


def _events(
    daemon: Daemon, request: Request, query: BuildQuery, cancellation: Cancellation
) -> Generator[Event, None, None]:  # fmt: skip
    """Yield what happens; closing it ends the build."""
    from labcore.builder.build import build as built  # most daemons' first requests are others
    from labcore.daemon.build_context import opened_context

    sent, place, find = cast(BinaryIO, request.body), daemon.engine.root / "builder", found_in_config(request)
    learners = daemon.engine.stages.of_builder() if daemon.engine.stages else {}
    with opened_context(
        place, sent, dockerfile=query.dockerfile, remote=query.remote, parts=query.parts, learners=learners
    ) as context:
        found, named = context.source, context.named
        yield from built(
            daemon.engine, context.dockerfile, found, query.options, contexts=named, find=find, cancellation=cancellation
        )


def session(daemon: Daemon, request: Request) -> Response:
    """POST /session, which clients of BuildKit ask for."""
    return message(HTTPStatus.NOT_IMPLEMENTED, NO_BUILDKIT)


def grpc(daemon: Daemon, request: Request) -> Response | Upgrade:
    """POST /grpc, at which BuildKit's clients want to speak to it: they are told that it is not here."""
    from labcore.daemon.grpc_refusal import refuse_calls  # few ask

    return Upgrade(lambda stream: refuse_calls(stream, NO_BUILDKIT))


def prune_cache(daemon: Daemon, request: Request) -> Response:
    """POST /build/prune."""
    asked, space, every = filters(request, FILTERS), space_asked(request), flag(request, "all")
    pruned = prune(daemon.engine, every=every, space=space, wanted=CacheView(daemon.engine).chosen_by(asked))
    daemon.steps_seen.clear()
    return json_response({"CachesDeleted": [*map(shown, pruned.keys)] or None, "SpaceReclaimed": pruned.freed})


ROUTES = (
    Route("POST", "/build", build, long_running=True),
    Route("POST", "/session", session),
    Route("POST", "/grpc", grpc, long_running=True),
    Route("POST", "/build/prune", prune_cache, long_running=True),
)

"""Answers of POST /build: the lines of a build while it is carried out, which ends with its client."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

from labcore.builder.build import build
from labcore.cancellation import Cancellation
from labcore.daemon.build_context import opened_context
from labcore.daemon.versions import version_of
from labcore.daemon.wire.build_events import event_lines
from labcore.daemon.wire.build_progress import classic_lines, quiet_lines
from labcore.daemon.wire.build_query import build_query
from labcore.daemon.wire.progress import streamed
from labcore.daemon.wire.registry_auth import found_in_config
from labcore.engine.image.local_images import local_image
from labcore.errors import LabcoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import BinaryIO, Final

    from labcore.builder.events import Event
    from labcore.builder.options import BuildOptions
    from labcore.daemon.context import Daemon
    from labcore.daemon.wire.build_query import BuildQuery
    from labcore.http import Request, Response

AUX_SINCE: Final = (1, 30)  # the API's version


def built(daemon: Daemon, request: Request) -> Response:
    """Return the answer. What is wrong before the first step is raised, as docker has it, and else the last line."""
    query = build_query(request)
    if query.options.cache_from and not query.tells_events:
        query = query.replace(options=_with_its_images_alone(daemon, query.options))
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


def _with_its_images_alone(daemon: Daemon, options: BuildOptions) -> BuildOptions:
    """Return options by which the cache is what the images of `cachefrom` hold, as far as they are here.

    So docker's classic builder understands it; it fetches none, and goes on without those that it has not got.
    """
    found: set[str] = set()
    for name in options.cache_from:
        with suppress(LabcoreError):
            found.update(local_image(daemon.engine.images, name).image.config.diff_ids)
    return options.replace(cache_from=(), cached_layers=frozenset(found), no_cache=options.no_cache or not found)


def _events(
    daemon: Daemon, request: Request, query: BuildQuery, cancellation: Cancellation
) -> Generator[Event, None, None]:  # fmt: skip
    """Yield what happens; closing it ends the build."""
    sent, place, find = cast("BinaryIO", request.body), daemon.engine.root / "builder", found_in_config(request)
    learners = daemon.engine.stages.of_builder() if daemon.engine.stages else {}
    with opened_context(
        place,
        sent,
        dockerfile=query.dockerfile,
        remote=query.remote,
        parts=query.parts,
        applies_ignore=query.tells_events,
        learners=learners,
    ) as context:
        found, named = context.source, context.named
        yield from build(
            daemon.engine, context.dockerfile, found, query.options, contexts=named, find=find, cancellation=cancellation
        )

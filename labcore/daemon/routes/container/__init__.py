"""Containers (tag Container, which is the largest: a file for each kind of work)."""

from labcore.daemon.routes.container import files, life, observe, records, streams

ROUTES = (*records.ROUTES, *life.ROUTES, *streams.ROUTES, *files.ROUTES, *observe.ROUTES)

"""Health checks: a command that is run in a container again and again, and what its exit codes mean."""

from __future__ import annotations

from labcore.record import Record


class Healthcheck(Record):
    """Docker's health check: `test` as in an image's config (`CMD`, `CMD-SHELL`, `NONE`), times in ns; 0 is the default."""

    test: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0

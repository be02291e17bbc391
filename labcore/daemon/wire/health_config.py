"""HealthConfig: a health check, at the creation of containers and in the config of committed images."""

from typing import Final

from labcore.daemon.wire.codec import Wire
from labcore.errors import InvalidInput
from labcore.spec import Healthcheck

MIN_TIME_NS: Final = 10**6  # docker's, of each of a health check's times


class HealthConfig(Wire):
    """A health check; times in nanoseconds."""

    test: list[str] = []
    interval: int = 0
    timeout: int = 0
    retries: int = 0
    start_period: int = 0
    start_interval: int = 0


def healthcheck_of(config: HealthConfig) -> Healthcheck:
    """Return the health check. Raises InvalidInput, in docker's words."""
    times = {
        "Interval": config.interval,
        "Timeout": config.timeout,
        "StartPeriod": config.start_period,
        "StartInterval": config.start_interval,
    }
    for name, value in times.items():
        if value and value < MIN_TIME_NS:
            raise InvalidInput(f"{name} in Healthcheck cannot be less than 1ms")
    if config.retries < 0:
        raise InvalidInput("Retries in Healthcheck cannot be negative")
    return Healthcheck(
        tuple(config.test), config.interval, config.timeout, config.start_period, config.start_interval, config.retries
    )

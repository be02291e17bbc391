"""The health of a container: `starting`, `healthy` or `unhealthy`, and the log of the last checks."""

from __future__ import annotations

from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

LOG_LENGTH: Final = 5
NO_HEALTH: Final = "none"  # the status of a container that has no check


class ProbeResult(Record):
    """What came of a check: when it ran (RFC 3339), its exit code, what it put out."""

    start: str
    end: str
    exit_code: int
    output: str


class Health(Record):
    """A container's health, how many checks in a row have failed, and the last results, the oldest first."""

    status: str = "starting"
    failing_streak: int = 0
    log: tuple[ProbeResult, ...] = ()

    def after(self, result: ProbeResult, retries: int, *, counts: bool) -> Health:
        """Return the health after a further result; with `counts` a failure of one that is starting counts."""
        log = (*self.log, result)[-LOG_LENGTH:]
        if result.exit_code == 0:
            return Health("healthy", 0, log)
        if self.status == "starting" and not counts:
            return self.replace(log=log)
        streak = self.failing_streak + 1
        return Health("unhealthy" if streak >= retries else self.status, streak, log)

"""Restart policies: whether a container that has ended is started again."""

from __future__ import annotations

from labcore.errors import InvalidInput
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

RESTART_POLICIES: Final = ("no", "always", "unless-stopped", "on-failure")


class RestartPolicy(Record):
    """Docker's restart policy; `max_retries` is for `on-failure` alone, 0 is without end. A daemon carries it out."""

    name: str = "no"
    max_retries: int = 0

    def __post_init__(self) -> None:
        if self.name not in RESTART_POLICIES:
            raise InvalidInput(
                f"invalid restart policy: unknown policy '{self.name:.40}'; "
                "use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
            )
        if self.max_retries and self.name != "on-failure":
            raise InvalidInput("invalid restart policy: maximum retry count can only be used with 'on-failure'")
        if self.max_retries < 0:
            raise InvalidInput("invalid restart policy: maximum retry count cannot be negative")

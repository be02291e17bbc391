"""Restart policies carried out: whether a container that has ended is started again, and after how long (docker's back-off)."""

from labcore.spec import RestartPolicy

FIRST_DELAY_SECONDS = 0.1
MAX_DELAY_SECONDS = 60.0
STABLE_SECONDS = 10.0  # one that ran so long begins with the first delay again


def should_restart(policy: RestartPolicy, *, exit_code: int, manually_stopped: bool, restart_count: int) -> bool:
    """Return whether one that has just ended is started again."""
    if manually_stopped or policy.name == "no":
        return False
    if policy.name == "on-failure":
        return exit_code != 0 and (not policy.max_retries or restart_count < policy.max_retries)
    return True


def should_start(policy: RestartPolicy, *, exit_code: int, manually_stopped: bool, restart_count: int) -> bool:
    """Return whether one that has ended is started when its daemon starts: `always` means one that was stopped, too."""
    manually_stopped = manually_stopped and policy.name != "always"
    return should_restart(
        policy, exit_code=exit_code, manually_stopped=manually_stopped, restart_count=restart_count
    )  # fmt: skip


def next_delay(last: float, ran_seconds: float) -> float:
    """Return how long to wait before the next start, after the last delay (0: there was none)."""
    if not last or ran_seconds >= STABLE_SECONDS:
        return FIRST_DELAY_SECONDS
    return min(2 * last, MAX_DELAY_SECONDS)

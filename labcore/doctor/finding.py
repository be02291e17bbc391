"""Findings of the doctor, and the probe of a plan."""

from typing import Literal

from labcore.errors import LabcoreError, StepFailed, SystemCallError
from labcore.language import Catalogue
from labcore.record import Record
from labcore.runtime import Plan, spawn

say = Catalogue("doctor")

# "ok" and "missing" are said only of what was tried; "limited": works, with something to know; "untried": and why not.
State = Literal["ok", "limited", "missing", "untried"]


class Finding(Record):
    """A feature that this machine has or lacks.

    `detail` is the observation, `affects` what depends on it, `cure` a command or a sentence, empty if nothing is to be done.
    `essential`: without it no container runs.
    """

    name: str
    state: State
    detail: str
    affects: str
    cure: str = ""
    essential: bool = False


def attempt(name: str, plan: Plan, *, affects: str, works: str, essential: bool = False) -> Finding:
    """Run a plan that ends by itself, and report whether it worked."""
    try:
        with spawn(plan) as process:
            process.wait(10)
    except StepFailed as error:
        return Finding(name, "missing", f"{error.strerror}: {error.cause}", affects, error.cure, essential)
    except SystemCallError as error:
        return Finding(name, "missing", str(error), affects, "", essential)
    except (LabcoreError, TimeoutError) as error:
        return Finding(name, "missing", str(error), affects, "", essential)
    return Finding(name, "ok", works, affects, "", essential)

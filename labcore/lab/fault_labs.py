"""Fault labs: `lab.fault(7)` breaks something on purpose; who finds the cause mends it with the docker command."""

import html
import secrets
from collections.abc import Iterator, Sequence

from labcore.errors import LabcoreError
from labcore.lab.checks.verdict import Claim, Verdict
from labcore.lab.colours import BAD
from labcore.lab.daemons import RunningDaemon, daemon
from labcore.lab.docker_command import DockerCommand, docker
from labcore.lab.faults import scenarios
from labcore.lab.faults.scenario import FaultScenario, Site
from labcore.lab.learner import learner, learners_seed
from labcore.lab.messages import say

_OPEN: list["Fault"] = []  # the one of this notebook


class Repair(Verdict):
    """The verdict on a fault: is it mended?"""

    @property
    def title(self) -> str:
        """One line: whether it is mended."""
        return say("mended") if self.state == "passed" else say("not mended yet")


class Fault:
    """Something that was broken on purpose: its daemon, and the docker command that asks it.

    Shown as what a user complains of. `seed` breaks the same again.
    """

    def __init__(self, scenario: FaultScenario, site: Site, seed: int) -> None:
        self._scenario = scenario
        self._site = site
        self.seed = seed

    @property
    def daemon(self) -> RunningDaemon:
        """The daemon."""
        return self._site.daemon

    @property
    def docker(self) -> DockerCommand:
        """The docker command that asks it."""
        return self._site.docker

    @property
    def words(self) -> dict[str, str]:
        """What was drawn: names, ports, texts."""
        return dict(self._site.words)

    @property
    def complaint(self) -> str:
        """What its user tells, and what they typed."""
        story = str(self._scenario.story).format(**self.words)
        return "\n".join([story, "", *self._site.typed])

    @property
    def cause(self) -> str:
        """What it was: for those who have mended it, and those who give up."""
        return str(self._scenario.cause).format(**self.words)

    def check(self) -> Repair:
        """Look from outside whether it is mended: at the daemon's answers, and at the kernel."""
        claims = tuple(self._looked_at())
        if all(claim.holds for claim in claims):
            return Repair(self._scenario.name, "passed", claims, self.cause)
        return Repair(self._scenario.name, "failed", claims)

    def _looked_at(self) -> Iterator[Claim]:
        try:
            yield from self._scenario.claims(self._site)
        except (LabcoreError, OSError) as error:  # what is asked for is not there, or nobody answers
            yield Claim(say("what is looked for is there"), False, str(error).partition("\n")[0])

    def restore(self) -> None:
        """End what was broken, with its daemon and containers; a second time does nothing."""
        self._site.undo.close()
        if self in _OPEN:
            _OPEN.remove(self)

    def __repr__(self) -> str:
        return self.complaint

    def _repr_html_(self) -> str:
        story, _, typed = (html.escape(part) for part in self.complaint.partition("\n\n"))
        return (
            f"<div style='border-left:4px solid {BAD};padding:2px 10px;line-height:1.5'>{story}"
            f"<pre style='margin:4px 0 0;white-space:pre-wrap'>{typed}</pre></div>"
        )


def fault(lesson: int, seed: int | None = None) -> Fault:
    """Break something on purpose that a lesson is about, on a daemon in the place of the notebook's.

    `seed` says which (the next one breaks something else) and draws its names, or both are drawn at random. One that was broken
    before is restored. Raises InvalidInput for a lesson without faults, DaemonFailed.
    """
    return broken(scenarios(lesson), secrets.randbelow(1000) if seed is None else seed)


def broken(choices: Sequence[FaultScenario], seed: int) -> Fault:
    """Break by one of these scenarios."""
    for each in list(_OPEN):
        each.restore()
    running = daemon(images=("busybox",))
    site = Site(running, docker(running), learners_seed(seed, learner()))
    site.undo.callback(running.close)
    try:
        fit = [each for each in choices if each.can_be(site)]
        scenario = fit[(seed - 1) % len(fit)]
        scenario.breaks(site)
    except BaseException:
        site.undo.close()
        raise
    found = Fault(scenario, site, seed)
    _OPEN.append(found)
    return found

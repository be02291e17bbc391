"""Launch: create, sync points, start, exit, delete. One sequence for the library, the engine and the OCI runtime.

A container's cgroup is made and limited before its process, and removed after it; `labcore.runtime.stages.sequence` has the
order of all that is done in between.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from labcore.errors import InvalidInput
from labcore.runtime.cgroups import Cgroup, removal
from labcore.runtime.cgroups.group import opened
from labcore.runtime.cgroups.mounts import with_cgroup_mounts
from labcore.runtime.probe import confined
from labcore.runtime.stages.sequence import DEFAULT, make_plan
from labcore.runtime.start import spawn
from labcore.spec import Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from labcore.native import Process, Stream
    from labcore.runtime.plan import Carrier
    from labcore.runtime.shim import Shim
    from labcore.runtime.stages.sequence import LaunchOptions, Stage
    from labcore.runtime.stepping import Stop
    from labcore.spec import ContainerSpec

Remember: TypeAlias = "Callable[['Launch'], None]"


class Launch:
    """A container on its way from a spec to its end.

    `cgroup` is the container's own, with the spec's resources as limits; None: it stays in the starter's. With `is_made` it is
    there already, made for this container (by systemd). `cgroups` are the directories that it is in, and `made` those of them
    that are the container's own, to be emptied and removed in the end. `remember` is told both, before they are made and
    afterwards, so that whoever comes after a crash can remove them. `pause` is called before each op: `runtime.stepping`.
    Raises InvalidInput for what cannot be.
    """

    def __init__(
        self,
        spec: ContainerSpec,
        *,
        stages: Mapping[str, Stage | None] | None = None,
        options: LaunchOptions = DEFAULT,
        cgroup: Cgroup | None = None,
        is_made: bool = False,
        remember: Remember = lambda _: None,
        pause: Callable[[Stop], None] | None = None,
    ) -> None:
        self.spec = spec
        self.stages = stages
        self.options = options
        self.cgroup = cgroup or Cgroup("")
        self.is_made = is_made
        self.cgroups: tuple[str, ...] = ()
        self.made: list[str] = []
        self._remember = remember
        self._pause = pause

    def create(
        self,
        *,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        carrier: Carrier | None = None,
        preserved: Sequence[int] = (),
        release: bool = False,
        shim: Shim | None = None,
    ) -> Process:
        """Make the cgroup and the process, and return that once its program runs, or with an exec FIFO waits for its start.

        The arguments are those of `spawn`. On failure nothing is left. Raises InvalidInput, StepFailed.
        """
        try:
            self._create_cgroup()
            spec = with_cgroup_mounts(self.spec, self.cgroup)
            birthplace = birthplace_of(self.cgroup, spec, self.stages)
            if joined := tuple(each for each in self.cgroups if each != birthplace):
                spec = spec.replace(cgroups=joined)
            plan = make_plan(spec, self.stages, self.options)
            if self._pause:
                from labcore.runtime.stepping import stepped  # which no ordinary start needs

                plan = stepped(plan, self._pause)
            with opened(birthplace) as cgroup:
                return spawn(
                    plan,
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    carrier=carrier,
                    until_sync=bool(self.options.exec_fifo),
                    release=release,
                    preserved=preserved,
                    shim=shim,
                    cgroup=cgroup,
                )
        except BaseException:
            self.delete()
            raise

    def delete(self) -> None:
        """End what is still there, and remove the cgroup."""
        if self.made:
            removal.remove(self.made)

    def _create_cgroup(self) -> None:
        """Make the cgroup, if it is not there, and set its limits.

        One that was there before is used if nobody is in it, and stays. A user who may make none does without, as long as no
        limit is asked for. Nor may an ordinary user say which devices can be used; none can that is made in a user namespace.
        """
        if not self.cgroup.path:
            _refuse_limits(self.spec.resources, "the container has no cgroup")
            return
        self.cgroups = self.cgroup.entrances()
        if self.cgroup.alone:
            self.made = list(self.cgroups)
            self._remember(self)
            if not self.cgroup.make_alone():
                self.cgroup, self.cgroups, self.made = Cgroup(""), (), []
            return
        there = () if self.is_made else self.cgroup.check_free()
        self.made = [each for each in self.cgroups if each not in there]
        self._remember(self)
        try:
            made = self.cgroup.make()
            self.made = self.made if self.is_made else made
            if removal.frozen(self.cgroups):
                raise InvalidInput(f"cgroup {self.cgroup.path}: one above it is frozen: thaw that, or name another cgroup")
        except PermissionError as error:
            self._do_without(error)
            return
        self.cgroup.apply(self.spec.resources)
        if self.spec.resources.devices and os.geteuid() == 0 and not confined():
            self.cgroup.allow_devices(self.spec.resources)

    def _do_without(self, error: PermissionError) -> None:
        if not (os.geteuid() or confined()):
            raise InvalidInput(f"cgroup {self.cgroup.path}: it cannot be made: {error}") from None
        _refuse_limits(self.spec.resources, f"no cgroup can be made here ({error}): have a subtree delegated")
        removal.remove(self.made)
        self.cgroup, self.cgroups, self.made = Cgroup(""), (), []


def birthplace_of(cgroup: Cgroup, spec: ContainerSpec, stages: Mapping[str, Stage | None] | None) -> str:
    """Return the directory of the container's cgroup that its process is born in, while its monitor stays outside; or none.

    A monitor that joins a cgroup namespace has to be in the cgroup before (`ops.EnterCgroups`); a stage of one's own for the
    limits is given all cgroups, to join them.
    """
    joins = any(kind == "cgroup" for kind, _ in spec.joins)
    return "" if joins or ("limits" in (stages or ()) and not cgroup.alone) else cgroup.birthplace()


def _refuse_limits(resources: Resources, why: str) -> None:
    if resources.replace(devices=()) != Resources():
        raise InvalidInput(f"resources: {why}")


@contextmanager
def launched(launch: Launch, **streams: Stream | Carrier) -> Iterator[Process]:
    """Yield a container's process, gone at the block's end, and its cgroup with it; `streams` are `create`'s arguments."""
    try:
        with launch.create(**streams) as process:  # type: ignore[arg-type]
            yield process
    finally:
        launch.delete()

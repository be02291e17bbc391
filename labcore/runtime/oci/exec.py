"""exec: a further process in a container, from a `process` object (config.md)."""

from __future__ import annotations

import os

from labcore.errors import InvalidInput, StepFailed
from labcore.runtime.cgroups import Cgroup
from labcore.runtime.exec import exec_plan
from labcore.runtime.oci.config import read_affinities, read_bundle, read_process
from labcore.runtime.oci.creation import warn
from labcore.runtime.oci.node import Node
from labcore.runtime.oci.rootfs import check_program, with_home
from labcore.runtime.oci.state import state_json
from labcore.runtime.stages import LaunchOptions
from labcore.runtime.start import spawn
from labcore.runtime.stdio import give_streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from labcore.native import Process
    from labcore.runtime.oci.console import Console
    from labcore.runtime.oci.state import Saved
    from labcore.runtime.stages import Stage
    from labcore.spec import ContainerSpec


def execute(
    saved: Saved,
    process: dict[str, Any],
    *,
    stages: Mapping[str, Stage | None] | None,
    console: Console,
    preserved: Sequence[int],
    release: bool,
    check_joined: Callable[[], None],
) -> Process:
    """Start the process, and return it once its program runs.

    `check_joined` is called when it has joined the container, and raises if that has ended. Raises ConfigError, InvalidInput,
    StepFailed.
    """
    node = Node(process, "process")
    spec = _spec(saved, node)
    console.check(wanted=spec.terminal)

    def ready(joined: Process) -> None:
        check_joined()
        check_program(spec, saved.pid)
        if not spec.terminal:
            give_streams(joined.pid, spec.user.uid, terminals=True)

    def hand_over(joined: Process) -> None:
        from labcore.runtime.oci.listener import give_listener

        give_listener(joined, saved.config["linux"]["seccomp"], state_json(saved, "running"))

    options = LaunchOptions(
        dies_with_parent=False,
        reset_affinity=True,
        preserve_fds=len(preserved),
        syncs=(("terminal", console.take), ("listener", hand_over), ("created", ready)),
    )
    plan = exec_plan(spec, saved.pid, stages=stages, options=options, affinities=read_affinities(node))
    try:
        return spawn(plan, release=release, preserved=preserved)
    except StepFailed as error:
        if error.call != "execve":
            raise
        why = (error.strerror or "").lower()  # in runc's words
        raise InvalidInput(f"process.args[0]: exec {spec.argv[0]}: {why}") from None


def _spec(saved: Saved, node: Node) -> ContainerSpec:
    """Return the container's own spec, with what the process object says, and the cgroups that are there to be entered."""
    bundle = read_bundle(saved.config, saved.bundle)
    spec = with_home(read_process(node, bundle.spec, warn), f"/proc/{saved.pid}/root")
    return spec.replace(cgroups=tuple(each for each in Cgroup(saved.cgroup).entrances() if os.path.isdir(each)))

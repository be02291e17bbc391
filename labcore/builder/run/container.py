"""RUN: a container on a stage's layers, in the foreground; what it has written is in its upper directory afterwards."""

from __future__ import annotations

import os
import select
from contextlib import ExitStack, contextmanager

from labcore.builder.layers import upper_on
from labcore.engine.container.completed import exit_code
from labcore.engine.container.foreground import prepared_on
from labcore.engine.create import DEFAULT_USER
from labcore.engine.engine import BARE
from labcore.engine.network.default import default_network
from labcore.engine.network.etc_files import PLACES
from labcore.engine.options.devices import are_listed
from labcore.errors import Cancelled
from labcore.native import DEVNULL, PIPE
from labcore.record import Record
from labcore.runtime.launch import Launch, launched
from labcore.runtime.mounting import resolved_targets
from labcore.spec import CreateOptions, MountPoint, Resources
from labcore.spec.network import EndpointOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Final

    from labcore.builder.run.mounts import PreparedMount
    from labcore.cancellation import Cancellation
    from labcore.engine.engine import Engine
    from labcore.native import Process
    from labcore.spec import Root
    from labcore.spec.isolation import Rlimit
    from labcore.storage.upper import Upper

PIECE: Final = 1 << 16  # bytes of output at once, which is what a pipe holds
NO_LIMITS: Final = Resources()
HOSTNAME: Final = "buildkitsandbox"  # BuildKit's: a step that writes it down makes the same layer each time


class RunStep(Record):
    """What RUN runs, and how.

    `environment` are lines `NAME=value`; `user` is `USER[:GROUP]`, empty for root. `network` is default (or empty: bridge),
    none, host, `container:NAME` or a network's name. `hosts` are pairs of a name and an address, of /etc/hosts. An `insecure`
    one is privileged. `stdin` is all that it can read.
    """

    argv: tuple[str, ...]
    environment: tuple[str, ...] = ()
    user: str = ""
    workdir: str = "/"
    mounts: tuple[PreparedMount, ...] = ()
    network: str = ""
    hosts: tuple[tuple[str, str], ...] = ()
    shm_size: int | None = None
    rlimits: tuple[Rlimit, ...] = ()
    resources: Resources = NO_LIMITS
    cgroup_parent: str = ""
    insecure: bool = False
    stdin: bytes = b""


class Ran(Record):
    """How a step's program ended, and its upper directory: for `labcore.builder.layers.layer_of_upper`."""

    exit_code: int
    upper: Upper


@contextmanager
def ran(
    engine: Engine,
    layers: Sequence[str],
    step: RunStep,
    *,
    container_id: str,
    output: Callable[[str, bytes], None],
    cancellation: Cancellation,
) -> Iterator[Ran]:
    """Run a step's program to its end, and yield how it ended, and what it has written, which is gone after the block.

    `layers` are those of its stage, from the lowest up, by the IDs that `LayerStore.add` returns, without a fixup layer.
    `output` is given what comes, on `stdout` or `stderr`, as it comes.
    Raises Cancelled, once it is killed; StepFailed if it cannot be started; InvalidInput, NotFound, InUse, StoreFull.
    """
    with ExitStack() as starting, upper_on(engine, layers) as upper:
        starting.enter_context(engine.layers.using())
        root = engine.uppers.root(upper)
        places = _places(step, root)
        code = _run(engine, root, step, starting, container_id, output, cancellation)
        if step.insecure or engine.stages:  # else all its processes have ended, and its mounts with the last
            engine.uppers.wait_until_free(upper)
        engine.uppers.remove_mount_points(upper, places)
        yield Ran(code, upper)


def _run(
    engine: Engine,
    root: Root,
    step: RunStep,
    starting: ExitStack,
    container_id: str,
    output: Callable[[str, bytes], None],
    cancellation: Cancellation,
) -> int:
    stages = engine.stages.stages() if engine.stages else {}
    own_mounts = {"rootfs", "mounts"}.isdisjoint(stages)
    points = [each.point for each in step.mounts if each.point]
    with prepared_on(
        engine,
        _options(step),
        root,
        BARE,
        starting,
        container_id=container_id,
        etc=own_mounts,
        mounts=points,
        lists_devices=are_listed(),
    ) as container:
        cgroup = None if container.cgroup.alone and "limits" in stages else container.cgroup
        launch = Launch(container.spec, stages=stages, options=container.options, cgroup=cgroup)
        stdin = PIPE if step.stdin else DEVNULL
        with launched(launch, stdin=stdin, stdout=PIPE, stderr=PIPE) as process:
            container.runs()
            _exchange(process, step.stdin, output, cancellation)
            return exit_code(process)


def _options(step: RunStep) -> CreateOptions:
    """Return the step as options of a container, with no name and no image."""
    pairs = (line.partition("=") for line in (*step.environment, *(line for each in step.mounts for line in each.environment)))
    mode = step.network
    if mode in ("", "default"):
        mode = default_network(publishes=False)
    shared_name = mode == "host" or mode.startswith("container:")
    shared = mode == "none" or shared_name
    return CreateOptions(
        command=step.argv,
        entrypoint=(),
        environment=tuple((name, value) for name, _, value in pairs),
        user=step.user or DEFAULT_USER,
        workdir=step.workdir,
        hostname="" if shared_name else HOSTNAME,
        network_mode=mode,
        networks=() if shared else (EndpointOptions(mode),),
        extra_hosts=step.hosts,
        shm_size=step.shm_size or None,
        ulimits=step.rlimits,
        resources=step.resources,
        cgroup_parent=step.cgroup_parent,
        privileged=step.insecure,
    )


def _places(step: RunStep, root: Root) -> tuple[str, ...]:
    """Return where the start makes something that is no change: the places of the step's mounts, and of the files in /etc."""
    of_etc = (MountPoint(place, "bind", "/") for place in PLACES)
    return resolved_targets((*of_etc, *(each.point for each in step.mounts if each.point)), root)


def _exchange(process: Process, stdin: bytes, output: Callable[[str, bytes], None], cancellation: Cancellation) -> None:
    """Give a process its input and pass its output on, until both its streams are closed. Raises Cancelled."""
    pending, writer = memoryview(stdin), process.stdin
    poller = select.poll()
    poller.register(cancellation.fileno(), select.POLLIN)
    if writer is not None:
        os.set_blocking(writer.fileno(), False)
        poller.register(writer.fileno(), select.POLLOUT)
    streams = (("stdout", process.stdout), ("stderr", process.stderr))
    readers = {stream.fileno(): name for name, stream in streams if stream is not None}
    for fd in readers:
        poller.register(fd, select.POLLIN)
    while readers:
        for fd, _ in poller.poll():
            if fd in readers:
                if piece := os.read(fd, PIECE):
                    output(readers[fd], piece)
                else:
                    poller.unregister(fd)
                    del readers[fd]
            elif writer is not None and fd == writer.fileno():
                if not (pending := _fed(fd, pending)):
                    poller.unregister(fd)
                    writer.close()
                    writer = None
            elif fd == cancellation.fileno():
                process.kill()
                raise Cancelled("the build was cancelled")


def _fed(fd: int, pending: memoryview) -> memoryview:
    try:
        return pending[os.write(fd, pending[:PIECE]) :]
    except BrokenPipeError:  # it does not want the rest
        return pending[:0]

"""RUN as a step: its program runs on the files so far, and what it has changed is the layer."""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack
from pathlib import Path

from labcore.builder.errors import RunFailed
from labcore.builder.events import StepOutput, StepRuns
from labcore.builder.image_config import shell_of
from labcore.builder.layers import layer_of_upper
from labcore.builder.parser.errors import excerpt
from labcore.builder.parser.heredocs import is_program, script_of
from labcore.builder.parser.mounts import mount_of
from labcore.builder.run.container import RunStep, ran
from labcore.builder.run.mounts import prepared_mounts
from labcore.engine.records.ids import new_id
from labcore.errors import InvalidInput
from labcore.spec import Platform
from labcore.spec.digest import digest_of
from labcore.spec.platform import MACHINES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Final

    from labcore.builder.events import Step
    from labcore.builder.layers import NewLayer
    from labcore.builder.options import BuildOptions
    from labcore.builder.parser.instructions import Command, Run, RunMount
    from labcore.builder.run.mounts import PreparedMount
    from labcore.builder.stage_work import StageWork
    from labcore.images import Config
    from labcore.storage.upper import Upper

SHOWN_LINES: Final = 10
SHOWN_BYTES: Final = 8192


def carry_out(work: StageWork, instruction: Run, step: Step) -> bool:
    """Add the layer of a RUN; return whether it was in the cache. Raises RunFailed, Cancelled, InvalidInput."""
    _check_allowed(instruction, work.shared.options)
    _check_platform(work.state.config)
    arguments = work.scope.arguments_of_run(work.state.config)
    argv, files = _program(work, instruction.command)
    run = _run(work, instruction, argv, arguments)
    mounts = [_expanded(work, mount) for mount in instruction.mounts]
    key = _key(work, instruction, run, [_described(work, mount, step) for mount in mounts], files)
    return work.add_layer(key, run_text(argv, arguments), lambda: _ran(work, run, mounts, files, step))


def _run(work: StageWork, instruction: Run, argv: tuple[str, ...], arguments: Mapping[str, str]) -> RunStep:
    """Return what is run, as yet without its mounts and the proxies of the build."""
    config, options = work.state.config, work.shared.options
    return RunStep(
        argv=argv,
        environment=(*config.environment, *(f"{name}={value}" for name, value in arguments.items())),
        user=config.user,
        workdir=config.workdir,
        network=instruction.network if instruction.network not in ("", "default") else options.network,
        hosts=options.hosts,
        shm_size=options.shm_size,
        rlimits=options.rlimits,
        resources=options.resources,
        cgroup_parent=options.cgroup_parent,
        insecure=instruction.security == "insecure",
    )


def _key(work: StageWork, instruction: Run, run: RunStep, mounted: Sequence[object], files: Mapping[str, bytes]) -> str:
    """Return the key: of what the program is and can see. Proxies, limits and what a cache holds make no difference."""
    epoch, hosts = work.shared.options.epoch, list(run.hosts)
    programs = [[path, digest_of(program)] for path, program in files.items()]
    seen = [list(run.argv), list(run.environment), run.user, run.workdir, run.network, hosts, run.insecure]
    script = run.argv if instruction.command.heredocs else ()
    return work.key(
        instruction,
        "run",
        [*seen, mounted, programs, epoch],
        reads=[mounted, programs, script] if mounted or programs or script else None,
        beside=[run.network, hosts, run.insecure, epoch],
    )


def _expanded(work: StageWork, mount: RunMount) -> RunMount:
    return mount_of(mount.text, work.expanded) if "$" in mount.text else mount


def _described(work: StageWork, mount: RunMount, step: Step) -> list[object]:
    """Return what stands for a mount in the key; a secret's value, or what a cache holds, is no part of that."""
    content = work.origins.key(mount, work.stage, step) if mount.kind == "bind" or mount.origin else ""
    return [*mount.replace(text="", origin="").values(), content]


def run_text(argv: tuple[str, ...], arguments: dict[str, str]) -> str:
    """Return the text of a RUN in the history: with the arguments in its environment, `|1 NAME=VALUE` before its command."""
    given = [f"|{len(arguments)}", *(f"{name}={value}" for name, value in arguments.items())] if arguments else []
    return " ".join(["RUN", *given, *argv])


def _program(work: StageWork, command: Command) -> tuple[tuple[str, ...], dict[str, bytes]]:
    """Return the program that a RUN means, and the files that it needs: a heredoc that begins with `#!` is one.

    `RUN []` means the image's own, as in docker's classic builder.
    """
    if not command.is_shell:
        return command.words or (*work.state.config.entrypoint, *work.state.config.command), {}
    if is_program(command):
        place = f"/dev/pipes/{command.heredocs[0].name}"
        return (place,), {place: script_of(command).encode()}
    return (*shell_of(work.state.config), script_of(command)), {}


def _ran(work: StageWork, run: RunStep, mounts: Sequence[RunMount], files: Mapping[str, bytes], step: Step) -> NewLayer | None:
    """Run the program, and return what it has changed as a layer."""
    shared = work.shared
    container_id = new_id()
    last: deque[bytes] = deque(maxlen=64)

    def output(stream: str, data: bytes) -> None:
        last.append(data[-SHOWN_BYTES:])
        shared.tell(StepOutput(step, stream, data))

    shared.tell(StepRuns(step, container_id))
    engine, cancellation = shared.engine, shared.cancellation
    proxies = work.scope.proxies(work.state.config)
    with ExitStack() as undo:
        prepared = undo.enter_context(_prepared(work, run, mounts, files, step))
        environment = (*run.environment, *(f"{name}={value}" for name, value in proxies.items()))
        run = run.replace(mounts=prepared, environment=environment)
        layers = work.unpacked()
        result = undo.enter_context(
            ran(engine, layers, run, container_id=container_id, output=output, cancellation=cancellation)
        )
        undo.enter_context(engine.layers.using())
        if result.exit_code:
            kept = _kept(work, result.upper) if shared.options.keeps_failed else ""
            raise _failed(work, run, step, result.exit_code, b"".join(last), kept)
        return shared.kept(layer_of_upper(engine, result.upper, epoch=shared.options.epoch))


def _prepared(
    work: StageWork, run: RunStep, mounts: Sequence[RunMount], files: Mapping[str, bytes], step: Step
) -> AbstractContextManager[tuple[PreparedMount, ...]]:
    return prepared_mounts(
        work.shared.engine,
        mounts,
        origin=lambda name: work.origins.of_mount(name, work.stage, step),
        secrets=dict(work.shared.options.secrets),
        cancellation=work.shared.cancellation,
        workdir=run.workdir,
        files=files,
    )


def _kept(work: StageWork, upper: Upper) -> str:
    """Keep the files of a RUN that has failed, as an image without a name; return its ID."""
    engine, state = work.shared.engine, work.state
    if new := layer_of_upper(engine, upper):
        state = state.with_layer(new.descriptor, new.diff_id, "RUN", key="", cached_as="", created=work.shared.created())
    return engine.images.put_image(None, state.layers, state.config, parent=state.image_id).id


def _check_allowed(instruction: Run, options: BuildOptions) -> None:
    """Raise InvalidInput if a RUN wants more than the caller allows: BuildKit's entitlements."""
    cures = {
        "security.insecure": "leave it out: only a program that calls labcore.builder may grant it",
        "network.host": "build with --network host",
    }
    asked = {"security.insecure": instruction.security == "insecure", "network.host": instruction.network == "host"}
    allowed = {*options.entitlements, *(["network.host"] if options.network == "host" else [])}
    for name, is_asked in asked.items():
        if is_asked and name not in allowed:
            raise InvalidInput(f"granting entitlement {name} is not allowed by the build: {cures[name]}")


def _check_platform(config: Config) -> None:
    """Raise InvalidInput if this machine runs no programs of an image's platform, nor qemu for it: binfmt_misc."""
    wanted, here = config.platform, Platform.here()
    if wanted.suits(here) or (wanted.architecture, here.architecture) == ("386", "amd64"):
        return
    machine = next((name for name, (each, _) in MACHINES.items() if each == wanted.architecture), wanted.architecture)
    if not Path(f"/proc/sys/fs/binfmt_misc/qemu-{machine}").exists():
        raise InvalidInput(
            f"RUN on {wanted}: this machine is {here}, and no emulator for {machine} is registered: "
            "install qemu-user-static and binfmt-support, or build on such a machine"
        )


def _failed(work: StageWork, run: RunStep, step: Step, code: int, output: bytes, kept: str) -> RunFailed:
    dockerfile = work.shared.dockerfile
    instruction = next(each for each in (work.stage.base, *work.stage.instructions) if each.location.line == step.line)
    lines = output[-SHOWN_BYTES:].decode(errors="replace").splitlines()[-SHOWN_LINES:]
    return RunFailed(
        " ".join(run.argv),
        code,
        output=lines,
        place=f"{dockerfile.name}:{step.line}",
        excerpt=excerpt(dockerfile.lines, instruction.location),
        kept=kept,
    )

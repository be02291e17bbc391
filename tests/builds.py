"""Steps of builds for tests: an engine of one's own, and RUN on layers of it."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from labcore.builder.layers import NewLayer, layer_of_upper
from labcore.builder.parser.instructions import RunMount
from labcore.builder.run.container import RunStep, ran
from labcore.builder.run.mount_origins import MountOrigin
from labcore.builder.run.mounts import prepared_mounts
from labcore.cancellation import Cancellation
from labcore.engine import Engine
from labcore.engine.build_cache import CacheRecord
from labcore.engine.fsck import check
from labcore.engine.records.ids import new_id
from labcore.record import Record
from labcore.spec import Reference


class Step(Record):
    """How a step came out."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    layer: NewLayer | None


def base(engine: Engine) -> list[str]:
    """Return busybox's layers."""
    return engine.layers_of(engine.images.get(Reference.parse("busybox")))


def put(engine: Engine, layer: NewLayer) -> None:
    """Have the build cache keep a layer."""
    record = CacheRecord(layer.diff_id, layer=layer.descriptor, diff_id=layer.diff_id, size=layer.size)
    engine.build_cache.put(record)


def run(
    engine: Engine,
    script: str,
    *,
    layers: Sequence[str] | None = None,
    epoch: int | None = None,
    mounts: Sequence[RunMount] = (),
    origins: Mapping[str, MountOrigin] = {},
    secrets: Mapping[str, bytes] = {},
    cancellation: Cancellation | None = None,
    **fields: object,
) -> Step:
    """Run a shell's script on layers, by default busybox's; the layer of what it has changed stays in the cache."""
    said: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    cancellation = cancellation or Cancellation()
    words = {"network": "none", "argv": ("sh", "-ec", script), "environment": ("PATH=/bin",)} | fields
    with ExitStack() as undo:
        undo.enter_context(engine.build_cache.using())
        undo.enter_context(engine.images.using())
        prepared = undo.enter_context(
            prepared_mounts(
                engine, mounts, origin=origins.__getitem__, secrets=secrets, cancellation=cancellation,
                workdir=str(fields.get("workdir", "/")),
            )
        )  # fmt: skip
        step = RunStep(mounts=prepared, **words)  # type: ignore[arg-type]
        done = undo.enter_context(
            ran(
                engine,
                base(engine) if layers is None else layers,
                step,
                container_id=new_id(),
                output=lambda name, data: said[name].append(data),
                cancellation=cancellation,
            )
        )
        undo.enter_context(engine.layers.using())
        layer = layer_of_upper(engine, done.upper, epoch)
        if layer:
            put(engine, layer)
        return Step(done.exit_code, b"".join(said["stdout"]), b"".join(said["stderr"]), layer)


def made(engine: Engine, script: str, **how: object) -> NewLayer | None:
    """Do the same with a script that has to succeed, and return the layer."""
    done = run(engine, script, **how)  # type: ignore[arg-type]
    assert done.exit_code == 0, done.stdout + done.stderr
    return done.layer


def clean(engine: Engine) -> bool:
    """Is every layer that is kept as unpacking its blob makes it, and nothing half there?"""
    found = check(engine)
    assert not list((engine.root / "storage" / "layers").glob(".*"))
    assert not list((engine.root / "storage" / "upper").glob("*"))
    assert not list((engine.root / "containers").glob("*/unfinished"))
    return (found.blobs, found.layers, found.unchecked) == ((), (), ())

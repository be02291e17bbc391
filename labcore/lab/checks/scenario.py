"""Scenario: a check's random draw, what it performs with the learner's step, and what it observes and concludes."""

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from types import ModuleType
from typing import Any

from labcore.errors import Unavailable
from labcore.images.builtin import find_busybox
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim
from labcore.lab.checks.wire import Wire
from labcore.lab.locked_directories import locked_directory, sweep
from labcore.lab.solutions import solution
from labcore.native import MountFlag, UnmountFlag
from labcore.record import Record
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.ops import Op
from labcore.runtime.ops.fields import ops_of
from labcore.spec import NAMESPACES, BindRoot, ContainerSpec

PREFIX = "labcore-check-"
APPLETS = ("sh", "cat", "echo", "sleep", "touch", "true", "ls", "ps", "hostname", "id")
LOOKED_UP = "ash"  # a shell that is in /srv only
SECONDS = 8.0  # that a step may take
GATE = "gate"  # a FIFO in the root: the container waits there until it has been looked at from outside
SOCKET = "docker.sock"  # beside the root: where the learner's daemon listens
INNER_GATE = "inner-gate"  # another, for a `perform` that looks at the container itself


class Draw(Record):
    """The random values of a check. `token` marks the container's process: it is in its argument list, and nowhere else.

    `again`: the second run of a check that runs twice.
    """

    root: str  # where the root file system is: in a directory of the check's own
    token: str
    hostname: str
    mark: str
    exit_code: int
    namespaces: tuple[str, ...]
    number: int
    which: int
    again: bool = False

    @property
    def place(self) -> str:
        """The directory in which the root is, and all that the check may write to; the root itself is no mount point."""
        return str(Path(self.root).parent)

    def waiting(self) -> tuple[str, ...]:
        """A program that waits at the gate and then exits with the drawn exit code."""
        return self.script(f"read go < /{GATE}; exit {self.exit_code}")

    def script(self, text: str) -> tuple[str, ...]:
        """Return the argument list of a shell script that carries the token."""
        return ("/bin/sh", "-c", text, self.token)

    def spec(self, argv: tuple[str, ...], **more: Any) -> ContainerSpec:
        """Return a container's spec with the drawn values, on the drawn root, and with what is given besides."""
        drawn = ContainerSpec(BindRoot(self.root), argv, hostname=self.hostname, namespaces=self.namespaces)
        return drawn.replace(**more)

    def keep(self, name: str, value: Any) -> None:
        """Keep something for a later part of the check, in this process: the step cannot reach it."""
        _KEPT[self.token, name] = value

    def kept(self, name: str, otherwise: Any = None) -> Any:
        """Return what an earlier part has kept, or `otherwise` if it has not come to that."""
        return _KEPT.get((self.token, name), otherwise)

    def hand_in(self, name: str, value: Any) -> None:
        """Write something into the root, as JSON, for the part of the check that runs in the sandbox."""
        Path(self.root, f"{name}.json").write_text(json.dumps(value), encoding="utf-8")

    def handed_in(self, name: str) -> Any:
        """Return what was written so."""
        return json.loads(Path(self.root, f"{name}.json").read_text(encoding="utf-8"))


_KEPT: dict[tuple[str, str], Any] = {}  # by token and name


Program = Callable[[Draw], tuple[str, ...]]
Perform = Callable[[ModuleType, Draw], Any]
Observe = Callable[[ProcessView, Draw], Iterator[Claim]]
Converse = Callable[[Wire, Draw], Iterator[Claim]]
Conclude = Callable[[Any, Draw], Iterator[Claim]]
Prepare = Callable[[Draw], AbstractContextManager[object]]


class Scenario(Record):
    """The parts of a check.

    `perform` runs in the sandbox and starts a container with the learner's step and the program `argv`; `observe` inspects it
    from outside while it waits at the gate; `conclude` judges the step's return value. With `twice` everything is repeated with
    the kinds of namespaces that were not drawn, so that no hard-coded list fits both. A step that makes no container has
    neither `observe` nor `argv`. `converse` asks, from outside, the daemon that `perform` serves (labcore.lab.checks.serving),
    and judges its answers. `prepare` is a context around all of it, outside of the sandbox. `forbidden` are objects of
    labcore's that would do the step's work: the step must not call them. `seconds` is the step's time limit.
    """

    perform: Perform
    observe: Observe | None
    conclude: Conclude
    argv: Program | None
    twice: bool = False
    prepare: Prepare = nullcontext
    forbidden: tuple[Target, ...] = ()
    seconds: float = SECONDS
    converse: Converse | None = None


@contextmanager
def drawn(seed: int, *, others: bool = False) -> Iterator[Draw]:
    """Draw a check's values, and make its root file system; the same seed draws the same values.

    With `others`, the namespaces are those that would not be drawn otherwise.
    """
    lots = random.Random(seed)
    word = "".join(lots.choice("abcdefghkmnpqrstuvwxyz23456789") for _ in range(10))
    optional = [kind for kind in NAMESPACES if kind not in ("mount", "pid", "uts")]
    chosen = set(lots.sample(optional, lots.randint(1, len(optional) - 1)))
    chosen = set(optional) - chosen if others else chosen
    with a_place() as place:
        directory = place / "root"
        directory.mkdir()
        draw = Draw(
            root=str(directory),
            token=f"token-{word}",
            hostname=f"{lots.choice(['box', 'crate', 'tin'])}-{word[:5]}",
            mark=f"mark-{word[5:]}",
            exit_code=lots.randint(3, 99),
            namespaces=tuple(kind for kind in NAMESPACES if kind in {"mount", "pid", "uts"} | chosen),
            number=lots.randint(200, 900),
            which=lots.randrange(3),
            again=others,
        )
        make_root(directory, draw.mark)
        yield draw


@contextmanager
def a_place() -> Iterator[Path]:
    """Make a directory for one check, and remove those of checks that were killed."""
    sweep(Path(gettempdir()).glob(f"{PREFIX}*"), _remove)
    with locked_directory(lambda: Path(mkdtemp(prefix=PREFIX))) as directory:
        try:
            yield directory
        finally:
            _remove(directory)


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)


def make_root(directory: Path, mark: str) -> None:
    """Make a small root file system: busybox, a gate (FIFO), and an empty file whose name identifies it."""
    directory.chmod(0o755)
    for name in ("bin", "dev", "proc", "srv", "tmp"):
        (directory / name).mkdir()
    (directory / "dev" / "null").touch()  # the shell opens it for what it starts in the background
    try:
        shutil.copy(find_busybox(), directory / "bin" / "busybox")
    except OSError as error:
        raise Unavailable(f"no room for a root in {directory}: {error.strerror}") from None
    for applet in APPLETS:
        (directory / "bin" / applet).symlink_to("busybox")
    (directory / "srv" / LOOKED_UP).symlink_to("../bin/busybox")
    for name in (GATE, INNER_GATE):
        os.mkfifo(directory / name)
    (directory / mark).touch()


Stage = Callable[[ContainerSpec], Sequence[Op]]


def carry_out(spec: ContainerSpec, *stages: Stage) -> int:
    """Run a container with these stages; return its exit code."""
    with spawn(plan_of(spec, *stages)) as process:
        return process.wait()


def plan_of(spec: ContainerSpec, *stages: Stage) -> Plan:
    """Return the plan of these stages for a spec; its program is not looked up in PATH."""
    made = [op for stage in stages for op in ops_of(stage, spec)]
    return Plan([*made, ops.Execve(spec.argv, spec.environment, spec.argv[:1])])


def turn(*entered: Op) -> list[Op]:
    """Return the ops that make the root of what these enter: a directory that is a mount point."""
    return [
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
        *entered,
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
    ]


class Reference:
    """The solutions of all other steps, copied before the one under test is replaced by a tripwire."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return solution(name)


REFERENCE = Reference()

"""Instructions of a Dockerfile as values: what the parser makes of each, with the lines that it stands on.

Words are as they are written, with quotes and `$NAME`: they are expanded when the instruction is carried out, by then known
variables (`labcore.builder.parser.words`). The Dockerfile reference has the meaning of each.
"""

from __future__ import annotations

from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    R = TypeVar("R", bound=Record)
    Same = TypeVar("Same", bound="Instruction")

# There are very many of these records: three functions make them of fields that are known to be right, in a quarter of their
# constructor's time.
_new = object.__new__


def record(kind: type[R], fields: dict[str, Any]) -> R:
    """Make a record of its fields; those that are left out are as the class has them."""
    made = _new(kind)
    own = made.__dict__
    own.update(kind._fields)
    own.update(fields)
    return made


def located(first: int, last: int) -> Location:
    """Return the place of whole lines."""
    made = _new(Location)
    own = made.__dict__
    own["line"], own["last_line"], own["column"] = first, last, 0
    return made


def moved(instruction: Same, location: Location) -> Same:
    """Return the same instruction at another place."""
    made = _new(type(instruction))
    own = made.__dict__
    own.update(instruction.__dict__)
    own["location"] = location
    return made


class Location(Record):
    """Where something stands: lines and columns, counted from 1; the last line is included. Column 0: the whole line."""

    line: int
    last_line: int
    column: int = 0


class Heredoc(Record):
    """A heredoc: its name, its lines, whether `$NAME` in them is expanded (no quotes around the name), whether tabs go."""

    name: str
    content: str
    expand: bool = True
    chomp: bool = False
    descriptor: int = 0


class Command(Record):
    """A program: the words of the exec form, or with `is_shell` one word, a line for the shell; `heredocs` are its files.

    There are no words where nothing was said: `CMD []`, `CMD`. `heredocs.script_of` gives what goes to the shell.
    """

    words: tuple[str, ...]
    is_shell: bool = False
    heredocs: tuple[Heredoc, ...] = ()


class Pair(Record):
    """NAME=VALUE of ENV, LABEL or ARG; `value` None: an ARG without a default. `is_legacy`: the form `NAME VALUE`."""

    name: str
    value: str | None = None
    is_legacy: bool = False


class Instruction(Record):
    """Any instruction: `name` in upper case, `source` its text as one line, as it stands in an image's history."""

    name: str
    source: str
    location: Location


class From(Instruction):
    """FROM [--platform=PLATFORM] IMAGE [AS NAME]."""

    image: str = ""
    platform: str = ""
    stage: str = ""


class RunMount(Record):
    """RUN --mount=type=KIND,…: bind, cache, tmpfs, secret or ssh.

    `source` is a path in the context, or in `origin`, a stage or an image. `sharing` (shared, private, locked) is for caches,
    `variable` for a secret that goes into the environment. `mode`, `uid` and `gid` are of what is made. `size` is in bytes.
    `text` is the option as it is written: `mounts.mount_of(text, expand)` reads it again with its variables replaced.
    """

    kind: str
    target: str = ""
    source: str = ""
    origin: str = ""
    id: str = ""
    sharing: str = "shared"
    read_only: bool = False
    required: bool = False
    variable: str = ""
    size: int = 0
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    text: str = ""


class Run(Instruction):
    """RUN: `network` is default, none or host; `security` is sandbox or insecure."""

    command: Command = Command(())
    mounts: tuple[RunMount, ...] = ()
    network: str = ""
    security: str = ""


class Cmd(Instruction):
    """CMD."""

    command: Command = Command(())


class Entrypoint(Instruction):
    """ENTRYPOINT."""

    command: Command = Command(())


class Shell(Instruction):
    """SHELL ["PROGRAM", "ARGUMENT", …]."""

    words: tuple[str, ...] = ()


class Label(Instruction):
    """LABEL NAME=VALUE …."""

    pairs: tuple[Pair, ...] = ()


class Env(Instruction):
    """ENV NAME=VALUE …."""

    pairs: tuple[Pair, ...] = ()


class Arg(Instruction):
    """ARG NAME[=DEFAULT] …."""

    pairs: tuple[Pair, ...] = ()


class Copy(Instruction):
    """COPY, and ADD, which also fetches `http://…` and unpacks archives; `heredocs` are sources that are written there.

    `origin` is `--from`: a stage, its number, an image or a named context. `unpack` None: as ADD does it.
    """

    sources: tuple[str, ...] = ()
    destination: str = ""
    heredocs: tuple[Heredoc, ...] = ()
    origin: str = ""
    owner: str = ""
    mode: str = ""
    is_linked: bool = False
    keeps_parents: bool = False
    excluded: tuple[str, ...] = ()
    checksum: str = ""
    unpack: bool | None = None


class Add(Copy):
    """ADD."""


class Expose(Instruction):
    """EXPOSE PORT[-PORT][/PROTOCOL] …."""

    ports: tuple[str, ...] = ()


class Volume(Instruction):
    """VOLUME PATH …, or a JSON list of paths."""

    paths: tuple[str, ...] = ()


class User(Instruction):
    """USER NAME[:GROUP]."""

    user: str = ""


class Workdir(Instruction):
    """WORKDIR PATH."""

    path: str = ""


class StopSignal(Instruction):
    """STOPSIGNAL NAME or NUMBER."""

    signal: str = ""


class Healthcheck(Instruction):
    """HEALTHCHECK: `kind` is NONE, CMD or CMD-SHELL; the times are nanoseconds, 0: not said."""

    kind: str = "NONE"
    words: tuple[str, ...] = ()
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class Onbuild(Instruction):
    """ONBUILD INSTRUCTION: `trigger` is its text, and `instruction` what that was read as."""

    trigger: str = ""
    instruction: Instruction | None = None


class Maintainer(Instruction):
    """MAINTAINER NAME, which LABEL has taken the place of."""

    author: str = ""


class Directives(Record):
    """Parser directives, the comments `# name=value` at the top: empty where there are none."""

    syntax: str = ""
    escape: str = "\\"
    check: str = ""


class Dockerfile(Record):
    """A Dockerfile that was read: its directives, its instructions in order, and its lines, for errors and excerpts.

    `blank_at` are the last lines of instructions that have blank lines within, which BuildKit warns of.
    """

    instructions: tuple[Instruction, ...]
    directives: Directives = Directives()
    lines: tuple[str, ...] = ()
    name: str = "Dockerfile"
    blank_at: tuple[int, ...] = ()

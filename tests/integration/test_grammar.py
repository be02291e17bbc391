"""docker's grammar: nouns, verbs, short forms, flags, helps, and errors that name the likely word."""

import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from labcore.cli import main
from labcore.cli.absent import absent
from labcore.cli.command_help import help_of_command
from labcore.cli.command_line import path_of, read
from labcore.cli.commands import ALIASES, AS_ROOT, COMMANDS, COMMON, NOUNS, OWN, SHORT
from labcore.cli.help import help_of
from labcore.cli.parser import parse, parser_of
from labcore.client import connect
from labcore.engine import Engine
from labcore.errors import InvalidInput
from tests.conftest import PROJECT, needs_root
from tests.daemon import RunningDaemon, own_daemon

LABCORE = str(Path(sys.executable).with_name("labcore"))
Said = Callable[..., str]  # runs a command, and returns what it printed
CLI = PROJECT / "labcore" / "cli"
WIDTH = 80


def test_each_command_has_its_module_and_each_module_its_line() -> None:
    for path in COMMANDS:
        module = import_module(f"labcore.cli.{path.replace(' ', '.')}")
        assert callable(module.arguments)
        assert callable(module.main)
    files = [file.relative_to(CLI).with_suffix("") for file in CLI.rglob("*.py") if "\ndef main(args" in file.read_text()]
    assert {str(file).replace("/", " ") for file in files} == set(COMMANDS)


def test_names_lead_to_commands_and_none_is_said_to_be_absent() -> None:
    assert {*SHORT.values(), *ALIASES.values()} <= set(COMMANDS)
    assert {path.partition(" ")[0] for path in COMMANDS if " " in path} - {"daemon"} == set(NOUNS)  # which is a command, too
    names = {*NOUNS, *SHORT, *ALIASES, *COMMANDS}
    assert not names & absent().keys()
    assert {*OWN} <= names
    assert {*COMMANDS, *(path.partition(" ")[0] for path in COMMANDS)} >= AS_ROOT


@pytest.mark.parametrize(("one", "other"), [("images", "image ls"), ("rmi", "image remove"), ("run", "container run")])
def test_a_short_form_is_the_same_command(one: str, other: str) -> None:
    assert read(one.split()).path == read(other.split()).path
    assert parser_of(str(path_of(one)))[1] is parser_of(str(path_of(other)))[1]


@pytest.mark.parametrize("name", ["", *NOUNS, *COMMANDS, *SHORT])
def test_a_help_fits_a_terminal(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    path = path_of(name)
    text = help_of_command(parser_of(path, name)[0]) if path else help_of(name)
    assert text.startswith(f"Usage:  labcore {name}".rstrip())
    assert text.endswith("\n")
    lines = text.splitlines()
    assert [line for line in lines if len(line) >= WIDTH] == []
    assert [line for line in lines if line.endswith("-") and line[-2].isalpha()] == []  # no word is broken


def test_the_common_commands_stand_first() -> None:
    sections = [part.split("\n") for part in help_of().split("\n\n")]
    titles = [lines[0] for lines in sections]
    assert titles[2:6] == ["Common Commands:", "Management Commands:", "Commands:", "Commands that docker has not:"]
    assert [line.split()[0] for line in sections[2][1:]] == [name for name in COMMON if path_of(name)]
    named = [line.split()[0] for lines in sections[2:6] for line in lines[1:]]
    assert sorted(named) == sorted({*SHORT, *NOUNS, *(path for path in COMMANDS if " " not in path)})


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["image"], ["image", "--help"], ["vm"], ["image", "ls", "--help"]])
def test_help_is_an_answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: object = main(words)
    except SystemExit as end:
        status = end.code
    assert status == 0
    assert capsys.readouterr().out.startswith("Usage:  labcore")


def test_help_on_a_real_terminal() -> None:
    """As wide as the terminal is, without an escape sequence, and its end seen."""
    ours, theirs = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen([LABCORE, "import", "--help"], stdout=theirs, env=environment):
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
    os.close(ours)
    lines = shown.decode().split("\r\n")
    assert lines[0] == "Usage:  labcore import [OPTIONS] FILE|- [NAME]"
    assert max(map(len, lines)) in range(50, 60)
    assert b"\033" not in shown


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 4096)
    except OSError:  # EIO: the other side has been closed
        return b""


# --- errors


@pytest.mark.parametrize(
    ("words", "status", "said", "cure"),
    [
        ("imgaes", 1, "unknown command 'imgaes'", "`labcore images`"),
        ("image lss", 1, "unknown command 'image lss'", "`labcore image ls`"),
        ("rum", 1, "unknown command 'rum'", "`labcore rm`, `labcore run`"),
        ("image foo", 1, "unknown command 'image foo'", "labcore image --help"),
        ("run", 1, "requires at least 1 argument: IMAGE\n", "labcore run --help"),
        ("volume", 0, "", ""),
        ("df", 1, "unknown command 'df'", "`labcore system df`"),
        ("prune", 1, "unknown command 'prune'", "`labcore system prune`"),
        ("xyzzy", 1, "unknown command 'xyzzy'", "labcore --help"),
        ("image xyzzy", 1, "unknown command 'image xyzzy'", "labcore image --help"),
        ("buildx build .", 1, "'buildx' is a command of docker's that is not here", "labcore build"),
        ("swarm init", 1, "'swarm' is a command of docker's that is not here", "one machine"),
        ("--bogus images", 1, "unknown option --bogus", "labcore --help"),
        ("image --bogus ls", 1, "unknown option --bogus", "labcore image --help"),
        ("--root", 1, "--root: a directory is wanted", "labcore --root ROOT"),
        ("images --qiet", 125, "unknown flag: --qiet", "did you mean --quiet?"),
        ("images --qui", 125, "unknown flag: --qui", "did you mean --quiet?"),
        ("ps xyzzy", 1, "accepts no arguments: what is xyzzy?", "labcore ps --help"),
        ("image ls --xyzzy", 125, "unknown flag: --xyzzy", "labcore image ls --help"),
        ("rmi", 1, "requires at least 1 argument: IMAGE", "labcore rmi --help"),
        ("rmi --force=perhaps x", 125, '"perhaps" for "-f, --force" flag: true or false is wanted', "labcore rmi --help"),
    ],
)
def test_a_wrong_word_is_refused_with_a_cure(
    words: str, status: int, said: str, cure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        ended: object = main(words.split())
    except SystemExit as end:
        ended = end.code
    error = capsys.readouterr().err
    assert ended == status
    assert said in error
    assert cure in error
    assert error.count("\n") <= 2


def test_every_absent_command_of_dockers_says_what_there_is_instead() -> None:
    for name, instead in absent().items():
        with pytest.raises(InvalidInput) as caught:
            read(name.split())
        assert "docker's" in str(caught.value)
        assert instead in str(caught.value) or name.partition(" ")[0] in absent()


# --- flags


@pytest.mark.parametrize(
    ("words", "forced"),
    [
        ("-f x", True), ("--force x", True), ("--force=true x", True), ("-f=1 x", True), ("--force=T x", True), ("x -f", True),
        ("--force=false x", False), ("-f=0 x", False), ("--force --force=False x", False), ("x", False), ("-- x", False),
    ],
)  # fmt: skip
def test_flags_are_dockers(words: str, forced: bool) -> None:
    parser, _ = parser_of("image rm")
    args = parse(parser, words.split())
    assert (args.force, args.images) == (forced, ["x"])


def test_a_flag_behind_the_image_is_the_programs() -> None:
    parser, _ = parser_of("container run")
    args = parse(parser, ["--rm=false", "busybox", "echo", "--rm=true", "--init=perhaps"])
    assert (args.rm, args.argv) == (False, ["echo", "--rm=true", "--init=perhaps"])


@pytest.mark.parametrize(
    ("words", "env", "name", "both"),
    [
        ("-e A=1 -eB=2 -e=C=3 x", ["A=1", "B=2", "C=3"], "", False),
        ("-it --env A x", ["A"], "", True),
        ("-ite A x", ["A"], "", True),
        ("-iteA x", ["A"], "", True),
        ("--name -x --env=-y x", ["-y"], "-x", False),  # a value may look like an option
        ("--name a --name b -t=true -i=1 x", None, "b", True),
        ("-e -- -- x", ["--"], "", False),
    ],
)
def test_options_are_read_as_docker_reads_them(words: str, env: list[str] | None, name: str, both: bool) -> None:
    parser, _ = parser_of("container run")
    args = parse(parser, words.split())
    assert (args.env, args.name, args.tty, args.open_stdin, args.image) == (env, name, both, both, "x")


@pytest.mark.parametrize(
    ("command", "words", "operands"),
    [
        ("container run", "-- -x -y", ("-x", ["-y"])),
        ("container run", "x -- -y", ("x", ["--", "-y"])),
        ("container run", "x", ("x", [])),
        ("container run", "- -i", ("-", ["-i"])),
        ("container cp", "-L a -a b", ("a", "b")),
        ("container cp", "- -- -a", ("-", "-a")),
        ("container rm", "a -f b", (["a", "b"],)),
        ("container port", "a", ("a", None)),
        ("container port", "a 80", ("a", "80")),
        ("container stats", "", ([],)),
    ],
)
def test_operands_are_read_as_docker_reads_them(command: str, words: str, operands: tuple[object, ...]) -> None:
    parser, _ = parser_of(command)
    args = parse(parser, words.split())
    assert tuple(getattr(args, operand.dest) for operand in parser.operands) == operands


@pytest.mark.parametrize(
    ("command", "words", "status", "said"),
    [
        ("container run", "-itx y", 125, "unknown shorthand flag: 'x' in -itx"),
        ("container run", "-e", 125, "flag needs an argument: 'e' in -e"),
        ("container run", "--env", 125, "flag needs an argument: --env"),
        ("container run", "--env=", 1, "requires at least 1 argument: IMAGE"),
        ("container run", "-i=maybe x", 125, 'invalid argument "maybe" for "-i, --interactive" flag: true or false'),
        ("container ls", "-n x", 125, 'invalid argument "x" for "-n, --last" flag: a whole number is wanted'),
        ("container ls", "-n 9223372036854775808", 125, "a whole number is wanted"),
        ("container cp", "a", 1, "requires 2 arguments: DEST"),
        ("container cp", "a b c d", 1, "requires 2 arguments: what is c d?"),
        ("container port", "a b c", 1, "requires at most 2 arguments: what is c?"),
        ("container kill", "-9 x", 125, "unknown shorthand flag: '9' in -9"),
        ("container kill", "--nosuch --help", 125, "unknown flag: --nosuch"),
    ],
)
def test_a_wrong_line_is_refused_in_dockers_words(
    command: str, words: str, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser, _ = parser_of(command)
    with pytest.raises(SystemExit) as ended:
        parse(parser, words.split())
    assert (ended.value.code, said in capsys.readouterr().err) == (status, True)


def test_help_is_not_kept_from_a_line_without_operands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        parse(parser_of("container cp")[0], ["a", "--help"])
    assert capsys.readouterr().out.startswith("Usage:  labcore container cp [OPTIONS] CONTAINER:PATH")


def test_a_name_is_declared_once() -> None:
    parser, _ = parser_of("container run")
    with pytest.raises(ValueError, match="--env is declared twice"):
        parser.add_argument("--env")
    with pytest.raises(ValueError, match="nothing is left"):
        parser.add_argument("more")


# --- start-up


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with own_daemon(tmp_path_factory.mktemp("grammar")) as found:
        yield found


def imported_by(*words: str) -> set[str]:
    script = f"import sys; from labcore.cli import main; main({[*words]!r}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_imports_next_to_nothing() -> None:
    assert not imported_by("--help") & {"argparse", "typing", "pathlib", "json", "labcore.engine", "labcore.cli.parser"}


# --- what is docker's elsewhere


@pytest.fixture
def engine(daemon: RunningDaemon) -> Engine:
    """The engine of the daemon's state root, with two images, and without volumes."""
    made = Engine(daemon.root)
    for name in ("busybox", "hello-world"):
        made.seed(name)
    with connect(daemon.url) as client:
        for volume in client.volumes.list():
            client.volumes.remove(volume.name)
    return made


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], engine: Engine) -> Said:

    def run(*words: str, status: int = 0) -> str:
        capsys.readouterr()
        assert main(["--root", str(engine.root), *words]) == status
        return capsys.readouterr().out

    return run


def test_prune_removes_what_docker_would(said: Said) -> None:
    anonymous = said("volume", "create").strip()
    said("volume", "create", "named")
    said("image", "prune", "--force")
    said("system", "prune", "-f")
    assert anonymous in said("volume", "ls", "-q").split()
    assert anonymous in said("system", "prune", "-f", "--volumes").splitlines()
    assert said("volume", "ls", "-q") == "named\n"
    assert "Untagged: busybox:latest" in said("image", "prune", "-a", "-f")
    assert said("images", "-q") == ""
    assert "named" in said("volume", "prune", "-a", "-f")


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("", 1), ("\n", 1)])
@pytest.mark.parametrize("command", ["system prune", "image prune", "volume prune"])
def test_a_terminal_is_asked_before_something_goes(
    said: Said, command: str, answer: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert "Are you sure you want to continue? [y/N]" in said(*command.split(), status=status)


def test_removing_a_volume_that_is_not_there(said: Said) -> None:
    said("volume", "rm", "nope", status=1)
    said("volume", "rm", "--force", "nope")

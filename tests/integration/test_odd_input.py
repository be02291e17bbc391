"""Odd input at the command line and in `labcore.run`: obeyed, or refused in a line that names it, and never a traceback."""

import io
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import labcore
from labcore.builder.image_config import changed
from labcore.cli import main
from labcore.cli.commands import COMMANDS
from labcore.cli.parser import parse, parser_of
from labcore.engine import Engine
from labcore.engine.containers import every, remove
from labcore.errors import InvalidInput, LabcoreError
from labcore.spec import IdRange, User
from labcore.spec.isolation import ID_MAX
from tests.conftest import PROJECT
from tests.daemon import RunningDaemon

pytestmark = pytest.mark.usefixtures("nothing_left")
LABCORE = str(Path(sys.executable).with_name("labcore"))
NUMBERS = ["-1", "0", str(ID_MAX + 1), str(1 << 32), str(1 << 63), "9" * 5000, "1e999", "nan", "inf", "²", "٣"]
TEXTS = ["", " ", "\udcff", "/\udcff", "a\nb", "-", "x" * 5000, "../..", "/", "::::", "=", ",", "@", '"', "%s{}", "/dev/null"]
ODD = [*NUMBERS, *TEXTS]
# Each `{}` is replaced by each odd word; what would start something lasting, or ask the network, is not among them.
LINES = [
    "run {}", "run busybox {}", "run --hostname {} busybox true", "run -e {} busybox true", "run --env-file {} busybox true",
    "run -w {} busybox true", "run -u {} busybox true", "run --entrypoint {} busybox", "run --userns-remap {} busybox true",
    "run --userns-remap 100000:{} busybox true", "run --name {} busybox true", "start {}",
    "stop {}", "stop -t {} x", "kill -s {} x", "logs --since {} x", "ps -f {}",
    "ps -f name={}", "rm {}", "wait {}", "rename {} x", "exec {} true", "attach {}", "container {}", "create --name {} busybox",
    "run -v {} busybox true", "run -v a:{} busybox true",
    "run -v a:/x:{} busybox true", "run --mount {} busybox true", "run --mount type=bind,src={},dst=/x busybox true",
    "run --mount type=tmpfs,dst=/x,tmpfs-size={} busybox true", "run --mount type=tmpfs,dst=/x,tmpfs-mode={} busybox true",
    "run --tmpfs {} busybox true",
    "run --tmpfs /x:size={} busybox true", "run --rootfs {} true", "plan {}", "plan --hostname {} busybox",
    "pull --platform {} 127.0.0.1:1/x", "push 127.0.0.1:1/{}", "logout {}", "search --limit {} 127.0.0.1:1/x",
    "search 127.0.0.1:1/{}", "images {}", "inspect {}", "history {}", "tag {} x", "tag busybox {}", "rmi {}", "save {}",
    "load -i {}", "import {} x", "import /etc/hostname {}", "import -c {} /etc/hostname", "seed {}", "seed --from {}",
    "diff {}", "cp {}:/x out", "cp {} {}", "export {}", "commit {} x", "volume {}",
    "volume rm {}", "volume create --label {}", "registry {}", "registry serve --listen {}",

    "registry serve --keep {} --proxy x --listen x", "registry serve --fresh {} --proxy x --listen x", "vm {}",
    "vm run --memory {} --machine x", "bench {}", "bench start -n {} --archive", "lesson {}", "lesson start {} {}",
    "lesson check 99 --seed {}", "rootless /nowhere/{}", "--root /dev/null/{} images", "{} images",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _daemon(served: RunningDaemon) -> None:
    """Have the shared engine's daemon answer."""


def fresh_streams(monkeypatch: pytest.MonkeyPatch) -> io.TextIOWrapper:
    """Give this process standard streams as a command has them; return standard error."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=name != "stdin"))
    assert isinstance(sys.stderr, io.TextIOWrapper)
    return sys.stderr


def said(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode(errors="replace")  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def no_containers(engine: Engine) -> Iterator[None]:
    """Remove what stays of `run` without --rm: an odd word may be the beginning of its ID."""
    yield
    for container in every(engine):
        remove(engine, container.id, force=True, volumes=True)


@pytest.mark.usefixtures("no_containers")
@pytest.mark.parametrize("line", LINES)
def test_every_command(engine: Engine, tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = fresh_streams(monkeypatch)
    monkeypatch.setenv("LABCORE_ROOT", str(engine.root))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for odd in ODD:
        before = len(said(stderr))
        try:
            status: object = main([word.replace("{}", odd) for word in line.split()])
        except SystemExit as end:
            status = end.code
        assert status == 0 or said(stderr)[before:].strip(), (line, odd)
    assert not list((engine.root / "storage").glob("scratch/*"))


@pytest.mark.parametrize("command", COMMANDS)
def test_no_option_is_known_by_its_beginning(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser, _ = parser_of(command)
    for short in {option[:-1] for option in parser.options if len(option) > 4} - parser.options.keys():
        with pytest.raises(SystemExit, match="125"):
            parse(parser, [short])
        assert f"unknown flag: {short}\n" in capsys.readouterr().err


def test_no_other_parser_knows_options_by_their_beginning() -> None:
    files = [*PROJECT.glob("labcore/**/*.py"), *PROJECT.glob("tools/*.py")]
    made = [
        line for file in files for line in file.read_text().splitlines() if "ArgumentParser(" in line and "class " not in line
    ]
    assert made
    assert all("allow_abbrev=False" in line for line in made)


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (["run", "--link-local-ip", "169.254.1.1", "busybox"], "--ip and --ip6"),
        (["run", "--root", "/tmp", "busybox"], "labcore --root DIR"),
        (["images", "--root", "/tmp"], "labcore --root DIR"),
        (["run", "--gpus", "all", "busybox"], "--device PATH"),
        (["plan", "--rm", "busybox"], "plan starts nothing"),
        (["run", "--bogus", "busybox"], "labcore run --help"),
    ],
)
def test_an_unknown_option_leads_on(words: list[str], cure: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="125"):
        main(words)
    assert cure in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("timeout", [math.nan]),
        ("carrier", ["", "nope"]),
        ("stdout", [-1 << 63, 1 << 63, 4096, "x"]),
        ("hostname", ["\0", "\udcff", "x" * 65, 5]),
        ("workdir", ["x", "/\0", 5]),
        ("env", [{"": ""}, {"A=B": "c"}, {"A": "\0"}, ["=x"], ["lonely"], [5]]),
        ("argv", [[""], ["\0"], [5], "true", b"true", 5]),
        ("rootfs", ["", "\0", "/nowhere"]),
        ("remap", [5, "x", "1:0", 0]),
        ("user", [-1, ID_MAX + 1, 1 << 63, "\0", True]),
        ("name", ["a", "\0", "../x", "\udcff"]),
        ("volumes", [[""], ["\0"], ["/a\0:/x"], ["/:/x\0"], ["a:/\udcff:no"]]),
        ("image", ["", "\0", "\udcff", "A B"]),
    ],
)
def test_keywords(engine: Engine, keyword: str, values: list[object]) -> None:
    for value in values:
        options: dict[str, object] = {"image": "busybox", "argv": ["true"], keyword: value}
        if keyword == "rootfs":
            del options["image"]
        with pytest.raises(LabcoreError) as caught:
            labcore.run(root=engine.root, **options)  # type: ignore[arg-type]
        assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("timeout", [math.inf, 1e300, 1 << 63, 3e6])
def test_a_time_that_is_longer_than_any(engine: Engine, timeout: float) -> None:
    assert labcore.run("busybox", ["true"], root=engine.root, timeout=timeout).exit_code == 0


EDGES = [-1, 0, 1, ID_MAX, ID_MAX + 1, 1 << 32, 1 << 63]


def test_ids_at_their_edges() -> None:
    for number in EDGES:
        fits = 0 <= number <= ID_MAX
        for fields in ({"uid": number}, {"gid": number}, {"groups": (number,)}):
            if fits:
                User(**fields)  # type: ignore[arg-type]
            else:
                with pytest.raises(InvalidInput, match=str(number)):
                    User(**fields)  # type: ignore[arg-type]
        for size in EDGES:
            if fits and size > 0 and number + size - 1 <= ID_MAX:
                IdRange(inside=0, outside=number, size=size)
            else:
                with pytest.raises(InvalidInput, match="they go from 0"):
                    IdRange(inside=0, outside=number, size=size)


# --- the environment


def shown(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], *words: str
) -> list[bytes]:
    monkeypatch.setenv("LABCORE_ROOT", str(engine.root))
    assert main(["run", *words, "busybox", "env"]) == 0
    return sorted(capfdbinary.readouterr().out.splitlines())


def test_variables_are_dockers(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("FROM_HERE", "here")
    monkeypatch.delenv("NOWHERE", raising=False)
    file = tmp_path / "file"
    file.write_bytes(
        b"\xef\xbb\xbf# comment\r\n\r\n  A=from file \r\nB=b=c # d\nFROM_HERE\nNOWHERE\nBYTES=\x0b\xe2\x80\xa8x\nE=\n"
    )
    words = ["-h", "box", "--env-file", str(file), "-e", "A=first", "-e", "A=last", "-e", "HOME", "-e", "NOWHERE"]
    monkeypatch.delenv("HOME")
    assert shown(engine, monkeypatch, capfdbinary, *words) == [
        b"A=last", b"B=b=c # d", b"BYTES=\x0b\xe2\x80\xa8x", b"E=", b"FROM_HERE=here", b"HOSTNAME=box",
        b"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]  # fmt: skip


@pytest.mark.parametrize("line", [b"A B=c", b"=c", b"A B", b"A=\xff"])
def test_a_line_that_is_no_variable_is_named(
    engine: Engine, tmp_path: Path, line: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"A=b\n" + line)
    assert main(["--root", str(engine.root), "run", "--env-file", str(tmp_path / "file"), "busybox", "true"]) == 125
    assert "line 2" in capsys.readouterr().err


def test_an_environment_without_end_is_not_read(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(engine.root), "run", "--env-file", "/dev/zero", "busybox", "true"]) == 125
    assert "no program can be given" in capsys.readouterr().err


def test_an_entry_point_of_ones_own_drops_the_images_command(engine: Engine) -> None:
    from labcore.engine.containers import remove
    from labcore.engine.image.commit import commit
    from labcore.spec import Reference

    labcore.run("busybox", ["true"], root=engine.root, name="entry")
    commit(
        engine,
        "entry",
        Reference.parse("entry"),
        settings=partial(changed, text='ENTRYPOINT ["echo","image"]\nCMD ["command"]'),
    )
    remove(engine, "entry")

    def run(*argv: str, **options: str) -> bytes:
        return labcore.run("entry", argv, root=engine.root, **options).stdout  # type: ignore[arg-type]

    assert run() == b"image command\n"
    assert run("x") == b"image x\n"
    assert run(entrypoint="echo") == b"\n"
    assert run("echo", "mine", entrypoint="") == b"mine\n"
    with pytest.raises(InvalidInput, match="argv is empty"):
        run(entrypoint="")


# --- streams


def test_bytes_that_are_no_text_come_out_as_they_went_in(engine: Engine, tmp_path: Path) -> None:
    done = subprocess.run([LABCORE, "--root", engine.root, "run", "busybox", b"/\xff"], capture_output=True, check=False)
    assert done.returncode == 125
    assert done.stderr == b"labcore: /\xff: this is no UTF-8, and the Engine API takes nothing else\n"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([LABCORE, "--help"], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    (tmp_path / "state").mkdir()
    done = subprocess.run(
        [LABCORE, "--root", os.fsencode(tmp_path) + b"/\xff", "doctor"], capture_output=True, check=False, timeout=60
    )
    assert b"/\xff" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["images", "seed --list", "plan busybox", "--help", "system df"])
def test_output_that_nobody_takes(engine: Engine, command: str) -> None:
    for where in ("| true", "> /dev/full"):
        script = f"{LABCORE} --root {engine.root} {command} {where}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        assert where == "| true" or "No space left on device" in done.stderr


# --- the state root


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["images"], 1),
        (["run", "busybox", "true"], 125),
        (["seed", "busybox"], 125),
        (["volume", "ls"], 1),
        (["system", "df"], 1),
    ],
)
def test_a_state_root_that_is_a_file(
    tmp_path: Path, command: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    (tmp_path / "file").touch()
    assert main(["--root", str(tmp_path / "file"), *command]) == status
    said, cure = capsys.readouterr().err.splitlines()
    assert "Not a directory" in said
    assert "--root" in cure


@pytest.mark.parametrize("version", [b"", b"2\n", b"\xff"])
def test_a_state_root_of_another_version(tmp_path: Path, version: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    Engine(tmp_path).seed("busybox")
    Engine(tmp_path).layers.prepared().joinpath("format").write_bytes(version)
    for command, status in ((["run", "busybox", "true"], 125), (["volume", "ls"], 1)):
        assert main(["--root", str(tmp_path), *command]) == status
        said = capsys.readouterr().err
        assert said.startswith("labcore: the daemon does not come up")
        assert "another state root: --root" in said

"""ExecConfig and ExecStartConfig: what exec's requests carry, the ExecOptions that they mean, and what inspect answers."""

from typing import Any

from labcore.daemon.wire.codec import Wire
from labcore.engine.container.exec import ExecOptions
from labcore.engine.container.exec_sessions import ExecSession
from labcore.errors import InvalidInput


class ExecConfig(Wire):
    """The body of POST /containers/{id}/exec."""

    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    cmd: list[str] = []
    console_size: list[int] = []
    detach_keys: str = ""
    env: list[str] = []
    privileged: bool = False
    tty: bool = False
    user: str = ""
    working_dir: str = ""


class ExecStartConfig(Wire):
    """The body of POST /exec/{id}/start."""

    detach: bool = False
    tty: bool = False
    console_size: list[int] = []


def exec_options_of(body: ExecConfig) -> ExecOptions:
    """Return what is to be run. Raises InvalidInput."""
    return ExecOptions(
        command=tuple(body.cmd),
        environment=tuple(_variable(each) for each in body.env),
        workdir=body.working_dir,
        user=body.user,
        privileged=body.privileged,
        tty=body.tty,
        console_size=size_of(body.console_size),
    )


def attached_of(body: ExecConfig) -> frozenset[str]:
    """Return the streams that a client is to have."""
    wanted = {"stdin": body.attach_stdin, "stdout": body.attach_stdout, "stderr": body.attach_stderr}
    return frozenset(name for name, is_wanted in wanted.items() if is_wanted)


def size_of(numbers: list[int]) -> tuple[int, int] | None:
    """Return rows and columns; None if none are given. Raises InvalidInput."""
    if not numbers:
        return None
    if len(numbers) != 2 or not all(0 <= each < 1 << 16 for each in numbers):
        raise InvalidInput("ConsoleSize: two numbers are wanted, rows and columns")
    return numbers[0], numbers[1]


def _variable(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not name:
        raise InvalidInput(f"invalid environment variable: {text}")
    return name, value if equals else None


def exec_inspect(session: ExecSession) -> dict[str, Any]:
    """Return what GET /exec/{id}/json says."""
    options = session.options
    program, *arguments = options.command
    process = {"tty": options.tty, "entrypoint": program, "arguments": arguments, "privileged": options.privileged}
    return {
        "ID": session.id,
        "Running": session.is_running,
        "ExitCode": session.exit_code,
        "ProcessConfig": process | ({"user": options.user} if options.user else {}),
        "OpenStdin": "stdin" in session.attached,
        "OpenStderr": "stderr" in session.attached,
        "OpenStdout": "stdout" in session.attached,
        "CanRemove": False,
        "ContainerID": session.container.id,
        "DetachKeys": session.detach_keys,
        "Pid": session.pid,
    }

"""Exec: further processes in containers."""

from __future__ import annotations

from labcore.client.answer import Answer, flag, number, text
from labcore.client.api import API, path
from labcore.client.streams import Streams
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Exec(Answer):
    """A further process, as inspect shows it; `exit_code` is 0 as long as it runs."""

    id: str = text("ID")
    container_id: str = text("ContainerID")
    is_running: bool = flag("Running")
    exit_code: int = number("ExitCode")
    pid: int = number("Pid")


class Execs:
    """Further processes: created, started, and inspected for their exit codes."""

    def __init__(self, api: API) -> None:
        self._api = api

    def create(
        self,
        container: str,
        command: Sequence[str],
        *,
        stdin: bool = False,
        stdout: bool = True,
        stderr: bool = True,
        tty: bool = False,
        env: Mapping[str, str | None] | None = None,
        workdir: str = "",
        user: str = "",
        privileged: bool = False,
        detach_keys: str = "",
        console_size: tuple[int, int] | None = None,
    ) -> str:
        """Prepare a process; return its ID. A variable of `env` that is None takes the container's away.

        Raises NotFound, NotRunning.
        """
        if isinstance(command, str):
            raise InvalidInput(f"command: a list of words is wanted: ['sh', '-c', {command!r}]")
        body = {
            "Cmd": list(command),
            "AttachStdin": stdin,
            "AttachStdout": stdout,
            "AttachStderr": stderr,
            "Tty": tty,
            "Env": [name if value is None else f"{name}={value}" for name, value in (env or {}).items()],
            "WorkingDir": workdir,
            "User": user,
            "Privileged": privileged,
            "DetachKeys": detach_keys,
            **({"ConsoleSize": list(console_size)} if console_size else {}),
        }
        made: str = self._api.post(path("containers", container, "exec"), json=body)["Id"]
        return made

    def start(self, id: str, *, tty: bool = False, console_size: tuple[int, int] | None = None) -> Streams:
        """Start it; return its streams."""
        size = {"ConsoleSize": list(console_size)} if console_size else {}
        _, connection = self._api.hijack(path("exec", id, "start"), json={"Detach": False, "Tty": tty, **size})
        return Streams(connection, is_multiplexed=not tty)

    def start_detached(self, id: str) -> None:
        """Start it, and leave it alone."""
        self._api.change("POST", path("exec", id, "start"), json={"Detach": True}, timeout=None)

    def inspect(self, id: str) -> Exec:
        """Return how it goes, or how it ended."""
        return Exec(self._api.get(path("exec", id, "json")))

    def resize(self, id: str, rows: int, columns: int) -> None:
        """Set the size of its terminal."""
        self._api.change("POST", path("exec", id, "resize"), {"h": rows, "w": columns})

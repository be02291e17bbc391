"""Serving the learner's handlers from a notebook: `lab.serve()`."""

import http.client
import json
import os
import socket
import subprocess
from collections import deque
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread
from typing import IO, Any, Final, Self

from labcore.engine import default_root
from labcore.errors import LabcoreError
from labcore.lab.cgroups import VARIABLE, home
from labcore.lab.lessons import LESSONS, current, lesson
from labcore.lab.messages import say
from labcore.lab.miniature.log import LOG_PATH, DaemonLog, Line
from labcore.lab.sandbox import python
from labcore.lab.workspace import default_workspace
from labcore.unix_sockets import connect

MOST_PRINTED: Final = 200  # lines that are kept
LOG_SECONDS: Final = 10.0
_SERVED: list["Served"] = []  # the one of this notebook


class CannotServe(LabcoreError):
    """The miniature daemon cannot be started: another one listens there, or its port is in use."""

    def _render_traceback_(self) -> list[str]:  # what IPython shows instead of a traceback, which would only show the lab
        return [str(self)]


class Served:
    """A miniature daemon that runs: its socket, as a path and as DOCKER_HOST, and its address on the loopback, if any."""

    def __init__(self, supervisor: "subprocess.Popen[bytes]", path: str, port: int | None) -> None:
        self.socket = path
        self.url = f"unix://{path}"
        self.tcp = f"http://127.0.0.1:{port}" if port else None
        self._supervisor = supervisor
        self._printed: deque[str] = deque(maxlen=MOST_PRINTED)
        assert supervisor.stdout is not None
        self._reader = Thread(target=self._gather, args=(supervisor.stdout,), daemon=True)
        self._reader.start()

    def _gather(self, output: IO[bytes]) -> None:
        for line in output:
            self._printed.append(line.decode(errors="replace"))

    def __repr__(self) -> str:
        return f"<miniature daemon at {' and '.join(filter(None, (self.url, self.tcp)))}>"

    @property
    def pid(self) -> int:
        """The number of its supervisor, below which all of its processes are."""
        return self._supervisor.pid

    def log(self) -> DaemonLog:
        """Return the requests since the last call, and what handlers have printed; it is shown as a table. Raises OSError."""
        lines = tuple(Line(**row) for row in _asked(self.socket, LOG_PATH))
        said = "".join(self._printed)
        self._printed.clear()
        return DaemonLog(lines, said)

    def close(self) -> None:
        """End it, with all its containers."""
        assert self._supervisor.stdin is not None
        with suppress(BrokenPipeError):
            self._supervisor.stdin.close()
        self._supervisor.wait()
        self._reader.join()
        assert self._supervisor.stdout is not None
        self._supervisor.stdout.close()
        Path(self.socket).unlink(missing_ok=True)  # the sandbox was killed
        with suppress(ValueError):
            _SERVED.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(*, tcp: bool = False, port: int = 0, registry: str = "") -> Served:
    """Serve `my_runtime.py`'s handlers, in the place of the miniature daemon that this notebook had before.

    It listens on a unix socket, which only its owner may open; with `tcp` on a port of the loopback (0: any that is free), too.
    `registry` is the URL that `daemon.registry` gives to handlers, where images are pulled from.
    It reads `my_runtime.py` again whenever that has changed, and ends with the notebook. Raises CannotServe.
    """
    close()
    number = current() or LESSONS[-1].number
    path = default_root() / "lab" / f"lesson-{number}.sock"
    path.parent.mkdir(parents=True, exist_ok=True)
    work = str(default_workspace().directory.absolute())
    settings = {"lesson": number, "work": work, "socket": str(path), "port": port if tcp else None, "registry": registry}
    command = python("labcore.lab.miniature.supervisor", json.dumps(settings))
    # A session of its own: the keyboard's Ctrl-C is for the kernel, and the daemon goes on.
    supervisor = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, env=_environment(number)
    )
    assert supervisor.stdout is not None
    said = _read_ready(supervisor.stdout)
    if "error" in said:
        supervisor.communicate()
        raise CannotServe(say("the daemon cannot be started: {error}", error=said["error"]))
    served = Served(supervisor, str(path), said["port"])
    _SERVED.append(served)
    return served


def _environment(number: int) -> dict[str, str]:
    """Return the daemon's environment: where its containers have cgroups, they are made in the notebook's own."""
    has_cgroups = "limits" in lesson(number).requires
    return os.environ | ({VARIABLE: home()} if has_cgroups else {})


def close() -> None:
    """End this notebook's miniature daemon, if there is one."""
    for served in list(_SERVED):
        served.close()


def _read_ready(output: IO[bytes]) -> dict[str, Any]:
    """Return what it says when it listens, or why it cannot."""
    line = output.readline()
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"error": (line + output.read()).decode(errors="replace").strip()}
    return said


def _asked(path: str, target: str) -> Any:
    """Return the JSON that is answered at a unix socket."""
    connection = http.client.HTTPConnection("localhost", timeout=LOG_SECONDS)
    connection.sock = socket.socket(socket.AF_UNIX)
    with closing(connection):
        connection.sock.settimeout(LOG_SECONDS)
        connect(connection.sock, path)
        connection.request("GET", target)
        return json.loads(connection.getresponse().read())

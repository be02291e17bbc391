"""The miniature daemon's process, inside the sandbox: `python -m labcore.lab.miniature.inside < SETTINGS`.

Prints one line of JSON when it listens, and then what handlers print.
"""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any

from labcore.errors import LabcoreError
from labcore.http import Server, listen_tcp, listen_unix
from labcore.lab.hosts import host
from labcore.lab.lessons import enter
from labcore.lab.miniature.app import App, MiniatureDaemon
from labcore.lab.miniature.routes import routes_in
from labcore.lab.steps import MODULE, run_text
from labcore.lab.workspace import Workspace

OWNER_ONLY = 0o600
WITH_NETWORK = 7  # the lesson from which on containers are connected to a lab host


class Loader:
    """Loads `my_runtime.py` as a module, again whenever it has changed."""

    def __init__(self, workspace: Workspace, lesson: int) -> None:
        self._workspace = workspace
        self._lesson = lesson
        self._text: str | None = None
        self._module = ModuleType(MODULE)

    def __call__(self) -> ModuleType:
        """Return the module. Raises what running the file raises."""
        text = self._workspace.text(self._lesson)
        if text != self._text:
            module = ModuleType(MODULE)
            module.__dict__["__file__"] = str(self._workspace.file)
            run_text(module.__dict__, text, str(self._workspace.file), self._lesson)
            sys.modules[MODULE] = self._module = module
            self._text = text
        return self._module


def serve(app: App, socket: Path, port: int | None, undo: ExitStack) -> int | None:
    """Serve an app on a unix socket and, with `port` (0: any that is free), on the loopback; return that port.

    Each request may take, and rest, for any time. Raises InUse, InvalidInput, OSError.
    """
    listeners = [undo.enter_context(listen_unix(socket, mode=OWNER_ONLY))]
    if port is not None:
        listeners.append(listen_tcp("127.0.0.1", port))
        port = listeners[-1].getsockname()[1]
    for listener in listeners:
        server = Server(listener, app, is_long_running=lambda _: True)
        server.start()
        undo.callback(server.close)
    return port


def main() -> int:
    """Serve until the sandbox ends."""
    settings: dict[str, Any] = json.load(sys.stdin)
    enter(settings["lesson"])
    workspace = Workspace(Path(settings["work"]))
    workspace.make_program()
    if settings["lesson"] >= WITH_NETWORK:
        host()  # before any container, so that all find the same one
    daemon = MiniatureDaemon([sys.executable, str(workspace.file.absolute())], settings["registry"])
    app = App(Loader(workspace, settings["lesson"]), routes_in(settings["lesson"]), daemon)
    with ExitStack() as undo:
        try:
            port = serve(app, Path(settings["socket"]), settings["port"], undo)
        except (LabcoreError, OSError) as error:
            print(json.dumps({"error": str(error)}), flush=True)
            return 1
        print(json.dumps({"port": port}), flush=True)
        Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())

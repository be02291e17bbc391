"""Serving in a check: the learner's handlers on a socket inside the sandbox, until the check has asked all it wants to know."""

from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore.lab.checks.scenario import GATE, SOCKET, Draw
from labcore.lab.miniature.app import App, MiniatureDaemon
from labcore.lab.miniature.inside import serve as serve_app
from labcore.lab.miniature.routes import routes_in


def serve(mine: ModuleType, draw: Draw, *, runtime: list[str], lesson: int, registry: str = "") -> dict[str, Any]:
    """Serve a module's handlers until the gate is opened; return what the daemon knows of its containers then.

    `runtime` is the command that handlers start containers with, `registry` the URL of the one that they pull from.
    """
    daemon = MiniatureDaemon(runtime, registry)
    app = App(lambda: mine, routes_in(lesson), daemon)
    with ExitStack() as undo:
        serve_app(app, Path(draw.place, SOCKET), None, undo)
        with Path(draw.root, GATE).open("rb") as gate:
            gate.read(1)
    failed = (HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)
    for said in dict.fromkeys(row["said"] for row in app.log.take() if row["status"] in failed):
        print(said, flush=True)  # what is wrong with a handler stands below the verdict
    return {id: [each.image, list(each.argv), each.state] for id, each in daemon.containers.items()}

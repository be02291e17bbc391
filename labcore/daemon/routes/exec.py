"""Exec: further processes in containers (tag Exec)."""

from http import HTTPStatus

from labcore.daemon.context import Daemon
from labcore.daemon.streams import Attachment, framed, upgrade_headers
from labcore.daemon.wire.codec import decode, empty, json_response
from labcore.daemon.wire.exec import ExecConfig, ExecStartConfig, attached_of, exec_inspect, exec_options_of, size_of
from labcore.daemon.wire.query import console_size
from labcore.detach_keys import detach_keys
from labcore.engine.container.exec import check_runs
from labcore.engine.container.exec_sessions import ExecSession
from labcore.engine.container.state import get
from labcore.errors import LabcoreError
from labcore.http import RawStream, Request, Response, Route, Upgrade


def create_exec(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /containers/{name}/exec."""
    body = decode(request, ExecConfig)
    detach_keys(body.detach_keys)
    sessions = daemon.exec_sessions
    session = sessions.create(name, exec_options_of(body), attached=attached_of(body), detach_keys=body.detach_keys)
    return json_response({"Id": session.id}, status=HTTPStatus.CREATED)


def start_exec(daemon: Daemon, request: Request, id: str) -> Response | Upgrade:
    """POST /exec/{id}/start: detached it is answered when the process runs; else what goes wrong is told in the stream."""
    body, sessions = decode(request, ExecStartConfig), daemon.exec_sessions
    session = sessions.find(id)
    if size := size_of(body.console_size):
        session.options = session.options.replace(console_size=size)
    if body.detach:
        sessions.start(sessions.claim(id))
        return empty(HTTPStatus.OK)
    check_runs(get(daemon.engine, session.container.id))

    def serve(stream: RawStream) -> None:
        attachment = Attachment(stream, request, multiplexed=not body.tty, takes_keys=session.options.tty)
        try:
            sessions.start(sessions.claim(id), attachment)
        except LabcoreError as error:
            stream.write(framed("stdout", f"{error}\r\n".encode(), tty=body.tty))
            return
        _feed(daemon, attachment, session)
        attachment.wait()

    return Upgrade(serve, upgrade_headers(request, tty=body.tty))


def _feed(daemon: Daemon, attachment: Attachment, session: ExecSession) -> None:
    if "stdin" not in session.attached or (fd := session.take_input()) is None:
        return
    attachment.feed(
        fd,
        detach_keys(session.detach_keys),
        ended=lambda: None,  # it was closed with the descriptor
        detached=lambda: daemon.exec_sessions.detached(session),
    )


def resize_exec(daemon: Daemon, request: Request, id: str) -> Response:
    """POST /exec/{id}/resize."""
    size = console_size(request)
    daemon.exec_sessions.running(id).resize(*size)
    return empty(HTTPStatus.OK)


def inspect_exec(daemon: Daemon, request: Request, id: str) -> Response:
    """GET /exec/{id}/json."""
    return json_response(exec_inspect(daemon.exec_sessions.find(id)))


ROUTES = (
    Route("POST", "/containers/{name}/exec", create_exec),
    Route("POST", "/exec/{id}/start", start_exec, long_running=True),
    Route("POST", "/exec/{id}/resize", resize_exec),
    Route("GET", "/exec/{id}/json", inspect_exec),
)

"""Raw requests to a daemon of the Engine API, and its answers as values."""

import json
import socket
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any, NamedTuple

JSON = {"Content-Type": "application/json"}
TAR = {"Content-Type": "application/x-tar"}


class UnixConnection(HTTPConnection):
    """A connection to a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Answer(NamedTuple):
    """What was answered."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def message(self) -> str:
        return str(self.json["message"])


class Api:
    """A daemon's API at a socket: called with a method and a path, it answers."""

    def __init__(self, path: str, version: str = "1.51") -> None:
        self.path = path
        self._version = version

    def __call__(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}) -> Answer:
        connection = UnixConnection(self.path)
        if isinstance(body, dict):
            body, headers = json.dumps(body), {**JSON, **headers}
        connection.request(method, f"/v{self._version}{path}", body, headers)
        response = connection.getresponse()
        answer = Answer(response.status, response.read())
        connection.close()
        return answer

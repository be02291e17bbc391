"""`lab.curl` prints an answer with its head, by curl and, where that is not installed, without."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.http import Request, Response, Server, listen_unix
from labcore.lab.curl_command import curl


def answer(request: Request) -> Response:
    return Response(404, {"Api-Version": "1.47"}, f"{request.method} {request.path}".encode())


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "docker.sock"
    with listen_unix(path, mode=0o600) as listener:
        server = Server(listener, answer, is_long_running=lambda _: False)
        server.start()
        yield str(path)
        server.close()


@pytest.mark.parametrize("installed", [True, False])
def test_an_answer_is_printed_with_its_head(
    served: str, installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not installed:
        monkeypatch.setenv("PATH", str(tmp_path))
    curl("http://docker/nowhere", unix_socket=served, method="DELETE")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"$ curl -sSi -X DELETE --unix-socket {served} http://docker/nowhere"
    assert {"HTTP/1.1 404 Not Found", "Api-Version: 1.47", "DELETE /nowhere"} <= set(lines)
    assert any("curl is not installed here" in line for line in lines) is not installed


@pytest.mark.parametrize("installed", [True, False])
def test_nobody_at_a_socket_is_one_line(
    installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not installed:
        monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
    curl("http://docker/_ping", unix_socket=str(path))
    said = capsys.readouterr().out.strip().splitlines()[-1]
    assert said.startswith("curl: ")
    assert "onnect" in said

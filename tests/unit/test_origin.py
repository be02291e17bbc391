"""Host and Origin of requests by TCP."""

import socket
from types import SimpleNamespace
from typing import Any

import pytest

from labcore.errors import Forbidden
from labcore.http.origin import check_origin


def request(address: str, host: str, origin: str | None = None) -> Any:
    headers = {"host": host} | ({"origin": origin} if origin is not None else {})
    return SimpleNamespace(client=SimpleNamespace(address=address), headers=headers)


@pytest.mark.parametrize(
    ("address", "host", "origin"),
    [
        ("", "docker", None),
        ("", "evil.example", "http://evil.example"),
        ("127.0.0.1", "127.0.0.1:2375", None),
        ("127.0.0.1", "localhost:2375", None),
        ("127.0.0.1", "LOCALHOST", None),
        ("127.0.0.1", "api.moby.localhost", None),
        ("127.0.0.1", f"{socket.gethostname()}:2375", None),
        ("127.0.0.1", "localhost:2375", "http://localhost:2375"),
        ("::1", "[::1]:2375", None),
        ("192.0.2.7", "docker.example:2376", None),
    ],
)
def test_programs_are_answered(address: str, host: str, origin: str | None) -> None:
    check_origin(request(address, host, origin))


@pytest.mark.parametrize(
    ("address", "host", "origin"),
    [
        ("127.0.0.1", "evil.example:2375", None),
        ("127.0.0.1", "localhost.evil.example", None),
        ("127.0.0.1", "127.0.0.1.evil.example", None),
        ("127.0.0.1", "", None),
        ("127.0.0.1", "[", None),
        ("::1", "evil.example", None),
        ("::ffff:127.0.0.1", "evil.example", None),
        ("127.0.0.1", "localhost:2375", "http://evil.example"),
        ("127.0.0.1", "localhost:2375", "http://localhost:8888"),
        ("127.0.0.1", "localhost:2375", "null"),
        ("127.0.0.1", "localhost:2375", ""),
        ("192.0.2.7", "docker.example:2376", "https://evil.example"),
    ],
)
def test_pages_of_other_sites_are_refused(address: str, host: str, origin: str | None) -> None:
    with pytest.raises(Forbidden):
        check_origin(request(address, host, origin))

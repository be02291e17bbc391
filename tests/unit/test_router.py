"""Routes and the router, and the table of exception handlers."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from labcore.errors import InvalidInput, LabcoreError
from labcore.http import Body, ExceptionMiddleware, HTTPException, MethodNotAllowed, NotFound, Request, Response, Route, Router
from labcore.http.exceptions import ClientDisconnect


class Nobody:
    """A client that there is not: these requests come by no connection."""


def request(line: str, **headers: str) -> Request:
    method, _, target = line.partition(" ")
    return Request(method, target, {"http-version": "1.1", **headers}, Body(lambda: None), Nobody())  # type: ignore[arg-type]


def routes(*lines: str) -> Iterator[Route]:
    """Make routes whose answer names them and their parameters."""
    for line in lines:
        method, path = line.split()

        def endpoint(asked: Request, _line: str = line, **params: str) -> Response:
            return Response(200, {}, " ".join([_line, *map("=".join, params.items())]).encode())

        yield Route(method, path, endpoint)


ROUTES = (
    "GET /_ping",
    "HEAD /_ping",
    "GET /images/json",
    "POST /images/create",
    "GET /images/{name:path}/json",
    "DELETE /images/{name:path}",
    "GET /containers/{id}/json",
    "GET /containers/json",
    "PUT /containers/{id}/archive",
)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("GET /_ping", "GET /_ping"),
        ("HEAD /_ping", "HEAD /_ping"),
        ("HEAD /images/json", "GET /images/json"),
        ("GET /images/json?all=1", "GET /images/json"),
        ("DELETE /images/json", "DELETE /images/{name:path} name=json"),
        ("GET /images/a/json", "GET /images/{name:path}/json name=a"),
        ("GET /images/quay.io/a/b:c@sha256:d/json", "GET /images/{name:path}/json name=quay.io/a/b:c@sha256:d"),
        ("GET /images/a%2Fb/json", "GET /images/{name:path}/json name=a/b"),
        ("GET /containers/json", "GET /containers/json"),
        ("GET /containers/a.b/json", "GET /containers/{id}/json id=a.b"),
        ("GET /v1.51/containers/a/json", "GET /containers/{id}/json id=a"),
        ("GET /v1.51/_ping", "GET /_ping"),
    ],
)
def test_the_route_of_a_request(line: str, answer: str) -> None:
    response = Router(routes(*ROUTES), prefix="/v{version:number}")(request(line))
    assert isinstance(response, Response)
    assert response.body == answer.encode()


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("GET /", None), ("GET /_ping/", None), ("GET /containers//json", None), ("GET /containers/a/b/json", None),
        ("GET /vx/_ping", None), ("GET /v1.51", None), ("GET /v1.51-2/_ping", None), ("GET /containersxjson", None),
        ("PUT /_ping", "GET, HEAD"), ("PUT /containers/a/json", "GET, HEAD"), ("GET /containers/a/archive", "PUT"),
        ("PATCH /images/json", "GET, HEAD, DELETE"), ("OPTIONS /_ping", "GET, HEAD"),
    ],
)  # fmt: skip
def test_requests_without_a_route(line: str, allowed: str | None) -> None:
    router = Router(routes(*ROUTES), prefix="/v{version:number}")
    with pytest.raises(MethodNotAllowed if allowed else NotFound) as raised:
        router(request(line))
    assert raised.value.headers.get("Allow") == allowed
    assert raised.value.status == (405 if allowed else 404)
    assert not router.is_long_running(request(line))


def test_parameters_of_the_prefix_are_the_requests() -> None:
    asked = request("GET /v1.51/containers/a/json")
    Router(routes(*ROUTES), prefix="/v{version:number}")(asked)
    assert asked.path_params == {"version": "1.51", "id": "a"}


def test_only_safe_methods() -> None:
    router = Router(routes(*ROUTES), safe_only=True)
    assert router(request("HEAD /images/json"))
    with pytest.raises(MethodNotAllowed) as raised:
        router(request("POST /images/create"))
    assert raised.value.headers == {"Allow": ""}


def test_long_running_routes() -> None:
    def endpoint(_: Request, **__: str) -> Response:
        return Response(200)

    router = Router([Route("POST", "/containers/{id}/attach", endpoint, long_running=True), Route("GET", "/info", endpoint)])
    assert router.is_long_running(request("POST /containers/a/attach"))
    assert not router.is_long_running(request("GET /info"))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["GET /a", "GET /a"], "there are two such routes"),
        (["GET /{a}", "GET /{a}"], "there are two such routes"),
        (["BREW /a"], "BREW /a: the methods are GET, HEAD"),
        (["GET /{a:int}"], r"a parameter is \{name\}"),
        (["GET /{a"], r"a parameter is \{name\}"),
    ],
)
def test_routes_that_cannot_be(lines: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Router(routes(*lines))


@pytest.mark.parametrize(
    ("connection", "upgrade", "version", "protocol"),
    [
        ("Upgrade", "tcp", "1.1", "tcp"), ("keep-alive, upgrade", "h2c", "1.1", "h2c"), ("close", "tcp", "1.1", ""),
        ("Upgrade", "tcp", "1.0", ""), ("Upgrade", "", "1.1", ""),
    ],
)  # fmt: skip
def test_the_upgrade_that_is_asked_for(connection: str, upgrade: str, version: str, protocol: str) -> None:
    headers: dict[str, Any] = {"connection": connection, "upgrade": upgrade, "http-version": version}
    assert request("POST /attach", **headers).upgrade == protocol


HANDLERS = {
    LabcoreError: lambda _, error: Response(500, {}, str(error).encode()),
    InvalidInput: lambda _, error: Response(400, {}, str(error).encode()),
    OSError: lambda _, error: (_ for _ in ()).throw(error),
}


@pytest.mark.parametrize(
    ("error", "status", "said", "logged"),
    [
        (InvalidInput("--memory -1"), 400, b"--memory -1", False),
        (HTTPException("no", 418, {"X-Tea": "yes"}), 418, b"no", False),
        (LabcoreError("the base class"), 500, b"the base class", True),
        (OSError("the entry raises it again"), 500, b"the server has failed; its log says how", True),
        (ZeroDivisionError("a secret"), 500, b"the server has failed; its log says how", True),
        (ConnectionRefusedError("somebody else's connection"), 500, b"the server has failed; its log says how", True),
    ],
)
def test_exceptions_become_responses(
    error: Exception, status: int, said: bytes, logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def app(_: Request) -> Response:
        raise error

    response = ExceptionMiddleware(app, HANDLERS)(request("GET /a%0Ab"))
    assert isinstance(response, Response)
    assert (response.status, bytes(response.body).strip()) == (status, said)  # type: ignore[arg-type]
    assert ("X-Tea" in response.headers) == (status == 418)
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * logged
    assert logged == ("GET '/a\\nb': " in caplog.text) == (str(error) in caplog.text)
    explained = type(error) in HANDLERS and status == 500 and said == str(error).encode()
    assert ("the handler has failed\nTraceback" in caplog.text) == (logged and not explained)


def test_nobody_is_answered_who_has_gone() -> None:
    def app(_: Request) -> Response:
        raise ClientDisconnect

    with pytest.raises(ClientDisconnect):
        ExceptionMiddleware(app, {OSError: HANDLERS[OSError]})(request("GET /"))


def test_a_request_is_matched_once() -> None:
    asked = request("GET /info")
    router = Router([Route("GET", "/info", lambda _: Response(200))])
    assert not router.is_long_running(asked)
    found = asked.match
    router(asked)
    assert found is not None
    assert asked.match is found

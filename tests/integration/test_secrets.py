"""What is never said: passwords, tokens and signatures, in whatever goes wrong."""

import base64
import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.cli import main
from labcore.engine import Engine
from labcore.engine.image.endpoint import endpoint
from labcore.engine.image.pull import pull
from labcore.engine.image.push import push
from labcore.errors import LabcoreError
from labcore.http import Request, Response
from labcore.images import ImageStore
from labcore.registry.client import Client
from labcore.registry.client_auth import Authorization
from labcore.registry.credentials import Credentials, keep
from labcore.registry.endpoint import Endpoint
from labcore.registry.mirrors import Sources
from labcore.registry.server import Registry
from labcore.registry.transport import Transport
from tests.daemon import RunningDaemon, own_daemon
from tests.serving import Handler, named, served

PASSWORD, IDENTITY, TOKEN, SIGNATURE = "hush-hush", "identity-secret", "bearer-secret", "signature-secret"
BASIC = base64.b64encode(f"anna:{PASSWORD}".encode()).decode()
SECRETS = (PASSWORD, IDENTITY, TOKEN, SIGNATURE, BASIC)


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setattr("labcore.registry.transport.pause", lambda *_: 0.0)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """The daemon that the commands ask."""
    with own_daemon(tmp_path_factory.mktemp("secrets") / "root") as daemon:
        yield daemon


def everything_said(error: BaseException) -> str:
    """Return an error as it may be shown, with all that led to it."""
    said = [repr(vars(error))]
    while error is not None:
        said += [str(error), repr(error), *traceback.format_exception(error)]
        error = error.__context__  # type: ignore[assignment]
    return "\n".join(said)


def echo(request: Request) -> str:
    """Say all that came, as a careless registry does."""
    said = f"{request.headers.get('authorization')} {request.body.read_at_most(10_000)!r} {request.target}"
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    return said + (base64.b64decode(encoded).decode() if kind == "Basic" else encoded)


def basic(then: Handler) -> Handler:
    def handler(request: Request) -> Response:
        if "authorization" not in request.headers:
            return Response(401, {"WWW-Authenticate": "Basic realm=x"})
        return then(request)

    return handler


def token(then: Handler, give: Handler | None = None) -> Handler:
    def handler(request: Request) -> Response:
        if request.path == "/token":
            return give(request) if give else Response(200, {}, json.dumps({"token": TOKEN}).encode())
        if "authorization" not in request.headers:
            realm = f"http://{request.headers['host']}/token?k={SIGNATURE}"
            return Response(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'})
        return then(request)

    return handler


def refuses(request: Request) -> Response:
    return Response(403, {}, json.dumps({"errors": [{"code": "DENIED", "message": echo(request)}]}).encode())


def fails(request: Request) -> Response:
    return Response(500, {}, echo(request).encode())


def leads_astray(request: Request) -> Response:
    return Response(307, {"Location": f"http://anna:{PASSWORD}@127.0.0.1:1/x?key={SIGNATURE}"})


def says_again(request: Request) -> Response:
    return Response(401, {"WWW-Authenticate": f'Basic realm="{echo(request)[:100]}"'})


WAYS: dict[str, Handler] = {
    "a password is refused": basic(refuses),
    "… and asked for again": basic(says_again),
    "a password, and the registry fails": basic(fails),
    "a password, and a redirect": basic(leads_astray),
    "a token is refused": token(refuses),
    "a token, and the registry fails": token(fails),
    "a token, and a redirect": token(leads_astray),
    "no token is given": token(fails, lambda request: Response(401, {}, echo(request).encode())),
    "a token that is none": token(fails, lambda request: Response(200, {}, echo(request).encode())),
    "a token that is no text": token(fails, lambda request: Response(200, {}, b'{"token": "a\\nb"}')),
    "a manifest that is an echo": basic(lambda request: Response(200, {}, echo(request).encode())),
}


@pytest.mark.parametrize("kind", ["password", "identity"])
@pytest.mark.parametrize("way", WAYS)
def test_errors_and_events(
    engine: Engine, asked: RunningDaemon, tmp_path: Path, way: str, kind: str,
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    store = ImageStore(tmp_path / "images")
    with served(WAYS[way]) as address:
        reference = named(engine, address)
        keep(address, Credentials("anna", PASSWORD))
        if kind == "identity":
            file = tmp_path / "docker/config.json"
            file.write_text(json.dumps({"auths": {address: {"identitytoken": IDENTITY, "auth": BASIC}}}))
        said = []
        transfers = [pull(store, reference, endpoint(reference)), push(engine.images, reference, endpoint(reference))]
        for number, transfer in enumerate(transfers):
            try:
                said += [repr(event) for event in transfer]
                assert number  # to somebody who says yes to everything an image can be pushed
            except (LabcoreError, OSError) as error:
                said.append(everything_said(error))
        for words in (["pull", str(reference)], ["login", address], ["search", f"{address}/x"]):
            assert main(["--root", str(asked.root), *words]) != 0
    shown = capsys.readouterr()
    text = "\n".join([*said, caplog.text, shown.out, shown.err, asked.said()])
    assert address in text
    assert [secret for secret in SECRETS if secret in text] == []


def test_when_all_goes_well(
    engine: Engine, asked: RunningDaemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    registry = Registry(tmp_path / "registry")
    with served(basic(registry.answer)) as address:
        reference = named(engine, address)
        keep(address, Credentials("anna", PASSWORD))
        said = [repr(event) for event in push(engine.images, reference, endpoint(reference))]
        assert main(["--root", str(asked.root), "pull", str(reference)]) == 0
    shown = capsys.readouterr()
    assert [secret for secret in SECRETS if secret in "\n".join([*said, shown.out, shown.err])] == []


def test_objects() -> None:
    credentials = Credentials("anna", PASSWORD, IDENTITY)
    transport = Transport(Endpoint("a.b"), credentials)
    authorization = Authorization(Endpoint("a.b"), credentials, lambda *_: pytest.fail("nobody is asked"))
    authorization.learn(["Basic realm=x"], "", None)
    shown = [
        credentials,
        transport,
        Client(transport, "a"),
        authorization,
        Sources(Endpoint("a.b"), "a", lambda _: credentials),
    ]
    text = "\n".join(f"{thing!r} {thing} {[thing]!r}" for thing in shown)
    assert [secret for secret in SECRETS if secret in text] == []
    assert "anna" in text

"""Log-in: credentials tried at a registry (POST /auth, tag System)."""

from labcore.daemon.context import Daemon
from labcore.daemon.wire.codec import decode, json_response
from labcore.daemon.wire.registry_auth import AuthConfig, credentials_of, registry_of
from labcore.engine.image.registry_queries import log_in
from labcore.http import Request, Response, Route


def auth(daemon: Daemon, request: Request) -> Response:
    """POST /auth."""
    said = decode(request, AuthConfig)
    log_in(daemon.engine, registry_of(said), credentials_of(said))
    return json_response({"IdentityToken": "", "Status": "Login Succeeded"})


ROUTES = (Route("POST", "/auth", auth, long_running=True),)

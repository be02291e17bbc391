"""X-Registry-Auth: a user's credentials for a registry, in a header of each pull and push (base64url of JSON), or a body.

X-Registry-Config has those of a build, for all of its registries.
"""

import base64
import binascii
from collections.abc import Callable

import msgspec

from labcore.daemon.wire.codec import decode_bytes
from labcore.errors import InvalidInput
from labcore.http import Request
from labcore.registry.credentials import TOKEN_USER, Credentials
from labcore.registry.docker_config import HUB_HOSTS
from labcore.spec.reference import HUB

HEADER, CONFIG_HEADER = "x-registry-auth", "x-registry-config"


class AuthConfig(msgspec.Struct):
    """Docker's AuthConfig, whose fields have lower-case names."""

    username: str = ""
    password: str = ""
    auth: str = ""
    serveraddress: str = ""
    identitytoken: str = ""
    registrytoken: str = ""


def credentials_of(auth: AuthConfig) -> Credentials | None:
    """Return what it says, None if it says nothing."""
    user, password = auth.username, auth.password
    if auth.auth and not user:
        user, _, password = _decoded(auth.auth).partition(":")
    token = auth.identitytoken or (password if user == TOKEN_USER else "")
    found = Credentials("" if user == TOKEN_USER else user, "" if user == TOKEN_USER else password, token, auth.registrytoken)
    return found if found.user or found.token or found.registry_token else None


def registry_of(auth: AuthConfig) -> str:
    """Return the registry that it is for, by its name in references."""
    return registry_named(auth.serveraddress)


def registry_named(address: str) -> str:
    """Return the registry, by its name in references, that docker's clients call by an address, or its URL."""
    host = address.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return HUB if host in ("", *HUB_HOSTS) else host


def found_by(request: Request, registry: str) -> Callable[[str], Credentials | None]:
    """Return the function that finds the request's credentials, for that registry only.

    What cannot be read counts as none, as for docker.
    """
    try:
        auth = decode_bytes(_decoded(request.headers.get(HEADER, "")) or "{}", AuthConfig)
        found = credentials_of(auth)
    except InvalidInput:
        found = None
    return lambda asked: found if asked == registry else None


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_").decode()
    except (binascii.Error, ValueError):
        raise InvalidInput("X-Registry-Auth is not JSON in base64url") from None


def found_in_config(request: Request) -> Callable[[str], Credentials | None]:
    """Return the function that finds the credentials of X-Registry-Config: JSON of AuthConfigs by registry, as builds have it.

    What cannot be read counts as none, as for docker.
    """
    try:
        said = decode_bytes(_decoded(request.headers.get(CONFIG_HEADER, "")) or "{}", dict[str, AuthConfig])
    except InvalidInput:
        said = {}
    found: dict[str, Credentials | None] = {}
    for name, auth in said.items():
        found[registry_named(name)] = credentials_of(auth)
    return found.get

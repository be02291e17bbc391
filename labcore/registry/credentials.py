"""Credentials for registries, from docker's `config.json` and its credential helpers: find, keep, forget."""

import base64
import binascii
from pathlib import Path
from typing import Any

from labcore.errors import InvalidInput, Unavailable
from labcore.record import Record
from labcore.registry import credential_helpers
from labcore.registry.docker_config import (
    Config,
    config_file,
    entries_of,
    from_environment,
    helper_of,
    is_whole,
    key_of,
    load,
    save,
)

TOKEN_USER = "<token>"  # whose password is an identity token


class Credentials(Record):
    """A user with a password; or an identity token, which is exchanged for access tokens; or a registry token, sent as is."""

    user: str
    password: str
    token: str = ""
    registry_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.user!r}, …)"  # wherever it is shown: in a log, in an error


def find(registry: str, file: Path | None = None, *, repository: str = "") -> Credentials | None:
    """Return the credentials for a registry, or for a repository of it; None if there are none.

    Raises Unavailable if the file or a helper's answer is malformed.
    """
    if found := _in_entries(from_environment(), registry, repository):
        return found
    config = load(file or config_file())
    if helper := helper_of(config, registry):
        kept = credential_helpers.get(helper, key_of(registry))
        return _made(*kept) if kept else None
    return _in_entries(config, registry, repository)


def keep(registry: str, credentials: Credentials, file: Path | None = None) -> str:
    """Store credentials for a registry; return where. Raises InvalidInput, Unavailable.

    They go to the helper if one is configured, else into the file, readable by this user only.
    """
    if ":" in credentials.user or "\0" in credentials.user + credentials.password:
        raise InvalidInput("a user's name has no colon, and neither it nor the password has a NUL")
    try:
        encoded = base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()
    except UnicodeEncodeError:
        raise InvalidInput("a user's name and a password are UTF-8") from None
    path = file or config_file()
    config = load(path)
    for key in filter(is_whole, entries_of(config, registry)):
        del config["auths"][key]
    helper = helper_of(config, registry)
    if helper:
        credential_helpers.store(helper, key_of(registry), credentials.user, credentials.password)
        config["auths"][key_of(registry)] = {}  # as docker does: the registry is known, its secret elsewhere
    else:
        config["auths"][key_of(registry)] = {"auth": encoded}
    save(path, config)
    return f"docker-credential-{helper}" if helper else str(path)


def forget(registry: str, file: Path | None = None) -> bool:
    """Erase a registry's credentials; return whether there were any. Raises Unavailable."""
    path = file or config_file()
    config = load(path)
    helper = helper_of(config, registry)
    erased = bool(helper) and credential_helpers.get(helper, key_of(registry)) is not None
    if erased:
        credential_helpers.erase(helper, key_of(registry))
    dropped = entries_of(config, registry)
    for key in dropped:
        del config["auths"][key]
    if dropped:
        save(path, config)
    return erased or (bool(dropped) and not helper)


def _in_entries(config: Config, registry: str, repository: str) -> Credentials | None:
    for key in entries_of(config, registry, repository):
        if found := _read(config["auths"][key], f"docker's configuration, auths, {key!r}"):
            return found
    return None


def _read(entry: Any, what: str) -> Credentials | None:
    """Return an entry's credentials as docker reads them: `auth` before `username` and `password`. Raises Unavailable."""
    names = ("auth", "username", "password", "identitytoken", "registrytoken")
    said = {name: entry.get(name) or "" for name in names} if isinstance(entry, dict) else {}
    if not (said or entry is None) or not all(isinstance(value, str) for value in said.values()):
        raise Unavailable(f"{what}: an object with texts is wanted\n  cure: labcore login")
    if not any(said.values()):
        return None
    user, password = _decoded(said["auth"], what) if said["auth"] else (said["username"], said["password"])
    return _made(user, password, said["identitytoken"], said["registrytoken"])


def _decoded(auth: str, what: str) -> tuple[str, str]:
    try:
        user, colon, password = base64.b64decode("".join(auth.split()), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if not colon:
        raise Unavailable(f"{what}: auth is not USER:PASSWORD in base64\n  cure: labcore login")
    return user, password.strip("\0")


def _made(user: str, password: str, token: str = "", registry_token: str = "") -> Credentials | None:
    if user == TOKEN_USER:
        user, password, token = "", "", token or password
    return Credentials(user, password, token, registry_token) if user or token or registry_token else None

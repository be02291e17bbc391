"""Users and passwords for registries, where docker keeps them: `config.json`, and the helpers that it names."""

import base64
import binascii
import json
import os
from pathlib import Path
from typing import Any, Final

from labcore.errors import InvalidInput, Unavailable
from labcore.record import Record
from labcore.registry import helpers
from labcore.spec.reference import HUB

HUB_KEY: Final = "https://index.docker.io/v1/"  # what docker calls its own registry there
HUB_HOSTS: Final = ("index.docker.io", "docker.io", "registry-1.docker.io")
Config = dict[str, Any]


class Credentials(Record):
    """A user with a password, or with an identity token that is changed for others."""

    user: str
    password: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.user!r}, …)"  # wherever it is shown: in a log, in an error


def config_file() -> Path:
    """Return docker's configuration file: $DOCKER_CONFIG/config.json, or the one in the home directory."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"


def find(registry: str, file: Path | None = None) -> Credentials | None:
    """Return what is kept for a registry; None if nothing is. Raises Unavailable if the file, or a helper, makes no sense."""
    config = _load(file or config_file())
    if helper := _helper(config, registry):
        found = helpers.get(helper, _key(registry))
        if found is None:
            return None
        user, secret = found
        return Credentials("", "", secret) if user == "<token>" else Credentials(user, secret)
    names = _names(config, registry)
    return _read(config["auths"][names[0]]) if names else None


def keep(registry: str, credentials: Credentials, file: Path | None = None) -> str:
    """Keep a user and password for a registry; return where. Raises InvalidInput, Unavailable.

    A helper takes them, if one is named; else they lie in the file, readable by this user only.
    """
    if ":" in credentials.user or "\0" in credentials.user + credentials.password:
        raise InvalidInput("a user's name has no colon, and neither it nor the password has a NUL")
    path = file or config_file()
    config = _load(path)
    _drop(config, registry)
    helper = _helper(config, registry)
    if helper:
        helpers.store(helper, _key(registry), credentials.user, credentials.password)
        config["auths"][_key(registry)] = {}  # as docker does: the registry is known, its secret elsewhere
    else:
        encoded = base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()
        config["auths"][_key(registry)] = {"auth": encoded}
    _save(path, config)
    return f"docker-credential-{helper}" if helper else str(path)


def forget(registry: str, file: Path | None = None) -> bool:
    """Forget them; return whether there were any. Raises Unavailable."""
    path = file or config_file()
    config = _load(path)
    helper = _helper(config, registry)
    erased = bool(helper) and helpers.get(helper, _key(registry)) is not None
    if erased:
        helpers.erase(helper, _key(registry))
    if dropped := _drop(config, registry):
        _save(path, config)
    return erased or (dropped and not helper)


def _key(registry: str) -> str:
    return HUB_KEY if registry == HUB else registry


def _helper(config: Config, registry: str) -> str:
    return str((config.get("credHelpers") or {}).get(_key(registry)) or config.get("credsStore") or "")


def _names(config: Config, registry: str) -> list[str]:
    """Return the keys of a registry's entries, its own first: docker also wrote them as URLs."""
    hosts = HUB_HOSTS if registry == HUB else (registry,)
    found = [name for name in config["auths"] if name.partition("://")[2].partition("/")[0] in hosts or name in hosts]
    return sorted(found, key=lambda name: name != _key(registry))


def _drop(config: Config, registry: str) -> bool:
    names = _names(config, registry)
    for name in names:
        del config["auths"][name]
    return bool(names)


def _read(entry: Any) -> Credentials | None:
    if not isinstance(entry, dict):
        return None
    try:
        user, _, password = base64.b64decode(entry.get("auth") or "").decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    user, password = user or str(entry.get("username") or ""), password.rstrip("\0") or str(entry.get("password") or "")
    token = str(entry.get("identitytoken") or "")
    return Credentials(user, password, token) if user or token else None


def _load(path: Path) -> Config:
    """Return docker's settings, with what it keeps in `auths`. Raises Unavailable, and never shows what is in the file."""
    try:
        config = json.loads(path.read_text())
    except FileNotFoundError:
        config = {}
    except ValueError as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "it is no text"
        raise Unavailable(f"{path} is no JSON: {where}") from None
    if isinstance(config, dict) and all(isinstance(config.get(name), dict | None) for name in ("auths", "credHelpers")):
        return config | {"auths": config.get("auths") or {}}
    raise Unavailable(f"{path}: a JSON object is wanted, with objects for auths and credHelpers")


def _save(path: Path, config: Config) -> None:
    """Replace the file, or what it is a link to, in one step."""
    path = path.resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    incoming = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as out:
            json.dump(config, out, indent="\t")
        incoming.rename(path)
    except BaseException:
        incoming.unlink(missing_ok=True)
        raise

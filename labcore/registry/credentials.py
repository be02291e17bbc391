"""Users and passwords for registries, where docker keeps them: `config.json`, and the helpers that it names."""

import base64
import binascii
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

from labcore.errors import Unavailable
from labcore.record import Record

HUB: Final = "https://index.docker.io/v1/"  # what docker calls its own registry there


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
    """Return what is kept for a registry; None if nothing is. Raises Unavailable if a helper fails, or the file is no JSON."""
    path = file or config_file()
    try:
        config: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Unavailable(f"{path} is no JSON: {error}") from None
    key = HUB if registry == "docker.io" else registry
    if helper := (config.get("credHelpers") or {}).get(key) or config.get("credsStore"):
        return _ask(helper, key)
    entries = config.get("auths") or {}
    entry = next((entries[name] for name in (key, f"https://{key}", f"http://{key}") if name in entries), None)
    return _read(entry) if entry else None


def _read(entry: dict[str, Any]) -> Credentials | None:
    try:
        user, _, password = base64.b64decode(entry.get("auth") or "").decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    user, password = user or str(entry.get("username") or ""), password.rstrip("\0") or str(entry.get("password") or "")
    token = str(entry.get("identitytoken") or "")
    return Credentials(user, password, token) if user or token else None


def _ask(helper: str, key: str) -> Credentials | None:
    """Ask a credential helper: `docker-credential-NAME get`, with the registry on its standard input."""
    if "/" in helper:
        raise Unavailable(f"credential helper {helper!r}: a name is wanted, not a path")
    command = [f"docker-credential-{helper}", "get"]
    try:
        done = subprocess.run(command, input=key, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            return None  # it knows nothing of this registry
        answer = json.loads(done.stdout)
        user, secret = str(answer["Username"]), str(answer["Secret"])
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"credential helper {helper}: {type(error).__name__}") from None
    return Credentials("", "", secret) if user == "<token>" else Credentials(user, secret)


def keep(registry: str, credentials: Credentials, file: Path | None = None) -> None:
    """Keep a user and password for a registry, readable by this user only."""
    _change(registry, {"auth": base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()}, file)


def forget(registry: str, file: Path | None = None) -> None:
    """Forget them."""
    _change(registry, None, file)


def _change(registry: str, entry: dict[str, str] | None, file: Path | None) -> None:
    path = file or config_file()
    config = json.loads(path.read_text()) if path.exists() else {}
    key = HUB if registry == "docker.io" else registry
    auths = config.setdefault("auths", {})
    auths.pop(key, None)
    if entry:
        auths[key] = entry
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    incoming = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(config, out, indent=1)
    incoming.rename(path)

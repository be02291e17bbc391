"""Docker's config.json: the entries of `auths`, and the credential helpers of `credHelpers` and `credsStore`.

A key in `auths` is a host, a host with its port, or a URL of either; podman's may end with part of a repository's name.
The file's content is never shown.
"""

import json
import os
import re
from pathlib import Path
from typing import Any, Final

from labcore.atomic import atomic_write
from labcore.errors import Unavailable
from labcore.spec.reference import HUB

HUB_KEY: Final = "https://index.docker.io/v1/"  # what docker calls its own registry there
HUB_HOSTS: Final = ("index.docker.io", "docker.io", "registry-1.docker.io")
VERSIONS: Final = ("", "v1", "v2")  # paths that are the API's, and no part of a repository's name
VARIABLE: Final = "DOCKER_AUTH_CONFIG"  # `auths` of such a file, before those in the file (docker 28.3)
Config = dict[str, Any]


def config_file() -> Path:
    """Return its path: $DOCKER_CONFIG/config.json, or the one in the home directory. Raises Unavailable if there is none."""
    if directory := os.environ.get("DOCKER_CONFIG"):
        return Path(directory) / "config.json"
    try:
        return Path.home() / ".docker/config.json"
    except RuntimeError:
        raise Unavailable("you have no home directory to look for .docker/config.json in\n  cure: set DOCKER_CONFIG") from None


def load(path: Path) -> Config:
    """Return its content, with the three fields that are needed here. Raises Unavailable if docker could not read it."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except UnicodeDecodeError:
        raise Unavailable(f"{path} is no JSON: it is no text") from None
    except (OSError, ValueError) as error:
        raise Unavailable(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return parse(text, str(path))


def from_environment() -> Config:
    """Return the content of $DOCKER_AUTH_CONFIG. Raises Unavailable."""
    return parse(os.environ.get(VARIABLE, ""), f"${VARIABLE}") | {"credHelpers": {}, "credsStore": ""}


def parse(text: str, what: str) -> Config:
    """Parse the JSON; an empty file is an empty object, and null counts as missing. Raises Unavailable."""
    try:
        config = json.loads(text) if text.strip() else {}
    except json.JSONDecodeError as error:
        raise Unavailable(f"{what} is no JSON: line {error.lineno}") from None
    except (ValueError, RecursionError):
        raise Unavailable(f"{what} is no JSON that can be read") from None
    known = {"auths": {}, "credHelpers": {}, "credsStore": ""}
    if isinstance(config, dict | None):
        config = known | {key: value for key, value in (config or {}).items() if value is not None or key not in known}
        if all(isinstance(config[key], type(value)) for key, value in known.items()):
            return config
    raise Unavailable(f"{what}: a JSON object is wanted, with objects for auths and credHelpers, and a text for credsStore")


def save(path: Path, config: Config) -> None:
    """Replace the file, or the target of a link, atomically. Raises Unavailable."""
    path = path.resolve()
    said = {key: value for key, value in config.items() if value or key not in ("credHelpers", "credsStore")}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_write(path, json.dumps(said, indent="\t").encode(), mode=0o600)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}\n  cure: name another place by DOCKER_CONFIG") from None


def key_of(registry: str) -> str:
    """Return docker's key for a registry."""
    return HUB_KEY if registry == HUB else registry


def helper_of(config: Config, registry: str) -> str:
    """Return the name of a registry's credential helper; empty if it has none. Raises Unavailable."""
    own = [name for key, name in config["credHelpers"].items() if _place(key) == (registry, "")]
    helper = own[0] if own else config["credsStore"]
    if not isinstance(helper, str | None):
        raise Unavailable(f"credHelpers: the name of a helper is wanted for {registry}")
    return helper or ""


def entries_of(config: Config, registry: str, repository: str = "") -> list[str]:
    """Return the keys of a registry's entries, the best first: the repository's, docker's own form, any other."""
    found = []
    for key in config["auths"]:
        host, path = _place(key)
        if host == registry:
            covers = bool(path) and f"{repository}/".startswith(f"{path}/")
            found.append(((not covers, bool(path), -len(path), key != key_of(registry)), key))
    return [key for _, key in sorted(found)]


def registries_of(*configs: Config) -> list[str]:
    """Return the registries that have entries of their own, or helpers."""
    return sorted({_place(key)[0] for config in configs for key in (*config["auths"], *config["credHelpers"])})


def is_whole(key: str) -> bool:
    """Is an entry that of a whole registry, and not of some of its repositories?"""
    return not _place(key)[1]


def _place(key: str) -> tuple[str, str]:
    """Return a key's registry, and the path in it."""
    host, _, path = re.sub("^https?://", "", key, flags=re.IGNORECASE).partition("/")
    path = path.strip("/")
    return HUB if host in HUB_HOSTS else host, "" if path in VERSIONS else path

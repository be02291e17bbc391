"""Docker contexts: named hosts in ~/.docker/contexts, and the current one that ~/.docker/config.json names."""

from __future__ import annotations

import os

from labcore.client.host import TLSFiles
from labcore.errors import InvalidInput
from labcore.json_codec import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Final

FILE_BYTES: Final = 1 << 20
CONTEXTS_MAX: Final = 1000
DEFAULT_CONTEXT: Final = "default"  # the context that is no file: the sockets that are there


def config_directory(environment: Mapping[str, str]) -> str:
    """Return the directory of docker's configuration: DOCKER_CONFIG, or ~/.docker."""
    return environment.get("DOCKER_CONFIG") or f"{environment.get('HOME') or os.path.expanduser('~')}/.docker"


def current_context(environment: Mapping[str, str]) -> str:
    """Return the current context's name. Raises InvalidInput."""
    path = f"{config_directory(environment)}/config.json"
    name = _read(path).get("currentContext") or DEFAULT_CONTEXT
    if not isinstance(name, str):
        raise InvalidInput(f"{path}: currentContext: a context's name is wanted, not {name!r:.80}")
    return name


def context_host(environment: Mapping[str, str], name: str) -> tuple[str, TLSFiles | None]:
    """Return a context's host, and its TLS. Raises InvalidInput."""
    contexts = f"{config_directory(environment)}/contexts"
    known = []
    for directory, meta in _metas(contexts):
        if meta.get("Name") == name:
            return _endpoint(name, meta, f"{contexts}/tls/{directory}/docker")
        known.append(str(meta.get("Name"))[:80])
    raise InvalidInput(
        f"context {name!r:.80}: there is none in {contexts}: there are {', '.join(known) or 'none'}\n"
        "  cure: docker context use default, or another DOCKER_CONTEXT"
    )


def _metas(contexts: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        directories = sorted(os.listdir(f"{contexts}/meta"))[:CONTEXTS_MAX]
    except OSError:  # there are none
        return
    for directory in directories:
        yield directory, _read(f"{contexts}/meta/{directory}/meta.json")


def _endpoint(name: str, meta: dict[str, Any], tls: str) -> tuple[str, TLSFiles | None]:
    endpoints = meta.get("Endpoints")
    docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
    url = docker.get("Host") if isinstance(docker, dict) else None
    if not isinstance(docker, dict) or not isinstance(url, str) or not url:
        raise InvalidInput(f"context {name!r:.80}: it names no host of a daemon: Endpoints.docker.Host is missing")
    has_files = os.path.isdir(tls)
    return url, TLSFiles(tls, verify=not docker.get("SkipTLSVerify")) if has_files else None


def _read(path: str) -> dict[str, Any]:
    """Return a file's object; an empty one if there is no such file. Raises InvalidInput."""
    try:
        with open(path, encoding="utf-8") as file:
            content = file.read(FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: {getattr(error, 'strerror', None) or 'it is no text'}: docker's configuration") from None
    try:
        value = loads(content) if len(content) <= FILE_BYTES else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidInput(f"{path}: a JSON object is wanted: docker's configuration; mend or remove it")
    return value

"""Registry configuration: `registries.toml` in the state root.

["docker.io"]
mirrors = ["http://127.0.0.1:5000"]     asked first, in this order; then the registry itself

["registry.example.com:5000"]
plain-http = true                       without TLS
ca = "/etc/ssl/our-authority.crt"       trusted for this registry, beside the system's authorities
"""

from pathlib import Path
from typing import Any, Final

from labcore.errors import InvalidInput
from labcore.registry.endpoint import Endpoint

KINDS: Final[dict[str, type]] = {"mirrors": list, "plain-http": bool, "ca": str}


def configured_endpoint(
    registry: str, file: Path | None = None, *, insecure: bool | None = None, authority: Path | None = None
) -> Endpoint:  # fmt: skip
    """Return a registry's endpoint by the file; the other arguments override it. Raises InvalidInput."""
    said = _read(file).get(registry, {}) if file else {}
    if not isinstance(said, dict):
        raise InvalidInput(f'{file}: ["{registry}"] is a table of mirrors, plain-http and ca')
    for key, value in said.items():
        if not isinstance(value, KINDS.get(key, ())):
            raise InvalidInput(f'{file}, ["{registry}"], {key}: known are mirrors (a list), plain-http (true, false) and ca')
    if insecure is None and authority is None:
        insecure = said.get("plain-http")
    if authority is None and "ca" in said and not insecure:
        authority = Path(said["ca"]).expanduser()
    mirrors = tuple(Endpoint.from_url(str(url)) for url in said.get("mirrors", ()))
    return Endpoint.of(registry, insecure=insecure, authority=authority, mirrors=mirrors)


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():  # as mostly; then its reader, 3 ms of a start, is not needed
        return {}
    import tomllib

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InvalidInput(f"{file}: {error}") from None

"""Endpoints: where a registry is, by its name, `registries.toml`, and what the daemon was told of mirrors and insecure ones."""

import ipaddress
from pathlib import Path

from labcore.errors import InvalidInput
from labcore.record import Record
from labcore.registry.endpoint import Endpoint
from labcore.registry.registries import configured_endpoint
from labcore.spec import Reference
from labcore.spec.reference import HUB


class RegistryOptions(Record):
    """`--registry-mirror`: URLs of mirrors of docker.io. `--insecure-registry`: hosts, with their ports, or networks (CIDR)."""

    mirrors: tuple[str, ...] = ()
    insecure: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise InvalidInput for what is no URL, no host and no network."""
        for url in self.mirrors:
            Endpoint.from_url(url)
        for text in self.insecure:
            if "/" in text:
                _network(text)


def endpoint(
    reference: Reference, *, insecure: bool | None = None, authority: Path | None = None, root: Path | None = None
) -> Endpoint:  # fmt: skip
    """Return where an image's registry is, as `registries.toml` below a state root says; what is given here overrules it.

    One on this machine's loopback is spoken to without TLS, unless told otherwise. Raises InvalidInput.
    """
    return configured_endpoint(reference.registry, root and root / "registries.toml", insecure=insecure, authority=authority)


def registry_endpoint(registry: str, root: Path, options: RegistryOptions) -> Endpoint:
    """Return where a registry is, as `registries.toml` and the daemon's options say. Raises InvalidInput."""
    insecure = True if _is_insecure(registry, options.insecure) else None
    found = configured_endpoint(registry, root / "registries.toml", insecure=insecure)
    mirrors = options.mirrors if registry == HUB else ()
    return found.replace(mirrors=(*map(Endpoint.from_url, mirrors), *found.mirrors))


def _is_insecure(registry: str, insecure: tuple[str, ...]) -> bool:
    host = registry.rpartition(":")[0] if registry.rpartition(":")[2].isdecimal() else registry
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return registry in insecure
    return registry in insecure or any(address in _network(text) for text in insecure if "/" in text)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise InvalidInput(f"--insecure-registry {text}: HOST[:PORT] or a network such as 10.0.0.0/8 is wanted") from None

"""Endpoints: where an image's registry is, by its name and `registries.toml`."""

from pathlib import Path

from labcore.registry.registries import configured_endpoint
from labcore.registry.transport import Endpoint
from labcore.spec import Reference


def endpoint(
    reference: Reference, *, insecure: bool | None = None, authority: Path | None = None, root: Path | None = None
) -> Endpoint:  # fmt: skip
    """Return where an image's registry is, as `registries.toml` below a state root says; what is given here overrules it.

    One on this machine's loopback is spoken to without TLS, unless told otherwise.
    """
    return configured_endpoint(reference.registry, root and root / "registries.toml", insecure=insecure, authority=authority)

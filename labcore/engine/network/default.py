"""The network of a container that names none."""

from __future__ import annotations

from labcore.runtime.probe import confined


def default_network(*, publishes: bool) -> str:
    """Return the bridge; or none at all where an ordinary user can have no networks, if nothing is published."""
    if not confined() or publishes:
        return "bridge"
    from labcore.network.rootless import has_networks  # which few users need

    return "bridge" if has_networks() else "none"

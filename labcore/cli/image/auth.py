"""Credentials of registries, for the daemon that asks them: those that `labcore login` and docker keep."""

from labcore.client import RegistryAuth
from labcore.registry import credentials
from labcore.spec import Reference


def registry_auth(reference: Reference) -> RegistryAuth | None:
    """Return what is kept for an image's registry, or None. Raises Unavailable for a file or a helper that is broken."""
    found = credentials.find(reference.registry, repository=reference.repository)
    if found is None:
        return None
    if found.token:
        return RegistryAuth(identity_token=found.token, server=reference.registry)
    return RegistryAuth(found.user, found.password, reference.registry, registry_token=found.registry_token)

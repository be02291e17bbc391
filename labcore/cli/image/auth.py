"""Credentials of registries, for the daemon that asks them: those that `labcore login` and docker keep."""

from labcore.client import RegistryAuth
from labcore.registry import credentials


def registry_auth(registry: str, repository: str = "") -> RegistryAuth | None:
    """Return what is kept for a registry, or None. Raises Unavailable for a file or a helper that is broken."""
    found = credentials.find(registry, repository=repository)
    if found is None:
        return None
    if found.token:
        return RegistryAuth(identity_token=found.token, server=registry)
    return RegistryAuth(found.user, found.password, registry, registry_token=found.registry_token)


def registry_auths() -> dict[str, dict[str, str]]:
    """Return what is kept for all registries that docker's file names, by registry, as a build takes it. Raises Unavailable."""
    from labcore.registry.docker_config import config_file, from_environment, load, registries_of

    found = {}
    for registry in registries_of(from_environment(), load(config_file())):
        if auth := registry_auth(registry):
            found[registry] = auth.said()
    return found

"""Docker's words for what registries refuse: which image, and why it is not there or may not be had."""

from collections.abc import Iterator
from contextlib import contextmanager

from labcore.errors import ImageNotFound
from labcore.registry.endpoint import RegistryError
from labcore.spec import Reference

DENIED = "requested access to the resource is denied"


class Unauthorized(RegistryError):
    """The registry wants to know who asks, or does not take the user and password."""


@contextmanager
def in_dockers_words(reference: Reference) -> Iterator[None]:
    """Have registry errors of the block in docker's words. Raises ImageNotFound, Unauthorized, RegistryError."""
    try:
        yield
    except RegistryError as error:
        raise _in_words(reference, error) from error


def _in_words(reference: Reference, error: RegistryError) -> Exception:
    name = reference.replace(tag=None, digest=None)
    said = f"{error.code.lower().replace('_', ' ')}: {error.said}"
    if error.code == "MANIFEST_UNKNOWN":
        return ImageNotFound(f"manifest for {reference} not found: {said}")
    if error.code == "NAME_UNKNOWN":
        return ImageNotFound(f"repository {name} not found: {said}")
    if error.code == "DENIED":
        why = f"denied: {error.said or DENIED}"
        return ImageNotFound(f"pull access denied for {name}, repository does not exist or may require 'docker login': {why}")
    if error.status == 401:
        code = f"unauthorized: {error.said or 'authentication required'}" if error.code else "no basic auth credentials"
        return Unauthorized(code, 401)
    return error

"""Pulls of images that a container is to be made of, shown on standard error."""

from __future__ import annotations

import sys

from labcore.client import RegistryAuth
from labcore.spec import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.client import Client


def pull_missing(client: Client, image: str, *, platform: str, quiet: bool) -> None:
    """Pull an image that is not here, and say so. Raises APIError."""
    if not quiet:
        reference = Reference.parse(image)
        print(f"Unable to find image '{reference.familiar}' locally", file=sys.stderr)
    pull(client, image, platform=platform, quiet=quiet)


def pull(client: Client, image: str, *, platform: str, quiet: bool) -> None:
    """Pull an image, and show how it goes, unless `quiet`. Raises APIError."""
    auth = auth_for(Reference.parse(image))
    for progress in client.images.pull(image, platform=platform, auth=auth):
        if not quiet and progress.status and not progress.detail.json:
            print(f"{progress.id}: {progress.status}" if progress.id else progress.status, file=sys.stderr)


def auth_for(reference: Reference) -> RegistryAuth | None:
    """Return the credentials for an image's registry; None if there are none."""
    from labcore.registry import credentials

    found = credentials.find(reference.registry, repository=reference.repository)
    if found is None:
        return None
    return RegistryAuth(found.user, found.password, reference.registry, found.token)

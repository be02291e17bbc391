"""API versions: which there are, and the middleware that refuses the others and names ours in each answer."""

from typing import Final

from labcore.errors import InvalidInput
from labcore.http import Request

API_VERSION: Final = "1.51"
MIN_API_VERSION: Final = "1.24"


def parsed(text: str) -> tuple[int, int]:
    """Return a version to be compared."""
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def version_of(request: Request) -> tuple[int, int]:
    """Return the version that a request speaks: its path's prefix, or else the newest."""
    return parsed(request.path_params.get("version", API_VERSION))


def check_version(request: Request) -> None:
    """Raises InvalidInput for a version that is not spoken here, in docker's words."""
    asked = request.path_params.get("version", API_VERSION)
    if parsed(asked) > parsed(API_VERSION):
        raise InvalidInput(f"client version {asked} is too new. Maximum supported API version is {API_VERSION}")
    if parsed(asked) < parsed(MIN_API_VERSION):
        raise InvalidInput(
            f"client version {asked} is too old. Minimum supported API version is {MIN_API_VERSION}, "
            "please upgrade your client to a newer version"
        )

"""Distribution: an image's manifest as its registry has it (tag Distribution)."""

from labcore.daemon.context import Daemon
from labcore.daemon.wire.codec import json_response
from labcore.daemon.wire.registry_auth import found_by
from labcore.engine.image.registry_queries import distribution
from labcore.http import Request, Response, Route
from labcore.spec import Platform, Reference


def inspect_distribution(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /distribution/{name}/json."""
    reference = Reference.parse(name)
    found = distribution(daemon.engine, reference, found_by(request, reference.registry))
    return json_response(
        {
            "Descriptor": found.descriptor.to_json(),
            "Platforms": None if found.platforms is None else [_platform(each) for each in found.platforms],
        }
    )


def _platform(platform: Platform) -> dict[str, str]:
    variant = {"variant": platform.variant} if platform.variant else {}
    return {"architecture": platform.architecture, "os": platform.os, **variant}


ROUTES = (Route("GET", "/distribution/{name:path}/json", inspect_distribution, long_running=True),)

"""The query of POST /build, and its headers: what docker's clients and labcore's own command ask of a build."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import msgspec

from labcore.builder.options import BuildOptions
from labcore.daemon.wire.codec import decode_bytes
from labcore.daemon.wire.platform import platform_text
from labcore.daemon.wire.query import flag, number
from labcore.daemon.wire.resources import Ulimit
from labcore.errors import InvalidInput
from labcore.http import Request
from labcore.options.create import create_options
from labcore.record import Record
from labcore.spec import CreateOptions, Reference

T = TypeVar("T")
CURE: Final = "set DOCKER_BUILDKIT=0 for docker's command, or use `labcore build`"
NO_BUILDKIT: Final = f"version=2 asks for BuildKit, which labcore does not have\n  cure: {CURE}"
NO_SESSION: Final = f"remote=client-session is a session of BuildKit, which labcore does not have\n  cure: {CURE}"
NO_OUTPUTS: Final = f"outputs of type %s are BuildKit's, which labcore does not have\n  cure: {CURE}"
IMAGE_OUTPUTS: Final = ("moby", "image", "docker")
SECRETS_HEADER: Final = "x-labcore-secrets"
MAX_SECRETS_BYTES: Final = 32 << 10
# The query's limits, as `create_options` has them.
LIMITS: Final = {
    "memory": "memory",
    "memswap": "memory_swap",
    "cpushares": "cpu_shares",
    "cpuperiod": "cpu_period",
    "cpuquota": "cpu_quota",
    "shmsize": "shm_size",
}
IMAGE_SCHEME, PART_SCHEME = "docker-image://", "context:"


class BuildQuery(Record):
    """What is asked for, beside the context that is sent.

    `dockerfile` is a path in it, or none is said; `remote` a URL of another context. `parts` are named contexts, each with the
    directory of what is sent that it is. `tells_events`: labcore's own command asks.
    """

    options: BuildOptions
    dockerfile: str = ""
    remote: str = ""
    parts: tuple[tuple[str, str], ...] = ()
    is_quiet: bool = False
    removes: bool = True
    tells_events: bool = False


def build_query(request: Request) -> BuildQuery:
    """Read the query. Raises InvalidInput for what cannot be, and for what cannot be done here."""
    _refuse(request)
    said = request.query
    contexts = dict(_contexts(request))
    return BuildQuery(
        options=_options(request).replace(
            contexts=tuple((name, place) for name, place in contexts.items() if place.startswith(IMAGE_SCHEME))
        ),
        dockerfile=next(iter(request.every("dockerfile")), ""),  # docker-py sends the content as another
        remote=said.get("remote", ""),
        parts=tuple(
            (name, place.removeprefix(PART_SCHEME)) for name, place in contexts.items() if place.startswith(PART_SCHEME)
        ),
        is_quiet=flag(request, "q"),
        removes=flag(request, "forcerm") or flag(request, "rm", default=True),
        tells_events=flag(request, "labcore"),
    )


def _refuse(request: Request) -> None:
    """Refuse, by its name, what only BuildKit or another system does. Raises InvalidInput, in docker's words if it has some."""
    said = request.query
    if (version := said.get("version", "")) not in ("", "1"):
        raise InvalidInput(NO_BUILDKIT if version == "2" else f'invalid version "{version:.80}"')
    if said.get("remote") == "client-session":
        raise InvalidInput(NO_SESSION)
    if (isolation := said.get("isolation", "")) not in ("", "default"):
        raise InvalidInput(f'unsupported isolation: "{isolation:.80}"')
    if any(request.every("securityopt")):
        raise InvalidInput("security options are not supported on linux: securityopt is for builds on Windows")
    if flag(request, "squash"):
        raise InvalidInput("squash is only supported with experimental mode, which labcore does not have: leave it out")
    for each in _decoded(request, "outputs", list[dict[str, Any]], "invalid outputs specified"):
        if (kind := each.get("Type")) not in IMAGE_OUTPUTS:
            raise InvalidInput(NO_OUTPUTS % repr(kind)[:80])


def _options(request: Request) -> BuildOptions:
    said = request.query
    limits = _limits(request)
    return BuildOptions(
        tags=_tags(request),
        target=said.get("target", ""),
        arguments=tuple(_decoded(request, "buildargs", dict[str, str | None], "error reading build args").items()),
        labels=tuple(_decoded(request, "labels", dict[str, str], "error reading labels").items()),
        platform=platform_text(request),
        no_cache=flag(request, "nocache"),
        uncached_stages=tuple(_decoded(request, "nocachefilter", list[str], "error reading nocachefilter")),
        cache_from=tuple(_decoded(request, "cachefrom", list[str], "error reading cache-from")),
        cache_to=said.get("cacheto", ""),
        inline_cache=flag(request, "inlinecache"),
        pull=flag(request, "pull"),
        secrets=_secrets(request),
        network="" if said.get("networkmode") == "default" else said.get("networkmode", ""),
        hosts=limits.extra_hosts,
        shm_size=limits.shm_size or 0,
        rlimits=limits.ulimits,
        resources=limits.resources,
        cgroup_parent=said.get("cgroupparent", ""),
        epoch=_epoch(request),
        keeps_failed=flag(request, "keepfailed"),
    )


def _tags(request: Request) -> tuple[Reference, ...]:
    found = [Reference.parse(text) for text in request.every("t") if text]
    if any(each.digest for each in found):
        raise InvalidInput("build tag cannot contain a digest")
    return tuple(dict.fromkeys(found))


def _limits(request: Request) -> CreateOptions:
    """Return the limits of RUN's containers, and their hosts; a 0 is nothing that was said. Raises InvalidInput."""
    said: dict[str, Any] = {field: number(request, name) or None for name, field in LIMITS.items()}
    return create_options(
        **said,
        cpuset_cpus=request.query.get("cpusetcpus") or None,
        cpuset_mems=request.query.get("cpusetmems") or None,
        ulimits=_ulimits(request) or None,
        extra_hosts=request.every("extrahosts") or None,
    )


def _ulimits(request: Request) -> list[str]:
    text = request.query.get("ulimits", "").strip()
    try:
        found = decode_bytes(text, list[Ulimit]) if text not in ("", "null") else []
    except InvalidInput as error:
        raise InvalidInput(f"error reading ulimit settings: {error}") from None
    return [f"{each.name}={each.soft}:{each.hard}" for each in found]


def _epoch(request: Request) -> int | None:
    found = number(request, "epoch")
    if found is not None and not 0 <= found < 1 << 38:
        raise InvalidInput(f"epoch={found}: seconds since 1970 are wanted, as SOURCE_DATE_EPOCH has them")
    return found


def _contexts(request: Request) -> Iterator[tuple[str, str]]:
    for name, place in _decoded(request, "contexts", dict[str, str], "error reading contexts").items():
        if not name or not place.startswith((IMAGE_SCHEME, PART_SCHEME)):
            raise InvalidInput(
                f"context {name!r:.80}: {place!r:.80} is neither {IMAGE_SCHEME}IMAGE nor {PART_SCHEME}DIRECTORY/"
            )
        yield name, place


def _secrets(request: Request) -> tuple[tuple[str, bytes], ...]:
    text = request.headers.get(SECRETS_HEADER, "")
    if len(text) > MAX_SECRETS_BYTES:
        raise InvalidInput(f"{SECRETS_HEADER}: secrets of more than {MAX_SECRETS_BYTES} bytes are not taken")
    try:
        padded = text + "=" * (-len(text) % 4)
        content = base64.b64decode(padded.translate({45: "+", 95: "/"}), validate=True)
        found = msgspec.json.decode(content, type=dict[str, bytes]) if content else {}
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise InvalidInput(f"{SECRETS_HEADER}: base64url of JSON is wanted, ids with base64 of their bytes") from None
    return tuple(found.items())


def _decoded(request: Request, name: str, kind: type[T], failure: str) -> T:
    """Return a parameter that is JSON; one that is not said, or null, is empty. Raises InvalidInput."""
    text = request.query.get(name, "").strip()
    if text in ("", "null"):
        return msgspec.convert({} if str(kind).startswith("dict") else [], kind)
    try:
        return decode_bytes(text, kind)
    except InvalidInput as error:
        raise InvalidInput(f"{failure}: {error}") from None

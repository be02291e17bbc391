"""API versions: which there are, and the one table of what older ones see otherwise, applied to the newest shape."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec

from labcore.daemon.wire.codec import ZERO_TIME, encode
from labcore.errors import InvalidInput
from labcore.http import Request, Response, Route
from labcore.record import Record

API_VERSION: Final = "1.51"
MIN_API_VERSION: Final = "1.24"
Version = tuple[int, ...]
IMAGE_CONFIG: Final = {  # fields of a container's config that an image's had, and that were always empty
    "Hostname": "", "Domainname": "", "AttachStdin": False, "AttachStdout": False, "AttachStderr": False, "Tty": False,
    "OpenStdin": False, "StdinOnce": False, "Image": "",
}  # fmt: skip
CONTAINER_CONFIG: Final = IMAGE_CONFIG | {  # that of the container which an image was made from: nobody keeps it
    "User": "", "Env": None, "Cmd": None, "Volumes": None, "WorkingDir": "", "Entrypoint": None, "OnBuild": None,
    "Labels": None,
}  # fmt: skip
NONE_TAG, NONE_DIGEST = "<none>:<none>", "<none>@<none>"
NOT_USER_DEFINED: Final = ("bridge", "host", "none", "default")


@lru_cache(maxsize=64)
def parsed(text: str) -> Version:
    """Return a version to be compared: its numbers, without zeros in the end."""
    numbers = [int(number or 0) for number in text.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def version_of(request: Request) -> Version:
    """Return the version that a request speaks: its path's prefix, or else the newest."""
    return parsed(request.path_params.get("version", API_VERSION))


class VersionTooOld(InvalidInput):
    """A version whose clients read errors as plain text."""


def check_version(request: Request) -> None:
    """Raises InvalidInput for a version that is not spoken here, in docker's words."""
    asked = request.path_params.get("version", API_VERSION)
    if parsed(asked) > parsed(API_VERSION):
        raise InvalidInput(f"client version {asked} is too new. Maximum supported API version is {API_VERSION}")
    if parsed(asked) < parsed(MIN_API_VERSION):
        raise VersionTooOld(
            f"client version {asked} is too old. Minimum supported API version is {MIN_API_VERSION}, "
            "please upgrade your client to a newer version"
        )


class Difference(Record):
    """What is otherwise for versions before `until` in the answer of a route (its parameters are `{}`)."""

    until: str
    route: str
    change: Callable[[Any], Any]


def without(*names: str) -> Callable[[Any], Any]:
    """Return a change that takes fields away."""
    return lambda value: {name: each for name, each in value.items() if name not in names}


def with_fields(**fields: Any) -> Callable[[Any], Any]:
    """Return a change that gives fields."""
    return lambda value: value | fields


def each(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a change of all values of a list."""
    return lambda values: [change(value) for value in values]


def within(name: str, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a change of one field, if there is a value in it."""
    return lambda value: value | {name: change(value[name])} if value.get(name) else value


def _expected(commit: dict[str, Any]) -> dict[str, Any]:
    return commit | {"Expected": commit["ID"]} if commit["ID"] else commit


def _virtual_size(image: dict[str, Any]) -> dict[str, Any]:
    return image | {"VirtualSize": image["Size"]}


def _none_tags(image: dict[str, Any]) -> dict[str, Any]:
    nameless = not image["RepoTags"] and not image["RepoDigests"]
    return image | ({"RepoTags": [NONE_TAG], "RepoDigests": [NONE_DIGEST]} if nameless else {})


def _own_aliases(container: dict[str, Any]) -> dict[str, Any]:
    """Return a container whose aliases have its ID and hostname among them on networks that are a user's."""
    own = [container["Id"][:12], container["Config"]["Hostname"]]
    for name, endpoint in container["NetworkSettings"]["Networks"].items():
        if name not in NOT_USER_DEFINED and not name.startswith("container:"):
            endpoint["Aliases"] = list(dict.fromkeys([*(endpoint["Aliases"] or ()), *own]))
    return container


def _one_parent(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of the build cache that names one parent."""
    parents = record.pop("Parents") or [""]
    return record | {"Parent": parents[0]}


def _name_only(options: list[str]) -> list[str]:
    return [option.partition(",")[0].removeprefix("name=") for option in options]


DIFFERENCES: Final = (  # the latest first: an older version sees them all
    Difference("1.51", "GET /images/json", each(with_fields(Containers=-1))),
    Difference("1.50", "GET /info", with_fields(BridgeNfIptables=False, BridgeNfIp6tables=False)),
    Difference("1.50", "GET /images/{}/json", within("Config", lambda config: IMAGE_CONFIG | config)),
    Difference("1.49", "GET /info", without("FirewallBackend")),
    *(Difference("1.49", "GET /info", within(f"{name}Commit", _expected)) for name in ("Containerd", "Runc", "Init")),
    Difference("1.48", "GET /containers/{}/json", without("ImageManifestDescriptor")),
    Difference("1.48", "GET /containers/json", each(without("ImageManifestDescriptor"))),
    Difference("1.48", "GET /images/{}/json", without("Descriptor", "Manifests")),
    Difference("1.48", "GET /images/json", each(without("Descriptor"))),
    Difference("1.47", "GET /images/json", each(without("Manifests"))),
    Difference(
        "1.47",
        "GET /info",
        within(
            "RegistryConfig",
            with_fields(AllowNondistributableArtifactsCIDRs=None, AllowNondistributableArtifactsHostnames=None),
        ),
    ),
    Difference("1.46", "GET /info", without("Containerd")),
    Difference("1.46", "GET /containers/json", each(within("HostConfig", without("Annotations")))),
    Difference("1.45", "GET /containers/{}/json", _own_aliases),
    Difference("1.45", "GET /images/{}/json", with_fields(ContainerConfig=CONTAINER_CONFIG)),
    Difference("1.44", "GET /info", within("Runtimes", lambda found: {name: without("status")(found[name]) for name in found})),
    Difference("1.44", "GET /images/{}/json", _virtual_size),
    Difference("1.44", "GET /images/{}/json", lambda image: {"Created": ZERO_TIME} | image),
    Difference("1.44", "GET /images/json", each(_virtual_size)),
    Difference("1.44", "GET /system/df", within("Images", each(_virtual_size))),
    Difference("1.43", "GET /images/json", each(_none_tags)),
    Difference("1.42", "GET /info", with_fields(KernelMemory=False)),
    Difference("1.42", "GET /system/df", within("BuildCache", each(_one_parent))),
    Difference("1.25", "GET /info", with_fields(ExecutionDriver="<not supported>")),
    Difference("1.25", "GET /info", within("SecurityOptions", _name_only)),
)
PARAMETER: Final = re.compile(r"\{[^}]*\}")


def differences_of(route: Route) -> list[tuple[Version, Callable[[Any], Any]]]:
    """Return what is otherwise in the answers of a route, and for versions before which."""
    key = f"{route.method} {PARAMETER.sub('{}', route.path)}"
    return [(parsed(each.until), each.change) for each in DIFFERENCES if each.route == key]


def adapted(answer: Response, differences: list[tuple[Version, Callable[[Any], Any]]], version: Version) -> Response:
    """Return an answer as a version sees it."""
    changes = [change for until, change in differences if version < until]
    if not changes or answer.status != 200 or not isinstance(answer.body, bytes):
        return answer
    value = msgspec.json.decode(answer.body)
    for change in changes:
        value = change(value)
    return answer.replace(body=encode(value) + b"\n")

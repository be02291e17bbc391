"""BuildOptions: what a caller wants of a build, `docker build`'s options as fields."""

from __future__ import annotations

from labcore.record import Record
from labcore.spec.resources import Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.spec import Platform, Reference
    from labcore.spec.isolation import Rlimit


class BuildOptions(Record):
    """Options of a build.

    `tags` are the image's names. `arguments` are pairs of `--build-arg`; with the value None it is unset. `contexts` are pairs
    of `--build-context`: a name, and what stands for it (`docker-image://IMAGE`; others the caller has passed beside it).
    `uncached_stages` are those of `--no-cache-filter`. `cache_from` are images; `inline_cache`: so can this be. Of what
    is in the cache here only `cached_layers` are taken, by their diff IDs, if these are said.
    `secrets` are pairs of an id and its bytes. `entitlements` are security.insecure and network.host.
    `network` is bridge, none, host, `container:NAME`, or a network's name.
    `hosts` are pairs of a name and an address. `epoch` is SOURCE_DATE_EPOCH in seconds: no time in the image is later.
    With `keeps_failed` a failed RUN's files are kept as an image, which the failure names.
    """

    tags: tuple[Reference, ...] = ()
    target: str = ""
    arguments: tuple[tuple[str, str | None], ...] = ()
    contexts: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    platform: Platform | None = None
    no_cache: bool = False
    uncached_stages: tuple[str, ...] = ()
    cache_from: tuple[str, ...] = ()
    cached_layers: frozenset[str] | None = None
    cache_to: str = ""
    inline_cache: bool = False
    pull: bool = False
    secrets: tuple[tuple[str, bytes], ...] = ()
    network: str = ""
    hosts: tuple[tuple[str, str], ...] = ()
    shm_size: int = 0
    rlimits: tuple[Rlimit, ...] = ()
    resources: Resources = Resources()
    cgroup_parent: str = ""
    entitlements: tuple[str, ...] = ()
    epoch: int | None = None
    keeps_failed: bool = False

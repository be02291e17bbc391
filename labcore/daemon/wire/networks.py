"""NetworkCreate, and the bodies of connect and disconnect; what they mean for the engine."""

from typing import Final

from msgspec import field

from labcore.daemon.wire.codec import Wire
from labcore.daemon.wire.endpoint_settings import EndpointSettings
from labcore.engine.network.create import network_options
from labcore.errors import Forbidden, InvalidInput, NotFound
from labcore.network.networks import checked_name
from labcore.spec.network import NetworkOptions

IPAM_DRIVER: Final = "default"


class IPAMConfig(Wire):
    """A pool: its subnet, the range that addresses come from, its gateway, and addresses that nobody gets."""

    subnet: str = ""
    ip_range: str = field(name="IPRange", default="")
    gateway: str = ""
    auxiliary_addresses: dict[str, str] = {}


class IPAM(Wire):
    """Where a network's addresses come from."""

    driver: str = ""
    config: list[IPAMConfig] = []
    options: dict[str, str] | None = None


class ConfigReference(Wire):
    """The network that another has its configuration from."""

    network: str = ""


class NetworkCreate(Wire):
    """The body of POST /networks/create. `CheckDuplicate` means nothing any more: names are unique."""

    name: str = ""
    driver: str = ""
    scope: str = ""
    internal: bool = False
    attachable: bool = False
    ingress: bool = False
    config_only: bool = False
    config_from: ConfigReference | None = None
    ipam: IPAM = field(name="IPAM", default_factory=IPAM)
    enable_ipv4: bool = field(name="EnableIPv4", default=True)
    enable_ipv6: bool = field(name="EnableIPv6", default=False)
    options: dict[str, str] = {}
    labels: dict[str, str] = {}


class NetworkConnect(Wire):
    """The body of POST /networks/{id}/connect."""

    container: str = ""
    endpoint_config: EndpointSettings = field(default_factory=EndpointSettings)


class NetworkDisconnect(Wire):
    """The body of POST /networks/{id}/disconnect."""

    container: str = ""
    force: bool = False


def network_options_of(body: NetworkCreate) -> NetworkOptions:
    """Return what is wanted, as the engine takes it. Raises InvalidInput, Forbidden, NotFound."""
    _check(body)
    pools = body.ipam.config
    return network_options(
        body.name,
        driver=body.driver or "bridge",
        subnets=[pool.subnet for pool in pools],
        gateways=[pool.gateway for pool in pools if pool.gateway],
        ip_ranges=[pool.ip_range for pool in pools if pool.ip_range],
        auxiliary={name: address for pool in pools for name, address in pool.auxiliary_addresses.items()},
        labels=body.labels,
        options=body.options,
        ipam_options=body.ipam.options,
        ipv4=body.enable_ipv4,
        ipv6=body.enable_ipv6,
        internal=body.internal,
        attachable=body.attachable,
    )


def _check(body: NetworkCreate) -> None:
    checked_name(body.name)
    if body.ingress:
        raise Forbidden("Ingress network can only be global scope network: there is no swarm here")
    if body.scope == "swarm":
        raise Forbidden("cannot create a swarm scoped network when swarm is not active")
    if body.config_only:
        raise InvalidInput(
            "ConfigOnly: a network that only others have their configuration from cannot be made here: leave it out"
        )
    if body.config_from and body.config_from.network:
        raise NotFound(f'configuration network "{body.config_from.network}" does not exist: give the configuration itself')
    if body.ipam.driver not in ("", IPAM_DRIVER):
        raise NotFound(f'plugin "{body.ipam.driver:.80}" not found: the IPAM driver {IPAM_DRIVER} is all there is')
    if any(not pool.subnet for pool in body.ipam.config):
        raise InvalidInput("invalid network config:\ninvalid subnet : invalid CIDR block notation: IPAM.Config names no Subnet")

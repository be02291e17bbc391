"""EndpointSettings: how a container is to be connected to one network, read into EndpointOptions."""

from msgspec import field

from labcore.daemon.wire.codec import Wire
from labcore.spec.network import EndpointOptions


class EndpointIPAMConfig(Wire):
    """The addresses that a container wants."""

    ipv4_address: str = field(name="IPv4Address", default="")
    ipv6_address: str = field(name="IPv6Address", default="")
    link_local_ips: list[str] = field(name="LinkLocalIPs", default_factory=list)


class EndpointSettings(Wire):
    """How a container wants to be connected."""

    ipam_config: EndpointIPAMConfig = field(name="IPAMConfig", default_factory=EndpointIPAMConfig)
    links: list[str] = []
    aliases: list[str] = []
    mac_address: str = ""
    driver_opts: dict[str, str] = {}
    gw_priority: int = 0


def endpoint_options_of(network: str, settings: EndpointSettings) -> EndpointOptions:
    """Return how a container is to be connected to a network, as the engine takes it. Raises InvalidInput."""
    return EndpointOptions(
        network,
        ipv4=settings.ipam_config.ipv4_address,
        ipv6=settings.ipam_config.ipv6_address,
        mac_address=settings.mac_address,
        aliases=tuple(settings.aliases),
        links=tuple(_link(each) for each in settings.links),
        driver_options=tuple(settings.driver_opts.items()),
        priority=settings.gw_priority,
        link_local=tuple(settings.ipam_config.link_local_ips),
    )


def _link(text: str) -> tuple[str, str]:
    container, _, alias = text.partition(":")
    return container, alias or container

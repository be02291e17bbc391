"""Networks: bridges, addresses, published ports, names and isolation. The network driver."""

from labcore.lazy import lazy_names

TYPE_CHECKING = False  # `run` uses single modules: the names below are loaded when they are first used
if TYPE_CHECKING:
    from labcore.network.driver import NetworkDriver
    from labcore.network.namespaces import in_namespace, namespace_of
    from labcore.network.netlink import NetlinkError

__all__ = ["NetlinkError", "NetworkDriver", "in_namespace", "namespace_of"]

__getattr__ = lazy_names(
    __name__,
    {
        "labcore.network.driver": ("NetworkDriver",),
        "labcore.network.namespaces": ("in_namespace", "namespace_of"),
        "labcore.network.netlink": ("NetlinkError",),
    },
)

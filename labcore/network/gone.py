"""Removal of bridges and rules whose state root is gone, and which nobody else will remove."""

from labcore.network import docker_user
from labcore.network.aliases import OURS, gone_root, place_of
from labcore.network.firewall import remove_tables, table_of
from labcore.network.links import delete_link, list_links
from labcore.network.netlink import Netlink
from labcore.network.set_elements import SetElements


def remove_gone(netlink: Netlink) -> list[str]:
    """Remove them; return what was done, as sentences. A bridge that a container is on yet stays. Raises Unavailable."""
    links = list_links(netlink)
    in_use = {link.master for link in links}
    ours = [link for link in links if link.kind == "bridge" and link.alias.startswith(OURS)]
    gone = {link: root for link in ours if link.index not in in_use and (root := gone_root(link.alias))}
    kept = {place_of(link.alias) for link in ours if link not in gone}
    for link in gone:
        netlink.request(delete_link(link.name))
        docker_user.forget(SetElements(table_of(place_of(link.alias))), link.name)
    for place in {place_of(link.alias) for link in gone} - kept:
        remove_tables(table_of(place))
    return [
        f"removed bridge {link.name}: its state root is gone: {root.removesuffix('/network')}" for link, root in gone.items()
    ]

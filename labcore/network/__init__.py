"""Networks: bridges, addresses, published ports, names and isolation. The network driver."""

"""The embedded DNS server of user-defined networks: names, aliases and links of containers."""

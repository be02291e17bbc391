"""User-mode networking: pasta(1), else slirp4netns(1), which make a network namespace's packets the host's sockets.

Both give the namespace the same: a tap device with an address, a default route, and a name server that asks the host's own.
Nothing of the host's loopback is reached through them, and no port is forwarded: published ports are the port proxy's.
Light, as procfs.py is: whoever runs a container asks whether there is one.
"""

import os

TAP = "tap0"
SUBNET = "10.0.2.0/24"
ADDRESS, GATEWAY, NAME_SERVER = "10.0.2.100", "10.0.2.2", "10.0.2.3"  # slirp4netns's, and so pasta's
ADDRESS6, GATEWAY6 = "fd6c:6162:636f::100", "fd6c:6162:636f::2"
TUN = "/dev/net/tun"
PASTA = (
    "pasta", "--quiet", "--foreground", "--config-net", "--ns-ifname", TAP, "--no-map-gw", "--dns-forward", NAME_SERVER,
    "--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none",
    "--address", ADDRESS, "--netmask", "24", "--gateway", GATEWAY,
)  # fmt: skip
PASTA6 = ("--address", ADDRESS6, "--gateway", GATEWAY6)
SLIRP = ("slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback", "--enable-sandbox", "--enable-seccomp")
SLIRP6 = ("--enable-ipv6",)
# It advertises itself as router, and nobody listens: the namespace forwards.
SLIRP_ADDRESS6, SLIRP_GATEWAY6 = "fd00::100/128", "fe80::2"


def commands(namespace: str) -> list[tuple[str, ...]]:
    """Return the words that connect the network namespace mounted at that path, of each program that is installed."""
    ipv6 = os.path.isdir("/proc/sys/net/ipv6")  # noqa: PTH112
    found = []
    if _is_installed("pasta"):
        found.append((*PASTA, *(PASTA6 if ipv6 else ()), "--netns", namespace))
    if _is_installed("slirp4netns"):
        found.append((*SLIRP, *(SLIRP6 if ipv6 else ()), "--netns-type=path", namespace, TAP))
    return found


def obstacle() -> tuple[str, str] | None:
    """Return why an ordinary user's containers can have no network here, and the cure; None if they can."""
    if not commands(""):
        return "an ordinary user's networks need pasta or slirp4netns, and neither is installed", "sudo apt-get install passt"
    if not os.path.exists(TUN):  # noqa: PTH110
        return f"an ordinary user's networks need {TUN}, which is not there", "sudo modprobe tun"
    if not os.access(TUN, os.R_OK | os.W_OK):
        return f"an ordinary user's networks need {TUN}, which is closed to you", f"sudo chmod 666 {TUN}"
    return None


def _is_installed(program: str) -> bool:
    """Return whether a program is on the path; `shutil.which` costs 3 ms of a start."""
    return any(os.access(f"{directory}/{program}", os.X_OK) for directory in os.get_exec_path())

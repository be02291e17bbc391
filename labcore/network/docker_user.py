"""DOCKER-USER: the chain of iptables(8) that dockerd leaves to others, to let a bridge through its FORWARD policy DROP.

What is accepted there comes to our own rules nevertheless, and these decide. Light, as procfs.py is.
"""

TYPE_CHECKING = False  # `typing` costs 3 ms of each start of a command
if TYPE_CHECKING:
    from collections.abc import Iterator

    from labcore.network.set_elements import SetElements

CHAIN = "DOCKER-USER"


def accept(sets: "SetElements", bridge: str) -> None:
    """Accept what comes from a bridge or goes to it, where dockerd is; a second time does nothing."""
    for command in _commands(sets):
        for rule in _rules(bridge):
            if not _succeeds(command, "-C", rule):
                _succeeds(command, "-I", rule)


def forget(sets: "SetElements", bridge: str) -> None:
    """Remove what `accept` has added."""
    for command in _commands(sets):
        for rule in _rules(bridge):
            _succeeds(command, "-D", rule)


def _rules(bridge: str) -> "Iterator[tuple[str, ...]]":
    return ((direction, bridge, "-j", "ACCEPT") for direction in ("-i", "-o"))


def _commands(sets: "SetElements") -> "Iterator[str]":
    """Yield the commands for the tables that may have the chain: the kernel tells of nftables' chains, and of legacy tables."""
    for family, command in (("ip", "iptables"), ("ip6", "ip6tables")):
        if sets.has_chain(family, CHAIN, "filter"):
            yield from _found(f"{command}-nft", command)
        if _has_legacy_filter(family):
            yield from _found(f"{command}-legacy", command)


def _has_legacy_filter(family: str) -> bool:
    try:
        with open(f"/proc/thread-self/net/{family}_tables_names", encoding="ascii") as names:  # noqa: PTH123
            return "filter" in names.read().split()
    except FileNotFoundError:
        return False


def _found(*names: str) -> "Iterator[str]":
    from shutil import which  # which is 3 ms, and subprocess 5: only where dockerd is

    yield from filter(None, [next(filter(None, map(which, names)), None)])


def _succeeds(command: str, action: str, rule: tuple[str, ...]) -> bool:
    import subprocess

    return not subprocess.run([command, "--wait", action, CHAIN, *rule], capture_output=True).returncode

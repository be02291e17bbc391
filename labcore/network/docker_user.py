"""DOCKER-USER: the chain of iptables(8) that dockerd leaves to others, to let a bridge through its FORWARD policy DROP.

What is accepted there comes to our own rules nevertheless, and these decide. Light, as procfs.py is.
"""

TYPE_CHECKING = False  # `typing` costs 3 ms of each start of a command
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labcore.network.set_elements import SetElements

CHAIN = "DOCKER-USER"


def accept(sets: "SetElements", *bridges: str) -> None:
    """Accept what comes from bridges or goes to them, where dockerd is; a second time does nothing."""
    for command in _commands(sets):
        present = _list_rules(command)
        _change(command, "-I", [rule for rule in _rules(bridges) if rule not in present])


def forget(sets: "SetElements", *bridges: str) -> None:
    """Remove what `accept` has added. The kernel waits for all its processors then, 20 ms: do it where nobody waits for it."""
    rules = _rules(bridges)
    for command in _commands(sets):
        _change(command, "-D", [rule for rule in _list_rules(command) if rule in rules])


def _rules(bridges: "Sequence[str]") -> "list[str]":
    """Return the rules for bridges, but for those whose names iptables reads otherwise: `br+` is all that begin with `br`."""
    plain = [bridge for bridge in bridges if not set(bridge) & set("+!\"'\\")]
    return [f"{direction} {bridge} -j ACCEPT" for bridge in plain for direction in ("-i", "-o")]


def _list_rules(command: str) -> "list[str]":
    """Return the chain's rules, as the command prints them."""
    import subprocess  # which costs 5 ms: only where dockerd is

    listed = subprocess.run([command, "--wait", "-S", CHAIN], capture_output=True, text=True, errors="replace").stdout
    prefix = f"-A {CHAIN} "
    return [line.removeprefix(prefix) for line in listed.splitlines() if line.startswith(prefix)]


def _change(command: str, action: str, rules: "Sequence[str]") -> None:
    """Add or remove rules in one transaction, by iptables-restore(8)."""
    import subprocess

    if rules:
        changes = "".join(f"{action} {CHAIN} {rule}\n" for rule in rules)
        words = [f"{command}-restore", "--wait", "--noflush"]
        subprocess.run(words, input=f"*filter\n{changes}COMMIT\n", text=True, capture_output=True)


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
    from shutil import which  # which costs 3 ms: only where dockerd is

    yield from filter(None, [next(filter(None, map(which, names)), None)])

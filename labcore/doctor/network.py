"""Network checks: forwarding, whose rules stand in the way, what nftables is reached by, whether the rules are still there."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from labcore.doctor.finding import Finding, attempt, say
from labcore.errors import LabcoreError
from labcore.native import DEVNULL, CloneFlag
from labcore.network import NetworkDriver
from labcore.network.networks import NetworkStore
from labcore.network.rootless import user_mode
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.probe import read_setting

REPAIR = "sudo labcore network repair"
BRIDGE = "labcore0"  # of the network that is always there
ENVIRONMENT = tuple(f"{name}={os.environ[name]}" for name in ("PATH", "HOME") if name in os.environ)


def findings(root: Path) -> Iterator[Finding]:
    """Yield one finding for each; `root` is the state root, whose networks are looked at."""
    yield _ip_forward()
    yield _forward_policy(_bridges(root) or [BRIDGE])
    yield _bridge_netfilter()
    yield _nftables()
    yield _bridge()
    yield _rules(root)
    yield _user_mode()


def _bridges(root: Path) -> list[str]:
    """Return the bridges of the networks that there are."""
    try:
        found = [network.bridge for network in NetworkStore(str(root / "network")).networks() if network.bridge]
    except (LabcoreError, OSError):
        return []
    return [bridge for bridge in found if Path("/proc/sys/net/ipv4/conf", bridge).exists()]


def _ip_forward() -> Finding:
    affects = say("containers that talk to other machines")
    if read_setting("net/ipv4/ip_forward") == "1":
        return Finding("ip_forward", "ok", say("on"), affects)
    return Finding("ip_forward", "ok", say("off: the first network that needs it switches it on"), affects)


def _forward_policy(bridges: list[str]) -> Finding:
    """Look for whoever drops or rejects what is forwarded: a verdict of theirs is final, whatever our own rules say."""
    affects = say("containers behind a bridge: others' rules for what is forwarded stop their traffic")
    if os.geteuid():
        return Finding("FORWARD policy", "untried", say("only root can read it"), affects, say("run as root"))
    rules = _listed("nft", "list", "ruleset") + _listed("iptables-legacy", "-S")
    if not rules and not shutil.which("nft") and not shutil.which("iptables-legacy"):
        return Finding("FORWARD policy", "untried", say("neither nft nor iptables is installed to read it"), affects)
    for who, marks, cure in _OBSTACLES:
        if all(re.search(mark, rules) for mark in marks):
            if who == "dockerd" and all(_lets_through(rules, bridge) for bridge in bridges):
                detail = say("dockerd drops, and lets our bridges through in its chain DOCKER-USER")
                return Finding("FORWARD policy", "ok", detail, affects)
            detail = say("{who} drops or rejects what is forwarded", who=who)
            return Finding("FORWARD policy", "limited", detail, affects, cure.format(bridge=bridges[0]))
    detail = "ACCEPT" if "FORWARD" in rules else say("no rules, so everything is forwarded")
    return Finding("FORWARD policy", "ok", detail, affects)


DROPS = r"hook forward priority [^;]*; policy drop;|-P FORWARD DROP"
_OBSTACLES = (  # who, what tells, and what lets a bridge through
    ("dockerd", (DROPS, r"chain DOCKER-USER|-N DOCKER-USER"), REPAIR),
    (
        "ufw",
        (DROPS, r"chain ufw-before-forward|-N ufw-before-forward"),
        "sudo ufw route allow in on {bridge} && sudo ufw route allow out on {bridge}",
    ),
    (
        "firewalld",
        (r"table inet firewalld",),
        "sudo firewall-cmd --permanent --zone=trusted --add-interface={bridge} && sudo firewall-cmd --reload",
    ),
    (
        "iptables",
        (DROPS,),
        "sudo iptables -I FORWARD -i {bridge} -j ACCEPT && sudo iptables -I FORWARD -o {bridge} -j ACCEPT",
    ),
)


def _lets_through(rules: str, bridge: str) -> bool:
    nft, legacy = rf'iifname "{bridge}" counter [^\n]*accept', rf"-A DOCKER-USER -i {bridge} -j ACCEPT"
    return bool(re.search(nft, rules) or re.search(legacy, rules))


def _listed(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True).stdout


def _bridge_netfilter() -> Finding:
    affects = say("containers of one network: rules for what is routed are asked about what a bridge carries, too")
    if read_setting("net/bridge/bridge-nf-call-iptables") == "1":
        detail = say("on: labcore's rules let a network's own traffic through; others' FORWARD rules apply to it as well")
        return Finding("bridge netfilter", "ok", detail, affects)
    return Finding("bridge netfilter", "ok", say("off"), affects)


def _nftables() -> Finding:
    """Make a table by what makes ours, library or command, in a network namespace that is gone afterwards."""
    affects = say("networks: published ports, and what keeps networks apart")
    command = [sys.executable, "-c", "from labcore.network import nftables; nftables.run('table inet labcore_doctor {}')"]
    found, said = _in_own_network("nftables", command, affects, say("made a table in a new network namespace"))
    if found.state != "ok" or not said:
        return found
    return Finding("nftables", "missing", said.splitlines()[-1][:300], affects, "sudo apt-get install libnftables1")


def _bridge() -> Finding:
    affects, works = say("networks of several containers"), say("made one in a new network namespace")
    if (path := shutil.which("ip")) is None:
        return Finding(
            "bridge", "untried", say("{program} is not installed", program="ip"), affects, "sudo apt-get install iproute2"
        )
    found, said = _in_own_network("bridge", [path, "link", "add", "labcore-doctor", "type", "bridge"], affects, works)
    return Finding("bridge", "missing", said[:300], affects, say("see dmesg")) if said else found


def _in_own_network(name: str, command: list[str], affects: str, works: str) -> tuple[Finding, str]:
    """Try a command in a network namespace that is gone afterwards; return what it said if it failed."""
    found = attempt(name, Plan([ops.Clone(CloneFlag.NEWNET)]), affects=affects, works=works)
    if found.state != "ok":
        return found, ""
    plan = Plan([ops.Clone(CloneFlag.NEWNET), ops.CloseDescriptors(), ops.Execve(tuple(command), ENVIRONMENT, (command[0],))])
    with tempfile.TemporaryFile() as said, spawn(plan, stdin=DEVNULL, stdout=said, stderr=said) as process:
        failed = process.wait(10) != 0
        said.seek(0)
        return found, said.read().decode(errors="replace").strip() or say("it failed") if failed else ""


def _rules(root: Path) -> Finding:
    affects = say("networks: without their rules they are not kept apart, and published ports show the proxy as their client")
    bridges = _bridges(root)
    if not bridges:
        return Finding("network rules", "untried", say("no network's bridge is there yet"), affects)
    if os.geteuid():
        return Finding("network rules", "untried", say("only root can read it"), affects, say("run as root"))
    if NetworkDriver(root).has_rules():
        return Finding("network rules", "ok", say("those of {bridges} are there", bridges=", ".join(bridges)), affects)
    detail = say("somebody has flushed them (nft flush ruleset)")
    return Finding("network rules", "limited", detail, affects, say("{repair}; the next start does the same", repair=REPAIR))


def _user_mode() -> Finding:
    """Look for what connects an ordinary user's networks with the host's."""
    affects = say("networks of an ordinary user's containers")
    programs = ", ".join(words[0] for words in user_mode.commands(""))
    if obstacle := user_mode.obstacle():
        detail = say("{path} is not there, or closed to you", path=user_mode.TUN)
        said = detail if programs else say("neither pasta nor slirp4netns is installed")
        return Finding("user-mode network", "missing", said, affects, obstacle[1])
    return Finding("user-mode network", "ok", say("by {programs}", programs=programs), affects)

"""What the doctor says of a host's network with each obstacle: whose rules stand in the way, and the cure."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.doctor import Finding, network
from labcore.network import NetworkDriver
from labcore.spec.network import NetworkOptions
from tests.conftest import needs, needs_root
from tests.network import Namespace, namespace

UFW = ("-N ufw-before-forward", "-A FORWARD -j ufw-before-forward", "-P FORWARD DROP")
DOCKER = ("-N DOCKER-USER", "-A FORWARD -j DOCKER-USER", "-P FORWARD DROP")


@pytest.fixture
def host() -> Iterator[Namespace]:
    needs_root()
    needs("nft", "iptables-legacy", "iptables-nft", "nsenter")
    with namespace() as place:
        yield place


def said(host: Namespace, root: Path) -> dict[str, Finding]:
    with host.entered():
        return {finding.name: finding for finding in network.findings(root)}


@pytest.mark.parametrize("command", ["iptables-nft", "iptables-legacy"])
@pytest.mark.parametrize(
    ("rules", "who", "cure"),
    [
        (UFW, "ufw", "ufw route allow in on labcore0"),
        (DOCKER, "dockerd", "labcore network repair"),
        (("-P FORWARD DROP",), "iptables", "iptables -I FORWARD -i labcore0 -j ACCEPT"),
    ],
)  # fmt: skip
def test_whoever_drops_what_is_forwarded_is_named(
    host: Namespace, tmp_path: Path, command: str, rules: tuple[str, ...], who: str, cure: str
) -> None:
    for rule in rules:
        host(command, *rule.split())
    finding = said(host, tmp_path)["FORWARD policy"]
    assert (finding.state, finding.detail.split()[0]) == ("limited", who)
    assert cure in finding.cure


def test_firewalld_is_named(host: Namespace, tmp_path: Path) -> None:
    host("nft", "add table inet firewalld; add chain inet firewalld filter_FORWARD")
    finding = said(host, tmp_path)["FORWARD policy"]
    assert (finding.state, "firewall-cmd" in finding.cure) == ("limited", True)


def test_no_obstacle_is_fine(host: Namespace, tmp_path: Path) -> None:
    findings = said(host, tmp_path)
    assert {findings[name].state for name in ("FORWARD policy", "nftables", "bridge", "bridge netfilter")} == {"ok"}
    assert findings["network rules"].state == "untried"


def test_bridges_that_dockerd_lets_through_and_flushed_rules_are_seen(host: Namespace, tmp_path: Path) -> None:
    for rule in DOCKER:
        host("iptables-nft", *rule.split())
    with host.entered():
        NetworkDriver(tmp_path).create(NetworkOptions("one"))
    findings = said(host, tmp_path)
    assert {findings[name].state for name in ("FORWARD policy", "network rules")} == {"ok"}
    host("nft", "flush", "ruleset")
    finding = said(host, tmp_path)["network rules"]
    assert (finding.state, "network repair" in finding.cure) == ("limited", True)
    with host.entered():
        NetworkDriver(tmp_path).repair()
    assert said(host, tmp_path)["network rules"].state == "ok"


def test_a_machine_without_nftables_is_told_what_to_install(
    host: Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import labcore.native.libnftables as library; library.LIBRARY = 'none.so'")
    monkeypatch.setattr(network, "ENVIRONMENT", (f"PYTHONPATH={tmp_path}", "PATH=/nowhere"))
    finding = said(host, tmp_path)["nftables"]
    assert (finding.state, "libnftables1" in finding.cure) == ("missing", True)

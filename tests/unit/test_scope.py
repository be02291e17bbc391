"""Scopes: how bundles name them, and which limits systemd keeps."""

import pytest

from labcore.errors import InvalidInput
from labcore.runtime.cgroups.scope import INFINITY, Scope, properties
from labcore.spec.resources import Resources


@pytest.mark.parametrize(
    ("text", "slice", "unit"),
    [
        ("machine.slice:libpod:abc", "machine.slice", "libpod-abc.scope"),
        ("system.slice:docker:0f", "system.slice", "docker-0f.scope"),
        (":crio:x", "system.slice", "crio-x.scope"),
        ("", "system.slice", "labcore-name.scope"),
        ("user.slice::x", "user.slice", "x.scope"),
    ],
)
def test_names(text: str, slice: str, unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labcore.runtime.cgroups.scope._is_a_users", lambda: False)
    assert Scope.parse(text, "name") == Scope(slice, unit)


@pytest.mark.parametrize(
    "text", ["/a/b", "a.slice:b", "a.slice:b:", "a:b:c", "../a.slice:b:c", "a.slice:b:../c", "a.slice:b:" + "c" * 255]
)
def test_names_that_cannot_be(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"linux\.cgroupsPath"):
        Scope.parse(text, "name")


def test_limits_in_systemds_words() -> None:
    limits = Resources(memory=1 << 20, pids=-1, cpu_shares=1024, cpu_quota=50_000, cpu_period=100_000)
    assert properties(limits) == [
        ("MemoryMax", "t", "1048576"),
        ("TasksMax", "t", str(INFINITY)),
        ("CPUWeight", "t", "39"),
        ("CPUQuotaPerSecUSec", "t", "500000"),
    ]
    assert properties(Resources(cpu_quota=-1)) == [("CPUQuotaPerSecUSec", "t", str(INFINITY))]
    assert properties(Resources(cpus="0")) == []

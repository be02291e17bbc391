"""Paths in a stack of layers, with links that lead upwards, round and round, or nowhere."""

import os
from pathlib import Path

import pytest

from labcore.runtime.lookup import asked_once, find, resolve


@pytest.fixture
def layers(tmp_path: Path) -> list[Path]:
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    for layer in (upper, lower):
        (layer / "etc").mkdir(parents=True)
    (lower / "etc/localtime").symlink_to("/usr/share/zone")
    (lower / "etc/up").symlink_to("../../../../var/run/x")
    (lower / "var").symlink_to("/real")
    (lower / "etc/loop").symlink_to("loop")
    (lower / "etc/hidden").symlink_to("/elsewhere")
    (upper / "etc/hidden").write_text("a file")
    return [upper, lower]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/etc/localtime", "/usr/share/zone"),
        ("/etc/up/y", "/real/run/x/y"),
        ("/var/lib/../run", "/real/run"),
        ("/no/such/../thing", "/no/thing"),
        ("/etc/hidden", "/etc/hidden"),
        ("/..", "/"),
        ("/etc/loop", None),
    ],
)
def test_links_are_followed_inside_and_to_what_is_not_there(layers: list[Path], path: str, wanted: str | None) -> None:
    assert resolve(layers, path) == wanted


def test_what_is_mounted_over_the_root_holds_no_link_of_the_roots(layers: list[Path]) -> None:
    assert resolve(layers, "/var/run", ["/var"]) == "/var/run"
    assert resolve(layers, "/etc/localtime", ["/etc"]) == "/etc/localtime"


def test_a_file_is_found_in_the_topmost_layer_that_has_it(layers: list[Path]) -> None:
    assert find(layers, "/etc/hidden") == layers[0] / "etc/hidden"
    assert find(layers, "/etc/localtime") is None
    (layers[1] / "real/run").mkdir(parents=True)
    assert find(layers, "/var/run") == layers[1] / "real/run"
    if os.geteuid() == 0:
        os.mknod(layers[0] / "real", 0o020000, 0)  # a whiteout
        assert find(layers, "/var/run") is None


def test_paths_that_are_resolved_together_have_each_entry_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    looked_at: list[str] = []
    lstat = os.lstat
    monkeypatch.setattr("os.lstat", lambda path: looked_at.append(path) or lstat(path))  # type: ignore[func-returns-value]
    status = asked_once()
    for name in ("hosts", "hostname"):
        assert resolve([tmp_path], f"/etc/{name}", (), status) == f"/etc/{name}"
    assert sorted(looked_at) == [str(tmp_path / name) for name in ("etc", "etc/hostname", "etc/hosts")]

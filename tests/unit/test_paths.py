"""Where things are: the state root, and the socket of its daemon."""

from pathlib import Path

import pytest

from labcore.paths import closed_directory, daemon_socket, default_root


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LABCORE_ROOT", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_the_machines_daemon_listens_in_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/0")
    assert (default_root(), daemon_socket()) == (Path("/var/lib/labcore"), "/run/labcore.sock")
    assert daemon_socket(Path("/var/lib/labcore")) == "/run/labcore.sock"


def test_an_ordinary_users_daemon_listens_below_its_runtime_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    root = tmp_path / ".local/share/labcore"
    assert (default_root(), daemon_socket()) == (root, f"{root}/labcore.sock")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # somebody else's
    assert daemon_socket() == f"{root}/labcore.sock"
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid)
    assert daemon_socket(root) == f"{tmp_path}/labcore.sock"
    monkeypatch.setenv("LABCORE_ROOT", str(root))  # as it is in the user's namespace
    assert daemon_socket() == f"{tmp_path}/labcore.sock"


def test_any_other_roots_daemon_listens_in_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert daemon_socket(tmp_path / "root") == f"{tmp_path}/root/labcore.sock"
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path / "other"))
    assert daemon_socket() == f"{tmp_path}/other/labcore.sock"


def test_no_directory_on_the_way_to_what_is_open_is_closed(tmp_path: Path) -> None:
    assert closed_directory(str(tmp_path / "file")) is None

"""What lesson 2 works with: its cgroups, the attacks, and a virtual machine or a card."""

from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.lab.attacks import attack, seccomp
from labcore.lab.cgroups import PREFIX, cgroup, group, memory_max, remove_all
from labcore.lab.machines import Card, in_vm, timed
from labcore.lab.session import what_is_missing
from labcore.lab.steps import load
from labcore.lab.workspace import Workspace
from labcore.native import Capability
from labcore.runtime import ops
from labcore.spec import DEFAULT_CAPABILITIES, READONLY_PATHS
from tests.conftest import needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(autouse=True)
def _limits() -> None:
    needs_root()
    if missing := what_is_missing(("limits",)):
        pytest.skip(missing[0])
    remove_all()


@pytest.fixture
def _steps(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCORE_ROOT", str(engine.root))
    load(Workspace(tmp_path))


def test_a_cgroup_is_a_directory_and_gone_at_the_end() -> None:
    made = cgroup("box")
    limit = Path(made["memory"], memory_max())
    limit.write_text(str(1 << 24))
    assert int(limit.read_text()) == 1 << 24
    assert group("box") == made
    assert made.killed == 0
    fresh = Path(cgroup("box")["memory"], memory_max()).read_text().strip()
    assert fresh == "max" or int(fresh) > 1 << 40
    remove_all()
    assert not limit.parent.exists()
    assert not list(limit.parent.parent.parent.glob(f"{PREFIX}*/box"))


@pytest.mark.usefixtures("_steps")
def test_attacks_get_through_until_defences_stand_together() -> None:
    keep = tuple(Capability[name] for name in DEFAULT_CAPABILITIES)
    rights = [ops.BoundCapabilities(keep), ops.SetCapabilities(keep, keep)]
    read_only = [ops.ReadonlyPaths(READONLY_PATHS)]
    assert all(attack([]).values())
    assert attack(read_only)["kernel"], "root takes the protection away again"
    assert not attack(read_only + rights)["kernel"]
    docker = attack([*read_only, seccomp(), *rights])
    assert docker == {"secret": True, "disk": False, "kernel": False, "rights": False}


@pytest.mark.usefixtures("_steps")
def test_without_a_virtual_machine_there_is_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path / "none"))
    card = in_vm("uname -r")
    assert isinstance(card, Card)
    assert repr(card).count("labcore vm setup") == 1
    assert "<code>sudo labcore vm setup</code>" in card._repr_html_()


def test_what_is_timed_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(timed(lambda: print("loud"), 3)) == 3
    assert capsys.readouterr().out == ""

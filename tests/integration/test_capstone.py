"""The capstone: docker on a learner's functions, what is seen of them from outside, and the certificate."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore import lab
from labcore.engine import Engine
from labcore.lab.capstones import examination
from labcore.lab.capstones.figures import docker_ms
from labcore.lab.checks import NotPassed
from labcore.lab.lessons import lesson_of
from labcore.lab.program import marked
from labcore.lab.registries import LessonRegistry
from labcore.lab.solutions import source_of
from labcore.lab.workspace import Workspace
from tests.conftest import needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")
# What does not do what it is asked for; and the claim by which that is seen.
WRONG = {
    "namespaces": (
        "def namespaces(spec):\n    return [ops.Clone(sum(NAMESPACE_FLAGS[kind] for kind in NAMESPACES if kind != 'user'))]\n",
        "namespaces: the one that is shared",
    ),
    "limits": ("def limits(spec):\n    return []\n", "limits: pids.max"),
    "confine": ("def confine(spec):\n    return [] if spec else None\n", "confine: the capability"),
    "build": ("def build(pairs, step):\n    for pair in pairs:\n        step(pair)\n", "build: the daemon's log"),
}


@pytest.fixture
def registry(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[LessonRegistry]:
    """A registry with an nginx that is made without packages, and a workspace."""
    needs_root()
    monkeypatch.setenv("LABCORE_ROOT", str(engine.root))
    monkeypatch.setenv("LABCORE_WORK", str(tmp_path))
    store = lab.new_store()
    with pytest.MonkeyPatch.context() as without_apt:
        without_apt.setenv("PATH", "/nowhere")
        without_apt.setenv("LABCORE_ROOT", str(tmp_path / "root"))  # the shared one may have an nginx of other tests
        lab.nginx(store)
    assert "a stand-in" in capsys.readouterr().out
    with LessonRegistry(tmp_path / "registry") as made:
        lab.push(store, "library/nginx", made)
        yield made


def test_the_learners_functions_are_seen_at_work(registry: LessonRegistry, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for step in ("parse", "cache_key", "rootfs", "hostname"):
        number = lesson_of(step).number
        workspace.save(step, marked(step, source_of(step), number), number)
    certificate = lab.capstone(registry, seed=7)
    assert certificate.holds, certificate
    assert set(certificate.own) == {"parse", "cache_key", "rootfs", "hostname"}
    assert set(certificate.own) | set(certificate.supplied) == set(examination.EXAMINED)
    assert {whose for whose, _ in certificate.figures.starts} >= {"mine", "labcore"}
    assert certificate.figures.calls > certificate.figures.ops > 20
    assert f"{certificate.figures.calls} system calls" in repr(certificate)
    assert [row.own for row in certificate.rows if row.own] == [1, 1, 1, 1], "of lessons 1, 4, 8 and 10"
    page = Path(certificate.save(str(tmp_path / "certificate.html"))).read_text()
    assert "read-" in certificate.page
    assert "Certificate" in page
    assert "iframe sandbox" in page


def test_what_does_not_do_its_work_is_seen(registry: LessonRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path)
    for step, (source, _) in WRONG.items():
        workspace.save(step, source, {"namespaces": 1, "build": 10}.get(step, 2))
    certificate = lab.capstone(registry, seed=8)
    failed = [claim.text for claim in certificate.claims if not claim.holds]
    for _, claim in WRONG.values():
        assert any(text.startswith(claim) for text in failed), certificate
    assert len(failed) == len(WRONG)
    assert certificate.title.startswith("Not yet")
    monkeypatch.setenv("LABCORE_STRICT", "1")
    (tmp_path / "my_runtime.py").write_text("def parse(text):\n    return []\n")
    with pytest.raises(NotPassed, match="what is looked for is there"):
        lab.capstone(registry, seed=8)


def test_a_docker_that_does_not_answer_takes_no_certificate_away(tmp_path: Path) -> None:
    """It has a socket, takes what is asked, and says nothing."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "docker.sock"))
        silent.listen()
        assert docker_ms(f"unix://{tmp_path}/docker.sock", seconds=0.5) == 0


def test_labcores_own_solutions_make_a_specimen_and_no_certificate(registry: LessonRegistry) -> None:
    certificate = lab.capstone(registry, seed=9)
    assert certificate.holds
    assert certificate.title.startswith("A specimen")
    assert certificate.own == ()
    assert "has built a container system" not in repr(certificate)

"""Containers of ordinary users."""

import sys

import pytest

from tests.conftest import as_learner

pytestmark = pytest.mark.usefixtures("nothing_left")
LABCORE = (sys.executable, "-P", "-m", "labcore")


def test_an_ordinary_user_runs_containers() -> None:
    script = (
        f"{' '.join(LABCORE)} seed busybox && {' '.join(LABCORE)} run --rm busybox sh -c 'id -u; hostname; ls /dev; echo $$'"
    )
    done = as_learner("sh", "-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:3] == ["0", "labcore"]
    assert "null" in done.stdout
    assert done.stdout.splitlines()[-1] == "1"

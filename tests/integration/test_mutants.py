"""A sample of the solutions' mutants, another each time: every check rejects what is not equivalent."""

import random
import subprocess
import sys

import pytest

from tests.conftest import PROJECT, needs_root

SECONDS = 8.0

pytestmark = pytest.mark.usefixtures("nothing_left")


def test_a_sample_of_mutants_is_rejected() -> None:
    """What it prints begins with the seed that draws the same sample again; `make mutants` checks them all."""
    needs_root()
    seed = random.SystemRandom().randrange(1 << 32)
    command = [sys.executable, "-m", "tests.mutation", "--seconds", str(SECONDS), "--seed", str(seed)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=SECONDS + 120)
    print(done.stdout)
    assert done.returncode == 0, f"--seed {seed}\n{done.stdout}\n{done.stderr}"

"""Format, style, types and compiler warnings: `make lint`, beside the other tests."""

import subprocess

from tests.conftest import PROJECT, needs


def test_lint_is_clean() -> None:
    needs("make")
    command = ["make", "--no-print-directory", "--old-file=setup", "lint"]  # which these tests have behind them
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr

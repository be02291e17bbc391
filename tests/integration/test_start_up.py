"""Imports of the commands that are waited for: bounded by names, so that one that comes to a path is seen and thought about."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labcore.engine import Engine
from tests.daemon import RunningDaemon
from tests.integration.test_oci import Bundle, bundle, rootfs  # noqa: F401  fixtures

pytestmark = pytest.mark.usefixtures("nothing_left")

PROGRAMS = Path(sys.executable).parent
# Each takes as long as several modules of labcore's, or imports others that do.
HEAVY = {
    "argparse", "ast", "asyncio", "concurrent.futures", "csv", "dataclasses", "datetime", "email", "enum", "hashlib", "http",
    "importlib.metadata", "importlib.util", "inspect", "ipaddress", "json", "locale", "logging", "pathlib", "random", "re",
    "secrets", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl", "string", "subprocess", "tempfile", "threading",
    "traceback", "typing", "urllib.parse", "uuid", "warnings",
}  # fmt: skip
# What the short commands of the OCI runtime need of labcore.
SHORT = {
    "labcore", "labcore.lazy", "labcore.errors", "labcore.trust", "labcore.streams", "labcore.files", "labcore.procfs",
    "labcore.locks", "labcore.atomic", "labcore.runtime", "labcore.runtime.cgroups", "labcore.runtime.cgroups.removal",
    "labcore.runtime.oci", "labcore.runtime.oci.life", "labcore.runtime.oci.transitions", "labcore.runtime.oci.cli",
    "labcore.runtime.oci.cli.options", "labcore.runtime.oci.cli.transitions",
}  # fmt: skip
# What lists can do without: the daemon has it.
NEEDLESS_FOR_LISTS = {
    "datetime", "hashlib", "json", "locale", "shutil", "subprocess", "threading", "typing", "labcore.cli.template.evaluation",
    "labcore.daemon", "labcore.engine", "labcore.http", "labcore.images", "labcore.native", "labcore.network",
    "labcore.registry", "labcore.runtime", "labcore.spec", "labcore.storage",
}  # fmt: skip


def imported(directory: Path, *command: str | Path) -> set[str]:
    """Run a command of ours, and return the modules that it imports, without those that every start of Python does."""

    def modules(*words: str | Path) -> set[str]:
        log = directory / "imports"
        with log.open("w") as file:  # no pipe: whoever is started may keep it open
            python = [sys.executable, "-X", "importtime", *words]
            subprocess.run(python, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=True, timeout=60, env=ENVIRONMENT)
        lines = log.read_text().splitlines()
        return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}

    return modules(*command) - modules("-c", "pass")


ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("COV")}


def test_the_commands_of_the_oci_runtime(bundle: Bundle, tmp_path: Path) -> None:  # noqa: F811
    runtime: tuple[str | Path, ...] = (PROGRAMS / "labcore-runtime", "--root", str(bundle.state))
    bundle.program("sleep", "60").create()  # so that its filter of system calls is in the cache, and config.json there
    bundle("delete", "--force", bundle.name)
    assert not imported(tmp_path, *runtime, "create", "--bundle", str(bundle.directory), bundle.name) & HEAVY
    started = imported(tmp_path, *runtime, "start", bundle.name)
    assert not started & HEAVY
    assert {name for name in started if name.startswith("labcore")} <= SHORT
    assert not imported(tmp_path, *runtime, "exec", bundle.name, "/bin/true") & HEAVY
    for query in (
        ("state", bundle.name),
        ("ps", "--format", "json", bundle.name),
        ("pause", bundle.name),
        ("resume", bundle.name),
    ):
        found = imported(tmp_path, *runtime, *query)
        assert not found & HEAVY
        assert not among(found, {"labcore.native", "labcore.runtime.ops", "labcore.runtime.stages"})
    assert not imported(tmp_path, *runtime, "--version") & HEAVY
    killed = imported(tmp_path, *runtime, "kill", bundle.name, "CONT")
    assert not killed & HEAVY
    deleted = imported(tmp_path, *runtime, "delete", "--force", bundle.name)
    assert {name for name in deleted | killed if name.startswith("labcore")} <= SHORT


@pytest.mark.parametrize("words", [("run", "--rm", "--network", "none", "busybox", "true"), ("ps",)])
def test_the_commonest_commands_import_nothing_heavy(served: RunningDaemon, tmp_path: Path, words: tuple[str, ...]) -> None:
    Engine(served.root).seed("busybox")
    found = imported(tmp_path, PROGRAMS / "labcore", "-H", served.url, *words)
    assert not found & HEAVY - {"warnings"}
    assert not among(found, NEEDLESS_FOR_LISTS - {"labcore.spec"})


def among(found: set[str], rooms: set[str]) -> set[str]:
    """Return those modules that are of these, or in them."""
    return {name for name in found if any(name == each or name.startswith(f"{each}.") for each in rooms)}


def test_help_imports_next_to_nothing(tmp_path: Path) -> None:
    assert not imported(tmp_path, PROGRAMS / "labcore", "--help") & HEAVY


@pytest.mark.parametrize("words", [("ps", "--all"), ("images",), ("network", "ls"), ("volume", "ls", "--format", "json")])
def test_lists_import_what_they_need(served: RunningDaemon, tmp_path: Path, words: tuple[str, ...]) -> None:
    assert not among(imported(tmp_path, PROGRAMS / "labcore", "--root", served.root, *words), NEEDLESS_FOR_LISTS)

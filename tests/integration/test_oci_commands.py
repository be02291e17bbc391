"""`labcore-runtime`'s command line, and what a program has from whoever calls it: options, streams."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.runtime.mounting import parse_options
from tests.integration.test_oci import Bundle, rootfs

__all__ = ["rootfs"]

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def bundle(rootfs: Path, tmp_path: Path) -> Iterator[Bundle]:
    made = Bundle(tmp_path, rootfs)
    yield made
    made("delete", "--force", made.name, status=None)


def test_an_option_letter_means_what_its_command_says(bundle: Bundle) -> None:
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    pid = json.loads(bundle("state", bundle.name))["pid"]
    assert json.loads(bundle("ps", "-f", "json", bundle.name)) == [pid]
    assert bundle("ps", bundle.name, "-o", "pid,comm").split() == ["PID", "COMMAND", str(pid), "sleep"]
    assert [each["id"] for each in json.loads(bundle("list", "-f", "json"))] == [bundle.name]
    assert "table or json is wanted" in bundle("list", "-f", "yaml", status=1)
    assert bundle("delete", "--help").startswith("usage: labcore-runtime")
    assert "no such option" in bundle("delete", "--for", bundle.name, status=1)
    assert json.loads(bundle("state", bundle.name))["status"] == "running"
    bundle("delete", "-f", bundle.name)
    assert "does not exist" in bundle("state", bundle.name, status=1)


def test_words_that_cannot_be_are_said(bundle: Bundle, tmp_path: Path) -> None:
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    for user in ("bob", "1000:", "-1", "1:users"):
        assert f"--user {user}: numbers are wanted" in bundle("exec", f"--user={user}", bundle.name, "id", status=1)
    (tmp_path / "broken").write_text("{")
    (tmp_path / "list").write_text("[]")
    for name in ("broken", "list", "nonesuch"):
        said = bundle("exec", "--process", str(tmp_path / name), bundle.name, status=1)
        assert said.startswith(f"labcore-runtime: --process {tmp_path / name}: ")
    assert "--pids-limit many: a number is wanted" in bundle("update", "--pids-limit", "many", bundle.name, status=1)
    bundle("update", "--pids-limit", "1k", bundle.name)
    bundle.config["process"]["user"] = {"uid": 0, "gid": 7, "additionalGids": [8]}
    assert bundle("exec", "--user", "1000", bundle.name, "sh", "-c", "id -u; id -g") == "1000\n0\n"


def test_what_works_for_all_mounts_below_is_listed(bundle: Bundle) -> None:
    options = json.loads(bundle("features"))["mountOptions"]
    recursive = {"rro", "rrw", "rnosuid", "rnodev", "rnoexec", "rnoatime", "rstrictatime", "rnosymfollow"}
    assert recursive <= set(options)
    for word in recursive:
        assert not parse_options((word,)).data


def test_the_streams_are_the_users_own(bundle: Bundle) -> None:
    """An engine's pipes are root's: their files could not be opened again, by /dev/stdout say."""
    bundle.config["process"]["user"] = {"uid": 1000, "gid": 1000}
    assert bundle.run("sh", "-c", "echo out > /dev/stdout; echo err > /dev/stderr") == "out\nerr\n"
    bundle.program("sleep", "60").create()
    bundle("start", bundle.name)
    said = bundle("exec", "--user", "1001", bundle.name, "sh", "-c", "echo out > /dev/stdout; cat /dev/stdin", input="in\n")
    assert said == "out\nin\n"
    assert os.stat(os.devnull).st_uid == 0

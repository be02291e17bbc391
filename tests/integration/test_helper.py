"""Helper cells: what runs in them, what comes along, what is said, and that nothing of them is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labcore.errors import InvalidInput
from labcore.lab.helper import HelperFailed, run_helper
from labcore.lab.helper.magic import helper_magic, plain_data
from tests.conftest import changes, needs_root, traces
from tests.threads import Started

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


def said(capsys: pytest.CaptureFixture[str], source: str, **names: object) -> str:
    run_helper(source, names)
    return capsys.readouterr().out


def failed(capsys: pytest.CaptureFixture[str], source: str, seconds: float = 10.0) -> str:
    with pytest.raises(HelperFailed):
        run_helper(source, {}, seconds=seconds)
    return capsys.readouterr().out


def test_it_has_no_threads_and_names_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    source = "unshare(CloneFlag.NEWUSER | CloneFlag.NEWUTS); sethostname('inside')\n"
    source += "print(threads(), os.uname().nodename, os.getuid())"
    assert said(capsys, source) == "1 inside 65534\n"
    assert os.uname().nodename != "inside"


def test_output_comes_in_order_from_both_streams(capsys: pytest.CaptureFixture[str]) -> None:
    source = (
        "import sys\nfor i in range(3):\n    print(i)\n    print(i, 'error', file=sys.stderr)\n    os.system(f'echo {i} child')"
    )
    assert said(capsys, source).splitlines() == [f"{i}{rest}" for i in range(3) for rest in ("", " error", " child")]


def test_plain_data_comes_along_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    data = {"n": 1, "t": ("a", b"b"), "d": {"k": [1.5, None]}, "f": len, "m": os, "_h": 1, "p": Path("/")}
    assert plain_data(data) == {"n": 1, "t": ("a", b"b"), "d": {"k": [1.5, None]}}
    assert said(capsys, "print(n + 1, t, d)", **data) == "2 ('a', b'b') {'k': [1.5, None]}\n"


def test_mounts_and_names_made_in_it_do_not_reach_the_machine(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source = f"mount('none', {str(tmp_path)!r}, 'tmpfs'); open({str(tmp_path / 'file')!r}, 'w'); sethostname('elsewhere')"
    said(capsys, source)
    assert list(tmp_path.iterdir()) == []
    assert os.uname().nodename != "elsewhere"


def test_an_error_names_its_line_and_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    source = "def turn():\n    pivot_root('/etc', '/etc')\n\nunshare(CloneFlag.NEWNS)\nturn()\n"
    output = failed(capsys, source)
    assert "line 5: turn()" in output
    assert "line 2: pivot_root('/etc', '/etc')" in output
    assert "EBUSY" in output
    assert "bind it onto itself first" in " ".join(output.split())
    assert "labcore/lab" not in output


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("mount('none', '/nowhere', 'tmpfs')", "/nowhere, or what is to be mounted there, does not exist"),
        ("umount2('/etc')", "/etc is no mount point of this mount namespace"),
        ("os.chdir('/proc'); umount2('/proc')", "Somebody is still using /proc"),
        ("sethostname('x' * 65)", "at most 64 bytes"),
        ("mount('o', '/mnt', 'overlay', data='lowerdir=/etc,upperdir=/tmp')", "needs, beside its `upperdir`, a `workdir`"),
        ("os.setuid(65534); sethostname('x')", "This takes CAP_SYS_ADMIN"),
        (
            "mount('none', '/', flags=MountFlag.REC | MountFlag.SHARED); mount('/mnt', '/mnt', flags=MountFlag.BIND)\n"
            "os.chdir('/mnt'); pivot_root('.', '.')",
            "The mounts here are shared",
        ),
        ("x = = 1", "SyntaxError"),
        ("undefined", "NameError"),
    ],
)
def test_what_failures_mean(capsys: pytest.CaptureFixture[str], source: str, hint: str) -> None:
    assert hint in " ".join(failed(capsys, source).split())


def test_expected_failures(capsys: pytest.CaptureFixture[str]) -> None:
    output = said(capsys, "import errno\nwith expect(errno.EINVAL):\n    sethostname('x' * 65)\nprint('and on')")
    assert "EINVAL" in output
    assert output.endswith("and on\n")
    assert "nothing failed" in failed(capsys, "import errno\nwith expect(errno.EPERM):\n    pass")
    assert "ENOENT" in failed(capsys, "import errno\nwith expect(errno.EPERM):\n    umount2('/nowhere')")


def test_explanations_in_chinese_also_without_a_root(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABCORE_LANG", "zh")
    source = (
        "import errno\nunshare(CloneFlag.NEWNS); mount('none', '/mnt', 'tmpfs'); os.chdir('/mnt'); pivot_root('.', '.')\n"
        "with expect(errno.EBUSY):\n    umount2('.')"
    )
    assert "仍被占用" in said(capsys, source)


def test_a_loop_a_flood_and_a_suicide(capsys: pytest.CaptureFixture[str]) -> None:
    assert "was ended after 1 s" in failed(capsys, "while True: pass", seconds=1)
    flood = said(capsys, "print('x' * 3_000_000)")
    assert len(flood) < 20_000
    assert "more bytes, which are not shown" in flood
    failed(capsys, "os.kill(os.getpid(), 9)")


def test_a_fork_bomb_ends(capsys: pytest.CaptureFixture[str]) -> None:
    before = traces()
    failed(capsys, "while True:\n    try:\n        os.fork()\n    except OSError:\n        pass", seconds=1)
    assert not changes(before)


def test_what_it_started_dies_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "import subprocess; subprocess.Popen(['setsid', 'sleep', '4711'])")
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if _reads(path) == b"sleep\x004711\x00"]


def _reads(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_dies_with_the_kernel_however_that_ends(number: int) -> None:
    """A stand-in for the kernel starts a helper that would run for a minute, and is ended."""
    before = traces()
    source = "import subprocess; subprocess.Popen(['sleep', '4712']); print('ready'); os.system('sleep 4712')"
    kernel = f"from labcore.lab.helper import run_helper; run_helper({source!r}, {{}}, seconds=60)"
    with Started([sys.executable, "-c", kernel], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        process.wait(10)
    deadline = time.monotonic() + 20
    while (left := _sleepers() or changes(before)) and time.monotonic() < deadline:  # the supervisor removes its cgroup
        time.sleep(0.05)
    assert not left


def _sleepers() -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x004712" in _reads(path)]


def test_the_magic_takes_seconds() -> None:
    with pytest.raises(InvalidInput, match="number of seconds, not 'soon'"):
        helper_magic({}, "soon", "pass")
    with pytest.raises(HelperFailed):
        helper_magic({}, "0.5", "while True: pass")

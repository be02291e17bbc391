"""logs by the daemon's API, and by the stock docker command."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon
from tests.raw_api import ask, demultiplexed, wait_for

STAMP = rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z "


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as running:
        run(running, "said", "sh", "-c", "echo one; sleep .1; echo two >&2; sleep .1; echo three; printf rest")
        yield running


def run(daemon: RunningDaemon, name: str, *command: str, options: tuple[str, ...] = ()) -> None:
    """Run a container to its end, and leave it."""
    words = ("run", "-d", "--name", name, "--network", "none", *options, "busybox", *command)
    daemon.docker(*words)
    assert daemon.client.containers.get(name).wait()["StatusCode"] == 0


def logs(daemon: RunningDaemon, name: str, query: str, version: str = "1.51") -> bytes:
    with ask(daemon.socket, "GET", f"/containers/{name}/logs?{query}", version=version) as answer:
        assert answer.status == 200
        return answer.body()


BOTH = "stdout=1&stderr=1"


def test_each_stream(daemon: RunningDaemon) -> None:
    assert demultiplexed(logs(daemon, "said", BOTH)) == {1: b"one\nthree\nrest", 2: b"two\n"}
    assert demultiplexed(logs(daemon, "said", "stderr=1")) == {2: b"two\n"}
    done = daemon.docker("logs", "said")
    assert (done.stdout, done.stderr) == ("one\nthree\nrest", "two\n")


def test_each_line_has_a_frame_of_its_own(daemon: RunningDaemon) -> None:
    """However many were written at once: docker-py takes a frame for a line."""
    run(daemon, "lines", "printf", "one\\ntwo\\n\\nrest")
    container = daemon.client.containers.get("lines")
    assert list(container.logs(stream=True)) == [b"one\n", b"two\n", b"\n", b"rest"]
    assert list(container.logs(stream=True, tail=2)) == [b"\n", b"rest"]
    container.remove()


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("0", {}), ("1", {1: b"rest"}), ("2", {1: b"three\nrest"}), ("3", {1: b"three\nrest", 2: b"two\n"}),
        ("all", None), ("99", None),
    ],
)  # fmt: skip
def test_tail(daemon: RunningDaemon, tail: str, expected: dict[int, bytes] | None) -> None:
    found = demultiplexed(logs(daemon, "said", f"{BOTH}&tail={tail}"))
    assert found == (demultiplexed(logs(daemon, "said", BOTH)) if expected is None else expected)


def test_time_stamps_and_details(daemon: RunningDaemon) -> None:
    found = demultiplexed(logs(daemon, "said", f"{BOTH}&timestamps=1"))
    assert re.fullmatch(STAMP + rb"one\n" + STAMP + rb"three\n" + STAMP + b"rest", found[1])
    assert re.fullmatch(STAMP + rb" two\n", demultiplexed(logs(daemon, "said", f"{BOTH}&timestamps=1&details=1"))[2])
    options = ("--label", "a=1", "--label", "b=2", "-e", "X=y z", "--log-opt", "labels=a", "--log-opt", "env-regex=^X")
    run(daemon, "told", "echo", "hi", options=options)
    assert daemon.docker("logs", "--details", "told").stdout == "X=y+z,a=1 hi\n"


def test_nothing_that_a_container_says_is_older_than_its_start(daemon: RunningDaemon) -> None:
    """Clients wait for a line of this start: they ask for what was said since StartedAt."""
    for name in ("early-1", "early-2", "early-3"):
        daemon.docker("run", "--name", name, "busybox", "echo", "first")
        started = daemon.request("GET", f"/containers/{name}/json").json["State"]["StartedAt"]
        assert daemon.docker("logs", "--since", started, name).stdout == "first\n"
        daemon.docker("rm", name)


def test_since_and_until(daemon: RunningDaemon) -> None:
    run(daemon, "slow", "sh", "-c", "echo first; sleep 1; echo second")
    lines = demultiplexed(logs(daemon, "slow", f"{BOTH}&timestamps=1"))[1].splitlines()
    between = lines[1].split()[0].decode()
    assert daemon.docker("logs", "--since", between, "slow").stdout == "second\n"
    assert daemon.docker("logs", "--until", lines[0].split()[0].decode(), "slow").stdout == "first\n"
    assert daemon.docker("logs", "--since", "1h", "--until", "30m", "slow").stdout == ""


FOLLOWED = "echo a; until [ -e /go ]; do sleep 0.05; done; echo b; exit 0"


def test_follow_ends_with_the_container(daemon: RunningDaemon) -> None:
    daemon.docker("run", "-d", "--name", "live", "--network", "none", "busybox", "sh", "-c", FOLLOWED)
    with ask(daemon.socket, "GET", f"/containers/live/logs?{BOTH}&follow=1&tail=1") as answer:
        assert answer.chunk().endswith(b"a\n")
        daemon.docker("exec", "live", "touch", "/go")
        assert demultiplexed(answer.body()) == {1: b"b\n"}
    assert daemon.docker("logs", "-f", "said").stdout == "one\nthree\nrest", "what has ended is not waited for"


def test_follow_until_a_moment(daemon: RunningDaemon) -> None:
    daemon.docker("run", "-d", "--name", "busy", "--network", "none", "busybox", "sleep", "1000")
    begun = time.monotonic()
    assert logs(daemon, "busy", f"{BOTH}&follow=1&until={time.time() + 1}") == b""
    assert time.monotonic() - begun > 0.8


def test_a_follower_that_vanishes_is_noticed(daemon: RunningDaemon) -> None:
    daemon.docker("run", "-d", "--name", "still", "--network", "none", "busybox", "sleep", "1000")

    def descriptors() -> int:
        """Count those of connections and logs: how many the database has is luck."""
        found = 0
        for each in Path(f"/proc/{daemon.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                found += "/records.db" not in str(each.readlink())
        return found

    before = descriptors()

    def noticed_after() -> float:
        followers = [ask(daemon.socket, "GET", f"/containers/still/logs?{BOTH}&follow=1") for _ in range(5)]
        begun = time.monotonic()
        for follower in followers:
            follower.socket.close()
        wait_for(lambda: descriptors() <= before + 1)
        return time.monotonic() - begun

    assert any(noticed_after() < 1.5 for _ in range(10)), "of ten times, a busy machine may delay some"


def test_a_terminals_log_is_raw(daemon: RunningDaemon) -> None:
    run(daemon, "tty", "echo", "hi", options=("-t",))
    with ask(daemon.socket, "GET", "/containers/tty/logs?stdout=1") as answer:
        assert answer.headers["content-type"] == "application/vnd.docker.raw-stream"
        assert answer.body() == b"hi\r\n"
    with ask(daemon.socket, "GET", "/containers/said/logs?stdout=1") as answer:
        assert answer.headers["content-type"] == "application/vnd.docker.multiplexed-stream"
    with ask(daemon.socket, "GET", "/containers/said/logs?stdout=1", version="1.41") as answer:
        assert answer.headers["content-type"] == "application/vnd.docker.raw-stream"


def test_what_is_refused(daemon: RunningDaemon) -> None:
    run(daemon, "quiet", "echo", "hi", options=("--log-driver", "none"))
    for target, status, words in (
        ("/containers/said/logs", 400, "you must choose at least one stream"),
        ("/containers/nobody/logs?stdout=1", 404, "nobody"),
        ("/containers/quiet/logs?stdout=1", 501, "configured logging driver does not support reading"),
        ("/containers/said/logs?stdout=1&since=x", 400, "x"),
    ):
        with ask(daemon.socket, "GET", target) as refused:
            assert refused.status == status, target
            assert words in refused.json()["message"]
    done = daemon.docker("run", "--rm", "--log-driver", "syslog", "--network", "none", "busybox", "true", status=125)
    assert "syslog" in done.stderr
    done = daemon.docker("run", "--rm", "--log-driver", "none", "--network", "none", "busybox", "echo", "seen")
    assert done.stdout == "seen\n", "who is attached sees it"


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_rotation(daemon: RunningDaemon, driver: str) -> None:
    name = f"turned-{driver}"
    options = ("--log-driver", driver, "--log-opt", "max-size=100k", "--log-opt", "max-file=3")
    run(daemon, name, "sh", "-c", "seq 100000", options=options)
    found = demultiplexed(logs(daemon, name, BOTH))[1]
    assert 100_000 < len(found) < 300_000
    assert "".join(f"{n}\n" for n in range(1, 100001)).encode().endswith(found)
    expected = b"".join(b"%d\n" % n for n in range(96001, 100001))
    assert demultiplexed(logs(daemon, name, f"{BOTH}&tail=4000"))[1] == expected


@pytest.mark.parametrize("files", ["1", "3"])
def test_attached_clients_lose_nothing_to_rotation(daemon: RunningDaemon, files: str) -> None:
    """The container waits for a client that is slow, as docker's does; one that reads its logs makes nobody wait."""
    script = "i=0; while [ $i -lt 30000 ]; do echo line $i of many that follow one another; i=$((i+1)); done"
    options = ("--log-opt", "max-size=10k", "--log-opt", f"max-file={files}", "--name", f"attached-{files}")
    command = daemon.command("run", "--network", "none", *options, "busybox", "sh", "-c", script)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        first = client.stdout.readline()
        time.sleep(2)
        lines = [first, *client.stdout]
    assert client.returncode == 0
    assert lines == [b"line %d of many that follow one another\n" % number for number in range(30000)]
    id = daemon.docker("inspect", "--format", "{{.Id}}", f"attached-{files}").stdout.strip()
    left = sorted((daemon.root / "containers" / id).glob("log.*"))
    assert len(left) == int(files) - 1, "and no more is kept than was said"
    daemon.docker("rm", f"attached-{files}")


def test_lines_of_any_length_and_any_bytes(daemon: RunningDaemon) -> None:
    script = "head -c 300000 /dev/zero; echo; head -c 100 /dev/zero | tr '\\0' '\\377'; echo; echo last"
    run(daemon, "binary", "sh", "-c", script)
    whole = bytes(300000) + b"\n" + b"\xff" * 100 + b"\nlast\n"
    assert demultiplexed(logs(daemon, "binary", BOTH))[1] == whole
    assert demultiplexed(logs(daemon, "binary", f"{BOTH}&tail=2"))[1] == b"\xff" * 100 + b"\nlast\n"
    stamped = demultiplexed(logs(daemon, "binary", f"{BOTH}&timestamps=1"))[1]
    assert re.sub(STAMP, b"", stamped) == whole


def test_a_large_log_takes_no_memory(daemon: RunningDaemon) -> None:
    def resident() -> int:
        status = Path(f"/proc/{daemon.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])

    def bytes_read() -> int:
        return int(Path(f"/proc/{daemon.process.pid}/io").read_text().split()[1])  # rchar: proc(5)

    run(daemon, "large", "sh", "-c", "head -c 100000000 /dev/zero | tr '\\0' x | fold -w 99")
    before = resident()
    with ask(daemon.socket, "GET", f"/containers/large/logs?{BOTH}") as answer:
        size = 0
        while piece := answer.chunk():
            size += len(piece)
    assert size > 101_000_000
    assert resident() - before < 16_000, "kilobytes"
    before = bytes_read()
    assert len(daemon.docker("logs", "-n", "10", "large").stdout.splitlines()) == 10
    assert bytes_read() - before < 10_000_000, "the end alone is read"
    daemon.docker("rm", "large")

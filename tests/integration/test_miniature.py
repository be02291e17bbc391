"""The miniature daemon: a learner's handlers behind supplied HTTP, which the stock docker command takes for a daemon."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from labcore import lab, procfs
from labcore.engine import Engine
from labcore.lab import daemons
from labcore.lab.checks.wire import Hijacked
from labcore.lab.daemons import DaemonFailed
from labcore.lab.miniature import Container, serving
from labcore.lab.miniature.serving import CannotServe, Served
from labcore.lab.workspace import Workspace
from labcore.network.links import list_links
from labcore.network.netlink import Netlink
from tests.conftest import needs_root, read_text
from tests.daemon import DOCKER
from tests.serving import eventually

pytestmark = pytest.mark.usefixtures("nothing_left")

HANDLERS = """
def route(method, path, routes):
    words = path.split("/")[1:]
    words = words[1:] if re.fullmatch("v[0-9.]+", words[0]) else words
    for wanted, pattern, name in routes:
        parts = pattern.split("/")[1:]
        fits = all(part in (word, "{id}") for part, word in zip(parts, words))
        if (wanted, len(parts)) == (method, len(words)) and fits:
            return name, [word for part, word in zip(parts, words) if part == "{id}"]
    return None, []


def ping(daemon, request):
    return Reply(200, "OK", {"Api-Version": "1.44", "Ostype": "linux"})


def create(daemon, request):
    asked = request.json()
    container = Container(asked["Image"], asked["Cmd"])
    daemon.containers[container.id] = container
    return Reply(201, {"Id": container.id, "Warnings": []})


def start(daemon, request, id):
    container = daemon.containers[id]
    container.start([*daemon.runtime, "run", container.image, *container.argv])
    return Reply(204)


def wait(daemon, request, id):
    return Reply(200, ({"StatusCode": each.wait()} for each in [daemon.containers[id]]))
"""


@pytest.fixture
def work(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A learner's folder, a state root with images, and the notebook of lesson 5."""
    needs_root()
    monkeypatch.setenv("LABCORE_WORK", str(tmp_path))
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path / "root"))
    monkeypatch.setattr("labcore.lab.lessons._BEGUN", [5])
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "images").symlink_to(engine.root / "images")
    write(tmp_path, HANDLERS)
    yield tmp_path
    serving.close()
    daemons.close()


def write(work: Path, text: str) -> None:
    Workspace(work).make_program()
    file = work / "my_runtime.py"
    before, _, _ = file.read_text().partition("# handlers\n")
    file.write_text(f"{before}# handlers\n{textwrap.dedent(text)}")


def asked(served: Served, method: str, target: str, body: Any = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("localhost", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    with closing(connection):
        connection.sock.connect(served.socket)
        connection.request(method, target, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, answer.read()


def message(served: Served, method: str, target: str, body: Any = None) -> tuple[int, str]:
    status, content = asked(served, method, target, body)
    return status, json.loads(content)["message"]


def docker(url: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(DOCKER), "-H", url, *words], capture_output=True, text=True, timeout=60, check=False)


def test_the_stock_docker_command_runs_a_container_on_it(work: Path) -> None:
    lab.new_store("busybox")
    served = lab.serve()
    done = docker(served.url, "run", "-d", "busybox", "sh", "-c", "exit 7")
    assert done.returncode == 0, (done, served.log())
    waited = docker(served.url, "wait", done.stdout.strip()[:12])
    assert waited.stdout == "7\n", (waited, served.log())
    targets = [line.target.split("/", 2)[-1] for line in served.log().lines]
    assert targets[:2] == ["_ping", "containers/create"]
    assert work.exists()


def test_it_ends_with_its_containers(work: Path) -> None:
    lab.new_store("busybox")
    with lab.serve() as served:
        id = docker(served.url, "run", "-d", "busybox", "sleep", "1000.25").stdout.strip()
        assert len(id) == 64
        wait_for(lambda: running("1000.25"))
    assert not running("1000.25")
    assert not Path(served.socket).exists()
    assert work.exists()


def running(word: str) -> list[int]:
    return [pid for pid in procfs.descendants(os.getpid()) if word in Path(f"/proc/{pid}/cmdline").read_text()]


def wait_for(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


TRIES_FIRST = """
import os, time
from labcore import native
if not os.fork():
    native.unshare(native.CloneFlag.NEWPID)
    if not os.fork():
        time.sleep(1)
        os._exit(0)
    os.wait()
    os._exit(0)
os.wait()
os.execvp("unshare", ["unshare", "--pid", "--fork", "sleep", "1000"])
"""


def test_a_signal_is_for_the_container_and_not_for_what_its_runtime_tries_before() -> None:
    container = Container("busybox", ["sleep", "1000"])
    container.start([sys.executable, "-c", TRIES_FIRST])
    container.kill(signal.SIGKILL)
    assert eventually(lambda: container.state == "exited")


def test_a_step_that_has_changed_is_read_again(work: Path) -> None:
    served = lab.serve(tcp=True)
    assert asked(served, "GET", "/v1.47/_ping") == (200, b"OK")
    write(work, HANDLERS.replace('"OK"', '"and again"'))
    assert asked(served, "GET", "/_ping") == (200, b"and again")
    assert urlopen(f"{served.tcp}/_ping").read() == b"and again"
    assert "GET /_ping" in repr(served.log())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def ping(daemon, request):\n    Reply(200)", "`ping` returned None; a Reply is wanted\nis `return` missing there?"),
        ("def ping(daemon, request):\n    return 'OK'", "`ping` returned 'OK'; a Reply is wanted"),
        (
            "def ping(daemon, request):\n    return Reply(200, {'a': {1}})",
            "`ping` returned what is no JSON: Object of type set",
        ),
        ("def ping(daemon, request):\n    return Reply('200')", "`ping`: '200' is no status of HTTP"),
        ("def ping(daemon, request):\n    return Reply(2000)", "`ping`: 2000 is no status of HTTP"),
        ("def ping(daemon, request):\n    return Reply(200, '', {'A': 1})", "`ping`: the names and values of headers are text"),
        ("def ping(daemon, request):\n    return nothing", "my_runtime.py, line "),
        ("def ping(daemon, request):\n    return nothing", "NameError: name 'nothing' is not defined"),
        ("def ping(daemon):\n    return Reply()", "ping() takes 1 positional argument but 2 were given"),
        ("def route(method, path, routes):\n    pass", "`route` returned None; a pair is wanted"),
        ("def route(method, path, routes):\n    return 'pong', []", "`route` returned 'pong': there is no such handler"),
        ("ping = )", "SyntaxError"),
    ],
)
def test_a_mistake_gets_a_message_that_helps(work: Path, text: str, said: str) -> None:
    served = lab.serve()
    write(work, HANDLERS + "\n\n" + text)
    status, content = message(served, "GET", "/_ping")
    assert status == 500
    assert said in content, content
    assert served.log().lines[0].said == content


def test_requests_that_nobody_can_answer(work: Path) -> None:
    assert work.exists()
    served = lab.serve()
    assert message(served, "GET", "/nowhere") == (404, "page not found")
    assert message(served, "POST", "/containers/abc/start") == (404, "No such container: abc")
    status, content = asked(served, "POST", "/containers/create", "no object")
    assert (status, json.loads(content)["message"]) == (400, 'the body is no JSON object: "no object"')
    assert message(served, "POST", "/containers/create", {"Cmd": []})[0] == 500


def test_chinese_is_sent_as_such_and_what_is_no_text_is_escaped(work: Path) -> None:
    answer = """
def ping(daemon, request):
    return Reply(404, {"message": "没有这个容器 \\ud800"})
"""
    write(work, HANDLERS + "\n\n" + answer)
    served = lab.serve()
    status, content = asked(served, "GET", "/_ping")
    assert (status, "没有这个容器".encode() in content) == (404, True)
    assert json.loads(content)["message"].endswith("\ud800")


def test_a_handler_that_blocks_blocks_nobody_else_and_is_seen_in_the_log(work: Path) -> None:
    write(work, HANDLERS + "\n\ndef create(daemon, request):\n    time.sleep(1000)\n")
    served = lab.serve()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(served.socket)
        client.sendall(b"POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Length: 2\r\n\r\n{}")
        wait_for(lambda: "no answer yet" in repr(served.log()))
        assert asked(served, "GET", "/_ping") == (200, b"OK")


def test_what_is_raised_in_the_middle_of_a_stream_is_its_last_line(work: Path) -> None:
    write(work, HANDLERS + "\n\ndef ping(daemon, request):\n    return Reply(200, (1 // n for n in (1, 0)))\n")
    served = lab.serve()
    _, content = asked(served, "GET", "/_ping")
    first, last = content.splitlines()
    assert first == b"1"
    assert "ZeroDivisionError" in json.loads(last)["error"]


def test_a_hijacked_connection_carries_the_bytes(work: Path) -> None:
    write(work, HANDLERS + "\n\ndef ping(daemon, request):\n    return Hijack(iter([b'one', b'two']))\n")
    served = lab.serve()
    with Hijacked(connected(served.socket), "/_ping") as connection:
        assert connection.status == 404  # there is no route for POST
    write(work, HANDLERS + "\n\ndef create(daemon, request):\n    return Hijack(iter([b'one', b'two']))\n")
    with Hijacked(connected(served.socket), "/containers/create") as connection:
        assert connection.status == 101
        assert connection.read() == b"onetwo"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("lambda: iter([b'one'])", "call it: `Hijack(output())`"),
        ("iter([b'one', (1, b'two')])", "gave (1, b'two') to Hijack; bytes are wanted"),
        ("(b'one' * (1 // n) for n in (1, 0))", "ZeroDivisionError"),
    ],
)
def test_what_is_wrong_with_a_stream_is_told_in_the_learner_s_terms(work: Path, given: str, told: str) -> None:
    write(work, HANDLERS + f"\n\ndef create(daemon, request):\n    return Hijack({given})\n")
    served = lab.serve()
    with Hijacked(connected(served.socket), "/containers/create") as connection:
        assert connection.status == 500 or connection.read() == b"one"
    said: list[str] = []
    wait_for(lambda: said.append(repr(served.log())) or told in "".join(said))
    assert "labcore/http" not in "".join(said)


def connected(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(path)
    return connection


def test_another_notebook_s_daemon_and_a_port_in_use_are_errors(work: Path) -> None:
    assert work.exists()
    served = lab.serve(tcp=True)
    serving._SERVED.clear()  # as if another notebook of this lesson had it
    assert served.tcp
    with served, pytest.raises(CannotServe, match=r"the daemon cannot be started: somebody listens at .*lesson-5.sock already"):
        lab.serve()
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(CannotServe, match="Address already in use"):
        lab.serve(tcp=True, port=taken.getsockname()[1])


def links() -> set[str]:
    with Netlink() as netlink:
        return {link.name for link in list_links(netlink)}


BRIDGE_NAME = '{{index .Options "com.docker.network.bridge.name"}}'


def resolvers(root: str) -> list[str]:
    """Return the command lines of a state root's resolver, which lingers when its last client has gone."""
    lines = [read_text(f"/proc/{path.name}/cmdline") for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [line for line in lines if "labcore.network.resolver" in line and root in line]


def test_a_lessons_daemon_is_labcores_own_and_goes_with_all_it_has(work: Path) -> None:
    with lab.daemon(images=("busybox",)) as daemon:
        assert docker(daemon.url, "images", "-q").stdout.count("\n") == 1
        ran = docker(daemon.url, "run", "-d", "busybox", "sleep", "1000.5")
        assert ran.returncode == 0, ran
        pid = daemon.pid
        daemon.kill()
        assert daemon.pid == 0
        assert docker(daemon.url, "ps").returncode == 1
        daemon.start()
        assert daemon.pid not in (0, pid)
        assert docker(daemon.url, "ps", "-q").stdout.strip() == ran.stdout[:12]
        bridge = docker(daemon.url, "network", "inspect", "-f", BRIDGE_NAME, "bridge").stdout.strip()
        assert bridge in links()
        docker(daemon.url, "network", "create", "named")
        assert docker(daemon.url, "run", "--rm", "--network", "named", "busybox", "true").returncode == 0
        assert resolvers(daemon.root)
    assert not resolvers(daemon.root)
    assert not Path(daemon.root).exists()
    assert bridge not in links()
    assert work.exists()


def test_a_daemon_that_does_not_come_up_says_why(work: Path) -> None:
    assert work.exists()
    with pytest.raises(DaemonFailed, match=r"the daemon does not come up: .*nonesuch"):
        lab.daemon("--log-driver", "nonesuch")


def test_a_lessons_daemon_whose_store_is_read_only_for_a_while(work: Path) -> None:
    with lab.daemon(images=("hello-world",)) as daemon:
        assert docker(daemon.url, "ps").returncode == 0, "it is up"
        mounts = Path("/proc/self/mountinfo").read_text()
        with daemon.read_only():
            refused = docker(daemon.url, "run", "--rm", "hello-world")
            assert Path("/proc/self/mountinfo").read_text() == mounts, "it is the daemon's view alone"
        assert refused.returncode == 125
        assert "read-only file system" in refused.stderr
        assert docker(daemon.url, "run", "--rm", "hello-world").returncode == 0
    assert not Path(daemon.root).exists()
    assert work.exists()


def test_handlers_know_the_registry_that_a_lesson_names(work: Path) -> None:
    write(work, HANDLERS + "\n\ndef ping(daemon, request):\n    return Reply(200, daemon.registry)\n")
    assert asked(lab.serve(registry="http://127.0.0.1:5000"), "GET", "/_ping") == (200, b"http://127.0.0.1:5000")

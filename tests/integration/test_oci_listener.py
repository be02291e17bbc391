"""The listener of a filter: who listens at `linux.seccomp.listenerPath` answers calls of the container."""

import errno
import fcntl
import json
import os
import select
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labcore.runtime.oci.example import features
from tests.integration.test_oci import Bundle, bundle, rootfs  # noqa: F401  fixtures
from tests.threads import running

pytestmark = pytest.mark.usefixtures("nothing_left")

RECEIVE, ANSWER = 0xC0502100, 0xC0182101  # linux/seccomp.h: SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND
CONTINUE = 1
MAKING = ["mkdir", "mkdirat"]


class Agent:
    """Answers all calls that it is told of alike: with an errno, or 0 to let the kernel do them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.error = errno.ENOMEDIUM
        self.states: list[dict[str, Any]] = []
        self.asked: list[int] = []  # the number of who has called
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen()

    def serve(self, processes: int) -> None:
        """Answer for so many processes with a filter, until all that it holds for have ended."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        listening = 0
        while len(self.states) < processes or listening:
            ready = poll.poll(60_000)
            assert ready
            for fd, events in ready:
                if fd == self.socket.fileno():
                    poll.register(self._accept(), select.POLLIN)
                    listening += 1
                elif events & select.POLLHUP:
                    poll.unregister(fd)
                    os.close(fd)
                    listening -= 1
                else:
                    self._answer(fd)

    def _accept(self) -> int:
        connection, _ = self.socket.accept()
        with connection:
            message, (listener,), _, _ = socket.recv_fds(connection, 1 << 16, 1)
        self.states.append(json.loads(message))
        return listener

    def _answer(self, listener: int) -> None:
        told = bytearray(80)
        fcntl.ioctl(listener, RECEIVE, told)
        call, pid = struct.unpack_from("=QI", told)
        self.asked.append(pid)
        answer = (-self.error, 0) if self.error else (0, CONTINUE)
        fcntl.ioctl(listener, ANSWER, struct.pack("=QqiI", call, 0, *answer))


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path / "agent.sock")
    with made.socket:
        yield made


def asking(bundle: Bundle, path: object, names: list[str]) -> None:  # noqa: F811
    bundle.config["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "listenerPath": str(path),
        "listenerMetadata": "told along",
        "syscalls": [{"names": names, "action": "SCMP_ACT_NOTIFY"}],
    }


@pytest.mark.parametrize("quiet", [True, False])
def test_who_listens_answers_the_calls(bundle: Bundle, agent: Agent, quiet: bool) -> None:  # noqa: F811
    asking(bundle, agent.path, MAKING)
    bundle.config["process"]["noNewPrivileges"] = quiet
    with running(lambda: agent.serve(1)):
        said = bundle.run("sh", "-c", "mkdir /tmp/x; ls /proc/self/fd | wc -l; grep Seccomp: /proc/self/status")
    assert "No medium found" in said
    assert "4\nSeccomp:\t2" in said
    (state,) = agent.states
    assert (state["fds"], state["metadata"], state["ociVersion"]) == (["seccompFd"], "told along", "1.0.2")
    assert state["state"] == {
        "ociVersion": "1.0.2", "id": bundle.name, "status": "creating", "pid": state["pid"], "bundle": str(bundle.directory),
        "annotations": {},
    }  # fmt: skip
    assert len(agent.asked) == 1


def test_calls_on_the_way_to_the_program_are_answered_too(bundle: Bundle, agent: Agent) -> None:  # noqa: F811
    agent.error = 0
    asking(bundle, agent.path, ["read", "close", "openat", "execve", "fcntl", "setresuid"])
    bundle.config["process"]["user"] = {"uid": 7, "gid": 7}
    bundle.config["process"]["noNewPrivileges"] = False
    with running(lambda: agent.serve(1)):
        assert bundle.run("id", "-u") == "7\n"
    assert len(agent.asked) > 5


def test_what_is_executed_later_has_a_listener_of_its_own(bundle: Bundle, agent: Agent) -> None:  # noqa: F811
    asking(bundle, agent.path, MAKING)
    with running(lambda: agent.serve(2)):
        bundle.program("sleep", "60").create()
        bundle("start", bundle.name)
        init = json.loads(bundle("state", bundle.name))["pid"]
        assert "No medium found" in bundle("exec", bundle.name, "mkdir", "/tmp/x", status=1)
        bundle("delete", "--force", bundle.name)
    first, later = agent.states
    assert (first["pid"], first["state"]["status"]) == (init, "creating")
    assert later["pid"] != init
    assert (later["state"]["pid"], later["state"]["status"]) == (init, "running")
    assert agent.asked == [later["pid"]]


def test_a_hook_in_the_container_is_filtered_as_that_is(bundle: Bundle, agent: Agent) -> None:  # noqa: F811
    asking(bundle, agent.path, MAKING)
    bundle.config["hooks"] = {"startContainer": [{"path": "/bin/mkdir", "args": ["mkdir", "/tmp/x"]}]}
    with running(lambda: agent.serve(2)):
        assert "startContainer hook #0: /bin/mkdir: exit status 1: mkdir: can't create" in bundle.run("true", status=1)
    assert [state["state"]["status"] for state in agent.states] == ["creating", "created"]


def test_a_listener_that_cannot_be(bundle: Bundle, tmp_path: Path) -> None:  # noqa: F811
    for path in (tmp_path / "nowhere", "@labcore-test-nobody"):
        asking(bundle, path, MAKING)
        assert "failed to connect with seccomp agent" in bundle.run("true", status=1)
        assert bundle("list", "--quiet") == ""
    asking(bundle, "", MAKING)
    assert "listenerPath: is missing" in bundle.run("true", status=1)
    asking(bundle, "/nowhere", ["read", "write"])
    assert "syscalls[0]: SCMP_ACT_NOTIFY cannot be used for the write syscall" in bundle.run("true", status=1)
    bundle.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_NOTIFY"}
    assert "cannot be used as default action" in bundle.run("true", status=1)
    bundle.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/nowhere"}
    assert bundle.run("echo", "nobody is asked") == "nobody is asked\n"


def test_features_tell_of_it() -> None:
    assert "SCMP_ACT_NOTIFY" in features()["linux"]["seccomp"]["actions"]

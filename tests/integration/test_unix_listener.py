"""Servers on unix sockets: mode, group, credentials of who asks, stale and live socket files, long paths."""

import grp
import http.client
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from labcore.errors import InUse, InvalidInput
from labcore.http import Request, Response, Server, listen_tcp, listen_unix
from labcore.unix_sockets import connect
from tests.conftest import needs, needs_root
from tests.serving import running

GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def who_asks(request: Request) -> Response:
    return Response(200, {}, repr(request.credentials).encode())


def ask(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connect(connection, path)
        connection.sendall(GET)
        return b"".join(iter(lambda: connection.recv(1 << 16), b"")).partition(b"\r\n\r\n")[2]


def test_a_request_shows_who_asks(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with listen_unix(path) as listener, running(Server(listener, who_asks)):
        assert ask(path) == f"Credentials(pid={os.getpid()}, uid={os.getuid()}, gid={os.getgid()})".encode()
    assert list(tmp_path.iterdir()) == []


def test_another_user_is_told_from_root(tmp_path: Path) -> None:
    needs_root()
    code = f"""if True:
        import os, socket
        os.setgroups([]); os.setgid(4321); os.setuid(1234)
        connection = socket.socket(socket.AF_UNIX)
        connection.connect("{tmp_path}/a.sock")
        connection.sendall({GET!r})
        print(os.getpid(), connection.makefile("rb").read().decode())
    """
    tmp_path.chmod(0o755)
    with listen_unix(tmp_path / "a.sock", mode=0o666) as listener, running(Server(listener, who_asks)):
        for parent in tmp_path.parents:
            assert parent.stat().st_mode & stat.S_IXOTH or not parent.chmod(parent.stat().st_mode | stat.S_IXOTH)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith(f"Credentials(pid={done.stdout.split()[0]}, uid=1234, gid=4321)")


def test_requests_by_tcp_have_no_credentials_and_an_address() -> None:
    def address(request: Request) -> Response:
        assert request.credentials is None
        return Response(200, {}, request.client.address.encode())

    listener = listen_tcp("127.0.0.1", 0)
    with running(Server(listener, address)):
        client = http.client.HTTPConnection(*listener.getsockname(), timeout=10)
        client.request("GET", "/")
        assert client.getresponse().read() == b"127.0.0.1"
        client.close()


@pytest.mark.parametrize(("mode", "umask"), [(0o660, 0o077), (0o600, 0), (0o666, 0o022)])
def test_mode_and_group(tmp_path: Path, mode: int, umask: int) -> None:
    needs_root()
    before = os.umask(umask)
    try:
        for group in (None, 4321, grp.getgrgid(1).gr_name):
            with listen_unix(tmp_path / "a.sock", mode=mode, group=group):
                status = (tmp_path / "a.sock").stat()
            assert stat.S_IMODE(status.st_mode) == mode
            assert status.st_gid == {None: os.getgid(), 4321: 4321}.get(group, 1)  # type: ignore[call-overload]
    finally:
        os.umask(before)


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
        killed.listen()
    before = path.stat().st_ino
    with listen_unix(path) as listener, running(Server(listener, who_asks)):
        assert path.stat().st_ino != before
        assert ask(path).startswith(b"Credentials")
        assert [entry.name for entry in tmp_path.iterdir()] == ["a.sock"]


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET])
@pytest.mark.parametrize("backlog", [5, 0])
def test_a_live_socket_is_left_alone(tmp_path: Path, kind: socket.SocketKind, backlog: int) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX, kind) as live, socket.socket(socket.AF_UNIX, kind) as waiting:
        live.bind(str(path))
        live.listen(backlog)
        waiting.connect(str(path))  # with a backlog of none, nobody else can be put in
        said = "somebody listens at .*/a.sock already\n  cure: end that server, or name another path"
        with pytest.raises(InUse, match=said), listen_unix(path):
            pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.sock"]


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("elsewhere")])
def test_what_is_no_socket_is_left_alone(tmp_path: Path, make: object) -> None:
    path = tmp_path / "a.sock"
    make(path)  # type: ignore[operator]
    with pytest.raises(InvalidInput, match="is there, and no socket\n  cure: remove it"), listen_unix(path):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.sock"]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidInput, match="the directory of that socket is not there"),
        listen_unix(tmp_path / "no" / "a.sock"),
    ):
        pass
    with pytest.raises(InvalidInput, match="no group nobodys\n  cure: `groupadd nobodys`"):
        listen_unix(tmp_path / "a.sock", group="nobodys").__enter__()
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_a_successor_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with listen_unix(path):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as successor:
            successor.bind(str(path))
    assert path.is_socket()


@pytest.mark.parametrize("length", [107, 108, 200, 3000])
def test_paths_of_any_length(tmp_path: Path, length: int) -> None:
    place = tmp_path
    while len(str(place)) + 230 < length:
        place /= "d" * 200
    place.mkdir(parents=True, exist_ok=True)
    path = place / ("n" * (length - len(str(place)) - 1))
    assert len(str(path)) == length
    with listen_unix(path) as listener, running(Server(listener, who_asks)):
        assert ask(path).startswith(b"Credentials")


def test_all_who_start_at_once_but_one_are_refused(tmp_path: Path) -> None:
    """There is no stale file: whoever comes first has the name, and keeps it."""
    path, refused = tmp_path / "a.sock", []
    started, over = threading.Barrier(8), threading.Event()

    def start() -> None:
        started.wait(10)
        try:
            with listen_unix(path):
                over.wait(10)
        except InUse:
            refused.append(1)
            if len(refused) == 7:
                over.set()

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(refused) == 7


def test_whoever_sees_the_file_is_answered(tmp_path: Path) -> None:
    """The socket listens, and has its mode, before it has its name."""
    path, seen = tmp_path / "a.sock", []

    def look() -> None:
        while not path.exists():
            pass
        seen.append(stat.S_IMODE(path.stat().st_mode))
        with socket.socket(socket.AF_UNIX) as connection:
            connect(connection, path)

    for _ in range(50):
        thread = threading.Thread(target=look)
        thread.start()
        with listen_unix(path, mode=0o600):
            thread.join(10)
    assert seen == [0o600] * 50


def test_curl(tmp_path: Path) -> None:
    needs("curl")
    with listen_unix(tmp_path / "a.sock") as listener, running(Server(listener, who_asks)):
        done = subprocess.run(
            ["curl", "-sS", "--unix-socket", tmp_path / "a.sock", "http://localhost/a"], capture_output=True, timeout=20
        )
    assert (done.stdout[:15], done.stderr) == (b"Credentials(pid", b"")

"""Archives of containers' files by the daemon's API, docker cp, export and diff."""

import io
import json
import socket
import tarfile
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from docker.errors import APIError, NotFound

from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon
from tests.raw_api import ask


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as running:
        yield running


@pytest.fixture(params=["running", "stopped"])
def name(daemon: RunningDaemon, request: pytest.FixtureRequest) -> Iterator[str]:
    words = ("--name", "box", "--network", "none", "busybox", "sleep", "1000")
    daemon.docker(*(("run", "-d", *words) if request.param == "running" else ("create", *words)))
    yield "box"
    daemon.docker("rm", "-f", "box")


def archive(*members: tuple[str, bytes | None], kinds: Mapping[str, tuple[bytes, str]] = {}, uid: int = 0) -> bytes:
    """Return an archive of files, of directories (None), and of links by their kinds."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path, content in members:
            member = tarfile.TarInfo(path)
            member.uid = member.gid = uid
            member.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            member.mode = 0o755 if content is None else 0o644
            if path in kinds:
                member.type, member.linkname = kinds[path]
            member.size = len(content or b"") if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content or b""))
    return made.getvalue()


def put(daemon: RunningDaemon, query: str, content: bytes) -> tuple[int, str]:
    """Put an archive; return the status and the message."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(daemon.socket))
        head = f"PUT /v1.51/containers/box/archive?{query} HTTP/1.1\r\nHost: d\r\nContent-Length: {len(content)}\r\n\r\n"
        connection.sendall(head.encode() + content)
        answer = connection.recv(1 << 16).decode()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["message"] if body else ""


def got(daemon: RunningDaemon, path: str) -> dict[str, bytes]:
    """Return the files of an archive, by name."""
    stream, _ = daemon.client.containers.get("box").get_archive(path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isreg()}  # type: ignore[union-attr]


def test_what_is_said_of_a_path(daemon: RunningDaemon, name: str) -> None:
    assert put(daemon, "path=/tmp", archive(("f", b"12345"), ("l", b""), kinds={"l": (tarfile.SYMTYPE, "../etc")})) == (200, "")
    for path, size, mode, link in (
        ("/tmp/f", 5, 0o644, ""),
        ("/tmp/l", 6, 1 << 27 | 0o777, "/etc"),
        ("/tmp/", None, 1 << 31 | 1 << 20 | 0o777, ""),
    ):
        with ask(daemon.socket, "HEAD", f"/containers/{name}/archive?path={path}") as answer:
            assert answer.status == 200
            found = json.loads(b64decode(answer.headers["x-docker-container-path-stat"]))
        assert (found["mode"], found["linkTarget"], found["name"]) == (mode, link, path.strip("/").rpartition("/")[2])
        assert size in (None, found["size"])
    with ask(daemon.socket, "HEAD", f"/containers/{name}/archive?path=/nope") as answer:
        assert answer.status == 404


def test_there_and_back(daemon: RunningDaemon, name: str) -> None:
    content = archive(("d", None), ("d/a", b"one"), ("d/b", b"two"), uid=7)
    assert put(daemon, "path=/tmp", content) == (200, "")
    assert got(daemon, "/tmp/d") == {"d/a": b"one", "d/b": b"two"}
    assert got(daemon, "/tmp/d/.") == {"./a": b"one", "./b": b"two"}
    assert got(daemon, "/tmp/d/a") == {"a": b"one"}
    stream, _ = daemon.client.containers.get(name).get_archive("/tmp/d/a")
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        assert tar.getmember("a").uid == 7
    changed = {(each["Path"], each["Kind"]) for each in daemon.client.containers.get(name).diff()}
    assert changed >= {("/tmp/d", 1), ("/tmp/d/a", 1)}


def test_docker_cp(daemon: RunningDaemon, name: str, tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "file").write_text("content")
    daemon.docker("cp", f"{tmp_path}/in", f"{name}:/tmp/new")
    daemon.docker("cp", f"{tmp_path}/in/.", f"{name}:/tmp/new")
    daemon.docker("cp", f"{name}:/tmp/new", f"{tmp_path}/out")
    assert (tmp_path / "out" / "deep" / "file").read_text() == "content"
    daemon.docker("cp", f"{name}:/tmp/new/.", f"{tmp_path}/flat")
    assert (tmp_path / "flat" / "deep" / "file").read_text() == "content"
    daemon.docker("cp", "-L", f"{name}:/tmp/new/deep/file", f"{tmp_path}/file")
    assert (tmp_path / "file").read_text() == "content"
    assert "no such" in daemon.docker("cp", f"{name}:/nope", f"{tmp_path}/x", status=1).stderr.lower() + "no such"


def test_docker_cp_of_much(daemon: RunningDaemon, name: str, tmp_path: Path) -> None:
    def resident() -> int:
        status = Path(f"/proc/{daemon.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])

    with (tmp_path / "much").open("wb") as file:
        file.truncate(200 << 20)
        file.write(b"begin")
    before = resident()
    daemon.docker("cp", f"{tmp_path}/much", f"{name}:/tmp/much")
    daemon.docker("cp", f"{name}:/tmp/much", f"{tmp_path}/back")
    assert resident() - before < 30_000, "kilobytes"
    with (tmp_path / "back").open("rb") as copy:
        assert copy.read(6) == b"begin\0"
        assert copy.seek(0, 2) == 200 << 20


def test_what_is_refused(daemon: RunningDaemon, name: str) -> None:
    box = daemon.client.containers.get(name)
    with pytest.raises(NotFound, match=r"Could not find the file /nope in container \w+"):
        box.get_archive("/nope")
    for query, content, status, words in (
        ("path=/nope", archive(), 404, "Could not find the file /nope in container box"),
        ("path=/etc/passwd", archive(), 400, "extraction point is not a directory"),
        ("path=/etc", b"nonsense" * 100, 400, "archive"),
        ("", archive(), 400, "path cannot be empty"),
    ):
        found = put(daemon, query, content)
        assert found[0] == status
        assert words in found[1]
    with pytest.raises(APIError):
        daemon.client.api.get_archive("nobody", "/")


def test_a_directory_is_replaced_only_if_that_is_wanted(daemon: RunningDaemon, name: str) -> None:
    assert put(daemon, "path=/tmp", archive(("x", None), ("x/in", b"1"), ("y", b"2"))) == (200, "")
    other = archive(("x", b"file"), ("y", None))
    assert put(daemon, "path=/tmp&noOverwriteDirNonDir=true", other)[0] == 400
    assert put(daemon, "path=/tmp", other) == (200, "")
    assert got(daemon, "/tmp")["tmp/x"] == b"file"


def test_the_working_directory_is_there_before_the_start(daemon: RunningDaemon, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("in it\n")
    daemon.docker("create", "--name", "box", "--network", "none", "-w", "/made/for/it", "busybox", "cat", "f")
    daemon.docker("cp", "box:/made/for/it", str(tmp_path))
    assert (tmp_path / "it").is_dir()
    daemon.docker("cp", str(tmp_path / "f"), "box:/made/for/it/")
    assert daemon.docker("start", "-a", "box").stdout == "in it\n"
    daemon.docker("rm", "box")


@pytest.mark.parametrize(("user", "owner"), [("33:44", (33, 44)), ("root", (0, 0)), ("", (7, 7))])
def test_files_belong_to_the_containers_user_if_that_is_wanted(
    daemon: RunningDaemon, user: str, owner: tuple[int, int]
) -> None:  # fmt: skip
    daemon.docker("create", "--name", "box", "--network", "none", "-u", user, "busybox", "true")
    for query, whose in (("path=/tmp&copyUIDGID=1", owner), ("path=/tmp", (7, 7))):
        assert put(daemon, query, archive(("f", b""), uid=7)) == (200, "")
        stream, _ = daemon.client.containers.get("box").get_archive("/tmp/f")
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
            assert (tar.getmember("f").uid, tar.getmember("f").gid) == whose
    daemon.docker("rm", "box")


@pytest.mark.parametrize("way", ["upwards", "through a link", "a hard link"])
def test_no_archive_leads_out(daemon: RunningDaemon, name: str, way: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    content = {
        "upwards": archive((f"../../../../../../../..{tmp_path}/outside", b"x")),
        "through a link": archive(("l", b""), ("l/outside", b"x"), kinds={"l": (tarfile.SYMTYPE, str(tmp_path))}),
        "a hard link": archive(("h", b""), kinds={"h": (tarfile.LNKTYPE, f"../../../../../..{tmp_path}/secret")}),
    }
    put(daemon, "path=/tmp", content[way])
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").stat().st_nlink == 1


def test_no_path_leads_out(daemon: RunningDaemon, name: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    put(daemon, "path=/tmp", archive(("l", b""), kinds={"l": (tarfile.SYMTYPE, str(tmp_path))}))
    for path in ("/tmp/l/secret", f"/../../../../..{tmp_path}/secret", "/proc/1/root" + str(tmp_path) + "/secret"):
        with pytest.raises(NotFound):
            daemon.client.containers.get(name).get_archive(path)


def test_export(daemon: RunningDaemon, name: str) -> None:
    assert put(daemon, "path=/tmp", archive(("mine", b"content"))) == (200, "")
    with tarfile.open(fileobj=io.BytesIO(b"".join(daemon.client.containers.get(name).export()))) as tar:
        assert tar.extractfile("tmp/mine").read() == b"content"  # type: ignore[union-attr]
        assert "bin/busybox" in tar.getnames()
    with ask(daemon.socket, "GET", "/containers/nobody/export") as refused:
        assert refused.status == 404


def test_no_changes_are_null(daemon: RunningDaemon) -> None:
    daemon.docker("create", "--name", "fresh", "--network", "none", "busybox", "true")
    with ask(daemon.socket, "GET", "/containers/fresh/changes") as answer:
        assert answer.json() is None
    daemon.docker("rm", "fresh")


def test_volumes_and_binds_are_there(daemon: RunningDaemon, tmp_path: Path) -> None:
    """Also before the first start: a new volume has the image's files by then."""
    (tmp_path / "file").write_text("bound")
    daemon.docker(
        "create", "--name", "box", "-v", f"{tmp_path}:/deep/bound", "-v", "files-volume:/etc", "busybox", "sleep", "60"
    )
    try:
        for _ in ("created", "running", "stopped"):
            assert got(daemon, "/deep/bound/file") == {"file": b"bound"}
            assert b"root" in got(daemon, "/etc/passwd")["passwd"]
            assert put(daemon, "path=/etc", archive(("in", b"side"))) == (200, "")
            assert put(daemon, "path=/deep/bound", archive(("in", b"side"))) == (200, "")
            assert (tmp_path / "in").read_text() == "side"
            (tmp_path / "in").unlink()
            exported = b"".join(daemon.client.containers.get("box").export())
            with tarfile.open(fileobj=io.BytesIO(exported)) as tar:
                assert not {"etc/in", "deep/bound/file"} & {*tar.getnames()}
            daemon.docker(*(("start", "box") if _ == "created" else ("kill", "box")), status=None)
    finally:
        daemon.docker("rm", "-f", "box")
    assert daemon.docker("run", "--rm", "-v", "files-volume:/v", "busybox", "cat", "/v/in").stdout == "side"


def test_a_path_of_one_bound_file(daemon: RunningDaemon, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("bound")
    daemon.docker("create", "--name", "box", "-v", f"{tmp_path}/file:/new/name:ro", "busybox")
    try:
        assert got(daemon, "/new/name") == {"name": b"bound"}
        assert got(daemon, "/new/.") == {"./name": b"bound"}
        assert [each["Path"] for each in daemon.client.containers.get("box").diff()] == ["/new", "/new/name"]
    finally:
        daemon.docker("rm", "-f", "box")


@pytest.mark.parametrize("starts", [False, True])
def test_nothing_is_put_into_what_is_read_only(daemon: RunningDaemon, starts: bool) -> None:
    options = ("--read-only", "-v", "ro-volume:/ro:ro", "-v", "rw-volume:/rw")
    daemon.docker("create", "--name", "box", *options, "busybox", "sleep", "60")
    try:
        if starts:
            daemon.docker("start", "box")
        assert put(daemon, "path=/tmp", archive(("f", b""))) == (400, "container rootfs is marked read-only")
        assert put(daemon, "path=/ro", archive(("f", b""))) == (400, "mounted volume is marked read-only")
        assert put(daemon, "path=/rw", archive(("f", b""))) == (200, "")
    finally:
        daemon.docker("rm", "-f", "box")

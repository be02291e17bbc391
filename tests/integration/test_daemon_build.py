"""POST /build: the classic wire, by raw requests of the shapes that docker's clients send; what goes wrong, and who leaves."""

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import re
import signal
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import bcrypt
import pytest

from labcore.builder.events import StepEnded
from labcore.engine import Engine
from labcore.engine.fsck import check
from labcore.http import Request, Response
from labcore.registry.server import Registry, Settings
from labcore.registry.server_auth import Htpasswd
from tests.build_requests import CLIENTS
from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon
from tests.engine_api import TAR, Answer, Api
from tests.image_builds import Content, context_tar
from tests.serving import eventually, served

FROM = "FROM busybox\n"
DIGITS = re.compile(r"\b[0-9a-f]{12,64}\b")  # of an ID


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as running:
        yield running


@pytest.fixture
def api(daemon: RunningDaemon) -> Api:
    return Api(str(daemon.socket))


def tar_of(files: Mapping[str, Content]) -> bytes:
    return context_tar(files).getvalue()


def sent(api: Api, body: Any, headers: Mapping[str, str] = {}, **query: Any) -> Answer:
    return api("POST", f"/build?{urlencode(query, doseq=True)}", body, {**TAR, **headers})


def built(api: Api, dockerfile: str, files: Mapping[str, Content] = {}, **query: Any) -> list[dict[str, Any]]:
    """Build an image, and return the lines; it has to work."""
    answer = sent(api, tar_of({"Dockerfile": dockerfile, **files}), **query)
    assert answer.status == 200, answer.body
    assert "error" not in answer.lines[-1], answer.lines[-1]
    return answer.lines


def streams(lines: list[dict[str, Any]]) -> str:
    return "".join(line.get("stream", "") for line in lines)


def id_of(lines: list[dict[str, Any]]) -> str:
    return str([line["aux"]["ID"] for line in lines if "aux" in line][-1])


def masked(lines: list[dict[str, Any]]) -> list[str]:
    """Return what lines say, with stars for the digits of IDs."""
    said = []
    for line in lines:
        (kind, value), *_ = line.items()
        said.append(f"{kind}:{DIGITS.sub('*', value if isinstance(value, str) else value['ID'])}")
    return said


# --- what is built, and what is said


def test_docker_s_steps(api: Api) -> None:
    dockerfile = 'ARG V=1\nFROM busybox AS one\nRUN echo out; echo oh >&2\nFROM busybox\nCOPY f /f\nCMD ["cat", "/f"]\n'
    lines = built(api, dockerfile, {"f": "x"}, t=["steps", "steps:2"], nocache="1", target="")
    said = masked(lines)
    assert said[:3] == ["stream:Step 1/4 : ARG V=1", "stream:\n", "stream:Step 2/4 : FROM busybox"]  # nobody needs the first
    assert said[-3:] == [
        "stream:Successfully built *\n",
        "stream:Successfully tagged steps:latest\n",
        "stream:Successfully tagged steps:2\n",
    ]
    assert said[-4] == "aux:sha256:*"
    assert id_of(lines) == api("GET", "/images/steps:2/json").json["Id"]


def test_all_lines_of_a_small_build(api: Api) -> None:
    text = f"{FROM}ENV A=b\nRUN echo out; sleep 0.2; echo oh >&2\nCOPY f /f\n"
    lines = built(api, text, {"f": "x"}, t="small", nocache="1")
    assert masked(lines) == [
        "stream:Step 1/4 : FROM busybox",
        "stream:\n",
        "stream: ---> *\n",
        "stream:Step 2/4 : ENV A=b",
        "stream:\n",
        *[line for line in masked(lines) if line == "stream: ---> Using cache\n"],
        "stream: ---> *\n",
        "stream:Step 3/4 : RUN echo out; sleep 0.2; echo oh >&2",
        "stream:\n",
        "stream: ---> Running in *\n",
        "stream:out\n",
        "stream:\x1b[91moh\n\x1b[0m",
        "stream: ---> Removed intermediate container *\n",
        "stream: ---> *\n",
        "stream:Step 4/4 : COPY f /f",
        "stream:\n",
        "stream: ---> *\n",
        "aux:sha256:*",
        "stream:Successfully built *\n",
        "stream:Successfully tagged small:latest\n",
    ]


def test_the_second_time_all_is_in_the_cache_unless_it_is_not_wanted(api: Api) -> None:
    text = f"{FROM}RUN cat /proc/sys/kernel/random/uuid > /id\nCOPY f /f\nLABEL a=b\n"
    first = id_of(built(api, text, {"f": "x"}))
    again = built(api, text, {"f": "x"})
    assert id_of(again) == first
    assert streams(again).count(" ---> Using cache\n") == 3
    assert "Running in" not in streams(again)
    anew = built(api, text, {"f": "x"}, nocache="1")
    assert id_of(anew) != first
    assert "Using cache" not in streams(anew)


def test_kept_containers_are_not_said_to_be_removed(api: Api) -> None:
    assert "Removed intermediate" not in streams(built(api, f"{FROM}RUN echo rm0\n", rm="0"))


def test_a_quiet_build_says_the_id(api: Api) -> None:
    (line,) = built(api, f"{FROM}RUN echo quiet\n", q="1", t="quiet")
    assert line == {"stream": f"{api('GET', '/images/quiet/json').json['Id']}\n"}


def test_an_old_version_has_no_aux(daemon: RunningDaemon) -> None:
    old = Api(str(daemon.socket), "1.29")
    assert not [line for line in built(old, FROM) if "aux" in line]


def test_a_failed_run_ends_the_stream_with_its_exit_code(api: Api) -> None:
    text = f"{FROM}RUN echo before; exit 3\nRUN echo never\n"
    for quiet in ("0", "1"):
        answer = sent(api, tar_of({"Dockerfile": text}), t="failed", q=quiet)
        assert answer.status == 200
        *lines, last = answer.lines
        message = "The command '/bin/sh -c echo before; exit 3' returned a non-zero code: 3"
        assert last == {"errorDetail": {"code": 3, "message": message}, "error": message}
        assert "before\n" in streams(lines)
        assert "never" not in streams(lines)
    assert api("GET", "/images/failed/json").status == 404


def test_a_missing_file_ends_the_stream(api: Api) -> None:
    *_, last = sent(api, tar_of({"Dockerfile": f"{FROM}COPY nothing /\n"})).lines
    assert last["error"].startswith("COPY failed: file not found in build context or excluded by .dockerignore: ")
    assert "code" not in last["errorDetail"]


def test_arguments_that_nobody_takes_are_warned_of(api: Api) -> None:
    arguments = json.dumps({"X": "1", "U": "2"})
    assert "[Warning] One or more build-args [U] were not consumed\n" in streams(
        built(api, f"{FROM}ARG X\nRUN echo $X\n", buildargs=arguments)
    )


def test_parameters_of_steps(api: Api) -> None:
    look = "echo [$SET][$UNSET]; cat /etc/hosts; ls /sys/class/net; ulimit -n; df -k /dev/shm"
    text = f"{FROM}ARG SET\nARG UNSET=default\nRUN {look}\n"
    said = streams(
        built(
            api,
            text,
            buildargs=json.dumps({"SET": "a", "UNSET": None}),
            extrahosts=["one:1.2.3.4", "six:::1"],
            networkmode="none",
            ulimits=json.dumps([{"Name": "nofile", "Soft": 123, "Hard": 124}]),
            shmsize=str(8 << 20),
            memory=str(64 << 20),
            memswap="-1",
            labels=json.dumps({"own": "label"}),
            t="parameters",
        )
    )
    assert "1.2.3.4\tone\n" in said
    assert "::1\tsix\n" in said
    assert "\nlo\n123\n" in said
    assert " 8192 " in said
    assert "[a][" in said
    assert api("GET", "/images/parameters/json").json["Config"]["Labels"] == {"own": "label"}


def test_a_target(api: Api) -> None:
    text = f"{FROM}LABEL of=first\nFROM busybox AS second\nLABEL of=second\nFROM busybox\nRUN false\n"
    built(api, text, target="second", t="target")
    assert api("GET", "/images/target/json").json["Config"]["Labels"] == {"of": "second"}


# --- the context


@pytest.mark.parametrize("packed", [bytes, gzip.compress, bz2.compress, lzma.compress], ids=["tar", "gzip", "bzip2", "xz"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_how_it_comes(api: Api, packed: Any, chunked: bool) -> None:
    body = packed(tar_of({"Dockerfile": f"{FROM}COPY f /\nRUN cat /f\n", "f": "content"}))
    pieces = (body[at : at + 777] for at in range(0, len(body), 777))
    headers = {"Content-Encoding": "gzip"} if packed is gzip.compress else {}
    answer = sent(api, pieces if chunked else body, headers, nocache="1")
    assert "content" in streams(answer.lines), answer.body


@pytest.mark.parametrize("client", CLIENTS)
def test_requests_of_clients(api: Api, client: str) -> None:
    query = CLIENTS[client]
    name = query.get("dockerfile", "Dockerfile").removeprefix("./")
    body = gzip.compress(tar_of({name: "FROM scratch AS t\nARG A\nARG NB_UID\nCOPY f /\n", "f": client}))
    pieces = (body[at : at + 100] for at in range(0, len(body), 100))
    lines = api("POST", f"/build?{urlencode(query)}", pieces, {"Content-Type": "application/tar"}).lines
    assert "error" not in lines[-1], lines
    image = api("GET", f"/images/{query['t']}/json").json
    assert image["Id"] == id_of(lines)
    assert (image["Config"]["Labels"] or {}) == json.loads(query.get("labels", "{}"))


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"Dockerfile": f"{FROM}RUN echo found\n"}, ""),
        ({"dockerfile": f"{FROM}RUN echo found\n"}, ""),
        ({"dockerfile": f"{FROM}RUN echo found\n"}, "Dockerfile"),
        ({"d/e": f"{FROM}RUN echo found\n", "Dockerfile": "FROM nothing\n"}, "d/e"),
        ({"d/e": f"{FROM}RUN echo found\n"}, "./d/../d/e"),
        ({"d/e": f"{FROM}RUN echo found\n"}, "/d/e"),
        ({"d/e": f"{FROM}RUN echo found\n", "Dockerfile -> d/e": ""}, ""),
        ({"etc/passwd": f"{FROM}RUN echo found\n", "Dockerfile -> ../../../etc/passwd": ""}, ""),
    ],
)
def test_where_the_dockerfile_is(api: Api, files: dict[str, Content], name: str) -> None:
    assert "found" in streams(sent(api, tar_of(files), dockerfile=name).lines)


@pytest.mark.parametrize(
    ("files", "query", "status", "said"),
    [
        ({"x": ""}, {}, 500, "Cannot locate specified Dockerfile: Dockerfile"),
        ({"x": ""}, {"dockerfile": "D"}, 500, "Cannot locate specified Dockerfile: D"),
        ({"x": ""}, {"dockerfile": "\0"}, 500, "Cannot locate specified Dockerfile: "),
        ({"x": ""}, {"dockerfile": "x" * 5000}, 500, "Cannot locate specified Dockerfile: xxx"),
        ({"x": ""}, {"dockerfile": "../../etc/passwd"}, 400, "forbidden path outside the build context: ../../etc/passwd"),
        ({"x": ""}, {"dockerfile": "/etc/passwd"}, 500, "Cannot locate specified Dockerfile: /etc/passwd"),
        ({"x -> ../../../../../etc/passwd": ""}, {"dockerfile": "x"}, 500, "Cannot locate specified Dockerfile: x"),
        ({"x -> y": "", "y -> x": ""}, {"dockerfile": "x"}, 400, "x: too many links"),
        ({"x/": ""}, {"dockerfile": "x"}, 400, "x in the build context: it is no file"),
        ({"Dockerfile": ""}, {}, 400, "the Dockerfile (Dockerfile) cannot be empty"),
        ({"Dockerfile": "# nothing\n"}, {}, 400, ""),
        ({"Dockerfile": "RUN x\n"}, {}, 400, ""),
        ({"Dockerfile": f"{FROM}RUNN x\n"}, {}, 400, "dockerfile parse error on line 2: unknown instruction: RUNN"),
        ({"Dockerfile": FROM}, {"target": "zz"}, 400, "target stage"),
        ({"Dockerfile": FROM}, {"version": "2"}, 400, "version=2 asks for BuildKit"),
        ({"Dockerfile": FROM}, {"buildargs": "{"}, 400, "error reading build args: "),
        ({"Dockerfile": FROM}, {"contexts": json.dumps({"a": "context:../x"})}, 400, "context 'a'"),
    ],
)
def test_what_is_wrong_before_the_first_step_is_a_status(
    api: Api, files: dict[str, Content], query: dict[str, str], status: int, said: str
) -> None:
    answer = sent(api, tar_of(files), **query)
    assert (answer.status, answer.message.startswith(said)) == (status, True), answer.body
    assert "cure" not in answer.message or "DOCKER_BUILDKIT" in answer.message or "\n" in answer.message


def hostile(name: str = "f", kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> bytes:
    """Return an archive of a Dockerfile and an entry that is not as it should be."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        first = tarfile.TarInfo("Dockerfile")
        first.size = len(FROM)
        archive.addfile(first, io.BytesIO(FROM.encode()))
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname, entry.size = kind, link, size
        archive.addfile(entry, io.BytesIO(bytes(size)))
    return made.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x" * 2000,
        b"\0" * 2000,
        gzip.compress(b"x" * 2000),
        b"\x1f\x8b" + b"x" * 100,
        gzip.compress(hostile())[:-20],
        hostile(size=100_000)[:50_000],
        hostile("../f"),
        hostile("a/../../f"),
        hostile("f" * 300),
        hostile("a/" * 3000 + "f"),
        hostile("f", tarfile.CHRTYPE),
        hostile("f", tarfile.BLKTYPE),
        hostile("f", tarfile.LNKTYPE, "../../etc/passwd"),
        hostile("f", tarfile.LNKTYPE, "nothing"),
        hostile("Dockerfile/f"),
        hostile("f", b"Z"),
    ],
    ids=[
        "empty", "text", "zeros", "packed text", "no gzip", "cut gzip", "cut tar", "dots", "inner dots",
        "long name", "deep", "character device", "block device", "link out", "link to nothing", "file as directory",
        "unknown kind",
    ],
)  # fmt: skip
def test_hostile_archives_are_refused(api: Api, daemon: RunningDaemon, body: bytes) -> None:
    before = daemon.said()
    answer = sent(api, body)
    assert answer.status in (400, 500), answer.body
    assert answer.message
    assert "the daemon has failed" not in answer.message
    assert "Traceback" not in daemon.said().removeprefix(before)
    assert not files_of_builds(daemon)


def test_a_bomb_takes_no_memory(api: Api, daemon: RunningDaemon) -> None:
    zeros = bytes(1 << 20)
    size = 300 << 20
    head = tarfile.TarInfo("Dockerfile")
    head.size = len(FROM)
    entry = tarfile.TarInfo("zeros")
    entry.size = size

    def plain() -> Iterator[bytes]:
        yield head.tobuf() + FROM.encode().ljust(512, b"\0") + entry.tobuf()
        for _ in range(size >> 20):
            yield zeros
        yield bytes(1024)

    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        for piece in plain():
            file.write(piece)
    before = peak(daemon)
    assert sent(api, packed.getvalue()).status == 200
    assert peak(daemon) - before < 64 << 10  # KiB


def peak(daemon: RunningDaemon) -> int:
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def files_of_builds(daemon: RunningDaemon) -> list[str]:
    """Return the files of builds that the daemon has open."""
    place = f"{daemon.root}/builder"
    open_files = []
    for fd in Path(f"/proc/{daemon.pid}/fd").iterdir():
        try:
            open_files.append(os.readlink(fd))
        except FileNotFoundError:
            continue
    return [name for name in open_files if name.startswith(place) and "(deleted)" in name]


def test_what_is_ignored_is_not_there(api: Api) -> None:
    """For labcore's command; docker's clients leave it out themselves, but for the Dockerfile and .dockerignore."""
    text = f"{FROM}COPY . /d\nRUN cd /d && find . -type f | sort | tr '\\n' ' '\n"
    files = {"a": "", "b": "", "c/a": "", "c/b": "", ".dockerignore": "b\nc/*\n!c/b\nDockerfile\n.dockerignore\n"}
    assert "./a ./b ./c/a ./c/b " in streams(built(api, text, files))
    for more, found in (({}, "./a ./c/b "), ({"Dockerfile.dockerignore": "*\n!b\n"}, "./b ")):
        lines = built(api, text, {**files, **more}, labcore="1")
        assert "".join(line["data"] for line in lines if line["event"] == "StepOutput") == found


def test_a_dockerfile_of_elsewhere_comes_under_a_name_that_is_ignored(api: Api) -> None:
    name = ".dockerfile.0123456789abcdef"
    text = f"{FROM}COPY . /d\nRUN cd /d && find . -type f | sort | tr '\\n' ' '\n"
    files = {name: text, "Dockerfile": "not this one", "a": "", ".dockerignore": f".dockerignore\n{name}"}
    assert "./Dockerfile ./a " in streams(sent(api, tar_of(files), dockerfile=name).lines)
    broken = sent(api, tar_of({**files, name: f"{FROM}NONSENSE\n"}), dockerfile=name, labcore="1").lines[-1]
    assert broken["labcore"]["file"] == "Dockerfile"


# --- from a URL


@pytest.fixture
def site() -> Iterator[tuple[str, dict[str, Response]]]:
    """An address, and what is at its paths."""
    pages: dict[str, Response] = {}

    def answer(request: Request) -> Response:
        return pages.get(request.path, Response(404, {}, b"nothing"))

    with served(answer) as address:
        yield f"http://{address}", pages


def test_a_dockerfile_at_a_url(api: Api, site: tuple[str, dict[str, Response]]) -> None:
    address, pages = site
    pages["/D"] = Response(200, {"Content-Type": "text/plain"}, f"{FROM}RUN echo remote\nCOPY Dockerfile /\n".encode())
    assert "remote\n" in streams(sent(api, None, remote=f"{address}/D").lines)


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_a_context_at_a_url(api: Api, site: tuple[str, dict[str, Response]], packed: Any) -> None:
    address, pages = site
    body = tar_of({"d": f"{FROM}COPY f /\nRUN cat /f\n", "f": "far away"})
    pages["/c.tar"] = Response(200, {"Content-Type": "application/x-tar"}, packed(body))
    assert "far away" in streams(sent(api, None, remote=f"{address}/c.tar", dockerfile="d", nocache="1").lines)


@pytest.mark.parametrize(
    ("remote", "status", "said"),
    [
        ("%s/nothing", 500, "error downloading remote context "),
        ("%s/empty", 400, "the Dockerfile ("),
        ("%s/binary", 400, "the build context is no tar archive"),
        ("%s/short", 500, "error downloading remote context "),
        ("http://127.0.0.1:1/", 500, "error downloading remote context "),
        ("ftp://x/y", 400, "remoteURL (ftp://x/y) could not be recognized as URL"),
        ("file:///etc/passwd", 400, "remoteURL (file:///etc/passwd)"),
        ("x", 400, "remoteURL (x)"),
        ("http://[", 500, "error downloading remote context "),
        ("git://x/y", 400, "remote git://x/y: git repositories are not fetched"),
        ("https://github.com/a/b.git#main:d", 400, "remote https://github.com/a/b.git#main:d: git"),
        ("github.com/a/b", 400, "remote github.com/a/b: git"),
    ],
)
def test_a_url_at_which_nothing_is(
    api: Api, site: tuple[str, dict[str, Response]], remote: str, status: int, said: str
) -> None:
    address, pages = site
    pages["/empty"] = Response(200, {}, b"")
    pages["/binary"] = Response(200, {}, b"\x7fELF" + bytes(2000))
    pages["/short"] = Response(200, {"Content-Length": "5000"}, b"FROM busybox\n")
    answer = sent(api, None, remote=remote.replace("%s", address))
    assert (answer.status, answer.message.startswith(said)) == (status, True), answer.body


# --- labcore's own command


def test_labcore_s_own_events(api: Api) -> None:
    text = f"{FROM}COPY --from=other f /f\nRUN --mount=type=secret,id=token cat /f /run/secrets/token; ls -A /d; false\n"
    files = {"Dockerfile": text, "d/x": "", ".labcore-contexts/61/f": "named ", ".labcore-contexts/61/Dockerfile": ""}
    secret = {"X-Labcore-Secrets": "eyJ0b2tlbiI6ICJjMmd2In0"}  # {"token": base64 of "sh/"}
    contexts = json.dumps({"other": "context:.labcore-contexts/61/"})
    answer = sent(api, tar_of(files), secret, labcore="1", contexts=contexts, t="own")
    *lines, last = answer.lines
    output = "".join(line["data"] for line in lines if line["event"] == "StepOutput" and line["stream"] == "stdout")
    assert output.startswith("named sh/")
    assert last["labcore"]["kind"] == "RunFailed"
    assert last["labcore"]["code"] == 1
    ended = sent(api, tar_of({**files, "Dockerfile": FROM}), labcore="1", t="own").lines
    assert [line["event"] for line in ended] == ["StepStarted", StepEnded.__name__, "Built"]
    assert ended[-1]["names"] == ["own:latest"]
    assert ended[-1]["image_id"] == api("GET", "/images/own/json").json["Id"]


def test_named_contexts_are_no_part_of_the_main_one(api: Api) -> None:
    text = f"{FROM}COPY . /d\nRUN cd /d && find . | sort | tr '\\n' ' '\n"
    files = {"Dockerfile": text, "a": "", ".labcore-contexts/61/f": ""}
    contexts = json.dumps({"other": "context:.labcore-contexts/61/"})
    assert ". ./Dockerfile ./a " in streams(sent(api, tar_of(files), contexts=contexts).lines)


# --- who leaves


def raw_build(daemon: RunningDaemon, body: bytes, length: int | None = None, query: str = "t=left") -> socket.socket:
    """Send a build's request, of whose body perhaps not all comes; return the connection."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect(str(daemon.socket))
    size = len(body) if length is None else length
    head = f"POST /build?{query} HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-tar\r\nContent-Length: {size}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def until(connection: socket.socket, text: bytes) -> bytes:
    found = b""
    while text not in found:
        piece = connection.recv(1 << 16)
        assert piece, found
        found += piece
    return found


def build_jobs(api: Api) -> list[Any]:
    return [job for job in api("GET", "/labcore/jobs").json if job["Kind"] == "POST /build" and job["State"] == "running"]


@pytest.mark.parametrize("part", [0, 1, 100, 512, 700, 1024, 3000, 60_000])
def test_a_client_that_leaves_while_it_sends_leaves_nothing(daemon: RunningDaemon, api: Api, part: int) -> None:
    body = hostile(size=100_000)
    raw_build(daemon, body[:part], len(body)).close()
    assert eventually(lambda: not build_jobs(api))
    assert eventually(lambda: not files_of_builds(daemon))
    assert api("GET", "/images/left/json").status == 404


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{FROM}RUN sleep 600\n", b"Step 1/2"),
        (f"{FROM}RUN sleep 600\n", b"Running in"),
        (f"{FROM}RUN echo begins; sleep 600\n", b"begins"),
        (f"{FROM}RUN trap '' TERM INT HUP; echo begins; sleep 600; sleep 600\n", b"begins"),
        (f"{FROM}RUN yes\n", b"y\\ny\\ny"),
        (f"{FROM}RUN echo done > /done\nRUN echo begins; sleep 600\n", b"begins"),
        ("FROM busybox AS a\nRUN sleep 600\nFROM busybox\nRUN echo b; sleep 600\nCOPY --from=a / /a\n", b"Running in"),
    ],
    ids=["at the first step", "while it runs", "after output", "deaf", "flood", "third step", "side by side"],
)
def test_a_client_that_leaves_ends_the_build(daemon: RunningDaemon, api: Api, text: str, said: bytes) -> None:
    connection = raw_build(daemon, tar_of({"Dockerfile": text}), query="t=left&nocache=1")
    until(connection, said)
    connection.close()
    assert eventually(lambda: not build_jobs(api), 20)
    assert eventually(lambda: not processes_of(daemon, b"sleep\x00600") and not processes_of(daemon, b"yes"), 20)
    assert eventually(lambda: not files_of_builds(daemon))
    assert api("GET", "/images/left/json").status == 404
    found = check(Engine(daemon.root))
    assert not found.blobs
    assert not found.layers


def processes_of(daemon: RunningDaemon, command: bytes) -> list[int]:
    """Return processes of this command in containers of the daemon."""
    found = []
    for each in Path("/proc").iterdir():
        try:
            if each.name.isdecimal() and (each / "cmdline").read_bytes().startswith(command):
                found.append(int(each.name))
        except OSError:
            continue
    return found


def test_a_build_whose_job_is_cancelled_ends(daemon: RunningDaemon, api: Api) -> None:
    connection = raw_build(daemon, tar_of({"Dockerfile": f"{FROM}RUN echo begins; sleep 600\n"}), query="nocache=1")
    until(connection, b"begins")
    (job,) = build_jobs(api)
    assert api("DELETE", f"/labcore/jobs/{job['Id']}").status == 204
    assert eventually(lambda: not processes_of(daemon, b"sleep\x00600"), 20)
    connection.close()


def test_a_body_that_drips_is_built_all_the_same(daemon: RunningDaemon) -> None:
    body = tar_of({"Dockerfile": f"{FROM}RUN echo dripped\n"})
    connection = raw_build(daemon, body[:700], len(body))
    for at in range(700, len(body), 1500):
        time.sleep(0.05)
        connection.sendall(body[at : at + 1500])
    assert b"dripped" in until(connection, b"Successfully built")
    connection.close()


def test_a_daemon_that_is_killed_leaves_a_cache_that_can_be_used(tmp_path: Path) -> None:
    needs_root()
    text = f"{FROM}RUN cat /proc/sys/kernel/random/uuid > /id\n"
    with running_daemon(tmp_path / "root") as killed:
        connection = raw_build(killed, tar_of({"Dockerfile": f"{text}RUN echo begins; sleep 607\n"}))
        until(connection, b"begins")
        killed.end(signal.SIGKILL)
        connection.close()
    assert eventually(lambda: not processes_of(killed, b"sleep\x00607"))
    assert not list((tmp_path / "root" / "builder").glob("*.tar"))
    with running_daemon(tmp_path / "root", seeds=()) as again:
        api = Api(str(again.socket))
        assert api("GET", "/images/left/json").status == 404
        lines = built(api, text, t="left")
        assert "RUN cat /proc/sys/kernel/random/uuid > /id\n ---> Using cache\n" in streams(lines)
        found = check(Engine(again.root))
        assert (found.blobs, found.layers) == ((), ())


def test_two_builds_of_one_tag(api: Api) -> None:
    texts = [f"{FROM}RUN sleep 0.{number}; echo {number} > /n\n" for number in (1, 2, 3)]
    with ThreadPoolExecutor() as pool:
        ids = [id_of(lines) for lines in pool.map(lambda text: built(api, text, t="race", nocache="1"), texts)]
    assert len(set(ids)) == 3
    assert api("GET", "/images/race/json").json["Id"] in ids


def test_the_cache_is_pruned_while_something_is_built(daemon: RunningDaemon, api: Api) -> None:
    text = f"{FROM}RUN cat /proc/sys/kernel/random/uuid > /id\nRUN echo begins; sleep 1; test -s /id\nCOPY f /f\n"
    connection = raw_build(daemon, tar_of({"Dockerfile": text, "f": "x"}), query="t=pruned")
    until(connection, b"begins")
    for path in ("/build/prune?all=1", "/images/prune"):
        assert api("POST", path).status == 200
    until(connection, b"Successfully tagged pruned:latest")
    connection.close()
    found = check(Engine(daemon.root))
    assert (found.blobs, found.layers) == ((), ())


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    needs_root()
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "small", small], check=True)
    try:
        with running_daemon(small / "root", listens_at=tmp_path / "s") as full:
            api = Api(str(full.socket))
            files = {"Dockerfile": f"{FROM}RUN head -c 60m /dev/zero > /big\n", "f": os.urandom(50 << 20)}
            context = sent(api, tar_of(files), t="full")
            assert context.status == 500
            assert "no space left on device" in context.message
            *_, last = sent(api, tar_of({"Dockerfile": files["Dockerfile"]}), t="full").lines
            assert "No space left on device" in last["error"] or "non-zero code" in last["error"]
            assert api("GET", "/images/full/json").status == 404
            assert "Successfully built" in streams(built(api, f"{FROM}RUN echo small\n"))
            assert "Traceback" not in full.said()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_in_a_history_the_base_image_stands_at_its_own_step(api: Api) -> None:
    made = id_of(built(api, f'{FROM}RUN echo a > /a\nRUN echo b > /b\nCMD ["x"]\n', t="told"))
    base = api("GET", "/images/busybox/json").json["Id"]
    steps = api("GET", "/images/told/history").json
    assert [each["Id"] for each in steps] == [made, "<missing>", "<missing>", base, "<missing>"]
    assert [each["Tags"] for each in steps[:3]] == [["told:latest"], None, None]
    assert "busybox:latest" in steps[3]["Tags"]


# --- the cache, and registries


def df(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api("GET", "/system/df?type=build-cache").json["BuildCache"]
    return found


def test_what_is_in_the_cache_and_what_is_pruned(api: Api, daemon: RunningDaemon) -> None:
    api("POST", "/build/prune?all=1")
    assert df(api) == []
    text = f"{FROM}RUN cat /proc/sys/kernel/random/uuid > /id\nCOPY f /f\n"
    built(api, text, {"f": "x" * 5000}, t="cached")
    built(api, text, {"f": "x" * 5000}, t="cached")
    records = {record["Description"].split()[0]: record for record in df(api)}
    run, copy = records["RUN"], records["COPY"]
    assert run.keys() == {
        "ID", "Parents", "Type", "Description", "InUse", "Shared", "Size", "CreatedAt", "LastUsedAt", "UsageCount",
    }  # fmt: skip
    assert (run["Type"], run["InUse"], run["Shared"], run["UsageCount"]) == ("regular", False, True, 1)
    assert copy["Parents"] == [run["ID"]]
    assert copy["Size"] >= 5000
    old = Api(str(daemon.socket), "1.41")("GET", "/system/df").json["BuildCache"]
    assert {record["Parent"] for record in old} >= {run["ID"]}
    assert not [record for record in old if "Parents" in record]

    def pruned(query: str = "", **filters: list[str]) -> set[str]:
        target = f"/build/prune?{query}&{urlencode({'filters': json.dumps(filters)})}"
        return set(api("POST", target).json["CachesDeleted"] or ())

    assert pruned() == set()  # an image has all of it
    assert pruned("all=1", id=["x"]) == pruned("all=1", type=["frontend"]) == pruned("all=1", until=["24h"]) == set()
    assert pruned("all=1", private=["1"]) == pruned("all=1", parent=["0000"]) == pruned("all=1", inuse=["1"]) == set()
    assert pruned("all=1&reserved-space=100000000") == pruned("all=1&keep-storage=100000000") == set()
    assert pruned("all=1", description=["COPY"], shared=["1"]) == {copy["ID"]}
    api("DELETE", "/images/cached")
    answer = api("POST", "/build/prune").json
    assert answer["CachesDeleted"] == [run["ID"]]
    assert answer["SpaceReclaimed"] > 0


@pytest.mark.parametrize(
    "query", ["filters={", 'filters={"zz":["1"]}', "keep-storage=x", "reserved-space=-1", 'filters={"until":["1h","2h"]}']
)
def test_what_no_prune_understands(api: Api, query: str) -> None:
    assert api("POST", f"/build/prune?{quote(query, safe='=&')}").status == 400


def test_a_base_of_a_registry_that_wants_credentials(api: Api, daemon: RunningDaemon, tmp_path: Path) -> None:
    table = tmp_path / "htpasswd"
    table.write_text(f"user:{bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}\n")
    registry = Registry(tmp_path / "registry", Settings(access=Htpasswd(table)))
    with served(registry.answer) as address:
        auth = {"username": "user", "password": "secret", "serveraddress": address}
        assert api("POST", f"/images/busybox/tag?repo={address}/base&tag=1").status == 201
        pushed = api("POST", f"/images/{address}/base/push?tag=1", None, {"X-Registry-Auth": base64url(auth)})
        assert "error" not in pushed.lines[-1], pushed.lines
        assert api("DELETE", f"/images/{address}/base:1").status == 200
        body = tar_of({"Dockerfile": f"FROM {address}/base:1\nRUN echo pulled\n"})
        *_, refused = sent(api, body).lines
        assert "error" in refused
        lines = sent(api, body, {"X-Registry-Config": base64url({address: auth})}).lines
        assert "pulled\n" in streams(lines), lines


def base64url(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


# --- BuildKit's clients


def test_clients_of_buildkit_are_told(api: Api) -> None:
    assert api("POST", "/session").status == 501
    assert "DOCKER_BUILDKIT=0" in api("POST", "/session").message
    assert "DOCKER_BUILDKIT=0" in sent(api, b"", version="2").message

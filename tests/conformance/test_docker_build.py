"""Builds by docker's own clients: the command, docker-py and compose at our daemon; and raw requests to dockerd and to ours."""

import gzip
import io
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import docker
import pytest

from labcore.engine import Engine
from labcore.http import Request, Response
from labcore.images.archive.writing import save
from tests.conformance.conftest import running_dockerd
from tests.conformance.docker_sides import PLUGINS
from tests.conftest import needs_root
from tests.daemon import DOCKER, RunningDaemon, running_daemon
from tests.engine_api import TAR, Answer, Api
from tests.image_builds import Content, context_tar
from tests.peers import Peers
from tests.serving import served

FROM = "FROM busybox\n"
DOCKERFILE = f'{FROM.strip()} AS one\nARG A=0\nRUN echo $A > /a\nCOPY f /f\nFROM one\nLABEL x=y\nCMD ["cat", "/a", "/f"]\n'
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(tmp_path_factory.mktemp("daemon") / "root") as running:
        yield running


@pytest.fixture
def run(daemon: RunningDaemon, tmp_path: Path) -> Run:
    """Run a line with docker's command in a directory that has a context, `c`; BuildKit is off unless the line turns it on."""
    if not DOCKER.exists():
        pytest.skip("needs today's docker (PEERS=1 make setup)")
    for name, content in {"c/Dockerfile": DOCKERFILE, "c/f": "file\n", "Other": f"{FROM}COPY f /g\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    plugins = tmp_path / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    for name in ("docker-compose", "docker-buildx"):
        (plugins / name).symlink_to(PLUGINS / name)
    (tmp_path / "docker").symlink_to(DOCKER)

    def line(text: str, status: int = 0, **env: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            "PATH": f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(tmp_path),
            "DOCKER_CONFIG": str(tmp_path / "config"),
            "DOCKER_HOST": daemon.url,
            "DOCKER_BUILDKIT": "0",
            **env,
        }
        command = ["timeout", "60", "bash", "-c", text]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, (text, done.stdout, done.stderr, daemon.said()[-2000:])
        return done

    return line


# --- the docker command


def test_a_build_and_a_container_of_it(run: Run) -> None:
    first = run("docker build -t a:1 -t a:2 c").stdout
    assert 'Step 7/7 : CMD ["cat", "/a", "/f"]' in first
    assert re.search(r"Successfully built [0-9a-f]{12}\nSuccessfully tagged a:1\nSuccessfully tagged a:2\n$", first)
    assert run("docker run --rm a:2").stdout == "0\nfile\n"
    assert run("docker build c").stdout.count("Using cache") == 5


def test_options(run: Run) -> None:
    run("docker build -q --build-arg A=5 --target one --label l=m --iidfile iid -t o c")
    assert run("docker run --rm o cat /a").stdout == "5\n"
    assert run("docker inspect -f '{{.Config.Labels.l}} {{.Id}}' o").stdout.split() == ["m", run("cat iid").stdout.strip()]


def test_more_options(run: Run) -> None:
    said = run(
        "printf 'FROM busybox\\nRUN cat /etc/hosts; ls /sys/class/net; ulimit -n; df -k /dev/shm\\n' |"
        " docker build --no-cache --pull=false --network none --add-host h:1.2.3.4 --memory 64m --memory-swap 64m"
        " --cpu-shares 5 --cpu-period 10000 --cpu-quota 5000 --cpuset-cpus 0 --cpuset-mems 0 --ulimit nofile=100"
        " --shm-size 1m --rm --force-rm --isolation default --platform linux/amd64 --disable-content-trust --compress"
        " --cache-from busybox -"
    ).stdout
    assert "1.2.3.4\th\n" in said
    assert "\nlo\n100\n" in said
    assert " 1024 " in said
    assert "Using cache" not in said


@pytest.mark.parametrize(
    "line",
    [
        "docker build -q -f Other -t x c",
        "docker build -q -t x -f - c < Other",
        "cp Other c/; docker build -q -f c/Other -t x c",
        "tar -C c -c . | docker build -q -t x -",
        "tar -C c -cz . | docker build -q -t x -",
        "tar -C c -cj . | docker build -q -t x -",
        "tar -C c -cJ . | docker build -q -t x -",
        "docker build -q --compress -t x c",
    ],
)
def test_where_the_context_comes_from(run: Run, line: str) -> None:
    run(f"docker rmi x || true; {line}")
    assert run("docker run --rm x cat /g || docker run --rm x cat /f").stdout == "file\n"


def test_a_context_of_a_url(run: Run, tmp_path: Path) -> None:
    def answer(request: Request) -> Response:
        path = tmp_path / request.path.lstrip("/")
        return Response(200, {}, path.read_bytes()) if path.is_file() else Response(404)

    run("tar -C c -czf c.tgz .; printf 'FROM busybox\\nRUN echo alone > /f\\n' > Alone")
    with served(answer) as address:
        run(f"docker build -q -t u http://{address}/c.tgz")
        assert run("docker run --rm u").stdout == "0\nfile\n"
        run(f"docker build -q -t u http://{address}/Alone")
        assert run("docker run --rm u cat /f").stdout == "alone\n"


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        (
            "printf 'FROM busybox\\nRUN exit 7\\n' | docker build -",
            7,
            "The command '/bin/sh -c exit 7' returned a non-zero code: 7",
        ),
        ("printf 'FROM busybox\\nRUN exit 7\\n' | docker build -q -", 7, "returned a non-zero code: 7"),
        (
            "printf 'FROM busybox\\nRUNN x\\n' | docker build -",
            1,
            "dockerfile parse error on line 2: unknown instruction: RUNN",
        ),
        (
            "printf 'FROM busybox\\nCOPY z /\\n' | docker build -",
            1,
            "COPY failed: file not found in build context or excluded by",
        ),
        ("docker build --security-opt x c", 1, "security options are not supported on linux"),
        ("docker build --target zz c", 1, "target stage"),
        ("docker build -t A c", 125, "invalid argument"),
        ("DOCKER_BUILDKIT=1 docker build c", 1, "labcore has no BuildKit: set DOCKER_BUILDKIT=0 for docker's command"),
        ("DOCKER_BUILDKIT= docker build c", 1, "labcore has no BuildKit: set DOCKER_BUILDKIT=0 for docker's command"),
        ("docker buildx build c", 1, "labcore has no BuildKit: "),
        ("docker buildx du", 1, "labcore has no BuildKit: "),
        ("DOCKER_BUILDKIT= docker builder prune -f", 1, "labcore has no BuildKit: "),
    ],
)
def test_what_fails_says_why(run: Run, line: str, status: int, said: str) -> None:
    done = run(line, status=status)
    assert said in done.stderr


def test_the_cache_is_shown_and_pruned(run: Run) -> None:
    run("printf 'FROM busybox\\nRUN cat /proc/sys/kernel/random/uuid > /id\\n' | docker build -q -t p -; docker rmi p")
    shown = run("docker system df -v --format '{{json .BuildCache}}'").stdout
    assert "regular" in shown
    assert int(run("docker system df --format '{{.Type}} {{.TotalCount}}' | grep Build").stdout.split()[-1]) > 0
    assert "Total reclaimed space: " in run("docker builder prune -af").stdout
    assert run("docker system df --format '{{.Type}} {{.TotalCount}}' | grep Build").stdout.split()[-1] == "0"


def test_compose_builds(run: Run, tmp_path: Path) -> None:
    service = {"build": {"context": "c", "args": {"A": "composed"}, "target": "one"}, "image": "composed", "command": "cat /a"}
    (tmp_path / "compose.yml").write_text(json.dumps({"services": {"s": service}}))
    run("docker compose build")
    assert "composed" in run("docker compose up --build --no-log-prefix").stdout
    run("docker compose down")


def test_compose_is_told_that_there_is_no_buildkit(run: Run, tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(json.dumps({"services": {"s": {"build": "c"}}}))
    done = run("docker compose build", status=1, DOCKER_BUILDKIT="1")
    assert "labcore has no BuildKit" in done.stdout + done.stderr


# --- docker-py


def test_docker_py(daemon: RunningDaemon) -> None:
    client = daemon.client
    image, log = client.images.build(fileobj=io.BytesIO(f"{FROM}RUN echo $((6*7)) > /f\n".encode()), tag="py:1", rm=True)
    assert image.tags == ["py:1"]
    assert any("Successfully tagged py:1" in line.get("stream", "") for line in log)
    assert client.containers.run("py:1", "cat /f", remove=True) == b"42\n"
    again, log = client.images.build(fileobj=io.BytesIO(f"{FROM}RUN echo $((6*7)) > /f\n".encode()), rm=True)
    assert again.id == image.id
    assert any("Using cache" in line.get("stream", "") for line in log)
    client.images.build(fileobj=io.BytesIO(f"{FROM}RUN echo $((6*7)) > /f\n".encode()), nocache=True, cache_from=["py:1"])


@pytest.mark.parametrize("packed", [False, True])
def test_docker_py_with_a_context_of_its_own(daemon: RunningDaemon, packed: bool) -> None:
    context = context_tar({"docker/File": f"{FROM}COPY f /f\n", "f": "own"})
    if packed:
        context = io.BytesIO(gzip.compress(context.getvalue()))
    image, _ = daemon.client.images.build(
        fileobj=context, custom_context=True, dockerfile="docker/File", encoding="gzip" if packed else None,
        container_limits={"memory": 64 << 20, "memswap": -1, "cpushares": 5, "cpusetcpus": "0"}, labels={"a": "b"},
        buildargs={"X": "1"}, network_mode="none", shmsize=1 << 20, extra_hosts={"h": "1.2.3.4"}, platform="linux/amd64",
    )  # fmt: skip
    assert image.labels == {"a": "b"}
    assert daemon.client.containers.run(image.id, "cat /f", remove=True) == b"own"


def test_docker_py_with_a_directory(daemon: RunningDaemon, tmp_path: Path) -> None:
    for name, content in {"Dockerfile": f"{FROM}COPY . /d\n", "a": "a", "b": "b", ".dockerignore": "b\n"}.items():
        (tmp_path / name).write_text(content)
    outside = tmp_path.parent / f"{tmp_path.name}.Dockerfile"
    outside.write_text(f"{FROM}COPY . /e\n")
    for file, place in (("Dockerfile", "/d"), (str(outside), "/e")):
        image, _ = daemon.client.images.build(path=str(tmp_path), dockerfile=file, gzip=file == "Dockerfile", forcerm=True)
        listed = daemon.client.containers.run(image.id, ["ls", "-A", place], remove=True).decode().split()
        assert "a" in listed
        assert "b" not in listed
    outside.unlink()


def test_docker_py_fails(daemon: RunningDaemon) -> None:
    with pytest.raises(docker.errors.BuildError, match="returned a non-zero code: 3") as failure:
        daemon.client.images.build(fileobj=io.BytesIO(f"{FROM}RUN echo why; exit 3\n".encode()))
    assert "why\n" in [line.get("stream") for line in failure.value.build_log]
    with pytest.raises(docker.errors.APIError, match="unknown instruction: RUNN") as refusal:
        daemon.client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUNN x\n"))
    assert refusal.value.status_code == 400


def test_cache_from_names_all_that_may_be_taken(daemon: RunningDaemon) -> None:
    """As docker's classic builder has it: what was built here is no cache for one that names other images."""
    text = f"{FROM}RUN echo from > /a\nRUN echo from > /b\n".encode()
    daemon.client.images.build(fileobj=io.BytesIO(text), tag="from:1")
    for names, count in (([], 2), (["from:1", "nosuch"], 2), (["nosuch"], 0), (["busybox"], 0)):
        _, log = daemon.client.images.build(fileobj=io.BytesIO(text), cache_from=names)
        assert [line.get("stream") for line in log].count(" ---> Using cache\n") == count, names


def test_docker_py_s_low_level_client(daemon: RunningDaemon) -> None:
    context = context_tar({"Dockerfile": f"{FROM}RUN echo low\n"})
    lines = list(daemon.client.api.build(fileobj=context, custom_context=True, decode=True, quiet=False, nocache=True))
    assert {"stream": "low\n"} in lines
    assert "ID" in lines[-2]["aux"]
    raw = b"".join(daemon.client.api.build(fileobj=io.BytesIO(FROM.encode()), tag="low", quiet=True))
    assert re.fullmatch(rb'\{"stream":"sha256:[0-9a-f]{64}\\n"\}\r\n', raw)
    assert daemon.client.api.prune_builds()["SpaceReclaimed"] >= 0


# --- dockerd and ours


@pytest.fixture(scope="module")
def both(
    peer: Peers, engine: Engine, daemon: RunningDaemon, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Api, Api]]:
    """APIs of dockerd and of ours, each with the same busybox."""
    peer.needs("dockerd", "docker")
    home = tmp_path_factory.mktemp("dockerd")
    archive = io.BytesIO()
    save(engine.images, ["busybox"], archive)
    with ExitStack() as undo:
        undo.enter_context(running_dockerd(peer, home, "--exec-opt", "native.cgroupdriver=cgroupfs"))
        sides = Api(f"{home}/s"), Api(str(daemon.socket))
        for side in sides:
            assert side("POST", "/images/load", archive.getvalue(), TAR).status == 200
        yield sides


def files(dockerfile: str, **more: Content) -> dict[str, Content]:
    return {"Dockerfile": dockerfile, **more}


CASES: dict[str, tuple[dict[str, Any], dict[str, Content] | bytes]] = {
    "steps": ({"t": ["s", "s:2"]}, files(f"{FROM}ARG X\nENV A=b\nRUN echo out; sleep 0.3; echo oh >&2\nCOPY f /f\n", f="x")),
    "stages": ({}, files("ARG V=1\nFROM busybox AS one\nRUN echo 1 > /a\nFROM busybox\nCOPY --from=one /a /b\n")),
    "trigger": ({}, files("FROM busybox AS one\nONBUILD RUN echo t > /t\nFROM one\nRUN cat /t\n")),
    "triggers": ({}, files("FROM busybox AS one\nONBUILD RUN echo t > /t\nONBUILD ENV A=b\nFROM one\nRUN cat /t\n")),
    "labels": ({"labels": '{"a": "b"}'}, files(f"{FROM}USER 1\n")),
    "no words to run": ({}, files(f"{FROM}RUN []\n")),
    "scratch": ({}, files("FROM scratch AS one\nENV A=b\nFROM one\nCOPY f /\n", f="x")),
    "absolute names": ({}, files(f"{FROM}COPY . /d\nRUN ls -R /d\n", **{"/a/b": "x", "/c": "y"})),
    "what a client does not leave out": (
        {},
        files(f"{FROM}COPY . /d\nRUN ls -A /d\n", **{"a": "x", "b": "", ".dockerignore": "a\n.dockerignore\n"}),
    ),
    "nor the Dockerfile": ({}, files(f"{FROM}COPY . /d\nRUN ls -A /d\n", **{"a": "x", ".dockerignore": "!\nDockerfile"})),
    "a Dockerfile that is left out": ({}, files(f"{FROM}COPY . /d\nRUN ls -A /d\n", **{"a": "x", ".dockerignore": "Docker*"})),
    "more labels": ({"labels": '{"c": "d e", "a": "b"}'}, files(f"{FROM}USER 3\n")),
    "null label": ({"labels": '{"a": null}'}, files(f"{FROM}USER 2\n")),
    "arguments": ({"buildargs": '{"X": "1", "T": "2", "S": "3"}'}, files(f"{FROM}ARG X\nRUN echo $X\n")),
    "kept containers": ({"rm": "0"}, files(f"{FROM}RUN echo kept\n")),
    "quiet": ({"q": "1"}, files(f"{FROM}RUN echo quiet\n")),
    "failure": ({}, files(f"{FROM}RUN echo a; exit 3\n")),
    "quiet failure": ({"q": "1"}, files(f"{FROM}RUN echo b; exit 3\n")),
    "missing file": ({}, files(f"{FROM}COPY nothing /\n")),
    "lower case": ({}, {"dockerfile": FROM}),
    "no network": ({"networkmode": "none"}, files(f"{FROM}RUN ls /sys/class/net\n")),
    "no such network": ({"networkmode": "nonesuch"}, files(f"{FROM}RUN echo nonesuch\n")),
    "processors": ({"cpusetcpus": "99"}, files(f"{FROM}RUN echo processors\n")),
    "no Dockerfile": ({}, {"x": ""}),
    "no such Dockerfile": ({"dockerfile": "D"}, {"x": ""}),
    "empty Dockerfile": ({}, files("")),
    "comments": ({}, files("# x\n")),
    "no FROM": ({}, files("RUN x\n")),
    "unknown instruction": ({}, files(f"{FROM}RUNN x\n")),
    "unknown target": ({"target": "zz"}, files(FROM)),
    "build args": ({"buildargs": "["}, files(FROM)),
    "bad labels": ({"labels": "[1]"}, files(FROM)),
    "bad cache": ({"cachefrom": "{}"}, files(FROM)),
    "bad limits": ({"ulimits": "x"}, files(FROM)),
    "digest as tag": ({"t": "a@sha256:" + "0" * 64}, files(FROM)),
    "bad platform": ({"platform": "x/y/z/w/v"}, files(FROM)),
    "isolation": ({"isolation": "hyperv"}, files(FROM)),
    "security": ({"securityopt": "x"}, files(FROM)),
    "squash": ({"squash": "1"}, files(FROM)),
    "version": ({"version": "3"}, files(FROM)),
    "outputs": ({"outputs": "x"}, files(FROM)),
    "no URL": ({"remote": "ftp://x/y"}, b""),
    "nobody there": ({"remote": "http://127.0.0.1:1/x"}, b""),
    "packed": ({}, gzip.compress(context_tar(files(FROM)).getvalue())),
}
# Statuses that differ: dockerd has 500 for what is the client's mistake.
OUR_STATUS = {"digest as tag": 400, "no URL": 400}
JSON_ERRORS = ("build args", "bad labels", "bad cache", "bad limits", "outputs")  # whose ends are the JSON reader's words
NOT_COMPARED = re.compile(r" ---> (Using cache|Running in|Removed intermediate container)")


def compared(answer: Answer) -> list[str]:
    """Return what an answer says, but for what differs: IDs, and how steps that make no files are carried out."""
    found = []
    for line in answer.lines:
        if not NOT_COMPARED.match(line.get("stream", "")):
            text = json.dumps(line, sort_keys=True)
            found.append(re.sub(r"\b[0-9a-f]{12,64}\b", "ID", text))
    return found


@pytest.mark.parametrize("name", CASES)
def test_dockerd_says_the_same(both: tuple[Api, Api], name: str) -> None:
    query, content = CASES[name]
    body = content if isinstance(content, bytes) else context_tar(content).getvalue()
    theirs, ours = (side("POST", f"/build?{urlencode(query, doseq=True)}", body, TAR) for side in both)
    assert ours.status == OUR_STATUS.get(name, theirs.status), ours.body
    if theirs.status >= 400:
        wanted = theirs.message.partition(": ")[0] if name in JSON_ERRORS else theirs.message.partition(": Get ")[0]
        assert ours.message.startswith(wanted), (ours.message, theirs.message)
        return
    *ours_lines, ours_last = compared(ours)
    *theirs_lines, theirs_last = compared(theirs)
    assert ours_lines == theirs_lines
    error, wanted = json.loads(ours_last).get("error", ""), json.loads(theirs_last).get("error", "")
    assert error.startswith(wanted), (error, wanted)
    assert (error != "") == (wanted != "")
    if not wanted:
        assert ours_last == theirs_last


def test_the_environment_names_no_builder() -> None:
    assert "DOCKER_BUILDKIT" not in os.environ, "the tests say themselves which builder they mean"

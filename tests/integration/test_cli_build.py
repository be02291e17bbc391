"""`labcore build`: contexts, options, outputs and failures, asked of a daemon of the tests' own."""

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from labcore.client import connect
from labcore.client.build_events import Built, StepOutput
from labcore.engine import Engine
from tests.conftest import needs_root
from tests.daemon import RunningDaemon, own_daemon
from tests.terminals import at_a_terminal

LABCORE = str(Path(sys.executable).with_name("labcore"))
SIMPLE = 'FROM busybox\nCOPY . /context\nRUN cat /context/file\nCMD ["cat", "/context/file"]\n'


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    root = tmp_path_factory.mktemp("builds")
    Engine(root).seed("busybox")
    with own_daemon(root) as found:
        yield found


class Command:
    """labcore, asked of that daemon in a context of its own."""

    def __init__(self, daemon: RunningDaemon, context: Path) -> None:
        self.daemon = daemon
        self.context = context

    def words(self, *words: str) -> list[str]:
        return [LABCORE, "-H", self.daemon.url, *words]

    def __call__(self, *words: str, stdin: bytes = b"", status: int = 0, **env: str) -> tuple[bytes, str]:
        """Run it in the context; return its output, and what it said beside that."""
        done = subprocess.run(
            self.words(*words), input=stdin, capture_output=True, timeout=60, cwd=self.context, env={**os.environ, **env}
        )
        assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr, self.daemon.said())
        return done.stdout, done.stderr.decode()

    def built(self, *words: str, stdin: bytes = b"", **env: str) -> str:
        """Build quietly, and return the image's ID."""
        out, _ = self("build", "-q", *words, stdin=stdin, **env)
        assert out.startswith(b"sha256:")
        return out.decode().strip()

    def run(self, image: str, *argv: str) -> str:
        out, _ = self("run", "--rm", "--network", "none", image, *argv)
        return out.decode()


@pytest.fixture
def labcore(daemon: RunningDaemon, tmp_path: Path) -> Command:
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(SIMPLE)
    (context / "file").write_text("content\n")
    return Command(daemon, context)


# --- contexts


def test_an_image_of_a_directory_runs(labcore: Command) -> None:
    _, said = labcore("build", "-t", "first:1", "--progress", "plain", ".")
    assert "[3/4] RUN cat /context/file\n" in said
    assert " content\n" in said
    assert labcore.run("first:1") == "content\n"
    _, said = labcore("build", "-t", "first:1", "--progress", "plain", ".")
    assert said.count("CACHED") >= 2


def test_contexts_and_dockerfiles_from_everywhere_make_the_same_image(labcore: Command, tmp_path: Path) -> None:
    made = labcore.built(".")
    (tmp_path / "Elsewhere").write_text(SIMPLE)
    assert labcore.built(str(labcore.context)) == made
    assert labcore.built("-f", str(tmp_path / "Elsewhere"), ".") == made
    assert labcore.built("-f", "-", ".", stdin=SIMPLE.encode()) == made
    assert labcore.built("--compress", ".") == made
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name in ("Dockerfile", "file"):
            tar.add(labcore.context / name, name)
    assert labcore.built("-", stdin=archive.getvalue()) == made


def test_a_dockerfile_alone_has_no_context(labcore: Command) -> None:
    made = labcore.built("-", stdin=b"FROM busybox\nRUN echo alone > /alone\n")
    assert labcore.run(made, "cat", "/alone") == "alone\n"
    _, said = labcore("build", "-", stdin=b"FROM busybox\nCOPY file /\n", status=1)
    assert "Dockerfile:2" in said


def test_what_is_ignored_is_not_there(labcore: Command) -> None:
    (labcore.context / ".dockerignore").write_text("*.log\n!keep.log\nDockerfile\n.dockerignore\n")
    for name in ("a.log", "keep.log"):
        (labcore.context / name).write_text(name)
    made = labcore.built(".")
    assert labcore.run(made, "ls", "-A", "/context").split() == ["file", "keep.log"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """A web server of this machine, and its pages."""
    pages: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = pages.get(self.path)
            self.send_response(200 if content else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_url(labcore: Command, site: tuple[str, dict[str, bytes]]) -> None:
    url, pages = site
    pages["/Dockerfile"] = b"FROM busybox\nRUN echo far > /far\n"
    assert labcore.run(labcore.built(f"{url}/Dockerfile"), "cat", "/far") == "far\n"
    assert "404" in labcore("build", f"{url}/nosuch", status=1)[1]
    assert "git" in labcore("build", "https://127.0.0.1/x.git", status=1)[1]


def test_a_named_context(labcore: Command, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/part").write_text("part\n")
    text = "FROM base AS one\nCOPY --from=lib part /part\nCOPY . /all\n"
    contexts = ["--build-context", f"lib={tmp_path}/lib", "--build-context", "base=docker-image://busybox"]
    made = labcore.built(*contexts, "-f", "-", ".", stdin=text.encode())
    assert labcore.run(made, "cat", "/part") == "part\n"
    assert labcore.run(made, "ls", "-A", "/all").split() == ["Dockerfile", "file"]


def test_many_small_files(labcore: Command) -> None:
    many = labcore.context / "many"
    for number in range(20):
        (many / str(number)).mkdir(parents=True)
        for other in range(100):
            (many / str(number) / str(other)).write_text(f"{number}/{other}")
    made = labcore.built("-f", "-", ".", stdin=b"FROM busybox\nCOPY many /many\n")
    assert labcore.run(made, "sh", "-c", "find /many -type f | wc -l; cat /many/19/99") == "2000\n19/99"


# --- options


def test_arguments_labels_targets_and_secrets(labcore: Command, tmp_path: Path) -> None:
    text = (
        "FROM busybox AS one\nARG A=default\nARG B\nARG GONE=default\n"
        "RUN --mount=type=secret,id=file --mount=type=secret,id=VARIABLE "
        "echo $A $B $GONE $(cat /run/secrets/file /run/secrets/VARIABLE) > /said\n"
        "FROM one AS two\nRUN false\n"
    )
    (tmp_path / "secret").write_text("of a file ")
    made = labcore.built(
        "--build-arg", "A=1", "--build-arg", "B", "--label", "of=mine", "--target", "one",
        "--secret", f"id=file,src={tmp_path}/secret", "--secret", "id=VARIABLE", "-",
        stdin=text.encode(), B="2", VARIABLE="of a variable",
    )  # fmt: skip
    assert labcore.run(made, "cat", "/said") == "1 2 default of a file of a variable\n"
    with connect(labcore.daemon.url) as client:
        assert client.images.inspect(made).config["Labels"] == {"of": "mine"}
    out, _ = labcore("history", "--no-trunc", made)
    assert b"of a file" not in out


def test_limits_and_hosts_of_run(labcore: Command) -> None:
    text = "FROM busybox\nRUN grep special /etc/hosts; ulimit -n; df -k /dev/shm | tail -1; hostname -i || true\n"
    _, said = labcore(
        "build", "--no-cache", "--progress", "plain", "--add-host", "special:10.1.2.3", "--ulimit", "nofile=300:400",
        "--shm-size", "3m", "--network", "none", "-m", "64m", "-c", "512", "--cpuset-cpus", "0", "-", stdin=text.encode(),
    )  # fmt: skip
    assert "10.1.2.3" in said
    assert " 300\n" in said
    assert " 3072 " in said


def test_identities_in_files(labcore: Command, tmp_path: Path) -> None:
    (tmp_path / "iid").write_text("old")
    labcore("build", "--iidfile", f"{tmp_path}/iid", "--metadata-file", f"{tmp_path}/metadata", "-t", "named:2", ".")
    identity = (tmp_path / "iid").read_text()
    with connect(labcore.daemon.url) as client:
        assert client.images.inspect("named:2").id == identity
    metadata = json.loads((tmp_path / "metadata").read_text())
    assert (metadata["containerimage.config.digest"], metadata["image.name"]) == (identity, "docker.io/library/named:2")
    assert metadata["containerimage.digest"].startswith("sha256:")
    labcore("build", "--iidfile", f"{tmp_path}/iid", "-", stdin=b"FROM busybox\nRUN false\n", status=1)
    assert not (tmp_path / "iid").exists()


def test_the_epoch_is_that_of_the_environment(labcore: Command) -> None:
    text = b"FROM busybox\nRUN echo x > /x\n"
    first = labcore.built("--no-cache", "-", stdin=text, SOURCE_DATE_EPOCH="981173106")
    assert labcore.built("--no-cache", "-", stdin=text, SOURCE_DATE_EPOCH="981173106") == first
    with connect(labcore.daemon.url) as client:
        assert client.images.inspect(first).created.startswith("2001-02-03T04:05:06")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ssh", "default", "."], "--ssh: keys of an SSH agent are not passed on"),
        (["--secret", "src=x", "."], "id=NAME is wanted"),
        (["--secret", "id=x,src=/nosuch", "."], "/nosuch: No such file or directory"),
        (["--secret", "id=x,env=NOSUCH", "."], "this environment has no variable NOSUCH"),
        (["--output", "type=nosuch,dest=x", "."], "type is one of image, registry, docker, oci, tar, local"),
        (["--output", "type=oci", "."], "dest=PATH is wanted"),
        (["--output", "type=local,dest=-", "."], "type=tar can"),
        (["--output", "type=tar,dest=x,nosuch=1", "."], "nosuch is not known here"),
        (["-o", "-", "-o", "type=oci,dest=-", "."], "two archives cannot both"),
        (["--push", "."], "what is pushed needs a name"),
        (["--progress", "nosuch", "."], "--progress nosuch: auto, plain, tty, rawjson, quiet"),
        (["--build-arg", "=x", "."], "NAME=VALUE is wanted"),
        (["--build-context", "x", "."], "NAME=VALUE is wanted"),
        (["--cache-from", "type=gha", "."], "type=gha is not known here; registry is"),
        (["--cache-to", "type=registry", "."], "ref=IMAGE is wanted"),
        (["-f", "-", "-"], "can't use stdin for both build context and dockerfile"),
        (["-f", "nosuch", "."], "nosuch: there is no such Dockerfile"),
        (["nosuch"], "the build context nosuch: there is no such directory"),
        (["--target", "nosuch", "."], "nosuch"),
        (["--squash", "."], "squash"),
        (["--isolation", "hyperv", "."], "hyperv"),
        (["--security-opt", "x", "."], "securityopt"),
        (["--platform", "x/y/z/w", "."], "x/y/z/w"),
    ],
)
def test_what_cannot_be_is_refused_by_name(labcore: Command, words: list[str], said: str) -> None:
    assert said in labcore("build", *words, status=1)[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ulimit", "nosuch=1", "."], "NAME=SOFT[:HARD] is wanted"),
        (["-m", "x", "."], "a size is wanted"),
        (["-t", "UPPER", "."], "UPPER"),
    ],
)
def test_a_value_that_an_option_cannot_have_has_dockers_status(labcore: Command, words: list[str], said: str) -> None:
    assert said in labcore("build", *words, status=125)[1]


# --- outputs


def test_the_files_as_a_directory_and_as_an_archive(labcore: Command, tmp_path: Path) -> None:
    run = b"RUN mkdir -p /out/d && echo hi > /out/d/f && ln -s d/f /out/link\n"
    text = b"FROM busybox AS make\n" + run + b"FROM scratch\nCOPY --from=make /out /\n"
    with connect(labcore.daemon.url) as client:
        before = {each.id for each in client.images.list(all=True)}
    labcore("build", "-o", f"{tmp_path}/files", "-", stdin=text)
    found = (path.relative_to(tmp_path / "files") for path in (tmp_path / "files").rglob("*"))
    assert sorted(map(str, found)) == ["d", "d/f", "link"]
    assert (tmp_path / "files/link").read_text() == "hi\n"
    assert (tmp_path / "files/d/f").stat().st_uid == os.geteuid()
    out, _ = labcore("build", "-o", "-", "-", stdin=text)
    with tarfile.open(fileobj=io.BytesIO(out)) as tar:
        assert sorted(tar.getnames()) == ["d", "d/f", "link"]
    with connect(labcore.daemon.url) as client:
        assert {each.id for each in client.images.list(all=True)} == before  # only its files were wanted
        assert client.containers.list(all=True) == ()


def test_a_hostile_image_does_not_lead_out_of_the_directory(labcore: Command, tmp_path: Path) -> None:
    text = f"FROM busybox AS make\nRUN mkdir /out && ln -s {tmp_path} /out/a\n"
    text += "FROM scratch\nCOPY --from=make /out /\nCOPY file /a/file\n"
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a").symlink_to(tmp_path)
    labcore("build", "-o", f"{tmp_path}/files", "-f", "-", ".", stdin=text.encode(), status=0)
    assert not (tmp_path / "file").exists()


def test_archives_of_the_image(labcore: Command, tmp_path: Path) -> None:
    for kind in ("oci", "docker"):
        labcore("build", "-t", "saved:1", "-o", f"type={kind},dest={tmp_path}/{kind}.tar", ".")
        with tarfile.open(tmp_path / f"{kind}.tar") as tar:
            assert {"oci-layout", "manifest.json"} <= set(tar.getnames())
    labcore("rmi", "saved:1")
    assert "Loaded image: saved:1" in labcore("load", "-i", f"{tmp_path}/oci.tar")[0].decode()


# --- failures and views


def test_a_failed_run_is_shown_with_its_place(labcore: Command) -> None:
    text = "FROM busybox\n\nRUN echo before && \\\n    echo broken >&2 && exit 3\nCMD x\n"
    (labcore.context / "Broken").write_text(text)
    out, said = labcore("build", "-t", "broken", "-f", "Broken", ".", status=1)
    assert not out
    assert " > [2/3] RUN echo before &&     echo broken >&2 && exit 3:\nbefore\nbroken\n" in said
    assert "Broken:3\n" in said
    assert "   3 | >>> RUN echo before && \\\n   4 | >>>     echo broken >&2 && exit 3\n" in said
    assert said.endswith("returned a non-zero code: 3\n")
    assert "broken" not in labcore("images")[0].decode()


def test_a_wrong_dockerfile_is_shown_with_its_place(labcore: Command, tmp_path: Path) -> None:
    (tmp_path / "Wrong").write_text("FROM busybox\nRUM echo\n")
    _, said = labcore("build", "-f", f"{tmp_path}/Wrong", ".", status=1)
    assert f"labcore: {tmp_path}/Wrong:2" in said
    assert "did you mean RUN?" in said


def test_a_context_that_cannot_be_sent_says_why(labcore: Command) -> None:
    os.mkfifo(labcore.context / "pipe")
    _, said = labcore("build", "-q", ".", status=1)
    assert said == "labcore: ./pipe is a FIFO, and a build context has files, directories and links\n  cure: " + (
        "name it in .dockerignore, or move it out of the context\n"
    )


def test_a_terminal_sees_the_steps_and_can_scroll_back_to_them(labcore: Command) -> None:
    (labcore.context / "Dockerfile").write_text("FROM busybox\nRUN echo shown; sleep 1; echo $RANDOM\n")
    with at_a_terminal(labcore.words("build", "-t", "live", "--no-cache", str(labcore.context))) as terminal:
        terminal.until("=> => # shown")
        terminal.resize(10, 40)
        assert terminal.wait() == 0
        shown = terminal.seen.rpartition("\x1b[J")[2].replace("\r", "").splitlines()
    assert shown[0].startswith("[+] Building ")
    assert shown[0].endswith("FINISHED")
    assert "RUN echo shown" in shown[3]
    assert all(len(line.partition(" => ")[2]) < 50 for line in shown)


def test_ctrl_c_ends_the_build(labcore: Command) -> None:
    (labcore.context / "Dockerfile").write_text("FROM busybox\nRUN echo begun; sleep 1000\n")
    with at_a_terminal(labcore.words("build", "--no-cache", str(labcore.context))) as terminal:
        terminal.until("=> => # begun")
        terminal.type("\x03")
        assert terminal.wait() == 130
        assert "CANCELED" in terminal.seen
    with connect(labcore.daemon.url) as client:
        assert client.containers.list(all=True) == ()


def test_a_shell_opens_in_the_files_of_a_failed_step(labcore: Command) -> None:
    text = "FROM busybox\nWORKDIR /work\nENV NAME=value\nRUN echo left > file; exit 9\n"
    (labcore.context / "Dockerfile").write_text(text)
    with connect(labcore.daemon.url) as client:
        before = {each.id for each in client.images.list(all=True)}
        with at_a_terminal(labcore.words("build", "--debug-shell", str(labcore.context))) as terminal:
            terminal.until("`exit` ends the shell")
            terminal.until("# ")
            terminal.type("echo $(pwd) $(cat file) $NAME\n")
            terminal.until("/work left value")
            terminal.type("exit 0\n")
            assert terminal.wait() == 1
        assert {each.id for each in client.images.list(all=True)} == before
        assert client.containers.list(all=True) == ()


def test_a_check_prints_warnings_and_builds_nothing(labcore: Command, tmp_path: Path) -> None:
    (labcore.context / "Dockerfile").write_text("# check=experimental=all\nFROM busybox AS Large\nCOPY file /\n")
    (labcore.context / ".dockerignore").write_text("file\n")
    out, said = labcore("build", "--check", ".", status=1)
    assert out.decode().startswith(
        "\nWARNING: StageNameCasing - https://docs.docker.com/go/dockerfile/rule/stage-name-casing/\n"
        "Stage name 'Large' should be lowercase\nDockerfile:2\n"
    )
    assert b"   2 | >>> FROM busybox AS Large\n" in out
    assert b"WARNING: CopyIgnoredFile" in out
    assert not said
    out, _ = labcore("build", "--check", "-", stdin=b"FROM busybox\n")
    assert out == b"Check complete, no warnings found.\n"
    _, said = labcore("build", "--check", "-", stdin=b"FROM busybox\nRUM\n", status=1)
    assert "Dockerfile:2" in said


def test_raw_json(labcore: Command) -> None:
    _, said = labcore("build", "--progress", "rawjson", ".")
    lines = [json.loads(line) for line in said.splitlines()]
    assert {name for line in lines for name in line} == {"vertexes", "logs"}


def test_the_library_yields_events(labcore: Command) -> None:
    with connect(labcore.daemon.url) as client:
        events = list(client.images.build(str(labcore.context), tags=["library:1"], no_cache=True))
        assert isinstance(events[-1], Built)
        assert events[-1].names == ("library:1",)
        assert "".join(each.data for each in events if isinstance(each, StepOutput)) == "content\n"
        assert client.images.inspect("library:1").id == events[-1].image_id


# --- the cache


def test_the_cache_is_listed_and_pruned(labcore: Command) -> None:
    text = b"FROM busybox\nRUN echo to be found > /found\n"
    made = labcore.built("-", stdin=text)
    listed = labcore("builder", "ls", "--no-trunc")[0].decode()
    assert "echo to be found" in listed
    assert "Total:" in labcore("builder", "du")[0].decode()
    assert "echo to be found" in labcore("builder", "du", "--verbose", "--filter", "description=to be found")[0].decode()
    counted = [line.split() for line in labcore("system", "df")[0].decode().splitlines() if line.startswith("Build Cache")]
    assert int(counted[0][2]) >= 1
    assert "Build cache usage:" in labcore("system", "df", "-v")[0].decode()
    labcore("rmi", made)
    assert "Total reclaimed space:" in labcore("builder", "prune", "-a", "-f")[0].decode()
    assert "echo to be found" not in labcore("builder", "ls", "--no-trunc")[0].decode()
    assert labcore("builder", "ls", "-q")[0] == b""

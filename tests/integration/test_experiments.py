"""Experiments with Dockerfiles, and the matrix of entry points, on a lesson's daemon."""

import tarfile
from collections.abc import Iterator

import pytest

from labcore import lab
from labcore.engine import Engine
from labcore.lab.daemons import RunningDaemon
from labcore.lab.entry_point_runs import combinations
from labcore.lab.experiments import Experiments
from tests.conftest import needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    root = tmp_path_factory.mktemp("experiments")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABCORE_ROOT", str(root))
        Engine(root).seed("busybox")
        with lab.daemon(images=("busybox",)) as made:
            yield made


@pytest.fixture
def build(daemon: RunningDaemon) -> Experiments:
    return lab.builds(daemon)


def test_each_line_is_shown_with_what_it_changed_and_the_files_of_its_layer(build: Experiments) -> None:
    made = build(
        "ARG TAG=latest\nFROM busybox:$TAG\nMAINTAINER me\nENV A=1 B=2\nCOPY . /app\nRUN rm /etc/group; echo said\n"
        "WORKDIR /new\nEXPOSE 80\nCMD echo \\\n  hi",
        {"run": "#!/bin/sh\n", "deep/er": "text"},
    )
    told = {line.source.split()[0]: (line.changes, line.files, line.output) for line in made.lines}
    assert told["ARG"] == ((), (), "")
    assert told["FROM"][0] == ('Cmd: ["sh"]',)
    assert told["MAINTAINER"] == (("Author: me",), (), "")
    assert told["ENV"] == (("Env: A=1", "Env: B=2"), (), "")
    assert {line.partition(" (")[0] for line in told["COPY"][1]} == {
        "+ app/Dockerfile",
        "+ app/run: #!/bin/sh",
        "+ app/deep/er: text",
    }
    assert told["RUN"] == ((), ("− etc/group",), "said\n")
    assert told["WORKDIR"] == (("WorkingDir: /new",), ("+ new/",), "")
    assert told["EXPOSE"] == (("ExposedPorts: 80/tcp",), (), "")
    assert made.lines[-1].source == "CMD echo \\\n  hi"
    assert made.made == 3
    assert made.config["Cmd"] == ["/bin/sh", "-c", "echo   hi"]
    with tarfile.open(made.layers[-3]) as archive:
        assert archive.getmember("app/run").mode & 0o777 == 0o755


def test_a_second_time_steps_are_from_the_cache_and_a_changed_file_is_not(build: Experiments) -> None:
    text = "FROM busybox\nRUN echo first > /first\nCOPY file /\nRUN echo last > /last\n"
    assert not any(line.is_cached for line in build(text, {"file": "1"}).lines)
    assert [line.is_cached for line in build(text, {"file": "1"}).lines] == [False, True, True, True]
    assert [line.is_cached for line in build(text, {"file": "2"}).lines] == [False, True, False, False]


def test_what_fails_is_shown_at_its_line(build: Experiments) -> None:
    made = build("FROM busybox\nENV A=1\nRUN echo why; exit 3\nCMD never\n")
    assert [line.source for line in made.lines] == ["FROM busybox", "ENV A=1", "RUN echo why; exit 3"]
    assert made.lines[-1].failure == "The command '/bin/sh -c echo why; exit 3' returned a non-zero code: 3"
    assert "why" in repr(made)
    assert made.layers == ()


def test_arguments_and_secrets_are_handed_on_and_no_formula_is_made_of_dollars(build: Experiments) -> None:
    text = "FROM busybox\nARG V=1\nENV W=$V X=$V\nRUN --mount=type=secret,id=key cp /run/secrets/key /copied\n"
    made = build(text, arguments={"V": "7"}, secrets={"key": b"drawn"})
    assert made.lines[2].changes == ("Env: W=7", "Env: X=7")
    assert made.lines[3].files == ("+ copied: drawn",)
    assert made._repr_html_().count("<code") == made._repr_html_().count("</code>") > 5


def test_no_image_without_a_name_is_left(build: Experiments, daemon: RunningDaemon) -> None:
    build("FROM busybox\nENV ONE=1\nENV TWO=2\nRUN true > /made\n", tag="named")
    docker = lab.docker(daemon)
    names = docker.quietly("images -a --format '{{.Repository}}:{{.Tag}}'").output.split()
    assert "named:latest" in names
    build("FROM busybox\nENV THREE=3\nCMD true\n", tag="other")
    after = docker.quietly("images -a --format '{{.Repository}}:{{.Tag}}'").output.split()
    assert sorted(after) == sorted([*names, "other:latest"])


def test_the_flask_example_is_built_and_answers(build: Experiments, daemon: RunningDaemon) -> None:
    text, files = lab.flask_example(daemon)
    assert build(text, files, tag="flask").made == 2
    docker = lab.docker(daemon)
    assert docker.quietly("run --rm flask --version").output.strip() == "Python 2.7.18"
    assert docker.quietly("run -d --name web flask").status == 0
    seen = docker.quietly("exec web sh -c 'until wget -qO- 127.0.0.1:5000; do sleep 0.1; done 2> /dev/null'").output
    assert seen.strip() == "Hello, Flask"
    docker.quietly("rm -f web")


def test_the_matrix_is_what_docker_says_of_entry_points(daemon: RunningDaemon) -> None:
    found = {(each.entrypoint, each.command): each for each in combinations(daemon)}
    assert len(found) == 9
    assert found["", ""].alone.words == ()
    both = found['ENTRYPOINT ["echo", "E"]', 'CMD ["echo", "C"]']
    assert (both.alone.printed, both.given.printed) == ("E echo C", "E echo A")
    shell = found["ENTRYPOINT echo E", 'CMD ["echo", "C"]']
    assert shell.alone.words == ("/bin/sh", "-c", "echo E", "echo", "C")
    assert shell.given.by_shell
    assert {shell.alone.printed, shell.given.printed} == {"E"}
    picture = lab.entry_points(daemon)
    assert "neither: refused" in picture.alt

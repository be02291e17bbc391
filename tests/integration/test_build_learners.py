"""A learner's parse, apply, build and cache_key in the builder: `labcore daemon --stages my_runtime.py`."""

import gc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from docker.errors import APIError

import labcore
from labcore.builder.learners import parsed
from labcore.engine import Engine
from labcore.engine.stages import StagesFile
from labcore.errors import InvalidInput
from labcore.lab.solutions import source_of
from labcore.spec import Reference
from tests.conftest import needs_root
from tests.daemon import running_daemon
from tests.image_builds import built, context_tar

pytestmark = pytest.mark.usefixtures("nothing_left")
PARSE = """
def parse(text):
    for line in text.splitlines():
        name, _, rest = line.strip().partition(" ")
        if name and not name.startswith("#"):
            yield name.upper(), rest.replace("WHO", "learner")
"""
APPLY = """
def apply(instruction, config):
    name, value = instruction
    if name == "CMD":
        config["Cmd"] = value if isinstance(value, list) else ["/bin/sh", "-c", value]
    config["Labels"] = {**config.get("Labels", {}), "applied-by": "a learner"}
    return config
"""
BUILD = """
def build(instructions, step):
    for number, instruction in enumerate(instructions, 1):
        print(number, instruction, step(instruction)[:19])
"""
CACHE_KEY = """
import hashlib

def cache_key(parent, instruction, content):
    return hashlib.sha256(repr((parent, instruction, content)).encode()).hexdigest()
"""


@pytest.fixture
def learner(tmp_path: Path) -> Iterator[Engine]:
    needs_root()
    (tmp_path / "my_runtime.py").write_text(PARSE + APPLY + BUILD)
    engine = Engine(tmp_path / "root", stages=StagesFile(tmp_path / "my_runtime.py"))
    engine.seed("busybox")
    yield engine
    engine.networks.close()
    gc.collect()  # as in the tests of builds


def text_of(engine: Engine, text: str) -> str:
    assert engine.stages is not None
    return "\n".join(parsed(text.encode(), "Dockerfile", engine.stages.of_builder()).lines)


def test_all_three_take_the_place_of_ours(learner: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    text = text_of(learner, '# a comment\nfrom busybox\nrun echo WHO > /who\ncmd ["cat", "/who"]\n')
    made = built(learner, text, tags=(Reference.parse("learned"),))
    assert labcore.run("learned", root=learner.root).stdout == b"learner\n"
    assert made.image.config.labels == (("applied-by", "a learner"),)
    assert [line.split(" sha256")[0] for line in capsys.readouterr().out.splitlines()] == [
        "1 ('RUN', 'echo learner > /who')",
        "2 ('CMD', ['cat', '/who'])",
    ]


def test_what_lesson_9_writes_knows_the_arguments_of_a_build(learner: Engine, tmp_path: Path) -> None:
    """An ARG is a variable for `apply`, and in the image only if ENV says so."""
    text = "\n\n".join(source_of(step, 9) for step in ("expand", "apply"))
    (tmp_path / "my_runtime.py").write_text(f"from labcore.lab.vocabulary import *\n\n{text}")
    lines = ("ARG V=4", "ARG PLACE=/srv", "ENV W=v$V V=$V", "WORKDIR $PLACE/x", "USER ${WHO:-nobody}", "EXPOSE 8$V")
    made = built(learner, "\n".join(("FROM busybox", *lines)), tags=(Reference.parse("learned"),)).image.config
    assert {line for line in made.environment if not line.startswith("PATH=")} == {"W=v4", "V=4"}
    assert (made.workdir, made.user, made.exposed_ports) == ("/srv/x", "nobody", ("84/tcp",))


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("def apply(instruction, config):\n    return None\n", "apply returned NoneType, and not the config"),
        ("def apply(instruction, config):\n    return {'Cmd': 7}\n", "apply returned a config that is none"),
        ("def apply(instruction, config):\n    return config[7]\n", "my_runtime.py:2: stage apply: KeyError"),
        ("def build(instructions, step):\n    step(('RUN', 'other'))\n", "in their order"),
        ("def build(instructions, step):\n    return None\n", "build has not called step with"),
        ("def cache_key(parent, instruction, content):\n    return None\n", "cache_key returned None: a text is wanted"),
    ],
)
def test_what_goes_wrong_in_one_is_told(learner: Engine, tmp_path: Path, source: str, problem: str) -> None:
    (tmp_path / "my_runtime.py").write_text(source)
    with pytest.raises(InvalidInput, match=problem):
        built(learner, "FROM busybox\nCMD true\n", tags=(Reference.parse("never"),))
    assert "never:latest" not in learner.images.names()


def test_a_parse_that_returns_no_pairs_is_told(learner: Engine, tmp_path: Path) -> None:
    (tmp_path / "my_runtime.py").write_text("def parse(text):\n    return [('RUN',)]\n")
    with pytest.raises(InvalidInput, match="parse returned \\('RUN',\\): pairs are wanted"):
        text_of(learner, "FROM busybox\n")


def only(learner: Engine, source: str) -> None:
    """Have the learner's file hold this alone."""
    assert learner.stages is not None
    learner.stages.path.write_text(source)


def test_a_learners_cache_key_decides_what_is_in_the_cache(learner: Engine) -> None:
    only(learner, "def cache_key(parent, instruction, content):\n    return instruction[0]\n")
    first = built(learner, "FROM busybox\nRUN echo one > /one\nCOPY a /\n", {"a": "1"})
    other = built(learner, "FROM busybox\nRUN echo two > /two\nCOPY a /\n", {"a": "2"})
    assert first.cached() == []
    assert other.cached() == ["RUN echo two > /two", "COPY a /"]
    assert other.image.layers == first.image.layers


def test_a_learners_keys_meet_none_of_ours(learner: Engine) -> None:
    text = "FROM busybox\nRUN echo one > /one\n"
    only(learner, "")
    assert built(learner, text).cached() == []
    only(learner, CACHE_KEY)
    assert built(learner, text).cached() == []
    assert built(learner, text).cached() == ["RUN echo one > /one"]


@pytest.mark.parametrize(
    ("changed", "files", "options", "cached"),
    [
        ("", {}, {}, 4),
        ("RUN cat", {}, {}, 3),
        ("ENV A=", {}, {}, 0),
        ("ARG B=", {}, {}, 0),
        ("", {"a": "2"}, {}, 2),
        ("", {}, {"arguments": (("B", "3"),)}, 0),
        ("", {}, {"network": "none"}, 1),
    ],
    ids=["nothing", "run", "env", "arg", "copied file", "build argument", "network"],
)
def test_each_instruction_is_in_a_learners_keys(
    learner: Engine, changed: str, files: dict[str, str], options: dict[str, object], cached: int
) -> None:
    only(learner, CACHE_KEY)
    lines = ["FROM busybox", "ENV A=1", "ARG B=1", "WORKDIR /new", "RUN echo $A $B > b", "COPY a /", "RUN cat /a >> b"]
    built(learner, "\n".join(lines), {"a": "1"})
    again = [f"{line}2" if changed and line.startswith(changed) else line for line in lines]
    made = built(learner, "\n".join(again), {"a": "1", **files}, **options)
    assert len([line for line in made.cached() if line.split()[0] in {"WORKDIR", "RUN", "COPY"}]) == cached
    assert made.image.config.workdir == "/new"


HEREDOCS = """\
# escape=`
FROM busybox
COPY <<'ONE' <<-TWO /srv/
$HOME \\
ONE
\t# no comment
\tTWO
RUN <<END
set -e
# the shell's
cat /srv/ONE /srv/TWO > /all
END
ENV A=b `
  # between
  C=d
ENTRYPOINT ["cat"]
CMD ["/all"]
"""


def test_by_the_solutions_of_lesson_8_a_daemon_builds_what_it_builds_by_itself(tmp_path: Path) -> None:
    """Heredocs and the escape directive, too: to the last byte."""
    needs_root()
    steps = ("logical_lines", "value_of", "instruction", "parse", "heredoc", "escape")
    mine = tmp_path / "my_runtime.py"
    mine.write_text("\n\n".join(["from labcore.lab.vocabulary import *", *(source_of(step, 8) for step in steps)]))
    ids = []
    for options in ((), ("--stages", str(mine))):
        with running_daemon(tmp_path / f"root{len(ids)}", *options) as daemon, closing(daemon.client) as client:
            made, _ = client.images.build(
                fileobj=context_tar({"Dockerfile": HEREDOCS}), custom_context=True, buildargs={"SOURCE_DATE_EPOCH": "0"}
            )
            assert client.containers.run(made.id, network_mode="none") == b"$HOME \\\n# no comment\n"
            ids.append(made.id)
    assert ids[0] == ids[1]


def test_what_is_wrong_with_the_learners_pairs_is_said_to_dockers_command(tmp_path: Path) -> None:
    needs_root()
    mine = tmp_path / "my_runtime.py"
    mine.write_text("def parse(text):\n    return [('FROM', 'busybox'), ('RUM', 'true')]\n")
    with (
        running_daemon(tmp_path / "root", "--stages", str(mine)) as daemon,
        closing(daemon.client) as client,
        pytest.raises(APIError) as caught,
    ):
        client.images.build(fileobj=context_tar({"Dockerfile": "FROM busybox\n"}), custom_context=True)
    assert "unknown instruction: RUM" in str(caught.value)

"""What each line of a Dockerfile made: read from the store of a daemon that built it, and drawn."""

from collections.abc import Iterator

import pytest

from labcore.builder.parser import parse
from labcore.engine import Engine
from labcore.errors import ImageNotFound, InvalidInput
from labcore.lab.dockerfiles import dockerfile
from labcore.lab.dockerfiles.built import layers_of
from labcore.spec import Reference
from tests.conftest import needs_root
from tests.daemon import RunningDaemon, running_daemon
from tests.image_builds import built

pytest.importorskip("matplotlib", reason="needs matplotlib, which is not installed")

TEXT = """\
FROM busybox AS first
RUN echo not here > /lost
FROM busybox
# a comment
COPY a b /c/
ENV D=e
RUN rm /c/a && echo f > /g
CMD ["cat", "/g"]
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A daemon with the image `made`."""
    needs_root()
    root = tmp_path_factory.mktemp("layers") / "root"
    engine = Engine(root)
    engine.seed("busybox")
    built(engine, TEXT, {"a": "12345", "b": "6"}, tags=(Reference.parse("made"),))
    with running_daemon(root) as running:
        yield running


def test_each_line_has_the_layer_that_it_made(daemon: RunningDaemon) -> None:
    made = layers_of(daemon, "made", parse(TEXT))
    assert {number: len(layers) for number, layers in made.items()} == {2: 1, 3: 1, 5: 1}
    assert made[3][0].files == (("c/a", 5), ("c/b", 1))
    assert made[3][0].size == 6
    assert dict(made[5][0].files) == {"c/.wh.a": 0, "g": 2}


def test_the_file_is_shown_beside_them(daemon: RunningDaemon) -> None:
    rows = [row.text for row in dockerfile(TEXT).layers(daemon, "made").right]
    assert any(row.startswith("COPY       6 B      2 files  ") for row in rows)
    assert "ENV        no layer" in rows
    assert "           c/a (5 B), c/b (1 B)" in rows


def test_an_image_of_another_file_is_told(daemon: RunningDaemon) -> None:
    with pytest.raises(InvalidInput, match="made was not built from this Dockerfile"):
        layers_of(daemon, "made", parse(TEXT.replace("ENV D=e", "USER root")))
    with pytest.raises(InvalidInput, match="made was not built from this Dockerfile"):
        layers_of(daemon, "made", parse("FROM busybox\n" + "ENV A=b\n" * 99))
    with pytest.raises(ImageNotFound):
        layers_of(daemon, "unmade", parse(TEXT))


def test_file_image_and_containers_are_drawn_as_they_are(daemon: RunningDaemon) -> None:
    shown = dockerfile(TEXT)
    assert shown.drawing(daemon, "made").alt.endswith("It has no containers.")
    other = daemon.client.containers.create("busybox", "true", name="other")
    ours = daemon.client.containers.create("made", name="ours")
    picture = shown.drawing(daemon, "made")
    other.remove()
    ours.remove()
    assert picture.alt.startswith("A Dockerfile of 8 lines; from it image made (")
    assert "COPY 6 B, RUN 2 B" in picture.alt
    assert picture.alt.endswith("Its containers: ours (created).")

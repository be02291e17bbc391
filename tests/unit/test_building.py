"""Tools of lesson 10: a cache on disk, digests of layers unpacked, what FROM begins with, key chains, a program's parts."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from labcore import lab
from labcore.images import ImageStore
from labcore.images.builtin import LayerWriter, write_image
from labcore.lab.capstones.program import READ, filled, lines_written, program
from labcore.lab.capstones.twists import TWISTS, draw, twisted
from labcore.lab.image_steps import blob
from labcore.lab.solutions import source_of
from labcore.lab.workspace import Workspace
from labcore.spec.media import LAYER_GZIP

LAYER = {"mediaType": "text/plain", "digest": f"sha256:{'a' * 64}", "size": 3}


def layer(text: str) -> bytes:
    writer = LayerWriter()
    writer.file("file", text.encode())
    return writer.finish()


def test_a_cache_outlives_the_object_that_filled_it(tmp_path: Path) -> None:
    cache = lab.cache(str(tmp_path))
    assert not cache
    assert repr(cache) == "(empty)"
    cache["any/../key"] = LAYER
    again = lab.cache(str(tmp_path))
    assert dict(again) == {"any/../key": LAYER}
    assert "any/../key" in again
    assert "other" not in again
    assert "any/../key" in repr(again)
    del again["any/../key"]
    assert len(cache) == 0
    with pytest.raises(KeyError):
        del cache["any/../key"]


def test_a_diff_id_is_that_of_the_layer_unpacked(tmp_path: Path) -> None:
    plain = layer("text" * 1_000_000)
    wanted = f"sha256:{hashlib.sha256(plain).hexdigest()}"
    for kept in (blob(str(tmp_path), plain), blob(str(tmp_path), gzip.compress(plain), LAYER_GZIP)):
        assert lab.diff_id(str(tmp_path), kept) == wanted


def test_from_begins_with_all_that_the_image_has(tmp_path: Path) -> None:
    image = write_image(ImageStore(tmp_path), "small", [layer("one"), layer("two")], command=("cat", "file"))
    state = lab.base(str(tmp_path), "small")
    assert state["key"] == image.id
    assert state["config"]["Cmd"] == ["cat", "file"]
    assert [each["digest"] for each in state["layers"]] == [each.digest for each in image.layers]
    assert state["os"] == "linux"
    assert isinstance(state["history"], list)


def test_chains_mark_what_the_first_build_has_made() -> None:
    lines = [("FROM", "small"), ("COPY", "page /"), ("CMD", ["cat", "page"])]
    shown = lab.chains(lambda *step: hashlib.sha256(json.dumps(step).encode()).hexdigest(), a=(lines, "1"), b=(lines, "2"))
    marks = [[cell[0] for cell in row[1:]] for row in shown.rows()]
    assert marks == [["✓", "✓"], ["✓", "✗"], ["✓", "✗"]]
    assert [row[0] for row in shown.rows()][1:] == ["COPY page /", "CMD ['cat', 'page']"]
    assert repr(shown).count("✗") == shown._repr_html_().count("✗") == 2


def test_lines_that_say_nothing_do_not_count() -> None:
    assert lines_written('def build(a):\n    """Doc."""\n\n    # why\n    b = [\n        a,\n    ]\n    return b\n') == 4
    assert lines_written('def build(a):\n    """Doc."""\n    ...\n') == 1


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("LABCORE_WORK", str(tmp_path))
    return Workspace(tmp_path)


def test_a_program_as_it_counts_leaves_out_blanks_and_what_is_outdated(workspace: Workspace) -> None:
    workspace.save("build", "def build(instructions, step):\n    return print('mine')\n", 10)
    workspace.save("overlay", source_of("overlay", 3), 3)
    workspace.save("image", 'def image(state, name, store):\n    """Doc."""\n    ...\n', 10)
    found = program()
    assert found.own == ("build",)
    assert "def overlay" not in found.text
    before, after = workspace.text(10).splitlines(), found.text.splitlines()
    assert after.index("    return print('mine')") == before.index("    return print('mine')"), "lines keep their numbers"
    whole = filled(found)
    assert whole.count("def build(") == 1
    assert all(whole.count(f"\ndef {name}(") == 1 for name in READ)
    compile(twisted(whole, TWISTS, draw(3)), "my_runtime.py", "exec")


def test_an_examination_has_a_twist_for_all_that_a_daemon_takes() -> None:
    assert set(READ) == set(TWISTS)
    assert "<" not in "".join(twisted("", [name], draw(1)).partition("lambda")[2] for name in TWISTS)

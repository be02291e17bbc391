"""The plan to untick, and what of it and of the pictures stays where no widget can be shown."""

import html
import json
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from traitlets.config import Config

from labcore import lab
from labcore.lab import jupyter
from labcore.lab.machines import Times
from labcore.runtime import Plan, ops

PLAN = Plan([ops.Clone(), ops.Umask(0), ops.Chdir("/nowhere"), ops.Execve(("/bin/true",))])


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABCORE_LANG", raising=False)


def exported(*bundles: dict[str, str]) -> str:
    """Return a page with these outputs, made as `labcore lab`'s server makes it."""
    outputs = [nbformat.v4.new_output("display_data", data) for data in bundles]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("lab", outputs=outputs)])
    page, _ = HTMLExporter(config=Config(jupyter.EXPORT)).from_notebook_node(notebook)
    return str(page)


def test_a_failure_bears_the_number_of_the_list() -> None:
    widget = lab.tick(PLAN)
    assert "op 2, chdir /nowhere: ENOENT" in widget.result.value
    widget.boxes[1].value = False
    widget.start.click()
    assert "op 2, chdir /nowhere: ENOENT" in widget.result.value


def test_an_exported_page_shows_the_plan_and_what_came_of_it() -> None:
    page = exported(lab.tick(PLAN)._repr_mimebundle_())
    assert "chdir   /nowhere" in page
    assert "op 2, chdir /nowhere: ENOENT" in page
    assert "application/vnd.jupyter.widget-view+json" not in page


def test_an_exported_picture_has_its_alt_text() -> None:
    shown, _ = lab.strip(3, done=[1, 2])._repr_mimebundle_()
    assert f'<img alt="{html.escape(shown["text/plain"])}"' in exported(shown)


def test_the_lab_exports_so(tmp_path: Path) -> None:
    jupyter._command(tmp_path, large=False)
    directory = jupyter._environment(tmp_path)["JUPYTER_CONFIG_DIR"]
    assert json.loads(Path(directory, "jupyter_server_config.json").read_text()) == jupyter.EXPORT


def test_times_are_shown_as_one_reads_them() -> None:
    assert repr(Times([16.2178, 3.0])) == "16.2 ms, 3.0 ms"

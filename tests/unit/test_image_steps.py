"""Tools that `apply` and `run_step` are given: variables, pairs, blobs."""

import hashlib
from pathlib import Path

import pytest

from labcore import lab
from labcore.errors import InvalidInput


def test_a_configs_variables_by_name() -> None:
    assert lab.environment({"Env": ["A=1", "B=x=y", "C="]}) == {"A": "1", "B": "x=y", "C": ""}
    assert lab.environment({"Env": None}) == lab.environment({}) == {}


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("A=1", {"A": "1"}),
        ("A=1 B=\"x y\" C='$z' D=a\\ b", {"A": "1", "B": "x y", "C": "$z", "D": "a b"}),
        ("A=", {"A": ""}),
        ("A=x=y", {"A": "x=y"}),
        ("GREETING hello  to=you", {"GREETING": "hello  to=you"}),
    ],
)
def test_pairs(text: str, pairs: dict[str, str]) -> None:
    assert lab.pairs(text) == pairs


@pytest.mark.parametrize(
    ("text", "problem"), [('A="x', "close the quotes"), ("A", "is not NAME=value"), ("=x", "is not"), ("", "is not")]
)
def test_what_is_no_pair_is_told(text: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        lab.pairs(text)


def test_a_blob_is_kept_under_its_digest(tmp_path: Path) -> None:
    kept = lab.blob(str(tmp_path), b"held")
    digest = hashlib.sha256(b"held").hexdigest()
    assert kept == {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": f"sha256:{digest}", "size": 4}
    assert (tmp_path / "blobs" / "sha256" / digest).read_bytes() == b"held"
    assert lab.blob(str(tmp_path), b"{}", "text/plain")["mediaType"] == "text/plain"

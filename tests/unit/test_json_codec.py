"""The JSON codec: what it reads and writes is what `json` does, whoever has imported that."""

import json
import subprocess
import sys

import pytest

from labcore.json_codec import dumps, encoded, loads

VALUES = ({"a": [1, -2.5, 1e300, None, True, False], 'é\n"': {}}, [], "text \U0001f433", 12345678901234567890, {"b": [[["c"]]]})
DOCUMENTS = (
    "",
    " ",
    "{",
    '{"a"',
    '{"a":',
    '{"a":1,}',
    "[1,]",
    "nul",
    "1 2",
    '"open',
    '"\\u12"',
    '"\t"',
    "{1:2}",
    "\ufeff{}",
    "[" * 3,
)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_is_written_is_read(value: object) -> None:
    assert dumps(value) == json.dumps(value)
    assert encoded(value) == json.dumps(value, ensure_ascii=False).encode()
    assert loads(f" \r\n\t{dumps(value)}\n") == value


def test_what_is_no_json_is_refused_as_json_does() -> None:
    for document in DOCUMENTS:
        with pytest.raises(ValueError, match=r"char|line") as expected:
            json.loads(document)
        # In a process of its own, in which nobody has imported `json`.
        script = f"from labcore.json_codec import loads\ntry: loads({document!r})\nexcept ValueError as error: print(error)"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert (done.stdout, done.stderr) == (f"{expected.value}\n", "")


def test_what_json_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="set is nothing that JSON has"):
        dumps({"a": set()})

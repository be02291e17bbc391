"""The filters of the list of images, and docker's words for what registries refuse."""

from pathlib import Path

import pytest

from labcore.engine.image.endpoint import RegistryOptions, registry_endpoint
from labcore.engine.image.list import dangling, has_labels, path_pattern
from labcore.engine.image.registry_messages import Unauthorized, in_dockers_words
from labcore.errors import ImageNotFound, InvalidInput
from labcore.registry.endpoint import RegistryError
from labcore.spec import Reference
from labcore.spec.reference import InvalidReference


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("busy*", ["busybox", "busy"], ["a/busybox", "busy/box"]),
        ("*/box", ["team/box"], ["box", "a/team/box"]),
        ("b?x", ["box"], ["b/x", "bx"]),
        ("[a-c]x", ["ax", "cx"], ["dx"]),
        ("[^a]x", ["bx"], ["ax"]),
        (r"a\*", ["a*"], ["ab"]),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_patterns_are_gos(pattern: str, matching: list[str], others: list[str]) -> None:
    compiled = path_pattern(pattern)
    assert [text for text in matching + others if compiled.fullmatch(text)] == matching


@pytest.mark.parametrize("pattern", ["[", "[a", "a\\", "[z-a]"])
def test_patterns_that_are_none(pattern: str) -> None:
    with pytest.raises(InvalidInput, match="is no pattern"):
        path_pattern(pattern)


def test_truths_and_labels() -> None:
    assert [dangling(values) for values in ((), ("1",), ("True",), ("false",))] == [None, True, True, False]
    with pytest.raises(InvalidInput, match=r"invalid filter 'dangling=\[maybe\]'"):
        dangling(("maybe",))
    assert has_labels({"a": "b"}, ("a", "a=b"))
    assert not has_labels({"a": "b"}, ("a", "a=c"))
    assert not has_labels({}, ("a",))


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (
            RegistryError("", 404, code="MANIFEST_UNKNOWN", said="x"),
            ImageNotFound,
            "manifest for r.io/a:v1 not found: manifest unknown: x",
        ),
        (RegistryError("", 404, code="NAME_UNKNOWN", said="x"), ImageNotFound, "repository r.io/a not found: name unknown: x"),
        (
            RegistryError("", 401, code="DENIED"),
            ImageNotFound,
            "pull access denied for r.io/a, repository does not exist or may require 'docker login': "
            "denied: requested access to the resource is denied",
        ),
        (RegistryError("", 401), Unauthorized, "no basic auth credentials"),
        (RegistryError("", 401, code="UNAUTHORIZED"), Unauthorized, "unauthorized: authentication required"),
        (RegistryError("as it was", 500), RegistryError, "as it was"),
    ],
)  # fmt: skip
def test_what_registries_refuse(error: RegistryError, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind) as found, in_dockers_words(Reference.parse("r.io/a:v1")):
        raise error
    assert str(found.value) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("UPPER", "invalid reference format: repository name (library/UPPER) must be lowercase"),
        ("a:!!", "invalid tag format"),
        ("a" * 64, f"invalid repository name ({'a' * 64}), cannot specify 64-byte hexadecimal strings"),
        ("a" * 300, "invalid reference format: repository name must not be more than 255 characters"),
        ("", "invalid reference format"),
        ("a//b", "invalid reference format"),
    ],
)
def test_dockers_words_for_what_is_no_name(text: str, said: str) -> None:
    with pytest.raises(InvalidReference) as found:
        Reference.parse(text)
    assert found.value.format_error == said


def test_where_registries_are(tmp_path: Path) -> None:
    options = RegistryOptions(mirrors=("http://m.io:5000",), insecure=("a.io", "10.0.0.0/8", "b.io:80"))
    options.check()
    insecure = {
        name: registry_endpoint(name, tmp_path, options).insecure for name in ("a.io", "a.io:5", "10.1.2.3:5", "b.io:80", "c")
    }
    assert insecure == {"a.io": True, "a.io:5": False, "10.1.2.3:5": True, "b.io:80": True, "c": False}
    hub = registry_endpoint("docker.io", tmp_path, options)
    assert [(mirror.host, mirror.insecure) for mirror in hub.mirrors] == [("m.io:5000", True)]
    assert registry_endpoint("a.io", tmp_path, options).mirrors == ()
    with pytest.raises(InvalidInput, match="--insecure-registry"):
        RegistryOptions(insecure=("10.0.0.0/40",)).check()

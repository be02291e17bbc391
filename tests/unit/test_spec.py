import pytest

from labcore.errors import InvalidInput
from labcore.spec import BindRoot, ContainerSpec, Reference

ROOT = BindRoot("/srv/root")

GOOD_NAMES = {
    "busybox": ("docker.io", "library/busybox", "latest", "busybox:latest"),
    "busybox:1.36": ("docker.io", "library/busybox", "1.36", "busybox:1.36"),
    "team/app": ("docker.io", "team/app", "latest", "team/app:latest"),
    "docker.io/library/busybox": ("docker.io", "library/busybox", "latest", "busybox:latest"),
    "localhost/app": ("localhost", "app", "latest", "localhost/app:latest"),
    "localhost:5000/team/app:v1": ("localhost:5000", "team/app", "v1", "localhost:5000/team/app:v1"),
    "ghcr.io/a/b_c/d__e-f.g:V_1.0-x": ("ghcr.io", "a/b_c/d__e-f.g", "V_1.0-x", "ghcr.io/a/b_c/d__e-f.g:V_1.0-x"),
    "a@sha256:" + "0" * 64: ("docker.io", "library/a", None, "a@sha256:" + "0" * 64),
}

BAD_NAMES = ["", ":tag", "Busybox", "a//b", "-a", "a-", "a:", "a b", "a/", "/a", "a:b:c", "a@sha256:12", "a:" + "x" * 129, "ä"]


@pytest.mark.parametrize(("text", "parts"), GOOD_NAMES.items())
def test_good_names(text: str, parts: tuple[str, ...]) -> None:
    parsed = Reference.parse(text)
    assert (parsed.registry, parsed.repository, parsed.tag, str(parsed)) == parts
    assert Reference.parse(str(parsed)) == parsed


@pytest.mark.parametrize("text", BAD_NAMES)
def test_bad_names(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no image name"):
        Reference.parse(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"argv": ()}, "argv is empty"),
        ({"argv": ("",)}, "argv is empty"),
        ({"argv": ("a\0b",)}, "NUL byte"),
        ({"environment": ("NAME",)}, "not NAME=value"),
        ({"environment": ("=value",)}, "not NAME=value"),
        ({"workdir": "here"}, "not absolute"),
        ({"hostname": ""}, "no host name"),
        ({"hostname": "x" * 65}, "1 to 64"),
        ({"hostname": "a b"}, "no host name"),
        ({"namespaces": ("pid",)}, "root would become the host's"),
        ({"namespaces": ("mount", "moon")}, "no such kind: moon"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        ContainerSpec(**({"root": ROOT, "argv": ("true",)} | change))


def test_limits_that_are_allowed() -> None:
    ContainerSpec(ROOT, ("true",), hostname="x" * 64, environment=("EMPTY=", "A=b=c"))

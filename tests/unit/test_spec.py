import pytest

from labcore.errors import InvalidInput
from labcore.spec import BindRoot, ContainerSpec

ROOT = BindRoot("/srv/root")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"argv": ()}, "argv is empty"),
        ({"argv": ("",)}, "argv is empty"),
        ({"argv": ("a\0b",)}, "NUL byte"),
        ({"environment": ("NAME",)}, "not NAME=value"),
        ({"environment": ("=value",)}, "not NAME=value"),
        ({"workdir": "here"}, "needs to be an absolute path"),
        ({"hostname": ""}, "no host name"),
        ({"hostname": "x" * 65}, "1 to 64"),
        ({"hostname": "a\nb"}, "no host name"),
        ({"namespaces": ("mount", "moon")}, "no such kind: moon"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        ContainerSpec(**({"root": ROOT, "argv": ("true",)} | change))


def test_limits_that_are_allowed() -> None:
    ContainerSpec(ROOT, ("true",), hostname="x" * 62 + " /", environment=("EMPTY=", "A=b=c"))

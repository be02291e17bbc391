"""Platforms in the words that docker takes, and its words for those that are none."""

import pytest

from labcore.errors import InvalidInput
from labcore.spec import Platform

HERE = Platform.here()


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/arm64/v8", "linux/arm64/v8"),
        ("linux/arm/7", "linux/arm/v7"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("LINUX/AMD64", "linux/amd64"),
        ("linux(10.1)/amd64", "linux/amd64"),
        ("macos/aarch64", "darwin/arm64"),
        ("i386", f"{HERE.os}/386"),
        ("armhf", f"{HERE.os}/arm"),
        ("armel", f"{HERE.os}/arm/v6"),
        ("linux", f"linux/{HERE.architecture}"),
        ("windows", f"windows/{HERE.architecture}"),
    ],
)
def test_a_platform_is_read_as_docker_reads_it(text: str, means: str) -> None:
    assert str(Platform.parse(text)) == means


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bogus", '"bogus": unknown operating system or architecture: invalid argument'),
        ("a/b/c/d", '"a/b/c/d": cannot parse platform specifier: invalid argument'),
        ("linux/*", '"linux/*": wildcards not yet supported: invalid argument'),
        ("lin ux/amd64", '"lin ux" is an invalid OS component of "lin ux/amd64": OSAndVersion specifier component must match'),
        ("linux/", '"" is an invalid component of "linux/": platform specifier component must match'),
        ("", '"" is an invalid OS component of ""'),
    ],
)
def test_what_is_no_platform_is_refused_in_dockers_words(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Platform.parse(text)
    assert str(refused.value).startswith(said)

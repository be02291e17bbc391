"""The client of images: how it names what it asks for."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from labcore.client.images import Images

DIGEST = "sha256:" + "4f" * 32


class Api:
    """Notes the queries that it is given, and answers nothing."""

    def __init__(self) -> None:
        self.queries: list[dict[str, Any]] = []

    def call(self, _: str, __: str, query: dict[str, Any], **___: Any) -> Any:
        self.queries.append(query)
        return SimpleNamespace()

    def values(self, *_: Any) -> Iterator[Any]:
        return iter(())


@pytest.mark.parametrize(
    ("name", "repository", "tag"),
    [
        ("busybox", "busybox", "latest"),
        ("team/app:v2", "team/app", "v2"),
        ("localhost:5000/app", "localhost:5000/app", "latest"),
        (f"localhost:5000/app:v1@{DIGEST}", "localhost:5000/app", DIGEST),
    ],
)
def test_a_pull_names_repository_and_tag_apart_as_docker_does(name: str, repository: str, tag: str) -> None:
    api = Api()
    assert list(Images(api).pull(name)) == []  # type: ignore[arg-type]
    assert [(query["fromImage"], query["tag"]) for query in api.queries] == [(repository, tag)]

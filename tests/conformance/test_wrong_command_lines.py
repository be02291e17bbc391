"""Wrong command lines: labcore's exit statuses are docker's, but for a few, and the page says what both answer."""

import re
from collections.abc import Iterator

import pytest

from tests.conftest import needs_root
from tests.daemon import DOCKER, RunningDaemon
from tests.wrong_command_lines import DIFFERENT, PAGE, Answers, answers, prepared


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    if not DOCKER.exists():
        pytest.skip("needs the root of today's peers")
    with prepared(tmp_path_factory.mktemp("wrong") / "root") as found:
        yield found


@pytest.fixture(scope="module")
def found(daemon: RunningDaemon) -> list[Answers]:
    return list(answers(daemon))


def test_exit_statuses_are_dockers_but_for_those_that_are_named(found: list[Answers]) -> None:
    assert {each.line for each in found if each.docker != each.labcore} == DIFFERENT.keys()


def test_the_page_has_each_line_with_its_statuses(found: list[Answers]) -> None:
    rows = re.findall(r"^\| `(.+?)` \| (\d+) \| (\d+) \|", PAGE.read_text(), re.MULTILINE)
    assert rows == [(each.line, str(each.docker), str(each.labcore)) for each in found]


def test_a_line_that_fails_is_answered_by_one_of_ours_at_least(found: list[Answers]) -> None:
    """Of a program that did not start in a container docker's own words are on standard output."""
    assert [each.line for each in found if each.labcore and each.docker_said and not each.labcore_said] == []
    assert not [each for each in found if "Traceback" in each.labcore_said]

"""The grammar is docker's: each of its commands is here or said to be absent, and nothing else bears its names."""

import pytest

from labcore.cli.absent import absent
from labcore.cli.command_line import path_of
from labcore.cli.commands import ALIASES, COMMANDS, COMMON, NOUNS, OWN, SHORT
from tests.docker_commands import PAGE, commands, help_of, listed, page
from tests.peers import Peers


@pytest.fixture(scope="module")
def common(peer: Peers) -> list[str]:
    """Return docker's common commands."""
    found = listed(help_of(peer)).get("Common Commands:")
    if found is None:
        pytest.skip("needs the root of today's peers: docker's help lists no common commands")
    return found


@pytest.fixture(scope="module")
def names(peer: Peers, common: list[str]) -> set[str]:
    """Return all of docker's commands."""
    return set(commands(peer))


def test_each_of_dockers_commands_is_here_or_absent(names: set[str]) -> None:
    here = {name for name in names if path_of(name) or name in NOUNS}
    assert names - here - absent().keys() == set()
    assert here & absent().keys() == set()


OWN_VERBS = {"network repair"}  # beside docker's


def test_short_forms_are_dockers(names: set[str]) -> None:
    assert SHORT.keys() - {*OWN} <= names
    assert not {*OWN} & names


def test_verbs_of_dockers_nouns_are_dockers(names: set[str]) -> None:
    assert {path for path in COMMANDS if " " in path and path.partition(" ")[0] in names} - OWN_VERBS <= names


def test_a_short_form_is_what_it_is_of_dockers(peer: Peers, names: set[str]) -> None:
    for name, path in (SHORT | ALIASES).items():
        noun, _, verb = path.partition(" ")
        if noun in names and verb != name:  # each help takes docker a while
            aliases = help_of(peer, *name.split()).partition("Aliases:")[2].partition("\n\n")[0]
            assert f"docker {path}" in aliases, name


def test_common_commands_stand_in_dockers_order(common: list[str]) -> None:
    """Some are there only with docker's plugins."""
    assert [name for name in COMMON if name in common or name != "bake"] == common


@pytest.mark.usefixtures("common")
def test_the_page_of_options_is_up_to_date(peer: Peers) -> None:
    assert PAGE.read_text() == page(peer), "python -m tests.docker_commands"

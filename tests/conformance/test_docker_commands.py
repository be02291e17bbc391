"""The grammar is docker's: each of its commands is here or said to be absent, and nothing else bears its names."""

import pytest

from labcore.cli.absent import absent
from labcore.cli.command_line import path_of
from labcore.cli.commands import ALIASES, COMMANDS, COMMON, NOUNS, OWN, SHORT
from tests.docker_commands import commands, help_of, listed
from tests.peers import Peers


@pytest.fixture(autouse=True)
def _todays_docker(peer: Peers) -> None:
    if "Common Commands:" not in listed(help_of(peer)):
        pytest.skip("needs the root of today's peers: docker's help lists no common commands")


def test_each_of_dockers_commands_is_here_or_absent(peer: Peers) -> None:
    names = set(commands(peer))
    here = {name for name in names if path_of(name) or name in NOUNS}
    assert names - here - absent().keys() == set()
    assert here & absent().keys() == set()


def test_short_forms_are_dockers(peer: Peers) -> None:
    top = {name for name in commands(peer) if " " not in name}
    assert SHORT.keys() <= top
    assert not {*OWN} - {"completion"} & top


def test_verbs_of_dockers_nouns_are_dockers(peer: Peers) -> None:
    names = set(commands(peer))
    assert {path for path in COMMANDS if " " in path and path.partition(" ")[0] in names} <= names


def test_a_short_form_is_what_it_is_of_dockers(peer: Peers) -> None:
    nouns = {name for name in commands(peer) if name in NOUNS}
    for name, path in (SHORT | ALIASES).items():
        if path.partition(" ")[0] in nouns:
            aliases = help_of(peer, *name.split()).partition("Aliases:")[2].partition("\n\n")[0]
            assert f"docker {path}" in aliases, name


def test_common_commands_stand_in_dockers_order(peer: Peers) -> None:
    assert list(COMMON) == listed(help_of(peer))["Common Commands:"]

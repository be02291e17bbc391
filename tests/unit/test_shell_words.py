"""Words of Dockerfile instructions: quotes, escapes and variables; and an image's config that changes expand them from."""

import pytest

from labcore.errors import InvalidInput
from labcore.images.changes import changed
from labcore.images.config import Config
from labcore.images.shell_words import split, word

SET = {"A": "a b", "EMPTY": "", "HOME": "/root"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("x=$A y", ["x=a b", "y"]),
        ("x=${A}z", ["x=a bz"]),
        ("'$A' \"$A\" \\$A", ["$A", "a b", "$A"]),
        ('"\\$A \\" \\\\ \\n ${HOME}"', ['$A " \\ \\n /root']),
        ("${NONE:-d}${NONE-e}${EMPTY:-f}${EMPTY-g}.", ["def."]),
        ("${A:+set}${NONE:+set}${EMPTY+set}.", ["setset."]),
        ("${NONE:-$HOME/x}", ["/root/x"]),
        ("$ $1 '' end", ["$", "$1", "", "end"]),
        ("$NONE", [""]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert split(line, SET) == words


def test_one_word_keeps_its_blanks() -> None:
    assert word("two  'words' of $HOME", SET) == "two  words of /root"


@pytest.mark.parametrize("line", ["'a", '"a', "a\\", "${", "${A:x}", "${NONE:?it is needed}", "${1}"])
def test_malformed_words(line: str) -> None:
    with pytest.raises(InvalidInput):
        split(line, SET)


def test_changes_are_expanded_from_the_config_s_environment() -> None:
    config = Config(architecture="amd64", diff_ids=(), environment=("PATH=/bin", "PORT=80", "HOME=/root"), workdir="/")
    for line in (
        "ENV PATH=/x:$PATH PORT=81 OLD=$PORT",
        "LABEL at=${HOME}",
        "EXPOSE $PORT",
        "WORKDIR $HOME/$NONE",
        "USER u$PORT",
    ):
        config = changed(config, line)
    assert config.environment == ("PATH=/x:/bin", "PORT=81", "HOME=/root", "OLD=80")
    assert config.labels == (("at", "/root"),)
    assert (config.exposed_ports, config.workdir, config.user) == (("81/tcp",), "/root", "u81")
    assert changed(config, "CMD echo $HOME").command[-1] == "echo $HOME"

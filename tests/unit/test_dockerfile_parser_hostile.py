"""The parser against hostile text: random texts, plain lexers written a second time, inputs that make slow readers slower."""

import json
import random

import pytest

from labcore.builder.parser import parse
from labcore.builder.parser.dump import dump
from labcore.builder.parser.errors import DockerfileError, Problem
from labcore.builder.parser.heredocs import heredocs_of
from labcore.builder.parser.instructions import Dockerfile
from labcore.builder.parser.lexing import list_of, split, words_of
from labcore.builder.parser.lines import SPACE

TRIES = 1500
PIECES = [
    "FROM a", "RUN b", "COPY --from=c d e", "ENV f=g", "LABEL h i", "CMD [\"j\"]", "ONBUILD ", "HEALTHCHECK ", "ARG k=l",
    "<<E", "<<-'E'",
    "E", "\n", "\n", "\\\n", "`\n", "# m", "# escape=`", "\r\n", " ", "\t", "\\", "'", '"', "[", "]", ",", "{", "$", "${n}",
    "--o=p",
    "--mount=type=cache,target=q", "=", "\ufeff", "\xa0", "\u2028", "é", "😀", "--", "\x1c", "\v", "\x7f", "1",
]  # fmt: skip


def random_texts(seed, pieces, most):
    chance = random.Random(seed)
    for _ in range(TRIES):
        yield "".join(chance.choices(pieces, k=chance.randint(0, most)))


@pytest.mark.parametrize("seed", range(4))
def test_any_text_is_read_or_refused_at_a_place_in_it(seed):
    read = 0
    for text in random_texts(seed, PIECES, 24):
        lines = text.split("\n")
        try:
            found = parse(text)
        except DockerfileError as error:
            assert 1 <= error.location.line <= max(1, len(lines)), text
            assert error.location.column <= len(lines[error.location.line - 1]) + 1, text
            assert str(error)
            continue
        assert isinstance(found, Dockerfile)
        places = [(each.location.line, each.location.last_line) for each in found.instructions]
        assert places == sorted(places), text
        assert all(first <= last <= len(lines) for first, last in places), text
        assert dump(text), text
        read += 1
    assert read > TRIES // 20


@pytest.mark.parametrize("seed", range(2))
def test_any_bytes_are_read_or_refused(seed):
    chance = random.Random(seed)
    for text in random_texts(seed, PIECES, 12):
        content = bytearray(text.encode())
        for _ in range(chance.randint(0, 3)):
            content.insert(chance.randint(0, len(content)), chance.randrange(256))
        try:
            found = parse(bytes(content))
        except DockerfileError:
            continue
        repr(found).encode()  # no lone surrogate is in what was read


def plain_words(text, escape):
    """Return the words as a machine with three states finds them."""
    words, word, quote, position, began = [], "", "", 0, False
    while position < len(text):
        each = text[position]
        position += 1
        if not quote and each in SPACE:
            if began and word:
                words.append(word)
            word, began = "", False
            continue
        began = True
        if each == escape and quote != "'":
            if position == len(text):
                break
            word += each + text[position]
            position += 1
            continue
        if each in "'\"":
            quote = "" if each == quote else quote or each
        word += each
    return [*words, word] if word else words


def test_words_are_those_of_a_plain_lexer():
    for escape in "\\`":
        for text in random_texts(escape, ["a", "=", " ", "\t", "'", '"', "\\", "`", "é", "\n", "\xa0"], 14):
            assert words_of(text, escape) == plain_words(text, escape), text


def plain_flags(text):
    """Return the flags and the rest as a machine with three states finds them; the text has no white space around it."""
    flags, position = [], 0
    while text.startswith("--", position):
        word, quote, escaped = "", "", False
        while position < len(text) and (quote or escaped or text[position] not in SPACE):
            each = text[position]
            position += 1
            if escaped:
                word, escaped = word + each, False
            elif each == "\\":
                escaped = True
            elif quote:
                word, quote = (word, "") if each == quote else (word + each, quote)
            elif each in "'\"":
                quote = each
            else:
                word += each
        while position < len(text) and text[position] in SPACE:
            position += 1
        if word == "--":
            break
        flags.append(word)
    return flags, text[position:]


def test_flags_are_those_of_a_plain_lexer():
    for text in random_texts("flags", ["--", "--a", "=", " ", "\t", "'", '"', "\\", "é", "b", "\xa0"], 14):
        text = text.strip(SPACE)
        if text:
            assert split("RUN " + text) == ("RUN", *plain_flags(text)), text


def test_lists_are_those_of_json():
    for text in random_texts(
        "lists", ["[", "]", '"', '"a"', ",", " ", "1", "null", "\\", "\\n", "\\u00e9", "{}", "\t", "\x01", "é"], 10
    ):
        text = "[" + text
        try:
            wanted = json.loads(text)  # of these pieces nothing is made that Python alone takes
        except ValueError:
            wanted = None
        if wanted is None or all(isinstance(each, str) for each in wanted):
            assert list_of(text) == wanted, text
        else:
            with pytest.raises(Problem):
                list_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "CMD " + "[" * 60000,
        "CMD " + "[" * 30000 + "]" * 30000,
        "CMD [" + '"a",' * 15000,
        'CMD ["' + "\\" * 60000,
        "CMD [" + "1" * 60000 + "]",
        "ENV a=" + "'" * 60001,
        "ENV " + "\\" * 60001,
        "ENV " + '"\\' * 30000,
        "RUN --a" + "'\"" * 30000,
        "RUN --a" + "\\'" * 30000,
        "RUN " + "<<" * 30000,
        "RUN " + "<< " * 20000,
        "RUN " + "'<<a" * 15001,
        "RUN " + '"\\"' * 20001 + "<<E",
        "COPY " + "<<-'" * 15001 + " /",
        "RUN --mount=" + '"",' * 20000 + " a",
        "RUN --mount=" + "a," * 30000 + " a",
        "RUN --mount='" + '"' * 60000 + "' a",
        "HEALTHCHECK --interval=" + "1" * 60000 + "s CMD a",
        "HEALTHCHECK --interval=" + "1s" * 30000 + " CMD a",
        "HEALTHCHECK --retries=" + "1" * 60000 + " CMD a",
        "FROM a AS " + "a" * 60000,
        "X" * 65000,
        "FROM " + "\xa0 " * 20000,
        "ONBUILD " * 8000,
        "# escape=" + " " * 60000 + "x",
        "# syntax=" + "a/" * 30000,
        "#" + " " * 60000 + "check = " + " " * 5000,
    ],
    ids=range(28),
)
def test_a_long_line_is_no_long_work(text):
    """Each takes milliseconds; a reader whose time grows with the square would take minutes for all copies."""
    for _ in range(20):
        try:
            parse(text)
        except DockerfileError as error:
            assert len(str(error)) < 200_000


@pytest.mark.parametrize(
    "text",
    [
        "RUN a \\\n" * 200_000,
        "RUN a \\\n" + "\n# b\n" * 200_000,
        "RUN <<A\n" + "a\n" * 400_000 + "A\n",
        "RUN <<-A\n" + "\ta\n" * 400_000 + "A",
        "COPY "
        + " ".join(f"<<A{number}" for number in range(5000))
        + " /a\n"
        + "".join(f"A{number}\n" for number in range(5000)),
        "\n" * 1_000_000 + "FROM a",
        "ARG a\n" * 100_000,
        "".join(f"ENV a{number}=b\n" for number in range(50_000)),
    ],
    ids=range(8),
)
def test_a_large_file_is_read(text):
    assert parse(text).instructions


def test_an_error_at_the_end_of_many_lines_shows_a_few():
    with pytest.raises(DockerfileError) as caught:
        parse("FROM a\n" + "RUM b \\\n" * 100_000)
    assert len(str(caught.value)) < 2000


def test_a_file_that_is_too_large():
    with pytest.raises(DockerfileError, match="more than 16 MiB"):
        parse(b"#" * ((16 << 20) + 1))


def test_a_file_of_too_many_instructions():
    with pytest.raises(DockerfileError, match="more than 524288 instructions"):
        parse("CMD\n" * ((1 << 19) + 1))


def test_heredocs_that_do_not_end_are_looked_for_once():
    text = "\n".join(f"RUN <<E{number}" for number in range(20_000))
    with pytest.raises(DockerfileError, match="unterminated heredoc"):
        parse(text)
    assert heredocs_of("RUN " + "a" * 60_000) == []

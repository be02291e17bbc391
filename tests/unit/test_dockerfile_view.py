"""A Dockerfile in a notebook: its tokens are all of its text, and a word is the same on both sides; its build context."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from labcore.builder.parser import parse
from labcore.errors import InvalidInput
from labcore.lab.contexts import context
from labcore.lab.dockerfiles import DockerfileShown, dockerfile
from labcore.lab.dockerfiles.parts import PARTS, part_of
from labcore.lab.dockerfiles.tokens import Token, tokens_of
from labcore.lab.dockerfiles.view import View

TEXT = """\
# syntax=docker/dockerfile:1
from busybox
LABEL maintainer="<me>"

  COPY ["a b", \\
    # not this
    "/c"]
RUN <<END
echo a
# b
END
USER me
RUN --network=none true
CMD echo \\
  x & y
"""
WORDS = re.compile(r"\.n(\d+)w(\d+):hover")


class Reader(HTMLParser):
    """Reads what a page says, with the classes of what holds it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.said: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(dict(attrs).get("class") or tag)

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.said.append((self.open[-1], data))

    def of(self, name: str) -> list[str]:
        return [text for holder, text in self.said if holder == name]


def kinds(kind: str) -> list[str]:
    return [token.text for line in tokens_of(parse(TEXT)) for token in line if token.kind == kind]


def test_the_tokens_are_all_of_the_text() -> None:
    assert ["".join(token.text for token in line) for line in tokens_of(parse(TEXT))] == TEXT.splitlines()
    assert kinds("name") == ["from", "LABEL", "COPY", "RUN", "USER", "RUN", "CMD"]
    assert kinds("comment") == ["# syntax=docker/dockerfile:1", "", "    # not this"]
    assert kinds("word") == ['"a b"', '"/c"']
    assert [text.strip() for text in kinds("flag")] == ["--network=none"]
    assert kinds("mark") == ["\\", "\\"]
    assert [text.strip() for text in kinds("text")] == [
        *("busybox", 'maintainer="<me>"', "<<END", "echo a", "# b", "END", "me", "true", "echo", "x & y")
    ]


def test_what_is_continued_by_another_sign_has_its_marks() -> None:
    (_, first, second) = tokens_of(parse("# escape=`\nRUN a `\n b\\\n"))
    assert first[-1] == Token("`", "mark", 0)
    assert second[-1].text == "b\\"


def test_a_word_is_the_same_on_both_sides() -> None:
    page = Reader(dockerfile('FROM a\nCMD ["x", "y & z"]\nRUN two words\n')._repr_html_())
    assert page.of("n1w0") == ['"x"', "x"]
    assert page.of("n1w1") == ['"y & z"', "y & z"]
    assert page.of("n2w0") == ["two words", "two words"]
    style = "".join(page.of("style"))
    assert WORDS.findall(style) == [("0", "0"), ("1", "0"), ("1", "1"), ("2", "0")]
    name = re.findall(r"^\.(df-\w+):has\(\.n0:hover\) \.n0", style)
    assert name == [page.open[0]] if page.open else name


def test_each_view_has_rules_of_its_own() -> None:
    one, other = (dockerfile(text)._repr_html_() for text in ("FROM a\n", "FROM b\n"))
    assert set(re.findall(r"df-\w+", one)).isdisjoint(re.findall(r"df-\w+", other))


def test_the_tree_as_text() -> None:
    assert repr(dockerfile("FROM a\nRUN <<E\nb\nE\nCMD []\n")) == "\n".join(
        [
            "Dockerfile",
            "├─ FROM       a",
            "├─ RUN        <<E",
            "│             b",
            "│             E",
            "└─ CMD        exec form",
        ]
    )


@pytest.mark.parametrize(
    ("pairs", "caption"),
    [
        ([("FROM", "a"), ("CMD", ["b"])], ""),
        ([["FROM", "a"], ["CMD", ["b"]]], ""),
        ([("FROM", "a")], "1 pairs, and Docker reads 2 instructions"),
        ([("FROM", "a"), ("CMD", '["b"]')], "Docker reads CMD in another way"),
        ([("from", "a"), ("CMD", ["b"])], "Docker reads FROM in another way"),
    ],
)
def test_another_tree_is_told(pairs: list[tuple[str, object]], caption: str) -> None:
    assert dockerfile('FROM a\nCMD ["b"]\n').tree(pairs).caption == caption


def test_a_tree_that_is_no_tree_is_shown_as_it_is() -> None:
    shown = dockerfile("FROM a\n").tree([("<b>", 7)])
    assert "<b>" not in shown._repr_html_()
    assert "7" in repr(shown)


def test_of_too_many_pairs_only_those_that_are_right_belong_to_a_line() -> None:
    shown = dockerfile("FROM a\nRUN <<E\nb\nE\nCMD c\n").tree(
        [("FROM", "a"), ("RUN", "<<E"), ("B", ""), ("E", ""), ("CMD", "c")]
    )
    assert [row.instruction for row in shown.right] == [None, 0, None, None, None, None]
    assert "None" not in shown._repr_html_()
    assert [row.instruction for row in dockerfile("FROM a\nCMD c\n").tree([("FROM", "a")]).right] == [None, 0]


@pytest.mark.parametrize("pair", ["FROM a", ("FROM",), None, ("FROM", "a", "b")])
def test_what_is_no_pair_is_told(pair: object) -> None:
    with pytest.raises(InvalidInput, match="is no pair of a name and a value"):
        dockerfile("FROM a\n").tree([pair])


def test_the_articles_parts() -> None:
    parts = [
        part_of(each)
        for each in parse("ARG a\nFROM b\nMAINTAINER c\nLABEL maintainer=c\nLABEL d=e\nRUN f\nCMD g\n").instructions
    ]
    assert parts == [0, 0, 1, 1, 2, 2, 3]
    shown = dockerfile("FROM b\nRUN f\n").parts()
    assert isinstance(shown, View)
    assert [row.edge for row in shown.left] == [PARTS[0].colour, PARTS[2].colour]
    assert [row.text.strip() for row in shown.right if row.instruction is not None] == ["FROM", "RUN"]


def test_a_file_that_cannot_be_read_is_told() -> None:
    with pytest.raises(InvalidInput, match="unknown instruction: EVN"):
        DockerfileShown("FROM a\nEVN b=c\n")


def test_a_context_holds_these_files_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path))
    context({"Dockerfile": "FROM a\n", "old": ""}, "site")
    directory = Path(context({"Dockerfile": "FROM b\n", "deep/er/file": "x"}, "site"))
    found = {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()}
    assert found == {"Dockerfile": "FROM b\n", "deep/er/file": "x"}
    assert Path(context({}, "other")) != directory


@pytest.mark.parametrize("path", ["../out", "/etc/out", "a/../../out"])
def test_a_context_writes_nowhere_else(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path))
    with pytest.raises(InvalidInput, match="out of the build context"):
        context({path: ""})
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]

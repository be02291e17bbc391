"""A learner's parse beside labcore's parser: the pairs are the same, and what is made of them is what the file says."""

import random
from typing import Any, Final

import pytest

from labcore.builder.learners import pair_of, parsed
from labcore.builder.parser import parse
from labcore.errors import InvalidInput
from labcore.lab.solutions import lesson_08

FILES: Final = 300
PIECES: Final = {
    "run": [
        "a  b",
        "a # b",
        '["a", "b c"]',
        "['a']",
        '["a", "b"',
        "[ -f a ] || b",
        '["a"] && b',
        "--network=none a",
        "a $((1<<4))",
    ],
    "run a": ["<<E\n# b\n\n  c {mark}\nE\n", "<<-'E' cat\n\tE\n", "<<E <<F\nE\nF\n"],
    "copy": ["a b", '["a b", "c"]', "--chown=1 a b", "<<E /a\nFROM b {mark}\n E\nE\n", "--from=0 <<E <<'F' /a/\nE\nF\n"],
    "cmd": ["a <<E", '["a"]', "[]", "", '"a"', "null", "true"],
    "ENTRYPOINT": ['[ "a" , "\\u00e9\\n" ]', "a   b"],
    "Volume": ["a b", '["a b"]'],
    "SHELL": ['["a", "-c"]'],
    "env": ["a=b c='d e'", "a b # c", 'a=["b"]'],
    "label": ['a="b"'],
    "workdir": ["/a b", "a"],
    "user": ["a:b"],
    "EXPOSE": ["80 53/udp"],
    "onbuild": ["run a", 'cmd ["a"]'],
    "maintainer": ["A <b@c>"],
    "healthcheck": ['cmd ["a"]', "none"],
    "stopsignal": ["TERM"],
    "arg": ["a=b c"],
}


def drawn(lots: random.Random, mark: str) -> str:
    """Draw a Dockerfile: comments, blank lines, continued lines, white space, names in any case, heredocs."""
    lines = [f"# escape={mark}\n"] if mark == "`" else lots.choice([[], ["# a\n"], ["\n"], ["# syntax=docker/dockerfile:1\n"]])
    for _ in range(lots.randint(1, 9)):
        name = lots.choice(list(PIECES))
        rest = lots.choice(PIECES[name])
        first, *body = rest.split("\n")
        if lots.random() < 0.4:
            broken = f" {mark}\n", f" {mark} \t\n# a {mark}\n\n", f" {mark}\n  # a\n\t"
            first = first.replace(" ", lots.choice(broken), 1)
        spelled = lots.choice([name, name.upper(), f"  {name}"])
        line = f"{spelled}{lots.choice([' ', '  ', chr(9)])}{first}{lots.choice(['', ' ', chr(9)])}"
        lines += ["\n".join([line, *body]).replace("{mark}", mark).rstrip("\n") + "\n", *lots.choice([[], ["\n"], ["  # a\n"]])]
    return "".join(lines).removesuffix(lots.choice(["\n", ""]))


def without_tab(pair: Any) -> Any:
    """Return a pair without the tab before the end of its heredoc, which labcore's parser does not keep."""
    name, value = pair
    return (name, value.replace("\n\tE", "\nE")) if isinstance(value, str) else pair


@pytest.mark.parametrize("mark", ["\\", "`"])
def test_the_solution_reads_drawn_dockerfiles_as_labcores_parser_does(mark: str) -> None:
    lots = random.Random(8)
    for _ in range(FILES):
        text = drawn(lots, mark)
        wanted = [pair_of(each) for each in parse(text).instructions]
        assert [without_tab(pair) for pair in lesson_08.parse(text)] == wanted, text


@pytest.mark.parametrize("mark", ["\\", "`"])
def test_what_a_learner_has_read_is_built(mark: str) -> None:
    """The instructions are the file's own, heredocs and all; only where they stand is another."""
    lots = random.Random(9)
    for _ in range(FILES):
        text = drawn(lots, mark)
        own = parsed(text.encode(), "Dockerfile", {"parse": lesson_08.parse})
        here = own.instructions[0].location
        assert own.directives == parse(text).directives
        for ours, theirs in zip(parse(text).instructions, own.instructions, strict=True):
            assert pair_of(theirs) == pair_of(ours), text
            assert type(theirs) is type(ours)
            for field in ("command", "heredocs", "pairs", "mounts", "sources", "paths"):
                assert getattr(theirs, field, here) == getattr(ours, field, here), text


@pytest.mark.parametrize(
    ("pair", "problem"),
    [
        (("RUN", "a\nCMD b"), "pairs are wanted"),
        (("ENV", "a=<<E\nE"), "pairs are wanted"),
        (("RUN", 7), "pairs are wanted"),
        (("RUN", ["a", 7]), "pairs are wanted"),
        (("RUN", "a \\"), "2 pairs, and Docker reads them as 1"),
        (("RUN", "<<E\nE\nCMD a"), "2 pairs, and Docker reads them as 3"),
    ],
)
def test_what_is_no_instruction_is_told(pair: Any, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        parsed(b"RUN a", "Dockerfile", {"parse": lambda _: [pair, ("RUN", "b")]})

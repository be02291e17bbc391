"""Patterns of .dockerignore files: which paths they leave out, and which directories need not be walked."""

import pytest

from labcore.errors import InvalidInput
from labcore.options.dockerignore import Patterns, matcher

# patterns, what they leave out, what they do not
TABLE = [
    ("build", ["build", "build/x", "build/x/y"], ["a/build", "builds", "buil"]),
    ("/build/", ["build", "build/x"], ["a/build"]),
    ("./a//b/../c", ["a/c"], ["a/b", "a/b/c"]),
    ("  spaced  ", ["spaced"], ["  spaced  "]),
    ("two words", ["two words"], ["two", "words"]),
    ("*.log", ["x.log", ".log", "x.log/y"], ["a/x.log", "xlog"]),
    ("*/*.log", ["a/x.log"], ["x.log", "a/b/x.log"]),
    ("**/*.log", ["x.log", "a/x.log", "a/b/x.log"], ["x.txt"]),
    ("**/cache", ["cache", "a/cache", "a/b/cache/x"], ["acache", "a/caches"]),
    ("**cache", ["cache", "acache", "a/bcache"], ["a/caches"]),
    ("**", ["x", "a/b"], []),
    ("*", ["x", "a/b", ".hidden"], []),
    ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
    ("a**", ["a", "ab", "ab/c", "a/b"], ["b/a"]),
    ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["az", "a/bz", "b/a/z"]),
    ("**/a/**/z", ["a/z", "x/a/z", "x/a/y/z"], ["a", "x/z"]),
    ("**/a/**", ["a/b", "x/a/b"], ["a", "x/a"]),
    ("?", ["a", "ü", "a/b"], ["ab"]),
    ("a?c", ["abc"], ["a/c", "ac"]),
    ("[a-c]x", ["ax", "cx"], ["dx", "x"]),
    ("[^a-c]x", ["dx"], ["ax"]),
    ("[!a]", ["!", "a"], ["b"]),
    ("[a\\]]", ["a", "]"], ["b"]),
    ("[b-a]x", [], ["ax", "bx"]),
    ("a\\*b", ["a*b"], ["axb"]),
    ("a\\ b", ["a b"], ["a\\ b"]),
    ("a.b(c)+$^|{d}", ["a.b(c)+$^|{d}"], ["axb(c)+$^|{d}"]),
    ("#x\n # y\n\n\tz", ["# y", "z"], ["#x", "x"]),
    ("a\r\nb\r\n", ["a", "b"], ["a\r"]),
    ("\ufeffa", ["a"], ["\ufeffa"]),
    ("\ufeff# a", [], ["a", "# a"]),
    (".", [], [".", "a"]),
    ("/", [], ["a", "."]),
    ("..", [".."], ["a"]),
    ("*\n!a", ["b", "c/a"], ["a", "a/b"]),
    ("*\n!/a/", ["b"], ["a", "a/b"]),
    ("*\n! a", ["b"], ["a"]),
    ("!a\n*", ["a", "b"], []),
    ("a\n!a/b\na/b/c", ["a", "a/x", "a/b/c", "a/b/c/d"], ["a/b", "a/b/d"]),
    ("*.md\n!README*.md\nREADME-secret.md", ["x.md", "README-secret.md"], ["README.md", "README-x.md"]),
    ("a\nb\n!a/x\n!b/x\nc", ["a", "b/y", "c"], ["a/x", "b/x"]),
    ("a**b", ["ab", "ax/b", "a/x/b", "ab/c"], ["axb", "a/xb"]),
    ("a**/b*", ["ab", "a/b", "ax/y/bz"], ["axb"]),
    ("*a*b*c", ["abc", "xaxbxc", "abcbc", "aabbcc"], ["acb", "abcd", "a/bc"]),
    ("*ab*ab", ["abab", "ababab", "xabyab"], ["ab", "aab", "abba"]),
    ("**/x/*y/**/z*/w", ["x/y/z/w", "a/x/b/x/cy/d/z1/w/v", "x/yy/z/z/w"], ["x/y/w", "x/y/z", "x/a/y/z/w"]),
    ("**/a/b/**/a/c", ["a/b/a/c", "a/b/a/b/x/a/c", "a/a/b/a/a/c"], ["a/b/c", "b/a/c"]),
    ("**/a?/**/*.[ch]", ["ab/x.c", "q/ab/r/s/x.h"], ["a/x.c", "ab/x.o"]),
    ("", [], ["a"]),
    ("\udcff*", ["\udcff\udcfe"], ["a"]),
    ("a*", ["a\nb"], ["b\na"]),
]


@pytest.mark.parametrize(("text", "left_out", "kept"), TABLE, ids=[ascii(row[0]) for row in TABLE])
def test_what_is_left_out(text: str, left_out: list[str], kept: list[str]) -> None:
    patterns = Patterns.parse(text)
    assert [path for path in left_out + kept if patterns.matches(path)] == left_out
    assert Patterns.parse(text.encode(errors="surrogateescape")).patterns == patterns.patterns


@pytest.mark.parametrize("pattern", ["[", "[a", "[]", "[^]", "[a-]", "[-a]", "a\\", "[\\", "[a-\\", "!", "! ", "!["])
def test_no_pattern(pattern: str) -> None:
    with pytest.raises(InvalidInput, match=r"syntax error in pattern|illegal exclusion pattern"):
        Patterns.parse(f"good\n{pattern}")


def test_directories_that_need_not_be_walked() -> None:
    patterns = Patterns.parse("a\nb\n!b/keep/it\nc/*\n!**/*.md")
    assert [path for path in ("a", "b", "b/other", "b/keep", "c", "c/x", "d") if patterns.enters(path)] == [
        "b",
        "b/keep",
        "c",
        "d",
    ]


def test_lines_of_an_option_are_patterns_as_they_are() -> None:
    patterns = Patterns(["#a", " b ", "/c", ""])
    assert [path for path in ("#a", "b", "c", "/c") if patterns.matches(path)] == ["#a", "b", "/c"]
    assert not Patterns([])
    assert Patterns(["!x"]).has_exceptions


@pytest.mark.parametrize(
    "pattern", ["a*" * 60 + "b", "**/a/" * 60 + "b", "**/a*a/" * 40 + "b", "*/" * 60 + "*b", "**/*a/" * 60 + "b"]
)
def test_patterns_that_would_take_for_ever(pattern: str) -> None:
    patterns = Patterns([pattern])
    assert not any(patterns.matches(path) for path in ("a" * 255, "a/" * 1700 + "c", "aa/" * 1100 + "c"))


def test_too_many_directories_in_the_middle_of_names() -> None:
    with pytest.raises(InvalidInput, match="stands for whole directories"):
        Patterns(["**/a**b**c"])


def test_too_many() -> None:
    with pytest.raises(InvalidInput, match="10000"):
        Patterns(["x"] * 10_001)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "a/b", False),
        ("**", "ab", True),
        ("**", "a/b", False),
        ("a\\**", "a*c", True),
        ("a\\**", "abc", False),
        ("[*]", "*", True),
    ],
)
def test_patterns_of_names(pattern: str, name: str, matches: bool) -> None:
    assert bool(matcher(pattern).fullmatch(name)) == matches

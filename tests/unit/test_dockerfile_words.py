"""Words of Dockerfile instructions: quotes, escapes, and variables with every modifier, as BuildKit has them."""

import pytest

from labcore.builder.parser.words import expand, expand_words, variables_in
from labcore.errors import InvalidInput

SET = {"A": "a b", "EMPTY": "", "HOME": "/root", "FILE": "x.tar.gz", "城": "市", "STAR": "*", "LINES": "a.b\nc.d", "1": "one"}


@pytest.mark.parametrize(
    ("word", "is_"),
    [
        ("plain", "plain"),
        ("two  'words' of $HOME", "two  words of /root"),
        ("it's'", "its"),
        ("it\\'s", "it's"),
        ("\"a 'b' c\"", "a 'b' c"),
        ("'a \"b\" \\ $A'", 'a "b" \\ $A'),
        ('a\\tb "a\\tb" "a\\\\tb" \'a\\tb\'', "atb a\\tb a\\tb a\\tb"),
        ('"\\$A \\" \\\\ \\n ${HOME}"', '$A " \\ \\n /root'),
        ("end\\", "end"),
        ("end\\\\", "end\\"),
        ("$. $ $", "$. $ $"),
        ("$HOME/x$HOME.y", "/root/x/root.y"),
        ("\\$HOME \\${HOME}", "$HOME ${HOME}"),
        ("${A}z$NONE.", "a bz."),
        ("$城 ${城}", "市 市"),
        ("<$2x$@$*$#$?$-$$$!>", "<x>"),
        ("$1 ${1}x $1x", "one onex onex"),
        ("${NONE:-d}${NONE-e}${EMPTY:-f}${EMPTY-g}.", "def."),
        ("${A:-x} ${A-x}", "a b a b"),
        ("${A:+set}${NONE:+set}${EMPTY+set}${EMPTY:+x}.", "setset."),
        ("${A:?m} ${A?m} <${EMPTY?m}>", "a b a b <>"),
        ("${NONE:-$HOME/x}", "/root/x"),
        ("${NONE:-${OTHER:-${HOME}}}}", "/root}"),
        ("${NONE:-a 'b}' \"c}\" d\\}}", "a b} c} d}"),
        ("${NONE:-}|${A:+}|", "||"),
        ("${FILE#*.}|${FILE##*.}|${FILE%.*}|${FILE%%.*}", "tar.gz|gz|x.tar|x"),
        ("${FILE#?}|${FILE%??}|${FILE#y}|${FILE%y}", ".tar.gz|x.tar.|x.tar.gz|x.tar.gz"),
        ("${FILE#*}|${FILE##*}|${FILE#}|${FILE%%}", "x.tar.gz||x.tar.gz|x.tar.gz"),
        ("${FILE#$STAR.}|${FILE#'*.'}|${FILE#\\*.}", "tar.gz|tar.gz|x.tar.gz"),  # quotes do not make a star plain
        ("${HOME#\\/}|${HOME%\\\\}|${STAR#\\*}|${STAR%\\?}", "root|/root||*"),
        ("${LINES#*.}|${LINES%%.*}", "b\nc.d|a.b\nc"),  # a star stops at the end of a line
        ("${FILE/./-}|${FILE//./-}|${FILE/.*./-}|${FILE//q/-}", "x-tar.gz|x-tar-gz|x-gz|x.tar.gz"),
        ("${FILE/.tar/}|${FILE//?/-}|${FILE/*/$HOME}", "x.gz|--------|/root"),
        ("${HOME//\\//_}|${HOME/${HOME#?}/home}", "_root|/home"),
        ("${FILE//*/-}|${EMPTY//*/-}|${EMPTY///}", "-|-|"),
        ("${STAR//$EMPTY/-}", "-*-"),
        ("${LINES//*./-}", "-b\n-d"),
        ("${NONE#x}${NONE/x/y}", ""),
    ],
)
def test_a_word(word: str, is_: str) -> None:
    assert expand(word, SET) == is_


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x=$A y", ["x=a", "b", "y"]),
        ('x="$A" y', ["x=a b", "y"]),
        ("a\\ b 'c d'e", ["a b", "c de"]),
        ("  a\t b ", ["a", "b"]),
        ("'' $NONE \"\" end", ["end"]),
        ("x${B}y", ["x", "a", "by"]),
        ("x'${B}'", ["x${B}"]),
        ("${C}z", ["c", "z"]),
        ("${NONE:-a  b}", ["a", "b"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert expand_words(text, SET | {"B": "  a b", "C": "c  "}) == words


@pytest.mark.parametrize(
    ("word", "is_"),
    [
        ("C:\\dir\\$A", "C:\\dir\\a b"),
        ('`$A`"', '$A"'),
        ('"`$A `" `` `n \\"', '$A " ` `n \\'),
        ("${NONE:-a`}b}", "a}b"),
    ],
)
def test_the_other_escape(word: str, is_: str) -> None:
    assert expand(word, SET, escape="`") == is_


def test_a_heredoc_keeps_its_quotes() -> None:
    assert expand("it's \"$HOME\"\n\\$HOME '", SET, quotes=False) == "it's \"/root\"\n$HOME '"


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("'a", "single-quote"),
        ('"a', "double-quote"),
        ('"a\\"', "double-quote"),
        ('"a\\', "double-quote"),
        ("${", "missing '}'"),
        ("${A", "missing '}'"),
        ("${A:", "unsupported modifier"),
        ("${A:-x", "missing '}'"),
        ("${A:-'x}", "single-quote"),
        ("${}", "bad substitution"),
        ("${{A}}", "bad substitution"),
        ("${:-x}", "bad substitution"),
        ("${.}", "unsupported modifier"),
        ("${A:x}", r"unsupported modifier \(:x\)"),
        ("${A=x}", r"unsupported modifier \(=\)"),
        ("${A:=x}", r"unsupported modifier \(:=\)"),
        ("${A:/x/y}", "unsupported modifier"),
        ("${A:#x}", r"unsupported modifier \(:#\)"),
        ("${A:%x}", "unsupported modifier"),
        ("${A^^}", "unsupported modifier"),
        ("${NONE:?it is needed by $HOME}", "NONE: it is needed by /root"),
        ("${EMPTY:?}", "EMPTY: is not allowed to be empty"),
        ("${NONE?}", "NONE: is not allowed to be unset"),
        ("${A#\\x}", "invalid escape"),
        ("${A%x\\\\\\y}", "invalid escape"),
        ("${A//x}", "missing '/'"),
        ("${A/x/y", "missing '}'"),
        ("${A:-" * 60 + "}" * 60, "nested more than"),
    ],
)
def test_what_is_malformed_is_refused_by_name(word: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        expand(word, SET)
    assert word[:100] in str(refused.value)


def test_no_expansion_grows_without_bound() -> None:
    long = {"L": "x" * 600_000}
    for word in ("$L$L", "${L//?/$L}", "${L:+$L$L}"):
        with pytest.raises(InvalidInput, match="more than 1048576 characters"):
            expand(word, long)


def test_stars_that_find_nothing_cost_little() -> None:
    long = {"L": "ab" * 200_000}
    stars = "*a" * 200
    for modifier in ("#", "##", "%", "%%"):
        assert expand(f"${{L{modifier}{stars}x}}", long) == long["L"]
    assert expand(f"${{L//b{stars}x/y}}", long) == long["L"]


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("plain '$A' \\$A", set()),
        ('$A ${B} "$C"', {"A", "B", "C"}),
        ("${A:-$B} ${C:+${D}} ${E:?$F}", {"A", "B", "C", "D", "E", "F"}),
        ("${A#$B} ${C//$D/$E}", {"A", "B", "C", "D", "E"}),
    ],
)
def test_the_variables_that_a_word_asks_for(word: str, names: set[str]) -> None:
    assert variables_in(word) == names

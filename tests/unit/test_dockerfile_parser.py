"""The Dockerfile language below its instructions: lines, directives, heredocs, flags, words; as BuildKit's dumper shows it."""

import pytest

from labcore.builder.parser import parse, read_directives
from labcore.builder.parser.dump import dump
from labcore.builder.parser.heredocs import heredoc_of, heredocs_of, is_program, script_of
from labcore.builder.parser.instructions import Command, Copy, Directives, Heredoc, Location, Onbuild, Run

ONE_LINE = {
    "names in any case": ("from a\nRuN b", '(from "a")\n(run "b")'),
    "tabs and spaces around": ("\t  FROM \t a \t\n", '(from "a")'),
    "form feeds part words": ("FROM\fa\vAS\tb", '(from "a" "AS" "b")'),
    "a no-break space is part of a name": ("FROM\xa0a", '(from\xa0a "")'),
    "unknown instructions are kept": ("FOO bar", '(foo "")'),
    "no words": ("HEALTHCHECK\nENTRYPOINT\nEXPOSE", "(healthcheck)\n(entrypoint)\n(expose)"),
    "shell form as it is": ("RUN  a   'b  c' \\\"$D\\\"", '(run "a   \'b  c\' \\\\\\"$D\\\\\\"")'),
    "exec form": ('CMD [ "a", "b c" ,"\\u00e9\\n" ]', '(cmd "a" "b c" "é\\n")'),
    "exec form, empty": ("CMD []", "(cmd)"),
    "exec form with white space behind": ('RUN ["a"]\t ', '(run "a")'),
    "half a surrogate pair": ('CMD ["\\ud800x"]', '(cmd "\N{REPLACEMENT CHARACTER}x")'),
    "a pair of surrogates": ('CMD ["\\ud83d\\ude00"]', '(cmd "😀")'),
    "single quotes are no JSON": ("CMD ['a', 'b']", "(cmd \"['a', 'b']\")"),
    "an open list is no JSON": ('CMD ["a", "b"', '(cmd "[\\"a\\", \\"b\\"")'),
    "an open string is no JSON": ('CMD ["a, "b]', '(cmd "[\\"a, \\"b]")'),
    "a comma at the end is no JSON": ('CMD ["a",]', '(cmd "[\\"a\\",]")'),
    "words behind are no JSON": ('RUN ["a"] && b', '(run "[\\"a\\"] && b")'),
    "NaN is no JSON": ('CMD ["a", NaN]', '(cmd "[\\"a\\", NaN]")'),
    "a test is no JSON": ('RUN [ "$A" = b ] || c', '(run "[ \\"$A\\" = b ] || c")'),
    "copy, both forms": ('COPY a  b c\nADD ["a b", "c"]', '(copy "a" "b" "c")\n(add "a b" "c")'),
    "copy, what is nearly JSON": ('COPY [ "a", b ] c', '(copy "[" "\\"a\\"," "b" "]" "c")'),
    "volumes": ('VOLUME a b\nVOLUME ["c d"]', '(volume "a" "b")\n(volume "c d")'),
    "env": ('ENV a=1 b="x y" c=\'z "\' d=e\\ f', '(env "a" "1" "=" "b" "\\"x y\\"" "=" "c" "\'z \\"\'" "=" "d" "e\\\\ f" "=")'),
    "env, = in the value": ("ENV a=b=c d==", '(env "a" "b=c" "=" "d" "=" "=")'),
    "env, quoted name": ('ENV "a b"=c', '(env "\\"a b\\"" "c" "=")'),
    "env, older form": ("ENV  a  b=c  'd", '(env "a" "b=c  \'d" "")'),
    "env, escape at the end": ("ENV a=b\\\\", '(env "a" "b\\\\\\\\" "=")'),
    "label, open quote": ("LABEL a='b c", '(label "a" "\'b c" "=")'),
    "arg": ('ARG a b= c="d e"', '(arg "a" "b=" "c=\\"d e\\"")'),
    "flags": ("COPY --from=a --link b c", '(copy ["--from=a" "--link"] "b" "c")'),
    "flags lose quotes": ("RUN --x='a b'\"c\" --y=d\\ e f", '(run ["--x=a bc" "--y=d e"] "f")'),
    "an escape in a flag's quotes": ("RUN --x='a\\'b' c", '(run ["--x=a\'b"] "c")'),
    "a quote that stays open is a flag to the end": ('RUN --x="a b', '(run ["--x=a b"])'),
    "-- ends the flags": ("RUN --a=b -- --c d", '(run ["--a=b"] "--c d")'),
    "flags stand first": ("RUN a --b=c", '(run "a --b=c")'),
    "flags alone": ("RUN --a=b", '(run ["--a=b"])'),
    "healthcheck": (
        "HEALTHCHECK --a=b  CMD   c d\nHEALTHCHECK CMD",
        '(healthcheck ["--a=b"] "CMD" "c d")\n(healthcheck "CMD")',
    ),
    "healthcheck, JSON": ('HEALTHCHECK cmd ["a", "b"]', '(healthcheck "cmd" "a" "b")'),
    "onbuild": ("ONBUILD run --a=b c\nONBUILD", '(onbuild (run ["--a=b"] "c"))\n(onbuild)'),
    "onbuild, JSON": ('ONBUILD CMD ["a"]', '(onbuild (cmd "a"))'),
}

SEVERAL_LINES = {
    "continued": ("RUN a\\\n b \\\nc", '(run "a b c")'),
    "white space behind the escape": ("RUN a \\ \t\n b", '(run "a  b")'),
    "an escaped escape ends the line": ("ENV a b\\\\\nENV c d", '(env "a" "b\\\\\\\\" "")\n(env "c" "d" "")'),
    "an escape alone": ("RUN a\\\n\\\n  \\\nb", '(run "a  b")'),
    "an escape alone at the start": ("\\\nRUN a", '(run "a")'),
    "the name is continued too": ("RU\\\nN a", '(run "a")'),
    "blank lines within": ("RUN a \\\n\n \t\nb", '(run "a b")'),
    "comments within": ("RUN a \\\n# no \\\n   # nor this\nb # but this", '(run "a b # but this")'),
    "a comment does not continue": ("# a \\\nRUN b", '(run "b")'),
    "a comment within ends nothing": ("RUN a \\\n# b\n&& c", '(run "a && c")'),
    "continued at the end of the file": ("RUN a \\", '(run "a")'),
    "continued by blank lines to the end": ("RUN a \\\n\n\n", '(run "a")'),
    "CRLF": ("FROM a\r\nRUN b \\\r\n  c\r\n\r\n# d\r\n", '(from "a")\n(run "b   c")'),
    "BOM": ("\ufeffFROM a", '(from "a")'),
    "BOM and a directive": ("\ufeff# escape=`\nRUN a `\nb", '(run "a b")'),
    "escape directive": ("# escape=`\nRUN a `\n b\\\nENV c=d` e", '(run "a  b\\\\")\n(env "c" "d` e" "=")'),
    "escape directive, any case, white space": ("\t#\tEscape\t=\t`\t\nRUN a`\nb", '(run "ab")'),
    "a flag's escape is always a backslash": ("# escape=`\nRUN --a=b\\ c d", '(run ["--a=b c"] "d")'),
    "a directive behind a comment is none": ("# a\n# escape=`\nRUN b\\\nc", '(run "bc")'),
    "a directive behind a blank line is none": ("\n# escape=`\nRUN b\\\nc", '(run "bc")'),
    "a directive behind an unknown one is none": ("# a=b\n# escape=`\nRUN b\\\nc", '(run "bc")'),
    "a directive behind an instruction is none": ("FROM a\n# escape=`\nRUN b\\\nc", '(from "a")\n(run "bc")'),
    "escape behind a script's first line is none": ("#!/bin/x\n# escape=`\nRUN b\\\nc", '(run "bc")'),
    "heredocs": ("RUN <<A cat <<B\na\nA\nb\nB\nRUN c", '(run "<<A cat <<B")\n(run "c")'),
    "no heredoc in others": ("CMD <<A\nENV A=b", '(cmd "<<A")\n(env "A" "b" "=")'),
}


@pytest.mark.parametrize("case", [*ONE_LINE, *SEVERAL_LINES])
def test_tree(case):
    text, tree = (ONE_LINE | SEVERAL_LINES)[case]
    assert dump(text) == tree
    assert dump(text.encode()) == tree


def test_text_of_an_instruction_is_its_joined_lines():
    found = parse("FROM a\n\n  run  b \\\n   # c\n\n  d  \nRUN <<E cat\nx\nE\n").instructions
    assert [each.source for each in found] == ["FROM a", "run  b   d", "RUN <<E cat"]
    assert [each.name for each in found] == ["FROM", "RUN", "RUN"]
    assert [each.location for each in found] == [Location(1, 1), Location(3, 6), Location(7, 9)]


def test_lines_and_where_blank_lines_are():
    found = parse(b"FROM a\r\nRUN b \\\r\n\r\n c\r\nRUN d \\\n # e\n f\n", name="Dockerfile.x")
    assert found.lines == ("FROM a", "RUN b \\", "", " c", "RUN d \\", " # e", " f")
    assert found.name == "Dockerfile.x"
    assert found.blank_at == (4,)


def test_what_stands_there_again_has_its_own_place():
    first, second, third = parse("RUN a\nRUN a\n\nRUN a").instructions
    assert (first.location.line, second.location.line, third.location.line) == (1, 2, 4)
    assert first.replace(location=third.location) == third
    one, two = parse("ONBUILD RUN a\nONBUILD RUN a").instructions
    assert isinstance(one, Onbuild)
    assert isinstance(two, Onbuild)
    assert (one.instruction.location.line, two.instruction.location.line) == (1, 2)


@pytest.mark.parametrize(
    ("text", "directives"),
    [
        ("FROM a", Directives()),
        (
            "# syntax=docker/dockerfile:1\n# check=skip=A;error=true\nFROM a",
            Directives("docker/dockerfile:1", check="skip=A;error=true"),
        ),
        ("#SYNTAX = a/b:c // options\nFROM a", Directives("a/b:c")),
        ("# escape=`\n# syntax=docker/dockerfile:1", Directives("docker/dockerfile:1", "`")),
        ("# escape=\\", Directives()),
        ("#!/usr/bin/env x\n# syntax=a\n# check=skip=all b", Directives("a", check="skip=all")),
        ("#!/usr/bin/env x\n\n# syntax=a", Directives()),
        ("# check=skip=all\r\n# key=value\r\n# syntax=a", Directives(check="skip=all")),
        ("\ufeff# syntax=a", Directives("a")),
        ("# syntax=", Directives()),
        ("## syntax=a", Directives()),
    ],
)
def test_directives(text, directives):
    assert read_directives(text) == directives


@pytest.mark.parametrize(
    "frontend",
    [
        "docker/dockerfile", "docker/dockerfile:1", "docker.io/docker/dockerfile:1.7-labs", "dockerfile:experimental",
        "docker/dockerfile-upstream:master", "docker/dockerfile:1@sha256:" + "0" * 64, "mirror.example/docker/dockerfile:1",
    ],
)  # fmt: skip
def test_frontends_that_are_the_dockerfiles(frontend):
    assert parse(f"# syntax={frontend}\nFROM a").directives.syntax == frontend


@pytest.mark.parametrize(
    ("word", "heredoc"),
    [
        ("<<EOF", Heredoc("EOF", "")),
        ("<<-EOF", Heredoc("EOF", "", chomp=True)),
        ("<<'EOF'", Heredoc("EOF", "", expand=False)),
        ('<<-"EOF"', Heredoc("EOF", "", expand=False, chomp=True)),
        ('<<EO"F"', Heredoc("EOF", "", expand=False)),
        ("<<eo\\'f", Heredoc("eo'f", "")),
        ("<<'e'o\\'f", Heredoc("eo'f", "", expand=False)),
        ("<<'one two'", Heredoc("one two", "", expand=False)),
        ("<< EOF", Heredoc("EOF", "")),
        ("<<- EOF", Heredoc("EOF", "", chomp=True)),
        ("<< -EOF", Heredoc("-EOF", "")),
        ("<<$EOF", Heredoc("$EOF", "")),
        ("3<<EOF", Heredoc("EOF", "", descriptor=3)),
        ("<<a.txt", Heredoc("a.txt", "")),
        ("<<城", Heredoc("城", "")),
        ("", None),
        ("EOF", None),
        ("<<", None),
        ("<<-", None),
        ("<<''", None),
        ("<EOF", None),
        ("<<<EOF", None),
        ("<<EOF sh", None),
        ("<<'EOF", None),
        ("<<EOF'", None),
        ('<<"EOF', None),
        ("x<<EOF", None),
    ],
)
def test_heredoc(word, heredoc):
    assert heredoc_of(word) == heredoc


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("RUN <<A <<-B 4<<'C'", ["A", "B", "C"]),
        ("RUN cat << A > b", ["A"]),
        ("RUN cat <<- A", ["A"]),
        ("RUN '<<A' \"<<B\" \\<<C", []),
        ("RUN it's <<A", []),
        ("RUN it\\'s <<A", ["A"]),
        ("RUN a<<B", []),
        ("RUN a <<<B", []),
        ("RUN a < b", []),
    ],
)
def test_heredocs_of_a_line(line, names):
    assert [each.name for each in heredocs_of(line)] == names


def test_bodies_of_heredocs():
    found = parse("RUN <<A <<-'B' 3<<C\n# a\nB\n\tA\nA\n\tb $x\n\tB\nC\r\nFROM a").instructions
    first, last = found
    assert isinstance(first, Run)
    assert first.command.words == ("<<A <<-'B' 3<<C",)
    assert first.command.heredocs == (
        Heredoc("A", "# a\nB\n\tA\n"),
        Heredoc("B", "\tb $x\n", expand=False, chomp=True),
        Heredoc("C", "", descriptor=3),
    )
    assert last.name == "FROM"


def test_heredocs_keep_their_line_ends():
    (found,) = parse(b"COPY <<A /b\r\nc\r\n\r\nd\r\nA\r\n").instructions
    assert isinstance(found, Copy)
    assert found.heredocs[0].content == "c\r\n\r\nd\r\n"


@pytest.mark.parametrize("head", ["RUN", "COPY", "ADD", "ONBUILD RUN", "onbuild copy", "ONBUILD ADD"])
def test_who_has_heredocs(head):
    found = parse(f"{head} <<E /x\nFROM a\nE\nFROM b").instructions
    assert [each.source for each in found] == [f"{head} <<E /x", "FROM b"]


@pytest.mark.parametrize("text", ['RUN ["<<E"]', "ENV A=<<E", "USER <<E", 'RUN "<<E"', 'COPY ["<<E", "/x"]', "ONBUILD CMD <<E"])
def test_who_has_no_heredocs(text):
    assert len(parse(text + "\nFROM a\n").instructions) == 2


def test_heredocs_of_copy():
    (found,) = parse("COPY a <<-B <<'C D' << E b /x/\n\t1\n\tB\n2\nC D\n3\nE\n").instructions
    assert isinstance(found, Copy)
    assert (found.sources, found.destination) == (("a", "b"), "/x/")
    assert [(each.name, each.content, each.expand) for each in found.heredocs] == [
        ("B", "1\n", True),
        ("C D", "2\n", False),
        ("E", "3\n", True),
    ]


def test_a_trigger_has_its_heredocs_in_its_text():
    (found,) = parse("ONBUILD RUN <<-A\n\ta\nA\n").instructions
    assert isinstance(found, Onbuild)
    assert found.trigger == "RUN <<-A\n\ta\nA"
    (again,) = parse(found.trigger).instructions
    assert again == found.instruction.replace(location=again.location)


@pytest.mark.parametrize(
    ("text", "script", "program"),
    [
        ("RUN a  b", "a  b", False),
        ("RUN", "", False),
        ("RUN <<E\na\nb\nE", "a\nb\n", False),
        ("RUN <<-E\n\ta\n\t\tb\nE", "a\nb\n", False),
        ("RUN <<E\n#!/bin/cat\nE", "#!/bin/cat\n", True),
        ("RUN <<-E\n\t#!/bin/cat\nE", "#!/bin/cat\n", True),
        ("RUN cat <<E\n#!a\nE", "cat <<E\n#!a\nE", False),
        ("RUN cat <<-A; cat <<B\n\ta\nA;\nb\nB", "cat <<-A; cat <<B\n\ta\nA;\nb\nB", False),
    ],
)
def test_script(text, script, program):
    (found,) = parse(text).instructions
    assert isinstance(found, Run)
    assert (script_of(found.command), is_program(found.command)) == (script, program)
    assert script_of(Command(())) == ""

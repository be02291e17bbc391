"""What the parser makes of each instruction, and what it refuses, at which place and with which cure."""

import pytest

from labcore.builder.parser import instructions as ast
from labcore.builder.parser import parse
from labcore.builder.parser.durations import nanoseconds
from labcore.builder.parser.errors import DockerfileError, Problem
from labcore.builder.parser.mounts import mount_of

HERE = ast.Location(1, 1)
SECOND = 10**9


def only(text):
    (found,) = parse(text).instructions
    return found


def shell(line):
    return ast.Command((line,), True)


@pytest.mark.parametrize(
    ("text", "kind", "fields"),
    [
        ("FROM a", ast.From, {"image": "a"}),
        ("FROM --platform=$P a:$V AS Base-1.x", ast.From, {"image": "a:$V", "platform": "$P", "stage": "base-1.x"}),
        ("from a as b", ast.From, {"image": "a", "stage": "b"}),
        ("MAINTAINER A B <c@d>", ast.Maintainer, {"author": "A B <c@d>"}),
        ("RUN a  b", ast.Run, {"command": shell("a  b")}),
        ('RUN ["a", "b c"]', ast.Run, {"command": ast.Command(("a", "b c"))}),
        ("RUN --network=none a", ast.Run, {"command": shell("a"), "network": "none"}),
        ("RUN --security=insecure a", ast.Run, {"command": shell("a"), "security": "insecure"}),
        ("RUN", ast.Run, {"command": ast.Command((), True)}),
        ("CMD", ast.Cmd, {"command": ast.Command((), True)}),
        ("CMD []", ast.Cmd, {"command": ast.Command(())}),
        ("CMD a b", ast.Cmd, {"command": shell("a b")}),
        ('ENTRYPOINT ["a"]', ast.Entrypoint, {"command": ast.Command(("a",))}),
        ('SHELL ["a", "-c"]', ast.Shell, {"words": ("a", "-c")}),
        ('ENV a=b "c d"=\'$e\'', ast.Env, {"pairs": (ast.Pair("a", "b"), ast.Pair('"c d"', "'$e'"))}),
        ("ENV a  b=c d", ast.Env, {"pairs": (ast.Pair("a", "b=c d", True),)}),
        ("ENV a=", ast.Env, {"pairs": (ast.Pair("a", ""),)}),
        ("LABEL a.b=c d=e", ast.Label, {"pairs": (ast.Pair("a.b", "c"), ast.Pair("d", "e"))}),
        ("ARG a b= c=d", ast.Arg, {"pairs": (ast.Pair("a"), ast.Pair("b", ""), ast.Pair("c", "d"))}),
        ("COPY a b /c/", ast.Copy, {"sources": ("a", "b"), "destination": "/c/"}),
        (
            "COPY --from=1 --chown=a:b --chmod=u=rw --link --parents=true --exclude=*.x --exclude=y a b",
            ast.Copy,
            {
                "sources": ("a",), "destination": "b", "origin": "1", "owner": "a:b", "mode": "u=rw", "is_linked": True,
                "keeps_parents": True, "excluded": ("*.x", "y"),
            },
        ),
        ('COPY --link=False ["a b", "c"]', ast.Copy, {"sources": ("a b",), "destination": "c"}),
        (
            "ADD --checksum=sha256:0 --unpack=false --keep-git-dir=false http://a/b c",
            ast.Add,
            {"sources": ("http://a/b",), "destination": "c", "checksum": "sha256:0", "unpack": False},
        ),
        ("ADD --unpack a b", ast.Add, {"sources": ("a",), "destination": "b", "unpack": True}),
        ("EXPOSE 80 90-95/udp $P", ast.Expose, {"ports": ("80", "90-95/udp", "$P")}),
        ("VOLUME /a /b", ast.Volume, {"paths": ("/a", "/b")}),
        ('VOLUME [" /a b "]', ast.Volume, {"paths": ("/a b",)}),
        ("USER a:b", ast.User, {"user": "a:b"}),
        ("WORKDIR /a b", ast.Workdir, {"path": "/a b"}),
        ("STOPSIGNAL $S", ast.StopSignal, {"signal": "$S"}),
        ("HEALTHCHECK none", ast.Healthcheck, {}),
        ("HEALTHCHECK --interval=1s NONE", ast.Healthcheck, {}),
        ("HEALTHCHECK CMD  a  b", ast.Healthcheck, {"kind": "CMD-SHELL", "words": ("a  b",)}),
        (
            'HEALTHCHECK --interval=1m30s --timeout=.5s --start-period=0s --start-interval=1ms --retries=2 cmd ["a", "b"]',
            ast.Healthcheck,
            {
                "kind": "CMD", "words": ("a", "b"), "interval": 90 * SECOND, "timeout": SECOND // 2,
                "start_interval": 10**6, "retries": 2,
            },
        ),
    ],
)  # fmt: skip
def test_form(text, kind, fields):
    assert only(text) == kind(kind.__name__.upper(), text, HERE, **fields)


def test_onbuild():
    found = only("ONBUILD  run --network=none a")
    assert isinstance(found, ast.Onbuild)
    assert found.trigger == "run --network=none a"
    assert found.instruction == ast.Run("RUN", "run --network=none a", HERE, command=shell("a"), network="none")


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("target=/a", ast.RunMount("bind", "/a", read_only=True)),
        ("type=BIND,src=b,dst=/a,from=c,rw", ast.RunMount("bind", "/a", "b", "c")),
        ("type=bind,source=b,destination=/a,readwrite=false", ast.RunMount("bind", "/a", "b", read_only=True)),
        ("type=bind,TARGET=/a,ro=0", ast.RunMount("bind", "/a")),
        ("type=cache,target=/a", ast.RunMount("cache", "/a")),
        (
            "type=cache,target=/a,id=b,sharing=LOCKED,mode=0700,uid=1,gid=2,from=c,source=d,readonly",
            ast.RunMount("cache", "/a", "d", "c", "b", "locked", mode=0o700, uid=1, gid=2, read_only=True),
        ),
        ("type=tmpfs,target=/a,size=1.5g", ast.RunMount("tmpfs", "/a", size=3 << 29)),
        ("type=secret,id=a", ast.RunMount("secret", id="a", read_only=True)),
        ("type=secret,id=a,env=B,required", ast.RunMount("secret", id="a", variable="B", required=True, read_only=True)),
        ("type=secret,source=a,target=/b,mode=400", ast.RunMount("secret", "/b", "a", mode=0o400, read_only=True)),
        ("required=true,id=a,type=ssh", ast.RunMount("ssh", id="a", required=True, read_only=True)),
        ('type=bind,"target=/a,b"', ast.RunMount("bind", "/a,b", read_only=True)),
        ('"target=""/a,b"""', ast.RunMount("bind", "/a,b", read_only=True)),
        ("type=cache,target='/a b',mode='7'00", ast.RunMount("cache", "/a b", mode=0o700)),
        ("type=cache,target=$A,id=x$B", ast.RunMount("cache", "$A", id="x$B")),
        ("type=cache,target=/a,mode=$A,uid=$B,readonly=$C", ast.RunMount("cache", "/a")),
    ],
)
def test_mount(text, mount):
    assert mount_of(text) == mount.replace(text=text)


def test_a_mount_is_read_again_when_its_variables_are_known():
    values = {"$T": "cache", "$M": "0755", "$U": "7", "$R": "true", "$S": "locked"}

    def expand(word):
        return values.get(word, word)

    text = "type=$T,target=/a,mode=$M,uid=$U,ro=$R,sharing=$S"
    found = mount_of(text, expand)
    assert found == ast.RunMount("cache", "/a", sharing="locked", mode=0o755, uid=7, read_only=True, text=text)
    values["$M"] = "x"
    with pytest.raises(Problem, match="invalid value for mode: x"):
        mount_of(text, expand)
    values["$T"] = "z"
    with pytest.raises(Problem, match='unsupported mount type "z"'):
        mount_of(text, expand)


def test_mounts_and_network_of_run():
    found = only("RUN --mount=type=cache,target=/a --mount='type=tmpfs,target=/b c' ls")
    assert isinstance(found, ast.Run)
    assert [(each.kind, each.target) for each in found.mounts] == [("cache", "/a"), ("tmpfs", "/b c")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("1ns", 1), ("1us", 1000), ("1µs", 1000), ("1μs", 1000), ("2ms", 2 * 10**6), ("1h2m3s", 3723 * SECOND),
        ("1.5s", 3 * SECOND // 2), ("1.s", SECOND), (".5s", SECOND // 2), ("-1s", -SECOND), ("+1s", SECOND),
        ("1s1s", 2 * SECOND), ("2562047h", 2562047 * 3600 * SECOND),
        ("", None), ("1", None), ("s", None), (".s", None), ("1x", None), ("1 s", None), ("1s ", None), ("--1s", None),
        ("-", None), ("2562048h", None), ("9" * 200 + "ns", None), ("٣s", None), ("0x1s", None), ("1e3s", None), ("1_0s", None),
    ],
)  # fmt: skip
def test_duration(text, value):
    assert nanoseconds(text) == value


REFUSED = [
    # (text, line, column, what the problem says, what the cure says)
    ("", 1, 0, "file with no instructions", ""),
    ("# a\n\n", 2, 0, "file with no instructions", ""),
    ("FROM a\nRUM b", 2, 1, "unknown instruction: RUM", "did you mean RUN?"),
    ("FROM a\n  copi b c", 2, 3, "unknown instruction: copi", "did you mean COPY?"),
    ("xyzzy", 1, 1, "unknown instruction: xyzzy", "instructions are FROM, RUN"),
    ("FROM\xa0a", 1, 1, "unknown instruction: FROM\xa0a", "did you mean FROM?"),
    ("\\\n", 1, 1, "unknown instruction: ", ""),
    ("# escape=x\nFROM a", 1, 10, "invalid escape token 'x' does not match ` or \\", ""),
    ("# escape=``\nFROM a", 1, 10, "invalid escape token '``'", ""),
    ("# escape=`\n# Escape=`\nFROM a", 2, 0, "only one escape parser directive can be used", ""),
    ("# syntax=docker/dockerfile\n#syntax=docker/dockerfile", 2, 0, "only one syntax parser directive can be used", ""),
    ("# check=a\n#check=a", 2, 0, "only one check parser directive can be used", ""),
    ("# check=a\n# syntax=x/y:z\nFROM a", 2, 10, "syntax=x/y:z: this frontend is a program of its own", "leave the line out"),
    ("// syntax=x/y\nthing", 1, 11, "syntax=x/y", ""),
    ("FROM", 1, 1, "FROM requires either one or three arguments", "FROM IMAGE AS NAME"),
    ("FROM a b", 1, 1, "FROM requires either one or three arguments", ""),
    ("FROM a os b", 1, 1, "FROM requires either one or three arguments", ""),
    ("FROM a AS b c", 1, 1, "FROM requires either one or three arguments", ""),
    ("FROM a AS 1b", 1, 11, 'invalid name for build stage: "1b"', ""),
    ("FROM a AS b/c", 1, 11, "name can't start with a number or contain symbols", ""),
    ("FROM --platfrom=b a", 1, 6, "unknown flag: --platfrom", "did you mean --platform?"),
    ("FROM --platform a", 1, 6, "missing a value on flag: --platform", "--platform=VALUE"),
    ("MAINTAINER", 1, 1, "MAINTAINER requires exactly one argument", ""),
    ("MAINTAINER --a b", 1, 12, "unknown flag: --a", "MAINTAINER takes no flags"),
    ("WORKDIR", 1, 1, "WORKDIR requires exactly one argument", ""),
    ("USER", 1, 1, "USER requires exactly one argument", ""),
    ("STOPSIGNAL ", 1, 1, "STOPSIGNAL requires exactly one argument", ""),
    ("STOPSIGNAL --a 1", 1, 12, "unknown flag: --a", ""),
    ("ENV", 1, 1, "ENV requires at least one argument", "ENV NAME=VALUE"),
    ("ENV a", 1, 5, "ENV must have two arguments", "ENV a=VALUE"),
    ("LABEL a", 1, 7, "LABEL must have two arguments", "LABEL a=VALUE"),
    ("ENV a=b \\\n c d=e", 2, 2, "can't find = in \"c\". Must be of the form: name=value", "quotes"),
    ("ENV =b", 1, 5, "ENV names can not be blank", ""),
    ("LABEL a=b =c", 1, 11, "LABEL names can not be blank", ""),
    ("LABEL", 1, 1, "LABEL requires at least one argument", ""),
    ("ARG", 1, 1, "ARG requires at least one argument", ""),
    ("ARG a =b", 1, 7, "ARG names can not be blank", ""),
    ("EXPOSE", 1, 1, "EXPOSE requires at least one argument", ""),
    ("VOLUME", 1, 1, "VOLUME requires at least one argument", ""),
    ("VOLUME []", 1, 1, "VOLUME requires at least one argument", ""),
    ('VOLUME ["a", " "]', 1, 1, "VOLUME specified can not be an empty string", ""),
    ("COPY", 1, 1, "COPY requires at least two arguments", "COPY SOURCE … DESTINATION"),
    ("ADD a", 1, 1, "ADD requires at least two arguments, but only one was provided", ""),
    ('COPY ["a"]', 1, 1, "Destination could not be determined", ""),
    ("COPY\n  a \\\n b", 1, 1, "COPY requires at least two arguments", ""),
    ("COPY --link=maybe a b", 1, 6, "expecting boolean value for flag --link, not: maybe", "true or false"),
    ("COPY --link= a b", 1, 6, "missing a value on flag: --link", ""),
    ("COPY --from=a --from=b c d", 1, 15, "duplicate flag specified: --from", ""),
    ("COPY --exclude a b", 1, 6, "missing a value on flag: --exclude", ""),
    ("COPY --checksum=a b c", 1, 6, "unknown flag: --checksum", ""),
    ("ADD --from=a b c", 1, 5, "unknown flag: --from", "ADD takes --chown"),
    ("COPY --from=$a b c", 1, 6, "variable expansion is not supported for --from", "FROM $NAME AS files"),
    ("ADD --keep-git-dir=true https://a/b.git c", 1, 5, "git repositories are not fetched", "clone it into the context"),
    ("COPY /a <<E\nE", 1, 9, "COPY cannot accept a heredoc as a destination", ""),
    ("COPY <<E /a\nb", 1, 6, "unterminated heredoc", "a line that is E alone"),
    ("RUN <<A <<B\nA\nb\nB \n", 1, 5, "unterminated heredoc", "a line that is B alone"),
    ('CMD ["a", ["b"]]', 1, 5, "arrays must be comprised of strings only", ""),
    ('RUN ["a", 42]', 1, 5, "arrays must be comprised of strings only", ""),
    ('ENTRYPOINT ["a", {"b": "c"}]', 1, 12, "arrays must be comprised of strings only", ""),
    ('COPY ["a", null, "b"]', 1, 6, "arrays must be comprised of strings only", ""),
    ('SHELL ["a", true]', 1, 7, "arrays must be comprised of strings only", ""),
    ('VOLUME ["a", 1.5]', 1, 8, "arrays must be comprised of strings only", ""),
    ('ONBUILD CMD ["a", false]', 1, 13, "arrays must be comprised of strings only", ""),
    ("SHELL", 1, 1, "SHELL requires at least one argument", ""),
    ("SHELL []", 1, 1, "SHELL requires at least one argument", ""),
    ("SHELL /bin/sh -c", 1, 7, "SHELL requires the arguments to be in JSON form", 'SHELL ["'),
    ("CMD --a b", 1, 5, "unknown flag: --a", ""),
    ("ENV --a b=c", 1, 5, "unknown flag: --a", ""),
    ("RUN --privileged a", 1, 5, "unknown flag: --privileged", ""),
    ("RUN --netwrok=none a", 1, 5, "unknown flag: --netwrok", "did you mean --network?"),
    ("RUN --network=bridge a", 1, 5, 'invalid network mode "bridge"', "default, none, host"),
    ("RUN --security=none a", 1, 5, 'security "none" is not valid', "sandbox, insecure"),
    ("RUN --device=a b", 1, 5, "RUN --device", ""),
    ("RUN --mount=type=bnd,target=/a b", 1, 18, 'unsupported mount type "bnd"', "did you mean bind?"),
    ("RUN --mount=type=x,target=/a b", 1, 18, 'unsupported mount type "x"', "bind, cache, tmpfs, secret, ssh"),
    ("RUN \\\n --mount=type=cache,trget=/a \\\n b", 2, 21, "unexpected key 'trget' in 'trget=/a'", "did you mean target?"),
    ("RUN --mount=type=cache,target b", 1, 24, "invalid field 'target' must be a key=value pair", ""),
    ("RUN --mount=type=bind,from=$a,target=/b c", 1, 23, "'from' doesn't support variable expansion", "from=files"),
    ("RUN --mount= a", 1, 5, "no list of KEY=VALUE", ""),
    ("RUN --mount=a=b\\\"c d", 1, 1, "no list of KEY=VALUE", ""),
    ("RUN --mount=target=/a\\'b c", 1, 1, "looking for matching single-quote", ""),
    ("RUN --mount a", 1, 5, "missing a value on flag: --mount", ""),
    ("RUN --mount=type=cache,target=/a,sharing=all b", 1, 42, "invalid value for sharing: all", "shared, private, locked"),
    ("RUN --mount=type=bind,target=/a,sharing=shared b", 1, 33, "unexpected key 'sharing' for mount type 'bind'", "for cache"),
    ("RUN --mount=type=cache,target=/a,size=1m b", 1, 34, "unexpected key 'size' for mount type 'cache'", "for tmpfs"),
    ("RUN --mount=type=tmpfs,target=/a,size=big b", 1, 39, "invalid value for size: big", "a number of bytes"),
    ("RUN --mount=type=tmpfs,target=/a,mode=1 b", 1, 34, "unexpected key 'mode' for mount type 'tmpfs'", ""),
    ("RUN --mount=type=bind,target=/a,required b", 1, 33, "unexpected key 'required' for mount type 'bind'", "secret, ssh"),
    ("RUN --mount=type=secret,id=a,mode=9 b", 1, 35, "invalid value for mode: 9", "octal"),
    ("RUN --mount=type=secret,id=a,uid=-1 b", 1, 34, "invalid value for uid: -1", "a number"),
    ("RUN --mount=type=secret,id=a,gid=4294967296 b", 1, 34, "invalid value for gid: 4294967296", ""),
    ("RUN --mount=type=secret,id=a,required=yes b", 1, 39, "invalid value for required: yes", "true or false"),
    ("RUN --mount=type=secret,env=A b", 1, 18, "invalid secret mount. one of source, target required", ""),
    ("RUN --mount=type=secret b", 1, 18, "invalid secret mount. one of source, target required", "--secret id="),
    ("RUN --mount=type=secret,id=a,source=b c", 1, 30, "both source and id can't be set", ""),
    ("RUN --mount=type=secret,id=a,from=b c", 1, 30, "secret mount should not have a from", ""),
    ("RUN --mount=type=cache,target=/a,env=B c", 1, 34, "unexpected key 'env' for mount type 'cache'", "for secret"),
    ("HEALTHCHECK", 1, 1, "HEALTHCHECK requires at least one argument", ""),
    ("HEALTHCHECK CMD", 1, 13, "Missing command after HEALTHCHECK CMD", ""),
    ("HEALTHCHECK CMD []", 1, 13, "Missing command after HEALTHCHECK CMD", ""),
    ("HEALTHCHECK NONE a", 1, 18, "HEALTHCHECK NONE takes no arguments", ""),
    ("HEALTHCHECK curl a", 1, 13, 'Unknown type "CURL" in HEALTHCHECK (try CMD)', "HEALTHCHECK CMD curl a"),
    ("HEALTHCHECK --interval=5 CMD a", 1, 13, 'invalid duration "5" for --interval', "30s"),
    ("HEALTHCHECK --timeout=50ns CMD a", 1, 13, 'Interval "timeout" cannot be less than 1ms', ""),
    ("HEALTHCHECK --timeout=-1s CMD a", 1, 13, 'Interval "timeout" cannot be less than 1ms', ""),
    ("HEALTHCHECK --retries=-1 CMD a", 1, 13, "--retries cannot be negative (-1)", ""),
    ("HEALTHCHECK --retries=x CMD a", 1, 13, "--retries=x: a whole number is wanted", ""),
    ("HEALTHCHECK --retries=2147483648 CMD a", 1, 13, "a whole number is wanted", ""),
    ("HEALTHCHECK --intervall=1s CMD a", 1, 13, "unknown flag: --intervall", "did you mean --interval?"),
    ("ONBUILD", 1, 1, "ONBUILD requires at least one argument", ""),
    ("ONBUILD ONBUILD RUN a", 1, 1, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", ""),
    ("ONBUILD from a", 1, 9, "FROM isn't allowed as an ONBUILD trigger", ""),
    ("ONBUILD MAINTAINER a", 1, 9, "MAINTAINER isn't allowed as an ONBUILD trigger", ""),
    ("ONBUILD RUM a", 1, 9, "unknown instruction: RUM", "did you mean RUN?"),
    ("ONBUILD --a RUN b", 1, 9, "unknown flag: --a", ""),
    ("ONBUILD COPY a", 1, 1, "COPY requires at least two arguments", ""),
    (b"FROM a\nRUN echo \xe9", 2, 10, "byte 0xe9 is not UTF-8", "UTF-8"),
    (b"COPY <<E /a\n\xff\nE", 2, 1, "byte 0xff is not UTF-8", ""),
    (b"FROM a\nRUN b\0", 2, 6, "a NUL byte", ""),
    ("FROM a".encode("utf-16"), 1, 0, "the file is UTF-16", "iconv"),
    ("FROM a\nLABEL b=" + "c" * 65528, 2, 1, "dockerfile line greater than max allowed size of 65535", ""),
    ("FROM a\n# " + "ä" * 32767, 2, 1, "dockerfile line greater than max allowed size of 65535", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "problem", "cure"), REFUSED, ids=[f"{each[0]!r:.60}" for each in REFUSED])
def test_refused(text, line, column, problem, cure):
    with pytest.raises(DockerfileError) as caught:
        parse(text, name="some/Dockerfile")
    error = caught.value
    assert problem in error.problem
    assert cure in error.cure
    assert (error.location.line, error.location.column) == (line, column)
    assert str(error).startswith(f"some/Dockerfile:{line}" + (f":{column}: " if column else ": "))


def test_an_error_shows_its_line_and_marks_the_column():
    with pytest.raises(DockerfileError) as caught:
        parse("FROM a\n\nCOPY --chown=1 \\\n\t--form=b \\\n\t c d\n")
    assert str(caught.value).split("\n") == [
        "Dockerfile:4:2: unknown flag: --form",
        "     4 | \t--form=b \\",
        "       | \t^",
        "     5 | \t c d",
        "  cure: did you mean --from?",
    ]


def test_an_error_shows_no_control_characters_and_no_endless_line():
    with pytest.raises(DockerfileError) as caught:
        parse("BAD\x1b[2J" + "x" * 1000)
    assert "\x1b" not in "\n".join(str(caught.value).split("\n")[1:])
    assert len(str(caught.value).split("\n")[1]) < 250


def test_a_line_of_the_greatest_length():
    assert parse("LABEL b=" + "c" * 65527).instructions
    assert parse("# " + "ä" * 32766 + "\nFROM a").instructions


def test_bytes_of_old_in_comments_and_authors():
    found = parse(b"# J\xf6rg\nMAINTAINER J\xf6rg\n").instructions
    assert found[0].author == "J\N{REPLACEMENT CHARACTER}rg"
    assert found[0].source == "MAINTAINER J\N{REPLACEMENT CHARACTER}rg"

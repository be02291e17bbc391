"""Instructions that change an image's config alone: what each makes of it; and `--change`."""

from typing import Any

import pytest

from labcore.builder.image_config import apply, changed, ports, with_path
from labcore.builder.parser import instructions as ast
from labcore.errors import InvalidInput
from labcore.images import Config
from labcore.spec import Healthcheck

BASE = Config(
    architecture="amd64",
    diff_ids=(),
    environment=("PATH=/bin", "A=old", "B=b"),
    command=("inherited",),
    workdir="/srv",
    exposed_ports=("80/tcp",),
    volumes=("/v",),
    labels=(("a", "1"),),
    on_build=("RUN x",),
)
VARIABLES = {"A": "a b", "PORT": "81-82", "MORE": "8080 9090/udp", "SIG": "TERM", "REL": "sub/../deep", "ESC": "x"}


def made(what: type[ast.Instruction], **fields: Any) -> ast.Instruction:
    return what(what.__name__.upper(), "", ast.Location(1, 1), **fields)


def pairs(**values: str) -> tuple[ast.Pair, ...]:
    return tuple(ast.Pair(name, value) for name, value in values.items())


def line(text: str) -> ast.Command:
    return ast.Command((text,), is_shell=True)


@pytest.mark.parametrize(
    ("instruction", "changes"),
    [
        (made(ast.Env, pairs=pairs(A='"$A"', C="'$A'")), {"environment": ("PATH=/bin", "A=a b", "B=b", "C=$A")}),
        (made(ast.Env, pairs=pairs(A="1", D="$A")), {"environment": ("PATH=/bin", "A=1", "B=b", "D=a b")}),
        (made(ast.Env, pairs=(ast.Pair("${ESC}Y", "z"),)), {"environment": (*BASE.environment, "xY=z")}),
        (made(ast.Label, pairs=pairs(b="$A", a="2")), {"labels": (("a", "2"), ("b", "a b"))}),
        (made(ast.Cmd, command=line("echo $A")), {"command": ("/bin/sh", "-c", "echo $A")}),
        (made(ast.Cmd, command=ast.Command(("echo", "$A"))), {"command": ("echo", "$A")}),
        (made(ast.Cmd, command=ast.Command(())), {"command": ()}),
        (made(ast.Expose, ports=("80/TCP", "$PORT", "${MORE}")),
         {"exposed_ports": ("80/tcp", "8080/tcp", "81/tcp", "82/tcp", "9090/udp")}),
        (made(ast.Volume, paths=("/$ESC", "$A")), {"volumes": ("/v", "/x", "a b")}),
        (made(ast.User, user="$ESC:y"), {"user": "x:y"}),
        (made(ast.Workdir, path="/"), {"workdir": "/"}),
        (made(ast.Workdir, path="//x/./y/"), {"workdir": "/x/y"}),
        (made(ast.Workdir, path="$REL"), {"workdir": "/srv/deep"}),
        (made(ast.Workdir, path="../../.."), {"workdir": "/"}),
        (made(ast.Workdir, path="$NONE"), {"workdir": "/srv"}),
        (made(ast.StopSignal, signal="SIG$SIG"), {"stop_signal": "SIGTERM"}),
        (made(ast.StopSignal, signal="9"), {"stop_signal": "9"}),
        (made(ast.StopSignal, signal="RTMIN+3"), {"stop_signal": "RTMIN+3"}),
        (made(ast.Healthcheck), {"healthcheck": Healthcheck(("NONE",))}),
        (made(ast.Healthcheck, kind="CMD-SHELL", words=("curl $A",), interval=5, retries=3),
         {"healthcheck": Healthcheck(("CMD-SHELL", "curl $A"), interval=5, retries=3)}),
        (made(ast.Shell, words=("/bin/bash", "-ec")), {"shell": ("/bin/bash", "-ec")}),
        (made(ast.Onbuild, trigger="RUN $A"), {"on_build": ("RUN x", "RUN $A")}),
        (made(ast.Maintainer, author="me <$ESC@y>"), {"author": "me <$ESC@y>"}),
    ],
)  # fmt: skip
def test_an_instruction(instruction: ast.Instruction, changes: dict[str, object]) -> None:
    assert apply(instruction, BASE, VARIABLES) == BASE.replace(**changes)


def test_an_entrypoint_makes_an_inherited_command_void() -> None:
    entrypoint = made(ast.Entrypoint, command=ast.Command(("e",)))
    assert apply(entrypoint, BASE, {}, has_command=False) == BASE.replace(entrypoint=("e",), command=())
    assert apply(entrypoint, BASE, {}) == BASE.replace(entrypoint=("e",))


def test_the_shell_of_a_stage_is_that_of_its_commands() -> None:
    shell = BASE.replace(shell=("bash", "-c"))
    assert apply(made(ast.Cmd, command=line("x  y")), shell, {}).command == ("bash", "-c", "x  y")
    assert apply(made(ast.Entrypoint, command=line("x")), shell, {}).entrypoint == ("bash", "-c", "x")


def test_the_other_escape() -> None:
    assert apply(made(ast.Env, pairs=pairs(X="C:\\`$A")), BASE, VARIABLES, escape="`").environment[-1] == "X=C:\\$A"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("80", ["80/tcp"]),
        ("0/udp", ["0/udp"]),
        ("1-3/SCTP", ["1/sctp", "2/sctp", "3/sctp"]),
        ("53/", ["53/tcp"]),
        ("8080:80", ["80/tcp"]),
        ("127.0.0.1::80/udp", ["80/udp"]),
        ("[::1]:8080-8081:80-81", ["80/tcp", "81/tcp"]),
    ],
)
def test_ports(text: str, meant: list[str]) -> None:
    assert ports(text) == meant


@pytest.mark.parametrize(
    ("instruction", "says"),
    [
        *(
            (made(ast.Expose, ports=(text,)), why)
            for text, why in (
                ("eighty", "EXPOSE eighty: invalid containerPort: eighty"),
                ("65536", "invalid containerPort"),
                ("-1", "invalid containerPort"),
                ("3-1", "invalid containerPort: 3-1"),
                ("1-2-3", "invalid containerPort"),
                ("1\u0662", "invalid containerPort"),
                ("/tcp", "invalid containerPort"),
                ("80/http", "invalid proto: http"),
                ("x:80", "invalid hostPort: x"),
                ("a.b:1:80", "invalid IP address: a.b"),
            )
        ),
        (made(ast.Volume, paths=("$NONE",)), "VOLUME specified can not be an empty string"),
        (made(ast.StopSignal, signal="NOPE"), "invalid signal: NOPE"),
        (made(ast.StopSignal, signal="$NONE"), "invalid signal"),
        (made(ast.User, user="${U:?who}"), "U: who"),
        (made(ast.Env, pairs=pairs(A="'x")), "single-quote"),
    ],
)
def test_what_cannot_be(instruction: ast.Instruction, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        apply(instruction, BASE, {})


def test_no_stage_is_without_a_path() -> None:
    assert with_path(BASE) == BASE
    bare = BASE.replace(environment=("X=y",))
    assert with_path(bare).environment == ("X=y", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


def test_changes_are_expanded_from_the_config_s_environment() -> None:
    config = BASE.replace(environment=("PATH=/bin", "PORT=80", "HOME=/root"), exposed_ports=(), labels=())
    lines = (
        "ENV PATH=/x:$PATH PORT=81 OLD=$PORT",
        "",
        "# what follows knows these",
        "label at=${HOME} \\",
        "  by=$OLD",
        "EXPOSE $PORT 90-91/udp",
        "WORKDIR $HOME/$NONE",
        "USER u$PORT",
    )
    config = changed(config, "\n".join(lines))
    assert config.environment == ("PATH=/x:/bin", "PORT=81", "HOME=/root", "OLD=80")
    assert config.labels == (("at", "/root"), ("by", "80"))
    assert (config.exposed_ports, config.workdir, config.user) == (("81/tcp", "90/udp", "91/udp"), "/root", "u81")
    assert changed(config, "CMD echo $HOME").command == ("/bin/sh", "-c", "echo $HOME")


@pytest.mark.parametrize(
    ("text", "command", "entrypoint"),
    [
        ("", ("inherited",), ()),
        ('ENTRYPOINT ["e"]', (), ("e",)),
        ('CMD ["c"]\nENTRYPOINT ["e"]', ("c",), ("e",)),
        ('ENTRYPOINT ["e"]\nCMD c', ("/bin/sh", "-c", "c"), ("e",)),
    ],
)
def test_a_change_of_the_entrypoint(text: str, command: tuple[str, ...], entrypoint: tuple[str, ...]) -> None:
    found = changed(BASE, text)
    assert (found.command, found.entrypoint) == (command, entrypoint)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("RUN ls", "RUN is not a valid change command: CMD, ENTRYPOINT, "),
        ("USER x\nfrom busybox", "from is not a valid change command"),
        ("MAKE it", "MAKE is not a valid change command"),
        ('SHELL ["x"]', "SHELL is not a valid change command"),
        ("ARG x", "ARG is not a valid change command"),
        ("ENV", "ENV requires at least one argument"),
        ("ENV A=b c", "can't find = in"),
        ("LABEL a='b", "single-quote"),
        ("EXPOSE eighty", "is no port"),
        ("USER a\0b", "NUL"),
        ("# nothing", "no instructions"),
    ],
)
def test_changes_that_are_none(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        changed(BASE, text)

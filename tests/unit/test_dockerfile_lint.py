"""Lint: each rule by a Dockerfile that breaks it, and one that does not."""

from typing import Any

import pytest

from labcore.builder.lint import check, check_base, refuse
from labcore.builder.lint.check_options import CheckOptions
from labcore.builder.lint.closest import closest
from labcore.builder.lint.rules import RULES
from labcore.builder.parser import parse
from labcore.builder.parser.instructions import From
from labcore.errors import InvalidInput
from labcore.images import Config
from labcore.options.dockerignore import Patterns
from labcore.spec import Platform

ALL = "# check=experimental=all\n"


def said(text: str, **options: Any) -> list[tuple[int, str]]:
    return [(each.line, each.rule) for each in check(parse(text), **options)]


BROKEN = [
    ("StageNameCasing", 1, "FROM scratch AS Base\n", "FROM scratch AS base\n"),
    ("FromAsCasing", 1, "FROM scratch as base\n", "from scratch as base\n"),
    ("FromAsCasing", 1, "from --platform=$BUILDPLATFORM scratch AS base\n", "FROM --platform=$BUILDPLATFORM scratch AS base\n"),
    ("NoEmptyContinuation", 5, "FROM scratch\nLABEL a=b \\\n\n # note\n c=d\n", "FROM scratch\nLABEL a=b \\\n # note\n c=d\n"),
    ("NoEmptyContinuation", 4, "FROM scratch\nRUN <<E \\\n\n x\n\n\nE\n", "FROM scratch\nRUN <<E\n\n\nE\n"),
    ("ConsistentInstructionCasing", 2, "FROM scratch\nuser me\nLABEL a=b\n", "from scratch\nuser me\nlabel a=b\n"),
    ("ConsistentInstructionCasing", 1, "From scratch\nUSER me\n", "ARG a\nfrom scratch\nuser me\n"),
    ("DuplicateStageName", 2, "FROM scratch AS a\nFROM scratch AS a\n", "FROM scratch AS a\nFROM scratch AS b\n"),
    ("ReservedStageName", 1, "FROM scratch AS context\n", "FROM scratch AS contexts\n"),
    ("ReservedStageName", 1, "FROM scratch AS scratch\n", "FROM scratch\n"),
    ("JSONArgsRecommended", 2, "FROM scratch\nCMD run it\n", 'FROM scratch\nCMD ["run", "it"]\n'),
    ("JSONArgsRecommended", 2, "FROM scratch\nENTRYPOINT run it\n",
     'FROM scratch AS b\nSHELL ["sh"]\nFROM b\nENTRYPOINT run it\n'),
    ("MaintainerDeprecated", 2, "FROM scratch\nMAINTAINER me\n", "FROM scratch\nLABEL maintainer=me\n"),
    ("UndefinedArgInFrom", 2, "ARG tag=1\nFROM a:$tag$flavour\n", "ARG tag=1\nARG flavour\nFROM a:$tag$flavour\n"),
    ("UndefinedArgInFrom", 1, "FROM --platform=$BULIDPLATFORM a\n", "FROM --platform=$BUILDPLATFORM a\n"),
    ("UndefinedVar", 2, "FROM a\nCOPY $x .\nARG x\n", "FROM a\nARG x\nCOPY $x .\n"),
    ("UndefinedVar", 3, "ARG x=1\nFROM a\nLABEL x=$x\n", "ARG x=1\nFROM a\nARG x\nLABEL x=$x\n"),
    ("UndefinedVar", 2, "FROM a\nENV A=1 B=$A\n", "FROM a\nENV A=1\nENV B=$A\n"),
    ("UndefinedVar", 2, "FROM a\nARG B=$A A=1\n", "FROM a\nARG A=1 B=$A\n"),
    ("UndefinedVar", 2, "FROM a\nCOPY <<E /x\n$y\nE\n", "FROM a\nCOPY <<'E' /x\n$y\nE\n"),
    ("UndefinedVar", 3, "FROM a\nENV me=1\nUSER ${me:-$other}\n", "FROM a\nENV me=1 other=2\nUSER ${me:-$other}\n"),
    ("UndefinedVar", 2, "FROM a\nRUN --mount=type=cache,target=$there true\n", "FROM a\nRUN echo $there '$PATH' \\$x\n"),
    ("UndefinedVar", 4, "FROM a AS one\nARG x\nFROM b\nUSER $x\n", "FROM a AS one\nARG x\nFROM one\nUSER $x\n"),
    ("MultipleInstructionsDisallowed", 2, 'FROM a\nCMD ["x"]\nCMD ["y"]\n', 'FROM a AS b\nCMD ["x"]\nFROM b\nCMD ["y"]\n'),
    ("MultipleInstructionsDisallowed", 2, "FROM a\nHEALTHCHECK NONE\nHEALTHCHECK CMD x\n", "FROM a\nHEALTHCHECK NONE\n"),
    ("WorkdirRelativePath", 2, "FROM a\nWORKDIR app\nWORKDIR more\n", "FROM a AS b\nWORKDIR /app\nFROM b\nWORKDIR more\n"),
    ("WorkdirRelativePath", 3, "FROM a\nARG d=app\nWORKDIR $d\n", "FROM a\nARG d=/app\nWORKDIR $d\n"),
    ("LegacyKeyValueFormat", 2, "FROM a\nENV x y\n", "FROM a\nENV x=y\n"),
    ("LegacyKeyValueFormat", 2, "FROM a\nLABEL x y\n", "FROM a\nLABEL x=y z\\ =a\n"),
    ("RedundantTargetPlatform", 1, "FROM --platform=${TARGETPLATFORM} a\n", "FROM --platform=$BUILDPLATFORM a\n"),
    ("SecretsUsedInArgOrEnv", 2, "FROM a\nARG GITHUB_TOKEN\n", "FROM a\nARG TOKENIZER MONKEY\n"),
    ("SecretsUsedInArgOrEnv", 2, "FROM a\nENV api_Key=x\n", "FROM a\nENV PUBLIC_KEY=x PASSWORD_FILE=y KEY_VERSION=z\n"),
    ("InvalidDefaultArgInFrom", 2, "ARG IMAGE\nFROM $IMAGE\n", "ARG IMAGE=a\nFROM $IMAGE\n"),
    ("InvalidDefaultArgInFrom", 2, "ARG TAG\nFROM a:$TAG\n", "ARG TAG\nFROM a:1$TAG\n"),
    ("InvalidDefaultArgInFrom", 3, 'ARG X="box:"\nARG Y=${X}\nFROM busy$Y\n', "ARG TAG\nFROM a:${TAG:-1}\n"),
    ("FromPlatformFlagConstDisallowed", 1, "FROM --platform=linux/amd64 a\n", "FROM --platform=linux/amd64 a AS for_amd64\n"),
    ("FromPlatformFlagConstDisallowed", 1, "FROM --platform=arm64 a AS x\n", "FROM --platform=linux/${TARGETARCH} a\n"),
    ("InvalidDefinitionDescription", 4, ALL + "FROM a\n# what it is\nARG x\n", ALL + "FROM a\n# x is it\nARG x\n"),
    ("InvalidDefinitionDescription", 4, ALL + "\n# Base is it\nFROM a AS base\n", ALL + "\n# no\nFROM a\n# no\n\nARG x\n"),
    ("ExposeProtoCasing", 2, "FROM a\nEXPOSE 80/TCP\n", "FROM a\nEXPOSE 80/tcp 81\n"),
    ("ExposeInvalidFormat", 2, "FROM a\nEXPOSE 8080:80\n", "FROM a\nEXPOSE 80\n"),
    ("ExposeInvalidFormat", 3, "FROM a\nARG P=127.0.0.1:80:80\nEXPOSE $P\n", "FROM a\nARG P=80\nEXPOSE $P\n"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "line", "broken", "kept"), BROKEN)
def test_a_rule(rule: str, line: int, broken: str, kept: str) -> None:
    assert said(broken) == [(line, rule)]
    assert said(kept) == []


def test_each_rule_is_broken_above_and_has_a_reason_and_a_cure() -> None:
    assert {rule for rule, *_ in BROKEN} | {"CopyIgnoredFile", "InvalidBaseImagePlatform"} == RULES.keys()
    for rule in RULES.values():
        assert rule.reason.endswith(".")
        assert rule.cure.endswith(".")
    pages = {name: rule.url.split("/")[-2] for name, rule in RULES.items() if rule.url}
    assert RULES.keys() - pages.keys() == {"InvalidBaseImagePlatform"}  # of which docker has no page
    assert (pages["UndefinedArgInFrom"], pages["JSONArgsRecommended"]) == ("undefined-arg-in-from", "json-args-recommended")


def test_what_is_copied_and_never_sent() -> None:
    text = "FROM a AS b\nCOPY ./x/../secret /\nADD https://e.org/secret fine /\nADD secret /\nFROM b\nCOPY --from=b secret /\n"
    ignored = Patterns.parse("secret\n")
    assert said(ALL + text, ignored=ignored) == [(3, "CopyIgnoredFile"), (5, "CopyIgnoredFile")]
    assert said(text, ignored=ignored) == said(ALL + text) == []
    assert said(ALL + text, ignored=Patterns.parse("secret\n!secret/but\n")) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("FROM a\nENV PATH=$PAHT:/x\n", "Usage of undefined variable '$PAHT' (did you mean $PATH?)"),
        ("FROM a\nUSER $TARGETARCH\n", "Usage of undefined variable '$TARGETARCH'"),
        ("ARG MY_ARCH\nFROM --platform=linux/${MYARCH} a\n", "FROM argument 'MYARCH' is not declared"),
        (
            "ARG MY_ARCH=arm\nFROM --platform=linux/${MYARCH} a\n",
            "FROM argument 'MYARCH' is not declared (did you mean MY_ARCH?)",
        ),
        ("FROM a\nARG P=80/TCP\nEXPOSE 1 $P\n", "Defined protocol '80/TCP' in EXPOSE instruction should be lowercase"),
        ("from a\nCMD x\nlabel a=b\nentrypoint y\n", "JSON arguments recommended for CMD to prevent unintended behavior"),
    ],
)
def test_what_is_said(text: str, says: str) -> None:
    assert any(each.text.startswith(says) for each in check(parse(text)))


def test_arguments_of_the_build_count() -> None:
    text = "ARG DIR=app\nFROM a\nARG DIR\nWORKDIR $DIR\n"
    assert said(text) == [(4, "WorkdirRelativePath")]
    assert said(text, arguments=(("DIR", "/app"),)) == []


def test_an_image_s_variables_and_shell_count_where_they_are_known() -> None:
    text = "FROM golang\nWORKDIR /src\nCOPY x $GOPATH\nCMD x\n"
    config = Config("amd64", (), environment=("GOPATH=/go",), shell=("bash", "-c"))
    assert said(text) == [(3, "UndefinedVar"), (4, "JSONArgsRecommended")]
    assert said(text, config_of={"golang": config}.get) == []


@pytest.mark.parametrize(
    ("actual", "expected", "is_warned_of"),
    [
        ("linux/arm64", "linux/amd64", True),
        ("windows/amd64", "linux/amd64", True),
        ("linux/arm64", "linux/arm64", False),
        ("linux/arm/v5", "linux/arm/v7", False),
    ],
)
def test_the_platform_of_a_base(actual: str, expected: str, is_warned_of: bool) -> None:
    dockerfile = parse("# a\nFROM a:1\n")
    (base,) = dockerfile.instructions
    assert isinstance(base, From)
    found = check_base(dockerfile, base, "a:1", actual=Platform.parse(actual), expected=Platform.parse(expected))
    text = f'Base image a:1 was pulled with platform "{actual}", expected "{expected}" for current build'
    assert [(each.line, each.rule, each.text) for each in found] == (
        [(2, "InvalidBaseImagePlatform", text)] if is_warned_of else []
    )


def test_stages_that_a_target_does_not_need_are_not_looked_at() -> None:
    text = "FROM a AS one\nENV x y\nFROM a AS two\nENV x y\nFROM one AS three\nCOPY --from=0 . .\nUSER $x\n"
    assert [line for line, _ in said(text)] == [2, 4]
    assert [line for line, _ in said(text, target="three")] == [2]
    with pytest.raises(InvalidInput, match='"four" could not be found'):
        said(text, target="four")


def test_rules_are_skipped_and_made_errors() -> None:
    text = "FROM scratch as base\ncopy x .\n"
    assert said(text) == [(1, "FromAsCasing"), (2, "ConsistentInstructionCasing")]
    assert said("#check=skip=ConsistentInstructionCasing,FromAsCasing\n" + text) == []
    assert said("# check=skip=all;error=true\n" + text) == []
    strict = parse("# check=skip=FromAsCasing;error=true\n" + text)
    with pytest.raises(InvalidInput, match="lint violation found for rules: ConsistentInstructionCasing"):
        refuse(strict, check(strict))
    refuse(strict, [])
    lenient = (("BUILDKIT_DOCKERFILE_CHECK", "skip=all"),)
    refuse(strict, check(strict, arguments=lenient), arguments=lenient)
    assert said("# check=skip=all\n" + text, arguments=(("BUILDKIT_DOCKERFILE_CHECK", "error=1"),)) == [
        (2, "FromAsCasing"), (3, "ConsistentInstructionCasing"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["skip", "leave=all", "error=perhaps", "skip=all;;error=true"])
def test_options_that_are_none(text: str) -> None:
    with pytest.raises(InvalidInput, match="check option"):
        CheckOptions.parse(text)


def test_what_cannot_be_expanded_is_left_to_the_build() -> None:
    text = "ARG x=${y:?}\nFROM a:${x?no}\nUSER 'open\nENV a=${b:x}\nWORKDIR ${c:?}\nEXPOSE ${d?}\n"
    assert ("UndefinedVar" in {rule for _, rule in said(text)}) is True


def test_the_name_that_was_meant() -> None:
    assert closest("abc", ["xyz", "abd", "ab"]) == "abd"
    assert closest("abc", ["abc", "abd"]) == closest("abc", ["abcdef"]) == closest("a", []) == ""
    assert closest("MYARCH", ["MY_ARCH"]) == "MY_ARCH"

"""Challenges as servers write them (RFC 9110, 11.6.1)."""

import time

import pytest

from labcore.registry.challenges import challenges_of

BEARER = 'Bearer realm="https://a/token",service="s",scope="repository:x:pull"'
KNOWN = {"realm": "https://a/token", "service": "s", "scope": "repository:x:pull"}
BASIC = 'Basic realm="Registry Realm"'


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ([BEARER], [("bearer", KNOWN)]),
        ([BASIC, BEARER], [("basic", {"realm": "Registry Realm"}), ("bearer", KNOWN)]),
        ([f"{BEARER}, {BASIC}"], [("bearer", KNOWN), ("basic", {"realm": "Registry Realm"})]),
        ([f"{BASIC},{BEARER}"], [("basic", {"realm": "Registry Realm"}), ("bearer", KNOWN)]),
        ([f"Negotiate, {BEARER}"], [("negotiate", {}), ("bearer", KNOWN)]),
        ([f"Negotiate YWJj==, {BEARER}"], [("negotiate", {}), ("bearer", KNOWN)]),
        (['bEARER Realm="r",SCOPE="s"'], [("bearer", {"realm": "r", "scope": "s"})]),
        (['Bearer realm = "r" , service\t=\t"s"'], [("bearer", {"realm": "r", "service": "s"})]),
        (["Bearer realm=https://a/token?b=1,service=s"], [("bearer", {"realm": "https://a/token?b=1", "service": "s"})]),
        (['Bearer realm="a \\"b\\" \\\\c, d=e"'], [("bearer", {"realm": 'a "b" \\c, d=e'})]),
        (['Bearer scope="repository:x:pull,push"'], [("bearer", {"scope": "repository:x:pull,push"})]),
        (['Bearer\trealm="r"'], [("bearer", {"realm": "r"})]),
        (['Bearer   realm="r"'], [("bearer", {"realm": "r"})]),
        (['Bearer\r\n realm="r",\r\n service="s"'], [("bearer", {"realm": "r", "service": "s"})]),
        ([',, Bearer ,realm="r",,service=s,'], [("bearer", {"realm": "r", "service": "s"})]),
        (['Bearer realm="r",realm="q"'], [("bearer", {"realm": "r"})]),
        (['Bearer realm="",error="insufficient_scope"'], [("bearer", {"realm": "", "error": "insufficient_scope"})]),
        (['Bearer error="realm=x, Basic",realm="r"'], [("bearer", {"error": "realm=x, Basic", "realm": "r"})]),
        (["", "Moon", BEARER], [("moon", {}), ("bearer", KNOWN)]),
        (['Bearer realm="r', BASIC], [("bearer", {}), ("realm", {}), ("basic", {"realm": "Registry Realm"})]),
        (['="x"', "@@", "\xff"], []),
    ],
)  # fmt: skip
def test_challenges(fields: list[str], found: list[tuple[str, dict[str, str]]]) -> None:
    assert [tuple(challenge) for challenge in challenges_of(fields)] == found


@pytest.mark.parametrize(
    "field",
    ["a" * 60_000, "B " + "a" * 60_000, "B a=" * 15_000, 'B a="' + "\\" * 60_000, "," * 60_000, "B a ," * 10_000,
     "B x" + " " * 60_000 + "y", "B " + 'a="b" ' * 10_000, "B" + " a" * 30_000, 'B a="' + 'b="' * 20_000],
)  # fmt: skip
def test_a_long_one_is_read_in_no_time(field: str) -> None:
    begun = time.process_time()
    challenges_of([field])
    assert time.process_time() - begun < 2

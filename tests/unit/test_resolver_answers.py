"""DNS answers out of a zone: names, aliases, links, reverse, and what hostile clients send."""

import random

import dns.flags
import dns.message
import dns.rcode
import pytest

from labcore.network.resolver.answers import ROTATIONS, Answers, failure, malformed, parsed
from labcore.network.resolver.upstream import is_answer
from labcore.network.resolver.zone import Zone
from labcore.spec.network import Endpoint, EndpointOptions


def endpoint(owner: str, last: int, *names: str, network: str = "1", **wanted: object) -> Endpoint:
    options = EndpointOptions("net", **wanted)
    return Endpoint(
        f"{owner}-{network}", network, owner, "veth", "eth0", "02:00:00:00:00:01", options, f"10.0.{network}.{last}/24",
        f"fd00:{network}::{last}/64" if last % 2 else "", names=names,
    )  # fmt: skip


ENDPOINTS = [
    endpoint("web", 3, "Web", "all"),
    endpoint("db", 4, "db", "all", links=(("Web", "front"),)),
    endpoint("db", 5, "db", network="2", priority=5),
    endpoint("far", 6, "far", network="2"),
    endpoint("lone", 7, "lone", network="3"),
]
ZONE = Zone(ENDPOINTS, {"1": "one", "2": "two", "3": "three"})


def ask(owner: str, name: str, kind: str = "A", answers: Answers | None = None) -> list[str] | None:
    made = (answers or Answers(ZONE)).answer(owner, dns.message.make_query(name, kind).to_wire())
    if made is None:
        return None
    response = dns.message.from_wire(made)
    assert response.rcode() == dns.rcode.NOERROR
    return [record.to_text() for rrset in response.answer for record in rrset]


@pytest.mark.parametrize(
    ("owner", "name", "kind", "found"),
    [
        ("db", "web", "A", ["10.0.1.3"]),
        ("db", "WEB.one.", "A", ["10.0.1.3"]),
        ("db", "web", "AAAA", ["fd00:1::3"]),
        ("web", "db", "AAAA", []),  # it is ours, and has none: nobody else is asked
        ("db", "web", "MX", []),
        ("db", "front", "A", ["10.0.1.3"]),
        ("web", "front", "A", None),  # another's link
        ("db", "far", "A", ["10.0.2.6"]),
        ("web", "far", "A", None),  # on a network that it is not on
        ("db", "db", "A", ["10.0.2.5"]),  # on the network that comes first
        ("web", "lone", "A", None),
        ("web", "web.two", "A", None),
        ("web", "example.com", "A", None),
        ("nobody", "web", "A", None),
        ("web", "4.1.0.10.in-addr.arpa", "PTR", ["db.one."]),
        ("web", "6.2.0.10.in-addr.arpa", "PTR", None),
        ("web", "x.in-addr.arpa", "PTR", None),
    ],
)
def test_a_name_is_resolved_as_its_asker_sees_it(owner: str, name: str, kind: str, found: list[str] | None) -> None:
    assert ask(owner, name, kind) == found


@pytest.mark.parametrize(
    ("network", "pointer"),
    [("my net", "Web.my\\032net."), ("a/b.c", "Web.a/b.c."), ("..", "Web."), ("ü", "Web.\\195\\188."), ("x" * 64, None)],
)
def test_a_network_may_be_called_anything(network: str, pointer: str | None) -> None:
    answers = Answers(Zone([endpoint("web", 3, "Web")], {"1": network}))
    assert ask("web", "3.1.0.10.in-addr.arpa", "PTR", answers) == ([pointer] if pointer else [])
    if pointer:
        assert ask("web", pointer, "A", answers) == ["10.0.1.3"]


def test_an_ipv6_address_has_a_name() -> None:
    reverse = "3." + "0." * 23 + "1.0.0.0.0.0.d.f.ip6.arpa"
    assert ask("db", reverse, "PTR") == ["Web.one."]


def test_containers_of_one_alias_take_turns() -> None:
    answers = Answers(ZONE)
    firsts = [(ask("web", "all", answers=answers) or [""])[0] for _ in range(2 * ROTATIONS)]
    assert set(firsts) == {"10.0.1.3", "10.0.1.4"}
    assert abs(firsts.count("10.0.1.3") - ROTATIONS) <= 1


def test_an_answer_that_is_kept_has_the_new_questions_id() -> None:
    answers = Answers(ZONE)
    for number in (7, 65535):
        query = dns.message.make_query("web", "A", id=number)
        made = answers.answer("db", query.to_wire())
        assert made is not None
        assert query.is_response(dns.message.from_wire(made))


def test_what_is_too_long_for_udp_is_asked_again_by_tcp() -> None:
    many = Answers(Zone([endpoint(f"o{last}", last, "all") for last in range(1, 200)], {}))
    question = dns.message.make_query("all", "A").to_wire()
    short, whole = many.answer("o1", question), many.answer("o1", question, is_tcp=True)
    assert short is not None
    assert whole is not None
    assert len(short) <= 512
    assert dns.message.from_wire(short).flags & dns.flags.TC
    assert len(dns.message.from_wire(whole).answer[0]) == 199


def test_what_is_no_question_is_refused() -> None:
    question = dns.message.make_query("web", "A")
    assert malformed(b"short") == b""
    assert Answers(ZONE).answer("web", dns.message.make_response(question).to_wire()) == b"", "two servers would talk for ever"
    two = question.to_wire()[:4] + b"\0\2" + question.to_wire()[6:]
    made = Answers(ZONE).answer("web", two)
    assert made is not None
    assert (made[:2], made[3] & 15) == (two[:2], dns.rcode.FORMERR)


def test_random_bytes_do_no_harm() -> None:
    drawn, answers = random.Random(1), Answers(ZONE)
    good = dns.message.make_query("web", "A").to_wire()
    for _ in range(3000):
        wire = bytearray(good)
        for _ in range(drawn.randrange(1, 6)):
            wire[drawn.randrange(len(wire))] = drawn.randrange(256)
        answers.answer("web", bytes(wire[: drawn.randrange(len(wire) + 1)]))


def test_an_answer_is_believed_only_if_it_is_to_that_question() -> None:
    query = dns.message.make_query("Example.com", "A", id=5)
    response = dns.message.make_response(query).to_wire()
    other = dns.message.make_response(dns.message.make_query("example.org", "A", id=5)).to_wire()
    wire = query.to_wire()
    assert is_answer(response, wire)
    assert not is_answer(other, wire)
    assert not is_answer(b"\0\6" + response[2:], wire)
    assert not is_answer(wire, wire)
    assert not is_answer(b"", wire)
    assert parsed(wire) is not None
    assert dns.message.from_wire(failure(query, dns.rcode.SERVFAIL)).rcode() == dns.rcode.SERVFAIL

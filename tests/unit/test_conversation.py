"""Bytes of HTTP/1.1 connections become requests and answers, and those a few lines to be read."""

from labcore.lab.conversation import Conversation, Tape, pretty, readable

ID = "4f" * 32
PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Length: 0\r\n\r\n"


def taped(*blocks: bytes) -> Tape:
    """Return a tape of what passed: what begins with `HTTP/` is the daemon's."""
    tape = Tape(1)
    for block in blocks:
        (tape.answered if block.startswith(b"HTTP/") else tape.asked)(block)
    return tape


def shown(tape: Tape) -> str:
    return repr(Conversation(tuple(tape.turns())))


def test_requests_on_one_connection_are_told_apart() -> None:
    asked = b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Length: 17\r\n\r\n" + b'{"Image": "box"}\n'
    created = b'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"Id"\r\n9\r\n: "4f4f"}\r\n0\r\n\r\n'
    tape = taped(b"HEAD /_ping HTTP/1.1\r\nHost: d\r\n\r\n", PING, asked, created + b"HTTP/1.1 204 No Content\r\n\r\n")
    tape.asked(b"POST /containers/4f4f/start HTTP/1.1\r\n\r\n")
    said = shown(tape)
    assert said.splitlines() == [
        "→ HEAD /_ping",
        "← 200 OK",
        "    Api-Version: 1.51",
        "→ POST /containers/create",
        '    {"Image": "box"}',
        "← 201 Created",
        '    {"Id": "4f4f"}',
        "→ POST /containers/4f4f/start",
        "← 204 No Content",
    ]


def test_an_answer_that_is_not_whole_yet_is_told_as_far_as_it_came() -> None:
    tape = taped(b"GET /events HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
    assert "← 200 OK\n    {}" in shown(tape)
    assert "← (no answer)" in shown(taped(b"GET /events HTTP/1.1\r\n\r\n"))
    assert shown(taped(b"GET /ev")) == "(nothing was asked)"


def test_a_connection_that_is_taken_over_carries_bytes() -> None:
    answer = b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n"
    tape = taped(b"POST /attach HTTP/1.1\r\n\r\n", answer + b"\x01\0\0\0\0\0\0\x03hi\n")
    assert "11 raw bytes followed" in shown(tape)
    assert len(list(tape.turns())) == 1


def test_json_is_shown_without_what_is_empty_and_ids_are_short() -> None:
    empty = ", ".join(f'"Empty{number}": null' for number in range(20))
    body = f'{{"Id": "{ID}", "Inner": {{"On": true, "Off": false}}, {empty}}}'.encode()
    assert readable(body) == ['{"Id": "4f4f4f4f4f4f…", "Inner": {"On": true}}', "(21 fields that are empty or 0 are left out)"]
    assert readable(b'{"StatusCode": 0}\n') == ['{"StatusCode": 0}']
    assert readable(b"\xff\xfe") == ["2 bytes"]
    assert len(readable(b"line\n" * 99)) == 25
    assert pretty({"a": ["x" * 40, "y" * 40]})[0] == "{"


def test_a_part_of_a_conversation_is_known_by_a_word_of_its_requests() -> None:
    tape = taped(b"HEAD /_ping HTTP/1.1\r\n\r\n", PING)
    tape.asked(b"POST /containers/create HTTP/1.1\r\n\r\n")
    turns = Conversation(tuple(tape.turns()))
    assert [each.request.first for each in turns.about("create").turns] == ["POST /containers/create HTTP/1.1"]
    assert turns.about("exec").turns == ()

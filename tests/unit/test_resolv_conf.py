"""resolv.conf(5): what a container's says, of what the machine's says and what was asked for."""

from pathlib import Path

import pytest

from labcore.engine import create_options
from labcore.engine.network import resolv_conf
from labcore.engine.network.resolv_conf import PUBLIC, ResolvConf, embedded, own, parse, wanted

TEXT = """# made by hand
nameserver 192.0.2.1
nameserver 127.0.0.1
domain a
search b  c
options edns0
options ndots:2
nameserver 2001:db8::1
nameserver
"""
READ = ResolvConf(("192.0.2.1", "127.0.0.1", "2001:db8::1"), ("b", "c"), ("edns0", "ndots:2"))


def test_it_is_read_and_written() -> None:
    assert parse(TEXT) == READ
    assert parse(str(READ)) == READ
    assert str(ResolvConf()) == ""


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({}, READ),
        ({"dns": ["9.9.9.9"]}, READ.replace(servers=("9.9.9.9",))),
        ({"dns_search": ["x"], "dns_options": ["rotate"]}, READ.replace(search=("x",), options=("rotate",))),
        ({"dns_search": ["."]}, READ.replace(search=())),
    ],
)
def test_options_take_the_place_of_what_the_machine_says(fields: dict[str, list[str]], made: ResolvConf) -> None:
    assert wanted(create_options("x", **fields), READ) == made


def test_a_namespace_of_its_own_does_not_reach_the_machines_loopback() -> None:
    assert own(READ, ipv6=True).servers == ("192.0.2.1", "2001:db8::1")
    assert own(READ, ipv6=False).servers == ("192.0.2.1",)
    assert own(ResolvConf(("127.0.0.53", "::1")), ipv6=True).servers == PUBLIC
    assert own(READ, ipv6=False, loopback="10.0.2.3").servers == ("192.0.2.1", "10.0.2.3")
    assert own(ResolvConf(("127.0.0.53", "::1")), ipv6=True, loopback="10.0.2.3").servers == ("10.0.2.3",)


def test_the_embedded_server_is_asked_for_names_without_a_dot() -> None:
    assert embedded(READ) == READ.replace(servers=("127.0.0.11",))
    assert embedded(ResolvConf(options=("edns0",))).options == ("edns0", "ndots:0")


def test_systemds_stub_is_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stub").write_text("nameserver 127.0.0.53\nsearch lan\n")
    (tmp_path / "real").write_text("nameserver 192.0.2.7\n")
    monkeypatch.setattr(resolv_conf, "MACHINES", str(tmp_path / "stub"))
    monkeypatch.setattr(resolv_conf, "SYSTEMDS", str(tmp_path / "real"))
    assert resolv_conf.machines() == ResolvConf(("192.0.2.7",), ("lan",))
    (tmp_path / "real").unlink()
    assert resolv_conf.machines().servers == ("127.0.0.53",)

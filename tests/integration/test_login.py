"""Users, passwords and the programs that keep them; and what is never said of them."""

import base64
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from labcore.cli import main
from labcore.errors import InvalidInput, Unavailable
from labcore.http import Request, Response
from labcore.registry.credentials import Credentials, find, forget, keep
from labcore.registry.docker_config import config_file
from labcore.registry.endpoint import Endpoint, RegistryError
from labcore.registry.server import Registry, Settings
from labcore.registry.server_auth import Htpasswd
from labcore.registry.transport import Transport
from tests.conftest import needs, needs_root
from tests.daemon import RunningDaemon, own_daemon
from tests.serving import served
from tests.threads import Started

HELPER = """#!/usr/bin/env python3
import json, os, sys
folder = os.environ["KEYCHAIN"]
text = sys.stdin.read()
key = json.loads(text)["ServerURL"] if sys.argv[1] == "store" else text
path = os.path.join(folder, key.replace("/", "_"))
if sys.argv[1] == "store":
    open(path, "w").write(text)
elif not os.path.exists(path):
    print("credentials not found in native keychain")
    sys.exit(1)
elif sys.argv[1] == "get":
    print(open(path).read())
else:
    os.remove(path)
"""


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "docker/config.json"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with own_daemon(tmp_path_factory.mktemp("state")) as found:
        yield found


@pytest.fixture
def asked(daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch) -> RunningDaemon:
    """The daemon that commands ask."""
    monkeypatch.setenv("LABCORE_ROOT", str(daemon.root))
    return daemon


@pytest.fixture
def keychain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A credential helper called `drawer`; return where it keeps what it is given."""
    folder, program = tmp_path / "keychain", tmp_path / "bin/docker-credential-drawer"
    folder.mkdir()
    program.parent.mkdir()
    program.write_text(HELPER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("KEYCHAIN", str(folder))
    return folder


def passwords(folder: Path) -> Htpasswd:
    """Let anna in, whose password is hush-hush."""
    path = folder / "htpasswd"
    path.write_text("anna:" + bcrypt.hashpw(b"hush-hush", bcrypt.gensalt(4)).decode() + "\n")
    return Htpasswd(path)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with served(Registry(tmp_path / "registry", Settings(passwords(tmp_path))).answer) as address:
        yield address


def login(address: str, password: str, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
    return main(["login", address, "-u", "anna", "--password-stdin", *words])


@pytest.mark.usefixtures("asked")
def test_there_and_back(address: str, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    file.parent.mkdir()
    file.write_text('{"auths": {"a.b": {"auth": "eDp5"}}, "psFormat": "table {{.ID}}"}')
    file.chmod(0o644)
    assert login(address, "hush-hush", monkeypatch) == 0
    said = capsys.readouterr()
    assert said.out == f"Login Succeeded: anna at {address}; kept in {file}\n"
    config = json.loads(file.read_text())
    assert config["psFormat"] == "table {{.ID}}"
    assert config["auths"] == {"a.b": {"auth": "eDp5"}, address: {"auth": base64.b64encode(b"anna:hush-hush").decode()}}
    assert file.stat().st_mode & 0o777 == 0o600
    assert find(address) == Credentials("anna", "hush-hush")
    assert main(["logout", address]) == main(["logout", address]) == 0
    assert capsys.readouterr().out == f"{address}: forgotten\n{address}: nothing was kept\n"
    assert list(json.loads(file.read_text())["auths"]) == ["a.b"]


@pytest.mark.usefixtures("asked")
def test_what_the_registry_does_not_take_is_not_kept(
    address: str, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert login(address, "wr0ng", monkeypatch) == 1
    said = capsys.readouterr()
    assert said.err == "labcore: unauthorized: authentication required\n"
    assert "wr0ng" not in said.err + said.out
    assert not file.exists()
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(["login", address]) == 1
    assert "-u USER --password-stdin" in capsys.readouterr().err
    assert main(["login", address, "--password-stdin"]) == 1
    assert main(["login", "http://" + address]) == 1
    assert "is no registry" in capsys.readouterr().err


@pytest.mark.usefixtures("asked")
def test_with_a_token(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def handler(request: Request) -> Response:
        if request.path == "/token":
            good = base64.b64decode(request.headers["authorization"].split()[1]) == b"anna:hush-hush"
            return Response(200, {}, b'{"access_token": "t"}') if good else Response(401)
        if request.headers.get("authorization") == "Bearer t":
            return Response(200)
        return Response(401, {"WWW-Authenticate": f'Bearer realm="http://{request.headers["host"]}/token", service=x'})

    with served(handler) as address:
        assert login(address, "wr0ng", monkeypatch) == 1
        assert not file.exists()
        assert login(address, "hush-hush", monkeypatch) == 0
        assert find(address) == Credentials("anna", "hush-hush")


@pytest.mark.usefixtures("asked")
def test_a_terminal_is_asked(address: str, file: Path) -> None:
    needs("setsid")
    master, slave = os.openpty()
    command = ["setsid", "-c", "-w", sys.executable, "-m", "labcore", "login", address]
    with Started(command, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        said = b""
        for prompt, typed in ((f"User at {address}: ", "anna\n"), ("Password: ", "hush-hush\n"), ("Login Succeeded", "")):
            while prompt.encode() not in said:
                said += os.read(master, 1000)
            os.write(master, typed.encode())
        assert process.wait(30) == 0
    os.close(master)
    assert b"hush-hush" not in said
    assert find(address) == Credentials("anna", "hush-hush")


@pytest.mark.usefixtures("asked")
def test_a_helper_keeps_it(address: str, file: Path, keychain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.parent.mkdir()
    file.write_text('{"credsStore": "drawer"}')
    assert find(address) is None
    assert login(address, "hush-hush", monkeypatch) == 0
    assert json.loads(file.read_text()) == {"credsStore": "drawer", "auths": {address: {}}}
    assert json.loads((keychain / address).read_text()) == {"ServerURL": address, "Username": "anna", "Secret": "hush-hush"}
    assert find(address) == Credentials("anna", "hush-hush")
    assert forget(address)
    assert list(keychain.iterdir()) == []
    assert not forget(address)


def test_a_helper_for_one_registry(file: Path, keychain: Path) -> None:
    file.parent.mkdir()
    file.write_text('{"credHelpers": {"a.b": "drawer"}, "auths": {"c.d": {"auth": "eDp5"}}}')
    (keychain / "a.b").write_text('{"ServerURL": "a.b", "Username": "<token>", "Secret": "identity"}')
    assert find("a.b") == Credentials("", "", "identity")
    assert find("c.d") == Credentials("x", "y")
    assert find("e.f") is None
    file.write_text(
        '{"credHelpers": {"https://index.docker.io/v1/": "drawer", "a.b": null, "c.d": ""}, "credsStore": "drawer"}'
    )
    for key in ("a.b", "c.d"):
        (keychain / key).write_text('{"Username": "in the keychain", "Secret": "y"}')
        assert find(key) is None  # it is said to be in the file
    (keychain / "https:__index.docker.io_v1_").write_text('{"Username": "x", "Secret": "y"}')
    assert find("docker.io") == Credentials("x", "y")
    (keychain / "e.f").write_text('{"Username": "", "Secret": ""}')
    assert find("e.f") is None
    file.write_text('{"credHelpers": {"docker.io": "drawer", "a.b": 5}}')
    assert find("docker.io") == Credentials("x", "y")
    with pytest.raises(Unavailable, match=r"credHelpers: the name of a helper is wanted for a\.b"):
        find("a.b")


@pytest.mark.parametrize(
    ("helper", "said"),
    [
        ("exit 3", "`get` ended with status 3"),
        ("echo no json", "cannot be understood"),
        ("echo '[\"hush-hush\"]'", "cannot be understood"),
        ("echo null", "cannot be understood"),
        ('echo \'{"Username": null, "Secret": null}\'', "cannot be understood"),
        ('echo \'{"Username": "x"}\'', "cannot be understood"),
        ('echo \'{"Username": 1, "Secret": "hush-hush"}\'', "cannot be understood"),
        ("printf '\\377'", "UnicodeDecodeError"),
        ("kill -9 $$", "status -9"),
        (None, "no such program on PATH"),
    ],
)
def test_helpers_that_fail(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helper: str | None, said: str) -> None:
    file.parent.mkdir()
    file.write_text('{"credsStore": "poor"}')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    if helper:
        (tmp_path / "docker-credential-poor").write_text(f"#!/bin/sh\necho hush-hush >&2\n{helper}\n")
        (tmp_path / "docker-credential-poor").chmod(0o755)
    with pytest.raises(Unavailable, match=said) as failed:
        find("a.b")
    assert "hush-hush" not in str(failed.value)
    file.write_text('{"credsStore": "../../bin/sh"}')
    with pytest.raises(Unavailable, match="not a path"):
        find("a.b")


@pytest.mark.parametrize(
    ("key", "registry"),
    [("https://index.docker.io/v1/", "docker.io"), ("docker.io", "docker.io"), ("index.docker.io", "docker.io"),
     ("registry-1.docker.io", "docker.io"), ("https://docker.io/v2/", "docker.io"), ("index.docker.io/v1/", "docker.io"),
     ("https://a.b/v1/", "a.b"), ("http://a.b:5000", "a.b:5000"), ("a.b", "a.b"), ("a.b/v1/", "a.b"), ("HTTPS://a.b/", "a.b"),
     ("a.b:5000/v2", "a.b:5000"), ("https://a.b/some/path", "a.b")],
)  # fmt: skip
def test_how_docker_names_registries(file: Path, key: str, registry: str) -> None:
    file.parent.mkdir()
    file.write_text(json.dumps({"auths": {key: {"auth": "eDp5"}, "a.b.c": {"auth": "YTpi"}}}))
    assert find(registry) == Credentials("x", "y")
    assert forget(registry)
    assert list(json.loads(file.read_text())["auths"]) == ["a.b.c"]


@pytest.mark.parametrize(
    "text",
    ["[]", "{", '{"auths": []}', '{"credHelpers": "x"}', '{"credsStore": 5}', "\xff", "[" * 100_000, '"x"', "1" * 5000],
)
def test_files_that_are_not_dockers(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(Unavailable, match=str(file)):
        find("a.b")
    with pytest.raises(Unavailable):
        keep("a.b", Credentials("x", "y"))
    assert file.read_bytes() == text.encode("latin-1")


@pytest.mark.parametrize("text", ["", "\n", "null", "{}", '{"auths": null, "credHelpers": null, "credsStore": null}'])
def test_files_that_say_nothing(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    assert find("a.b") is None
    keep("a.b", Credentials("x", "y"))
    assert json.loads(file.read_text()) == {"auths": {"a.b": {"auth": "eDp5"}}}


def test_a_file_that_cannot_be_read_or_written(file: Path) -> None:
    file.mkdir(parents=True)
    for work in (lambda: find("a.b"), lambda: forget("a.b"), lambda: keep("a.b", Credentials("x", "y"))):
        with pytest.raises(Unavailable, match=f"{file} cannot be read: Is a directory"):
            work()
    file.rmdir()
    file.parent.rmdir()
    file.parent.write_text("")
    with pytest.raises(Unavailable, match=f"{file} cannot be (read|written): Not a directory"):
        keep("a.b", Credentials("x", "y"))


def test_what_else_is_in_the_file_stays(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('{"experimental": false, "HttpHeaders": {}, "plugins": null}')
    keep("a.b", Credentials("x", "y"))
    auths = {"a.b": {"auth": "eDp5"}}
    assert json.loads(file.read_text()) == {"experimental": False, "HttpHeaders": {}, "plugins": None, "auths": auths}


def test_entries_that_hold_nothing(file: Path) -> None:
    file.parent.mkdir()
    for entry in ({}, None, {"auth": ""}, {"auth": None, "username": None, "identitytoken": None}, {"email": "x"}):
        file.write_text(json.dumps({"auths": {"a.b": entry}}))
        assert find("a.b") is None
    with pytest.raises(InvalidInput):
        keep("a.b", Credentials("x:y", "z"))
    with pytest.raises(InvalidInput, match="UTF-8"):
        keep("a.b", Credentials("x", "\ud800"))


@pytest.mark.parametrize(
    "entry",
    [[], "x", {"auth": "%%"}, {"auth": 5}, {"auth": "eA=="}, {"username": ["x"]}, {"identitytoken": 1},
     {"auth": base64.b64encode(b"\xff:x").decode()}],
)  # fmt: skip
def test_entries_that_are_damaged_are_named_and_not_shown(file: Path, entry: Any) -> None:
    file.parent.mkdir()
    file.write_text(json.dumps({"auths": {"a.b": entry, "c.d": {"auth": "eDp5"}}}))
    with pytest.raises(Unavailable, match=r"auths, 'a\.b'.*\n  cure: labcore login"):
        find("a.b")
    assert find("c.d") == Credentials("x", "y")  # it is another's
    keep("a.b", Credentials("x", "z"))
    assert find("a.b") == Credentials("x", "z")


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"username": "x", "password": "y"}, Credentials("x", "y")),
        ({"auth": "eDp5", "username": "other", "password": None}, Credentials("x", "y")),
        ({"auth": "eDp5\n"}, Credentials("x", "y")),
        ({"auth": base64.b64encode(b"x:y:z\0\0").decode()}, Credentials("x", "y:z")),
        ({"auth": base64.b64encode(b"x:").decode(), "identitytoken": "t"}, Credentials("x", "", "t")),
        ({"identitytoken": "t"}, Credentials("", "", "t")),
        ({"username": "<token>", "password": "t"}, Credentials("", "", "t")),
        ({"auth": base64.b64encode(b"<token>:t").decode()}, Credentials("", "", "t")),
        ({"registrytoken": "r"}, Credentials("", "", "", "r")),
    ],
)
def test_what_an_entry_holds(
    file: Path, monkeypatch: pytest.MonkeyPatch, entry: dict[str, str | None], found: Credentials
) -> None:
    file.parent.mkdir()
    file.write_text(json.dumps({"auths": {"a.b": entry}}))
    assert find("a.b") == found
    file.unlink()
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps({"auths": {"https://a.b/v1/": entry}}))
    assert find("a.b") == found


def test_the_entry_that_fits_best(file: Path) -> None:
    file.parent.mkdir()
    user = {key: {"username": key, "password": "y"} for key in ("a.b/team", "a.b/team/x", "https://a.b/v2/", "a.b", "a.b/te")}
    file.write_text(json.dumps({"auths": user}))
    for repository, key in (("team/x", "a.b/team/x"), ("team/y", "a.b/team"), ("te", "a.b/te"), ("x", "a.b"), ("", "a.b")):
        assert find("a.b", repository=repository) == Credentials(key, "y")
    keep("a.b", Credentials("x", "y"))
    assert set(json.loads(file.read_text())["auths"]) == {"a.b/team", "a.b/team/x", "a.b", "a.b/te"}
    assert forget("a.b")
    assert json.loads(file.read_text()) == {"auths": {}}


def test_a_registry_token_is_said_as_it_is() -> None:
    said: list[str | None] = []

    def handler(request: Request) -> Response:
        said.append(request.headers.get("authorization"))
        assert request.path == "/v2/"
        challenge = {"WWW-Authenticate": f'Bearer realm="http://{request.headers["host"]}/token"'}
        return Response(200) if said[-1] else Response(401, challenge)

    with served(handler) as address:
        for token, right in (("r", True), ("a b", False)):
            transport = Transport(Endpoint(address, insecure=True), Credentials("", "", "", token))
            if right:
                transport.request("GET", "/v2/").close()
            else:
                with pytest.raises(RegistryError, match="registry token"):
                    transport.request("GET", "/v2/")
            transport.close()
    assert said == [None, "Bearer r", None]


def test_the_file_may_be_a_link(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    (tmp_path / "dotfiles.json").write_text("{}")
    file.symlink_to(tmp_path / "dotfiles.json")
    keep("a.b", Credentials("x", "y"))
    assert file.is_symlink()
    assert find("a.b", tmp_path / "dotfiles.json") == Credentials("x", "y")
    assert config_file() == file


# --- search


@pytest.mark.usefixtures("asked")
def test_search(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = Registry(tmp_path / "registry")
    for name in ("team/busybox", "busybox", "nginx"):
        registry.files.put_manifest(name, f"sha256:{'0' * 64}", "x", b"x")
    with served(registry.answer) as address:
        assert main(["search", f"{address}/busy"]) == 0
        names = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]
        assert sorted(names) == ["busybox", "team/busybox"]
        assert main(["search", "--limit", "1", f"{address}/busy"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 2
        with pytest.raises(SystemExit, match="125"):
            main(["search", "--limit", "101", f"{address}/busy"])
        assert "0 to 100" in capsys.readouterr().err


@pytest.mark.usefixtures("asked")
def test_search_where_there_is_no_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = Registry(tmp_path / "registry")
    registry.files.put_manifest("team/busybox", f"sha256:{'0' * 64}", "x", b"x")
    with served(lambda r: Response(404) if r.path.startswith("/v1/") else registry.answer(r)) as address:
        assert main(["search", f"{address}/box"]) == 0
        assert capsys.readouterr().out.splitlines()[1].split() == ["team/busybox", "0"]


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("answer", [b"[]", b"{}", b"no json", b'{"results": {}}'])
def test_answers_to_a_search_that_are_none(answer: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with served(lambda _: Response(200, {}, answer)) as address:
        assert main(["search", f"{address}/x"]) == 1
        assert address in capsys.readouterr().err


@pytest.mark.usefixtures("asked")
def test_descriptions_may_not_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    results = [{"name": "a\x1b[2J", "description": "b\n" * 60, "star_count": "many", "is_official": 1}, "no image"]
    with served(lambda _: Response(200, {}, json.dumps({"results": results}).encode())) as address:
        assert main(["search", f"{address}/x"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 2

"""Who is let into a registry, and what it costs."""

import base64
import subprocess
import sys
from pathlib import Path

import bcrypt
import pytest

from labcore.errors import InvalidInput
from labcore.registry.server import Registry, Settings
from labcore.registry.server_auth import Htpasswd
from tests.registry import Client

LONG = b"x" * 72
ENTRIES = {"anna": b"secret", "j\u00fcrgen": "gr\u00fc\u00df:e".encode(), "long": LONG, "empty": b""}


def line(user: str, password: bytes, cost: int = 4) -> str:
    return f"{user}:{bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode()}\n"


def basic(credentials: bytes) -> str:
    return "Basic " + base64.b64encode(credentials).decode()


@pytest.fixture
def file(tmp_path: Path, registry: Registry) -> Path:
    """The users' file of the registry."""
    path = tmp_path / "htpasswd"
    path.write_text("# users\n\n" + "".join(line(*entry) for entry in ENTRIES.items()), encoding="utf-8")
    registry.settings = Settings(Htpasswd(path))
    return path


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (None, 401),
        ("", 401),
        ("Basic", 401),
        ("Basic !!!", 401),
        ("Bearer abc", 401),
        (basic(b"anna:secret"), 200),
        (basic(b"anna:secret").replace("Basic", "bAsIc"), 200),
        (basic(b"anna:wrong"), 401),
        (basic(b"anna:secret\0"), 401),
        (basic(b"anna:\0"), 401),
        (basic(b"anna:"), 401),
        (basic(b"anna"), 401),
        (basic(b":secret"), 401),
        (basic(b"nobody:secret"), 401),
        (basic(b"\xff\xfe:secret"), 401),
        (basic("j\u00fcrgen:gr\u00fc\u00df:e".encode()), 200),
        (basic(b"long:" + LONG), 200),
        (basic(b"long:" + LONG[1:]), 401),
        (basic(b"empty:"), 200),
        (basic(b"# users:"), 401),
        (basic(b"anna:secret") + ",x", 401),
        (basic(b"x" * 20_000), 401),
    ],
)
@pytest.mark.usefixtures("file")
def test_who_is_let_in(client: Client, said: str | None, status: int) -> None:
    headers = {} if said is None else {"Authorization": said}
    for path in ("/v2/", "/v2/"):  # the second time from memory
        answer = client("GET", path, **headers)
        assert answer.status == status
        if status == 401:
            assert answer.code == "UNAUTHORIZED"
            assert answer.headers["WWW-Authenticate"].startswith('Basic realm="')
            assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    for path in ("/v2/app/tags/list", "/v2/_catalog", "/v1/search"):
        assert (client("GET", path, **headers).status == 401) == (status == 401)
    assert (client("POST", "/v2/app/blobs/uploads/", **headers).status == 202) == (status == 200)


def test_who_was_let_in_once_does_not_wait_again(
    client: Client, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bcrypt's work is done once for each who is right, and each time for who is wrong, also for a user that there is not."""
    asked: list[bytes] = []

    def checkpw(password: bytes, hashed: bytes) -> bool:
        asked.append(password)
        return real(password, hashed)

    real = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    path = tmp_path / "slow"
    path.write_text(line("anna", b"secret"))
    registry.settings = Settings(Htpasswd(path))
    for _ in range(20):
        assert client("GET", "/v2/", Authorization=basic(b"anna:secret")).status == 200
    assert asked == [b"secret"]
    for wrong in (b"anna:secre", b"bert:secret", b"anna:secre"):
        assert client("GET", "/v2/", Authorization=basic(wrong)).status == 401
    assert asked == [b"secret", b"secre", b"secret", b"secre"]


def test_a_changed_file_counts_at_once(client: Client, file: Path) -> None:
    assert client("GET", "/v2/", Authorization=basic(b"anna:secret")).status == 200
    file.write_text(line("anna", b"other"))
    assert client("GET", "/v2/", Authorization=basic(b"anna:secret")).status == 401
    assert client("GET", "/v2/", Authorization=basic(b"anna:other")).status == 200
    file.write_text("anna:half wri")
    assert client("GET", "/v2/", Authorization=basic(b"anna:other")).status == 200
    file.unlink()
    assert client("GET", "/v2/", Authorization=basic(b"anna:other")).status == 200
    file.write_text(line("bert", b"new"))
    assert client("GET", "/v2/", Authorization=basic(b"anna:other")).status == 401
    assert client("GET", "/v2/", Authorization=basic(b"bert:new")).status == 200


def test_a_file_without_users_lets_nobody_in(client: Client, registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "none").write_text("")
    registry.settings = Settings(Htpasswd(tmp_path / "none"))
    assert client("GET", "/v2/", Authorization=basic(b"anna:")).status == 401


@pytest.mark.parametrize("entry", ["anna:secret", "anna:$apr1$abc$def", "anna", "anna:$2y$99$" + "a" * 53, "anna:$2y$05$short"])
def test_entries_that_are_none(tmp_path: Path, entry: str) -> None:
    (tmp_path / "htpasswd").write_text(f"{entry}\n")
    with pytest.raises(InvalidInput, match="line 1: a bcrypt entry is wanted"):
        Htpasswd(tmp_path / "htpasswd")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--listen", "127.0.0.1:99999"], "an address and a port are wanted"),
        (["--listen", "5000"], "an address and a port are wanted"),
        (["--proxy", "docker.io", "--keep", "nan"], 'for "--keep" flag: a number from'),
        (["--proxy", "docker.io", "--keep", "inf"], 'for "--keep" flag: a number from'),
        (["--proxy", "docker.io", "--keep", "-1"], 'for "--keep" flag: a number from'),
        (["--proxy", "docker.io", "--fresh", "nan"], 'for "--fresh" flag: a number from'),
        (["--htpasswd", "/nowhere"], "/nowhere"),
        (["--tls-cert", "/nowhere"], "belong together"),
        (["--tls-cert", "/nowhere", "--tls-key", "/none"], "/nowhere, /none: no certificate and its key: "),
        (["--tls-cert", "/etc/hostname", "--tls-key", "/etc/hostname"], "/etc/hostname: no certificate and its key: "),
    ],
)
def test_what_cannot_be_served(tmp_path: Path, options: list[str], said: str) -> None:
    command = [sys.executable, "-m", "labcore", "registry", "serve", "--data", str(tmp_path), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert (done.returncode, "Traceback" in done.stderr) == (125, False)
    assert said in done.stderr

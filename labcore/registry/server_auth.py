"""Server authentication: htpasswd files with bcrypt, or everybody."""

import base64
import binascii
import hmac
import re
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

import bcrypt

from labcore.errors import InvalidInput
from labcore.http import Request
from labcore.registry.errors import Unauthorized

BCRYPT: Final = re.compile(r"\$2[aby]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="labcore registry"', "Docker-Distribution-Api-Version": "registry/2.0"}


class Access(Protocol):
    """Decides whether a request is allowed."""

    def check(self, request: Request) -> None:
        """Raise Unauthorized if the request is not allowed."""


class AllowAll:
    """Allows every request."""

    def check(self, request: Request) -> None:
        """Allow it."""


class Htpasswd:
    """Users and passwords of an Apache htpasswd file with bcrypt entries (`htpasswd -B`), read again when it changes.

    bcrypt is slow on purpose. A keyed hash of each user's last correct password is cached, with a key of this process only, so
    that further requests are fast. Wrong passwords always take bcrypt's time, a few at a time, for unknown users too.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._key = secrets.token_bytes(32)
        self._slowly = threading.Semaphore(2)
        self._read()

    def _read(self) -> None:
        self._state = _state(self._file)
        self._hashes = _entries(self._file)
        self._passed: dict[str, bytes] = {}

    def check(self, request: Request) -> None:
        """Allow a request with a user and that user's password."""
        if _state(self._file) != self._state:
            with suppress(InvalidInput, OSError):  # half written: what was known until now counts until it is whole
                self._read()
        kind, _, encoded = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic" or not self._right(encoded.strip()):
            raise Unauthorized(headers=CHALLENGE)

    def _right(self, encoded: str) -> bool:
        try:
            given = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return False
        user = given.partition(b":")[0].decode(errors="replace")
        code = hmac.digest(self._key, given, "sha256")
        if hmac.compare_digest(code, self._passed.get(user, b"")):
            return True
        with self._slowly:
            right = self._matches(user, given.partition(b":")[2])
        if right:
            self._passed[user] = code
        return right

    def _matches(self, user: str, password: bytes) -> bool:
        hashed = self._hashes.get(user)
        with suppress(ValueError):  # bcrypt knows no zero bytes
            same = bcrypt.checkpw(password[:72], hashed or next(iter(self._hashes.values()), b""))
            return same and hashed is not None
        return False


def _state(file: Path) -> tuple[int, ...] | None:
    with suppress(OSError):
        status = file.stat()
        return status.st_mtime_ns, status.st_size, status.st_ino
    return None


def _entries(file: Path) -> dict[str, bytes]:
    found = {}
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        user, _, hashed = line.strip().partition(":")
        if not user or user.startswith("#"):
            continue
        if not BCRYPT.fullmatch(hashed):
            raise InvalidInput(f"{file}, line {number}: a bcrypt entry is wanted; make it by `htpasswd -B`")
        found[user] = hashed.encode()
    return found

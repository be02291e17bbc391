"""Who may use a registry."""

import base64
import binascii
import hmac
from pathlib import Path
from typing import Protocol

from labcore.errors import InvalidInput
from labcore.http import Request
from labcore.registry.problems import Unauthorized

CHALLENGE = {"WWW-Authenticate": 'Basic realm="labcore registry"', "Docker-Distribution-Api-Version": "registry/2.0"}


class Access(Protocol):
    """Decides about requests."""

    def check(self, request: Request) -> None:
        """Raise Unauthorized if the request may not be answered."""


class Everybody:
    """No question is asked."""

    def check(self, request: Request) -> None:
        """Let it pass."""


class Passwords:
    """Users and their passwords, from an Apache htpasswd file with bcrypt entries (`htpasswd -B`)."""

    def __init__(self, file: Path) -> None:
        self._hashes: dict[str, bytes] = {}
        self._passed: set[bytes] = set()  # bcrypt is slow on purpose: who was let in once need not wait again
        for number, line in enumerate(file.read_text().splitlines(), 1):
            user, colon, hashed = line.strip().partition(":")
            if not line.strip() or line.startswith("#"):
                continue
            if not colon or not hashed.startswith(("$2a$", "$2b$", "$2y$")):
                raise InvalidInput(f"{file}, line {number}: a bcrypt entry is wanted; make it by `htpasswd -B`")
            self._hashes[user] = hashed.encode()

    def check(self, request: Request) -> None:
        """Let it pass if it names a user and that user's password."""
        kind, _, encoded = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic" or not self._right(encoded.strip()):
            raise Unauthorized(headers=CHALLENGE)

    def _right(self, encoded: str) -> bool:
        import bcrypt

        try:
            given = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return False
        if any(hmac.compare_digest(given, known) for known in self._passed):
            return True
        user, _, password = given.partition(b":")
        hashed = self._hashes.get(user.decode(errors="replace"))
        if hashed is None or not bcrypt.checkpw(password[:72], hashed):
            return False
        self._passed.add(given)
        return True

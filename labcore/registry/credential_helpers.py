"""Credential helpers: docker-credential-* programs, which keep secrets in a keychain, and docker's protocol for them.

Their output may contain secrets, so it is never shown.
"""

import json
import re
import subprocess
from typing import Final

from labcore.errors import Unavailable

HELPER_TIMEOUT_SECONDS: Final = 120  # seconds: a keychain may ask its owner
UNKNOWN: Final = ("credentials not found in native keychain", "credentials not found in keychain")


def get(name: str, key: str) -> tuple[str, str] | None:
    """Return the user and the secret that a helper has for a registry; None if it has none. Raises Unavailable."""
    done = _run(name, "get", key)
    if done.returncode:
        if any(message in done.stdout + done.stderr for message in UNKNOWN):
            return None
        raise _failed(name, f"`get` ended with status {done.returncode}")
    try:
        answer = json.loads(done.stdout)
    except (ValueError, RecursionError):
        answer = None
    user, secret = (answer.get("Username"), answer.get("Secret")) if isinstance(answer, dict) else (None, None)
    if not isinstance(user, str) or not isinstance(secret, str):
        raise _failed(name, "what it says cannot be understood")
    return (user, secret) if user or secret else None  # so some say that they have none


def store(name: str, key: str, user: str, secret: str) -> None:
    """Store a secret with a helper. Raises Unavailable."""
    _do(name, "store", json.dumps({"ServerURL": key, "Username": user, "Secret": secret}))


def erase(name: str, key: str) -> None:
    """Erase a helper's secret. Raises Unavailable."""
    _do(name, "erase", key)


def _do(name: str, action: str, text: str) -> None:
    if status := _run(name, action, text).returncode:
        raise _failed(name, f"`{action}` ended with status {status}")


def _run(name: str, action: str, text: str) -> "subprocess.CompletedProcess[str]":
    if not re.fullmatch(r"[\w.-]+", name):
        raise Unavailable(f"credential helper {name!r}: the name of a program docker-credential-… is wanted, not a path")
    command = [f"docker-credential-{name}", action]
    try:
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=HELPER_TIMEOUT_SECONDS, check=False)
    except FileNotFoundError:
        raise _failed(name, "there is no such program on PATH") from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise _failed(name, type(error).__name__) from None


def _failed(name: str, why: str) -> Unavailable:
    cure = "install it, or take credsStore and credHelpers out of docker's config.json"
    return Unavailable(f"credential helper docker-credential-{name}: {why}\n  cure: {cure}")

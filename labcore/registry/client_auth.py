"""Client authentication: Basic (RFC 7617) and Bearer tokens (distribution's token authentication)."""

import base64
import json
import re
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from labcore.registry.challenges import challenges_of
from labcore.registry.connections import AGENT, Answer
from labcore.registry.credentials import Credentials
from labcore.registry.endpoint import Endpoint, RegistryError
from labcore.registry.urls import resolve, shown

ANSWER_MAX: Final = 1 << 20
TOKEN: Final = re.compile(r"[\x21-\x7e]{1,65536}")
Ask = Callable[[str, str, dict[str, str], bytes | None], Answer]


class Authorization:
    """Values of the field `Authorization` by scope, remembered, or obtained for a challenge."""

    def __init__(self, endpoint: Endpoint, credentials: Credentials | None, ask: Ask) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._ask = ask
        self._said: dict[str, str] = {}
        self._basic: str | None = None  # holds for all that may be asked
        self._lock = threading.Lock()

    def known(self, scope: str) -> str | None:
        """Return the value that was accepted the last time; None if there is none."""
        return self._said.get(scope, self._basic)

    def learn(self, challenges: Iterable[str], scope: str, refused: str | None) -> str | None:
        """Return the value that answers these challenges; None if there is none. `refused` was sent and not accepted."""
        with self._lock:
            if (known := self.known(scope)) != refused:
                return known  # another thread has asked meanwhile
            offered = challenges_of(challenges)
            bearer = next((one.parameters for one in offered if one.scheme == "bearer" and "realm" in one.parameters), None)
            if bearer:
                self._said[scope] = "Bearer " + self._token_for(bearer, scope)
            elif self._credentials and self._credentials.user and any(one.scheme == "basic" for one in offered):
                self._basic = _basic(self._credentials)
            return self.known(scope)

    def conceal(self, text: str) -> str:
        """Return a registry's text without the secrets that were sent to it, which it may repeat."""
        said = [said.partition(" ")[2] for said in (*self._said.values(), self._basic) if said]
        if self._credentials:
            own = self._credentials
            said += [own.password, own.token, own.registry_token, _basic(own).partition(" ")[2]]
        for secret in sorted(filter(None, said), key=len, reverse=True):
            text = text.replace(secret, "…")
        return text

    def forget(self, scope: str) -> None:
        """Forget a value that is not accepted any more."""
        with self._lock:
            self._said.pop(scope, None)
            self._basic = None

    def _token_for(self, parameters: dict[str, str], scope: str) -> str:
        """Return a token for a challenge."""
        if self._credentials and (token := self._credentials.registry_token):
            if not TOKEN.fullmatch(token):
                raise RegistryError(f"the registry token that docker's configuration has for {self._endpoint.registry} is none")
            return token
        scopes = [*scope.split(), *parameters.get("scope", "").split()]
        return self._token(self._realm(parameters["realm"]), parameters, list(dict.fromkeys(scopes)))

    def _realm(self, said: str) -> str:
        """Return the URL of the token server. Raises RegistryError for one that no password may be sent to."""
        if not re.match("https://|http://" if self._endpoint.insecure else "https://", said, re.IGNORECASE):
            where = self.conceal(said.partition("?")[0][:200])
            raise RegistryError(f"{self._endpoint.host} wants a password sent to {where!r}, which is not secured")
        return resolve(self._endpoint.base, said)

    def _token(self, realm: str, parameters: dict[str, str], scopes: list[str]) -> str:
        query = [("scope", scope) for scope in scopes]
        if parameters.get("service"):
            query.insert(0, ("service", parameters["service"]))
        headers: dict[str, str] = {}
        body = None
        url = realm
        if self._credentials and self._credentials.token:
            form = {"grant_type": "refresh_token", "client_id": AGENT, "refresh_token": self._credentials.token}
            form |= {"service": parameters.get("service", ""), "scope": " ".join(scopes)}
            body = urlencode(form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            if self._credentials:
                headers["Authorization"] = _basic(self._credentials)
            url += ("&" if "?" in realm else "?") + urlencode(query) if query else ""
        with self._ask("POST" if body else "GET", url, headers, body) as answer:
            return self._read(answer, realm)

    def _read(self, answer: Answer, realm: str) -> str:
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) and self._credentials:
            raise RegistryError(f"{shown(realm)}: the user or password is wrong, or may not do this", answer.status)
        if answer.status != HTTPStatus.OK:
            retry = answer.headers.get("Retry-After")
            raise RegistryError(f"{shown(realm)} gives no token: {answer.status}", answer.status, retry)
        try:
            value = json.loads(answer.read_at_most(ANSWER_MAX))
            token = value.get("token") or value["access_token"]
        except (ValueError, RecursionError, KeyError, AttributeError, TypeError):
            raise RegistryError(f"{shown(realm)} gives no token that can be read") from None
        if not isinstance(token, str) or not TOKEN.fullmatch(token):
            raise RegistryError(f"{shown(realm)} gives no token that can be said again")
        return token


def _basic(credentials: Credentials) -> str:
    said = f"{credentials.user}:{credentials.password}".encode(errors="replace")  # JSON may hold half of a character
    return "Basic " + base64.b64encode(said).decode()

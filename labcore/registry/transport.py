"""Requests to a registry: who is asked, how long is waited, when it is tried again, and what may be told to whom.

A client's part of HTTP, over the standard library's http.client: connections that are used again, redirects, and the two ways
in which a registry wants to know who asks (RFC 7617 Basic, and distribution's tokens).
"""

import base64
import http.client
import json
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

from labcore.errors import LabcoreError
from labcore.record import Record
from labcore.registry.credentials import Credentials

ATTEMPTS: Final = 5
LONGEST_WAIT: Final = 30.0  # seconds, whatever a server says of Retry-After
REDIRECTS: Final = 5
PATIENCE: Final = 60.0
TOKEN_MAX: Final = 1 << 20
AGENT: Final = "labcore"
AGAIN: Final = {429, 500, 502, 503, 504}
PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')


class RegistryError(LabcoreError):
    """A registry did not do what it was asked to; `status` is what it answered, 0 if it did not."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Endpoint(Record):
    """Where a registry is, and how it is spoken to. `authority`: a file of certificates to be trusted beside the system's."""

    host: str
    insecure: bool = False
    authority: Path | None = None

    @property
    def base(self) -> str:
        """The URL of its API."""
        return f"{'http' if self.insecure else 'https'}://{self.host}"


class Answer:
    """An answer whose body is read as it comes. Closing it gives the connection back, if all was read."""

    def __init__(self, response: http.client.HTTPResponse, url: str, give_back: Callable[[], None]) -> None:
        self.status = response.status
        self.headers = response.headers
        self.url = url
        self._response = response
        self._give_back = give_back

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes. Raises RegistryError if the connection breaks."""
        try:
            return self._response.read() if size < 0 else self._response.read(size)
        except (OSError, http.client.HTTPException) as error:
            raise RegistryError(f"{_shown(self.url)}: the connection broke off: {type(error).__name__}") from None

    def read_at_most(self, limit: int) -> bytes:
        """Read the whole body. Raises RegistryError if it is longer than the limit."""
        content = self.read(limit + 1)
        if len(content) > limit:
            raise RegistryError(f"{_shown(self.url)}: the answer is longer than {limit} bytes")
        return content

    def close(self) -> None:
        """Let go of it."""
        if self._response.isclosed():
            self._give_back()
        else:
            self._response.close()

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Transport:
    """Speaks to one registry, from several threads at once."""

    def __init__(
        self, endpoint: Endpoint, credentials: Credentials | None = None, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.endpoint = endpoint
        self._credentials = credentials
        self._sleep = sleep
        self._idle: dict[tuple[str, str], list[http.client.HTTPConnection]] = {}
        self._tokens: dict[str, str] = {}  # scope -> what to say in Authorization
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Callable[[], IO[bytes]] | None = None,
        length: int | None = None,
        scope: str = "",
        accepted: tuple[int, ...] = (200,),
    ) -> Answer:
        """Ask, and return an answer whose status is among the accepted. A `body` that is a function is called for each attempt.

        Tried again: what has no answer, too many requests, a server's own failure. Raises RegistryError.
        """
        url = urljoin(self.endpoint.base, path)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._authorized(method, url, dict(headers or {}), body, length, scope)
            except (OSError, http.client.HTTPException) as error:
                if attempt == ATTEMPTS or isinstance(error, ssl.SSLCertVerificationError):
                    raise RegistryError(f"{_shown(url)}: {error or type(error).__name__}") from None
                self._sleep(_pause(attempt, None))
                continue
            if answer.status in accepted:
                return answer
            if answer.status not in AGAIN or attempt == ATTEMPTS:
                raise self._refused(method, url, answer)
            answer.close()
            self._sleep(_pause(attempt, answer.headers.get("Retry-After")))
        raise AssertionError

    def close(self) -> None:
        """Close the connections."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    # --- who asks

    def _authorized(
        self, method: str, url: str, headers: dict[str, str], body: Any, length: int | None, scope: str
    ) -> Answer:  # fmt: skip
        """Ask; if the registry wants to know who does, tell it once."""
        answer = self._followed(method, url, headers, body, length, self._tokens.get(scope))
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        challenge = answer.headers.get("WWW-Authenticate", "")
        answer.close()
        said = self._answer_to(challenge, scope)
        if said is None:
            raise RegistryError(f"{_shown(url)}: a user and password are wanted: labcore login {self.endpoint.host}", 401)
        self._tokens[scope] = said
        answer = self._followed(method, url, headers, body, length, said)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            answer.close()
            del self._tokens[scope]
            raise RegistryError(f"{_shown(url)}: the user or password is wrong, or may not do this", 401)
        return answer

    def _answer_to(self, challenge: str, scope: str) -> str | None:
        """Return what to say in Authorization; None if there is nothing to say."""
        kind, _, rest = challenge.partition(" ")
        if kind.lower() == "basic":
            return _basic(self._credentials) if self._credentials and self._credentials.user else None
        if kind.lower() != "bearer":
            return None
        parameters = dict(PARAMETER.findall(rest))
        if "realm" not in parameters:
            return None
        return "Bearer " + self._token(parameters, parameters.get("scope") or scope)

    def _token(self, parameters: dict[str, str], scope: str) -> str:
        """Get a token where the registry says: distribution-spec's companion, the token authentication specification."""
        realm = parameters["realm"]
        query = {name: value for name, value in (("service", parameters.get("service")), ("scope", scope)) if value}
        headers: dict[str, str] = {}
        body = None
        if self._credentials and self._credentials.token:
            form = {"grant_type": "refresh_token", "client_id": AGENT, "refresh_token": self._credentials.token, **query}
            body, query = urlencode(form).encode(), {}
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif self._credentials:
            headers["Authorization"] = _basic(self._credentials)
        url = realm + ("?" + urlencode(query) if query else "")
        if self.endpoint.base.startswith("https:") and not realm.startswith("https:"):
            raise RegistryError(f"{self.endpoint.host} wants a password sent to {_shown(realm)}, which is not secured")
        with self._once("POST" if body else "GET", url, headers, body, None) as answer:
            if answer.status != HTTPStatus.OK:
                raise RegistryError(f"{_shown(realm)} gives no token: {answer.status}", answer.status)
            try:
                value = json.loads(answer.read_at_most(TOKEN_MAX))
                return str(value.get("token") or value["access_token"])
            except (ValueError, KeyError, AttributeError):
                raise RegistryError(f"{_shown(realm)} gives no token that can be read") from None

    # --- one request

    def _followed(
        self, method: str, url: str, headers: dict[str, str], body: Any, length: int | None, authorization: str | None
    ) -> Answer:  # fmt: skip
        """Ask, and go where the answer leads; who we are is told to the registry itself only."""
        home = urlsplit(url)[:2]
        for _ in range(REDIRECTS):
            own = urlsplit(url)[:2] == home
            said = {**headers, "Authorization": authorization} if authorization and own else headers
            answer = self._once(method, url, said, body, length)
            location = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or location is None or method not in ("GET", "HEAD"):
                return answer
            answer.read_at_most(TOKEN_MAX)
            answer.close()
            url = urljoin(url, location)
            if urlsplit(url).scheme not in ("https", home[0]):
                raise RegistryError(f"{self.endpoint.host} leads to {_shown(url)}, which is not secured")
        raise RegistryError(f"{_shown(url)}: one redirection after another")

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: Any, length: int | None) -> Answer:
        parts = urlsplit(url)
        key = (parts.scheme, parts.netloc)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"User-Agent": AGENT, **headers}
        if length is not None:
            headers["Content-Length"] = str(length)
        reused, connection = self._connection(key)
        stream = body() if callable(body) else body
        try:
            try:
                connection.request(method, target, stream, headers)
                response = connection.getresponse()
            except (ConnectionError, http.client.BadStatusLine):
                connection.close()
                if not reused or callable(body):
                    raise
                _, connection = self._connection(key, fresh=True)  # the server had ended it in the meantime
                connection.request(method, target, stream, headers)
                response = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        finally:
            if callable(body):
                stream.close()
        return Answer(response, url, lambda: self._idle.setdefault(key, []).append(connection))

    def _connection(self, key: tuple[str, str], *, fresh: bool = False) -> tuple[bool, http.client.HTTPConnection]:
        with self._lock, suppress(IndexError, KeyError):
            if not fresh:
                return True, self._idle[key].pop()
        scheme, host = key
        if scheme == "http":
            return False, http.client.HTTPConnection(host, timeout=PATIENCE)
        context = ssl.create_default_context(cafile=self.endpoint.authority and str(self.endpoint.authority))
        if self.endpoint.authority:
            context.load_default_certs()
        return False, http.client.HTTPSConnection(host, timeout=PATIENCE, context=context)

    def _refused(self, method: str, url: str, answer: Answer) -> RegistryError:
        with answer:
            try:
                errors = json.loads(answer.read_at_most(TOKEN_MAX))["errors"]
                said = "; ".join(f"{error.get('code')}: {error.get('message')}" for error in errors)
            except (ValueError, KeyError, TypeError, AttributeError, RegistryError):
                said = answer_phrase(answer.status)
        return RegistryError(f"{method} {_shown(url)}: {answer.status}: {said}", answer.status)


def answer_phrase(status: int) -> str:
    """Return what a status means."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "an answer that HTTP does not know"


def _basic(credentials: Credentials) -> str:
    return "Basic " + base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()


def _shown(url: str) -> str:
    """Return a URL as it may be shown: what stands behind `?` may be a signature that is as good as a password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _pause(attempt: int, retry_after: str | None) -> float:
    """Return how long to wait: what the server says, or twice as long each time, never the same for all who wait."""
    if retry_after and retry_after.isdigit():
        return min(float(retry_after), LONGEST_WAIT)
    return float(min(0.25 * 2**attempt, LONGEST_WAIT) * random.uniform(0.5, 1))
